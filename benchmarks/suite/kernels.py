"""Single kernels: llmc-kernel-benchmarks, its results as Markdown, and how well
the backend's costs rank them."""

import json
import os
import statistics
import subprocess

from .machine import Neighbours
from .protocol import Failed
from .report import QUIET, number, table

PROGRAM = "llmc-kernel-benchmarks"
LIMITS = ("read_gb_per_s", "fp32_gop_per_s", "int8_gop_per_s")


def measure(program, path, threads, rounds, only):
    """Writes Google Benchmark's JSON to `path`, and to its context the part of
    the machine that other processes used."""
    if not program.is_file():
        raise Failed(f"there is no {program}: install libbenchmark-dev and "
                     "build llmc again")
    command = [str(program), f"--benchmark_filter={only or '.'}",
               "--benchmark_min_time=0.05", f"--benchmark_out={path}",
               "--benchmark_out_format=json"]
    neighbours, data = Neighbours([]), {}
    # Kernel by kernel in each round: what slows a machine down lasts for
    # longer than repetitions in a row.
    for _ in range(rounds):
        path.unlink(missing_ok=True)
        done = subprocess.run(command, stdout=subprocess.DEVNULL, env={
            **os.environ, "OMP_NUM_THREADS": str(threads)})
        if done.returncode != 0:
            raise Failed(f"{PROGRAM} ended with status {done.returncode}")
        if not path.is_file() or path.stat().st_size == 0:
            raise Failed(f"no kernel matches '{only}'")
        merge(data, json.loads(path.read_text()))
    data["context"]["others"] = neighbours.share()
    path.write_text(json.dumps(data, indent=1) + "\n")


def merge(data, more):
    """Adds the results of another round. The best round counts for the limits:
    others can only make the machine slower."""
    context = data.setdefault("context", more["context"])
    for limit in LIMITS:
        context[limit] = max(context[limit], more["context"][limit], key=_float)
    data.setdefault("benchmarks", []).extend(more["benchmarks"])


def _float(text):
    try:
        return float(text)
    except ValueError:  # not known for this machine
        return 0.0


def rows(data):
    """A row for each kernel, with the medians of its rounds. One that failed has
    the reason only."""
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
        for key in ("real_time", "GB/s", "GOP/s", "roofline", "predicted"):
            if key in entries[0]:
                row[key] = statistics.median(e[key] for e in entries)
        row["fastest"] = min(e["real_time"] for e in entries)
        result.append(row)
    return result


def _ranks(values):
    """From 0 on; equal values share the mean of theirs."""
    order = sorted(values)
    return [order.index(v) + (order.count(v) - 1) / 2 for v in values]


def spearman(a, b):
    """The correlation of ranks; None where all of one are equal."""
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    return statistics.correlation(_ranks(a), _ranks(b))


def correlations(all_rows):
    """(what, number of kernels, rank correlation of what the backend predicts
    with what was measured): of all kernels, of linears, of those of each M, and
    of the formats of each shape and M. The fastest round counts: others can only
    make a kernel slower."""
    known = [r for r in all_rows if "predicted" in r]
    groups = {"all kernels": known}
    for row in known:
        kernel, shape, _, *rest = row["name"].split("/")
        if kernel != "linear":
            continue
        m = "M = " + rest[0].removeprefix("M:")
        for group in ("linears", f"linears, {m}",
                      f"formats of linear {shape}, {m}"):
            groups.setdefault(group, []).append(row)
    found = [(name, len(group),
              spearman([r["predicted"] for r in group],
                       [r["fastest"] for r in group]))
             for name, group in groups.items() if len(group) > 2]
    return sorted(found, key=lambda f: f[0].startswith("formats"))


def markdown(data):
    context, all_rows = data["context"], rows(data)
    lines = []
    for row in all_rows:
        if "reason" in row:
            lines.append([row["name"], "-", "", "", "", "", row["reason"]])
            continue
        share = f"{row['roofline']:.0%}" if "roofline" in row else "-"
        lines.append([row["name"], number(row["real_time"]),
                      number(row["predicted"]) if "predicted" in row else "",
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
    text = [head, "", *table(["kernel", "µs", "predicted", "GB/s", "GOP/s",
                              "roofline", "which"], lines)]
    found = [[name, str(count), "-" if rho is None else f"{rho:.3f}"]
             for name, count, rho in correlations(all_rows)]
    if found:
        text += ["", *table(["predicted against measured", "kernels",
                             "rank correlation"], found)]
    return "\n".join(text) + "\n"
