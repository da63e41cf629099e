#!/usr/bin/env python3
"""How long weights take to become 4-bit integers, beside llama.cpp.

    python benchmarks/quantize.py build/models/smollm2

The folder holds a float model as the scripts of utils/models and
benchmarks/models write it. `llmc compress --bits 4 --group 32 --symmetric` and
llama.cpp's quantizer to Q4_0, which has the same blocks, run in turns as whole
processes, from a file of f32 in the page cache to a file. llama.cpp keeps the
head in 6 bits, so that its times are of slightly other work.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from import_export import ROOT, measure
from suite import environments

GGUF = ROOT / "benchmarks" / "models" / "gguf_llama.py"
QUANTIZE = f"""
import pathlib, sys
sys.path.insert(0, {str(GGUF.parent)!r})
import gguf_llama
gguf_llama.quantize(*map(pathlib.Path, sys.argv[1:]), "Q4_0")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    peer = environments.python("llamacpp")
    work = pathlib.Path(tempfile.mkdtemp(dir=args.model.parent))
    try:
        source = work / "float"
        subprocess.run([peer, GGUF, args.model, source, "--format", "F32"],
                       check=True)
        os.environ["PYTHONPATH"] = str(ROOT / "build" / "python")
        commands = {
            "llmc": [sys.executable, "-m", "llmc", "compress",
                     args.model / "model.onnx", "-o", work / "small.onnx",
                     "--bits", "4", "--group", "32", "--symmetric"],
            "llama.cpp": [peer, "-c", QUANTIZE, source / "model.gguf",
                          work / "small.gguf"]}
        runs = {name: [] for name in commands}
        for _ in range(args.runs + 1):
            for name, command in commands.items():
                runs[name].append(measure(command, output=subprocess.DEVNULL))
        print(f"{args.model.name}: {args.runs} runs each")
        print(f"{'':12}{'median s':>9}{'min':>7}{'max':>7}{'peak MB':>9}")
        for name, measured in runs.items():
            # The first one filled the page cache.
            times, peaks, _ = zip(*measured[1:])
            print(f"{name:12}{statistics.median(times):9.2f}{min(times):7.2f}"
                  f"{max(times):7.2f}{max(peaks) / 1e6:9.0f}")
        ratios = [other[0] / own[0] for own, other in zip(*runs.values())]
        print(f"llama.cpp's time in llmc's, median of pairs: "
              f"{statistics.median(ratios[1:]):.2f}")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
