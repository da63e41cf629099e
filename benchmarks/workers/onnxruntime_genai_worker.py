"""onnxruntime-genai, which drives ONNX Runtime from C++."""

import time

import onnxruntime_genai as genai
import serve


class Decoder:
    def __init__(self, spec):
        config = genai.Config(spec["folder"])
        config.overlay('{"model": {"decoder": {"session_options": '
                       f'{{"intra_op_num_threads": {spec["threads"]}}}}}}}}}')
        self.model = genai.Model(config)
        self.vocabulary, self.room = spec["vocabulary"], spec["room"]
        self.facts = {"version": genai.__version__}

    def generator(self):
        parameters = genai.GeneratorParams(self.model)
        # No end before all tokens are made.
        parameters.set_search_options(
            do_sample=False, max_length=self.room, min_length=self.room)
        return genai.Generator(self.model, parameters)

    def decode(self, prompt, tokens):
        generator = self.generator()
        generator.append_tokens(serve.token_ids(prompt, self.vocabulary))
        generator.generate_next_token()
        start = time.perf_counter()
        for _ in range(tokens):
            generator.generate_next_token()
        return serve.speed(tokens, time.perf_counter() - start)

    def prompt(self, tokens):
        generator = self.generator()
        start = time.perf_counter()
        generator.append_tokens(serve.token_ids(tokens, self.vocabulary))
        generator.generate_next_token()
        return serve.speed(tokens, time.perf_counter() - start)


if __name__ == "__main__":
    serve.main(Decoder)
