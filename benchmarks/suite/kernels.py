"""Single kernels: llmc-kernel-benchmarks, and its results as Markdown."""

import json
import os
import statistics
import subprocess

from .machine import Neighbours
from .protocol import Failed
from .report import QUIET, number, table

PROGRAM = "llmc-kernel-benchmarks"


def measure(program, path, threads, rounds, only):
    """Writes Google Benchmark's JSON to `path`, and to its context the part of
    the machine that other processes used."""
    if not program.is_file():
        raise Failed(f"there is no {program}: install libbenchmark-dev and "
                     "build llmc again")
    command = [str(program), f"--benchmark_filter={only or '.'}",
               f"--benchmark_repetitions={rounds}", "--benchmark_min_time=0.05",
               f"--benchmark_out={path}", "--benchmark_out_format=json"]
    path.unlink(missing_ok=True)
    neighbours = Neighbours([])
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env={
        **os.environ, "OMP_NUM_THREADS": str(threads)})
    if done.returncode != 0:
        raise Failed(f"{PROGRAM} ended with status {done.returncode}")
    if not path.is_file() or path.stat().st_size == 0:
        raise Failed(f"no kernel matches '{only}'")
    data = json.loads(path.read_text())
    data["context"]["others"] = neighbours.share()
    path.write_text(json.dumps(data, indent=1) + "\n")


def rows(data):
    """A row for each kernel, with the medians of its repetitions. One that
    failed has the reason only."""
    runs = {}
    for entry in data["benchmarks"]:
        if entry["run_type"] == "iteration":
            name = entry["run_name"].removesuffix("/real_time")
            runs.setdefault(name, []).append(entry)
    result = []
    for name, entries in runs.items():
        failed = [e["error_message"] for e in entries
                  if e.get("error_occurred")]
        if failed:
            result.append({"name": name, "reason": failed[0]})
            continue
        row = {"name": name, "limit": entries[0].get("label", "")}
        for key in ("real_time", "GB/s", "GOP/s", "roofline"):
            if key in entries[0]:
                row[key] = statistics.median(e[key] for e in entries)
        result.append(row)
    return result


def markdown(data):
    context = data["context"]
    lines = []
    for row in rows(data):
        if "reason" in row:
            lines.append([row["name"], "-", "", "", "", row["reason"]])
            continue
        share = f"{row['roofline']:.0%}" if "roofline" in row else "-"
        lines.append([row["name"], number(row["real_time"]),
                      number(row["GB/s"]),
                      number(row["GOP/s"]) if "GOP/s" in row else "",
                      share, row["limit"]])
    head = (f"{context['threads']} threads; at most, measured before: "
            f"{context['read_gb_per_s']} GB/s read, "
            f"{context['fp32_gop_per_s']} GOP/s in fp32, "
            f"{context['int8_gop_per_s']} GOP/s in int8. Other processes used "
            f"{context['others']:.0%} of the machine."
            + (" That is too much: measure again when it is quiet."
               if context["others"] > QUIET else ""))
    return "\n".join([head, "", *table(
        ["kernel", "µs", "GB/s", "GOP/s", "roofline", "which"],
        lines)]) + "\n"
