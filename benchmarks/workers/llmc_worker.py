"""llmc: an artifact, or ONNX models that are compiled when loading."""

import sys
import time

import cases
import serve


class Decoder:
    def __init__(self, spec):
        import llmc
        self.artifact = llmc.Artifact(spec["path"])
        self.vocabulary = spec["vocabulary"]
        self.facts = {"weight_bytes": self.artifact.weight_bytes}

    def decode(self, prompt, tokens):
        session = self.artifact.session(capacity=prompt + tokens + 1)
        _, facts = session.generate(
            serve.token_ids(prompt, self.vocabulary), max_tokens=tokens + 1,
            ignore_eos=True)
        return serve.speed(facts["generated_tokens"] - 1,
                           facts["decode_seconds"])

    def prompt(self, tokens):
        session = self.artifact.session(capacity=tokens + 1)
        _, facts = session.generate(
            serve.token_ids(tokens, self.vocabulary), max_tokens=1,
            ignore_eos=True)
        return serve.speed(tokens, facts["prefill_seconds"])


class Runner:
    """Models by name, each run on one case of its inputs."""

    def __init__(self, spec):
        import llmc
        self.models = {}
        self.facts = {"compile_seconds": {}}
        for name, model in spec["models"].items():
            start = time.perf_counter()
            run = (llmc.Artifact if model["path"].endswith(".llmc")
                   else llmc.compile)(model["path"])
            self.facts["compile_seconds"][name] = time.perf_counter() - start
            self.models[name] = run, cases.load(model["inputs"])

    def run(self, model, case):
        run, inputs = self.models[model]
        return serve.time_calls(lambda: run(inputs[case]))


def load(spec):
    sys.path[:0] = spec["python_path"]
    return (Decoder if "vocabulary" in spec else Runner)(spec)


if __name__ == "__main__":
    serve.main(load)
