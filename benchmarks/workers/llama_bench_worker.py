"""A llama-bench binary, which loads the model anew for each sample."""

import json
import subprocess

import serve


class Decoder:
    def __init__(self, spec):
        self.command = [spec["binary"], "-m", spec["path"], "-t",
                        str(spec["threads"]), "-r", "1", "-o", "json"]
        self.facts = {"version": spec["binary"]}

    def measure(self, tokens, *arguments):
        done = subprocess.run([*self.command, *arguments],
                              capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise RuntimeError(f"llama-bench failed with status "
                               f"{done.returncode}: {lines[-1]}")
        result = json.loads(done.stdout)[0]
        return serve.speed(tokens, tokens / result["avg_ts"])

    def decode(self, prompt, tokens):
        # llama-bench starts from an empty cache and takes no prompt here.
        return self.measure(tokens, "-p", "0", "-n", str(tokens))

    def prompt(self, tokens):
        return self.measure(tokens, "-p", str(tokens), "-n", "0")


if __name__ == "__main__":
    serve.main(Decoder)
