"""OpenVINO GenAI, which builds its model from llama.cpp's file and drives it from
C++."""

import numpy as np
import openvino
import openvino_genai as genai
import serve


class Decoder:
    def __init__(self, spec):
        options = {"PERFORMANCE_HINT": "LATENCY",
                   "INFERENCE_NUM_THREADS": spec["threads"]}
        if spec.get("precision"):
            options["INFERENCE_PRECISION_HINT"] = spec["precision"]
        self.pipeline = genai.LLMPipeline(spec["path"], "CPU", **options)
        self.vocabulary, self.calls = spec["vocabulary"], 0
        self.facts = {"version": genai.__version__}

    def _generate(self, prompt, tokens):
        """What was measured while a prompt became `tokens` tokens."""
        # It would skip a prompt that it has seen before.
        self.calls += 1
        ids = np.roll([serve.token_ids(prompt, self.vocabulary)], self.calls)
        config = genai.GenerationConfig()
        config.max_new_tokens = config.min_new_tokens = tokens
        config.ignore_eos, config.do_sample = True, False
        inputs = genai.TokenizedInputs(openvino.Tensor(ids),
                                       openvino.Tensor(np.ones_like(ids)))
        result = self.pipeline.generate(inputs, config)
        if len(result.tokens[0]) != tokens:
            raise RuntimeError(f"made {len(result.tokens[0])} tokens, not "
                               f"{tokens}")
        return result.perf_metrics

    def decode(self, prompt, tokens):
        milliseconds = self._generate(prompt, tokens + 1).get_tpot().mean
        return serve.speed(tokens, tokens * milliseconds * 1e-3)

    def prompt(self, tokens):
        milliseconds = self._generate(tokens, 1).get_ttft().mean
        return serve.speed(tokens, milliseconds * 1e-3)


if __name__ == "__main__":
    serve.main(Decoder)
