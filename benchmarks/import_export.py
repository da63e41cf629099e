#!/usr/bin/env python3
"""How long and in how much memory a model is imported, exported, compressed.

    python benchmarks/import_export.py build/models/smollm2/model.onnx

Runs each several times and prints the median wall time and the largest peak
memory, next to the bounds that llmc promises: 3 s for import and export, and
1.3 times the model's bytes plus 500 MB. Peak memory counts mapped pages of the
model that were touched, which the system may drop at any time; the anonymous
part, which it cannot, is its own column. Fails when a bound does not hold.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECONDS, FACTOR, EXTRA = 3.0, 1.3, 500e6


def anonymous_bytes(pid):
    """The private memory of a process now; 0 once it is gone."""
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def measure(command, output=None):
    """(wall seconds, peak bytes, peak anonymous bytes) of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=output, stderr=output)
    anonymous = 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        anonymous = max(anonymous, anonymous_bytes(process.pid))
        time.sleep(0.002)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed")
    return seconds, usage.ru_maxrss * 1024, anonymous


def conclude(met):
    """Says whether the bounds were met; the exit status."""
    print("within the bounds" if met else "NOT within the bounds")
    return not met


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    tools = ROOT / "build" / "bin"
    size = sum(f.stat().st_size for f in args.model.parent.iterdir()
               if f.name.startswith(args.model.name))
    bound = FACTOR * size + EXTRA
    print(f"{args.model}: {size / 1e6:.0f} MB, bounds {SECONDS:.1f} s and "
          f"{bound / 1e6:.0f} MB, {args.runs} runs")
    print(f"{'':24}{'median s':>9}{'min':>7}{'max':>7}{'peak MB':>9}"
          f"{'anonymous':>11}")
    met = True
    work = pathlib.Path(tempfile.mkdtemp(dir=args.model.parent))
    try:
        imported, exported = work / "model.mlirbc", work / "model.onnx"
        translate = [tools / "llmc-translate", args.model, "-o"]
        for name, seconds, command in (
                ("import", SECONDS, [*translate, imported]),
                ("import and export", SECONDS, [*translate, exported]),
                ("compress to 4 bits", None, [
                    tools / "llmc-opt", imported, "--emit-bytecode", "-o",
                    work / "small.mlirbc", "--pass-pipeline=builtin.module("
                    "llmc-lift,llmc-quantize-rtn{bits=4 block=64})"])):
            runs = [measure(command) for _ in range(args.runs)]
            times, peaks, anonymous = zip(*runs)
            print(f"{name:24}{statistics.median(times):9.2f}{min(times):7.2f}"
                  f"{max(times):7.2f}{max(peaks) / 1e6:9.0f}"
                  f"{max(anonymous) / 1e6:11.0f}")
            met &= max(peaks) <= bound and (
                not seconds or statistics.median(times) <= seconds)
    finally:
        shutil.rmtree(work)
    return conclude(met)


if __name__ == "__main__":
    sys.exit(main())
