"""CTranslate2: a decoder."""

import time

import ctranslate2
import serve


class Decoder:
    def __init__(self, spec):
        self.generator = ctranslate2.Generator(
            spec["folder"], device="cpu", compute_type=spec["compute_type"],
            inter_threads=1, intra_threads=spec["threads"])
        self.vocabulary = spec["vocabulary"]
        self.facts = {"version": ctranslate2.__version__,
                      "compute_type": self.generator.compute_type}

    def generate(self, prompt, tokens):
        """The times at which the tokens came, after the start."""
        times = []
        ids = [str(i) for i in serve.token_ids(prompt, self.vocabulary)]
        start = time.perf_counter()
        self.generator.generate_batch(
            [ids], max_length=tokens, min_length=tokens, sampling_topk=1,
            include_prompt_in_result=False,
            callback=lambda _: times.append(time.perf_counter() - start)
            or False)
        return times

    def decode(self, prompt, tokens):
        times = self.generate(prompt, tokens + 1)
        return serve.speed(len(times) - 1, times[-1] - times[0])

    def prompt(self, tokens):
        return serve.speed(tokens, self.generate(tokens, 1)[0])


if __name__ == "__main__":
    serve.main(Decoder)
