#!/usr/bin/env python3
"""How long and in how much memory a language model becomes an artifact.

    python benchmarks/compile.py build/models/smollm2

The folder holds a float model as utils/models/smollm2.py writes it. `llmc
compress --bits 4` and `llmc compile` run as processes of their own; their times
add up, beside the bounds that llmc promises: 60 s on two cores, and 1.3 times the
model's bytes plus 500 MB. Then models of random weights in the same shape with 1/2,
1 and 2 times as many layers: the second half of the layers of the largest may
take 1.3 times what those of the first half take, each. Fails when a bound does not
hold.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from import_export import EXTRA, FACTOR, ROOT, conclude, measure

sys.path.insert(0, str(ROOT / "benchmarks" / "models"))

import tinyllama  # noqa: E402

SECONDS, GROWTH = 60.0, 1.3
LLMC = [sys.executable, "-m", "llmc"]


def compiled(model, work):
    """(seconds, peak bytes) of the model in the folder `model` to an artifact."""
    small, artifact = work / "small.onnx", work / "small.llmc"
    tokenizer = model / "tokenizer.json"
    named = ["--tokenizer", tokenizer] if tokenizer.exists() else []
    steps = [measure([*LLMC, *command], output=subprocess.DEVNULL)
             for command in (
                 ["compress", model / "model.onnx", "-o", small, "--bits", "4"],
                 ["compile", small, "-o", artifact, *named])]
    return sum(step[0] for step in steps), max(step[1] for step in steps)


def random_model(model, layers, folder):
    """Random weights in the shape of `model`, with a head of its own."""
    config = json.loads((model / "config.json").read_text())
    shape = dataclasses.replace(tinyllama.config(layers), **{
        field: config[key] for field, key in (
            ("hidden", "hidden_size"), ("ffn", "intermediate_size"),
            ("heads", "num_attention_heads"),
            ("kv_heads", "num_key_value_heads"), ("head_dim", "head_dim"),
            ("vocab", "vocab_size"), ("context", "max_position_embeddings"),
            ("rope_theta", "rope_theta"), ("eps", "rms_norm_eps"))})
    folder.mkdir()
    tinyllama.write(shape, folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    size = sum(f.stat().st_size for f in args.model.iterdir()
               if f.name.startswith("model.onnx"))
    layers = json.loads(
        (args.model / "config.json").read_text())["num_hidden_layers"]
    bound = FACTOR * size + EXTRA
    print(f"{args.model}: {size / 1e6:.0f} MB, bounds {SECONDS:.0f} s and "
          f"{bound / 1e6:.0f} MB, {args.runs} runs")
    print(f"{'':24}{'median s':>9}{'min':>7}{'max':>7}{'peak MB':>9}")

    def row(name, model):
        times, peaks = zip(*(compiled(model, work) for _ in range(args.runs)))
        seconds = statistics.median(times)
        print(f"{name:24}{seconds:9.2f}{min(times):7.2f}{max(times):7.2f}"
              f"{max(peaks) / 1e6:9.0f}", flush=True)
        return seconds, max(peaks)

    work = pathlib.Path(tempfile.mkdtemp(dir=args.model.parent))
    try:
        seconds, peak = row("ONNX to artifact, int4", args.model)
        met = seconds <= SECONDS and peak <= bound
        counts = [layers // 2, layers, 2 * layers]
        times = []
        for count in counts:
            model = random_model(args.model, count, work / "random")
            times.append(row(f"random, {count} layers", model)[0])
            shutil.rmtree(model)
        first, second = ((times[i + 1] - times[i]) / (counts[i + 1] - counts[i])
                         for i in range(2))
        print(f"a layer takes {first:.3f} s up to {counts[1]} layers, "
              f"{second:.3f} s beyond")
        met &= second <= GROWTH * first
    finally:
        shutil.rmtree(work)
    return conclude(met)


if __name__ == "__main__":
    sys.exit(main())
