#!/usr/bin/env python3
"""Measures llmc against its peers, side by side.

    build/venv/bin/python benchmarks/run.py [--tiny | --kernels] [--only REGEX]

Installs the peers into build/benchmarks/environments, makes the models in
build/benchmarks/models and measures everything in rounds, taking turns. A
Markdown table goes to stdout, results.json and results.svg to build/benchmarks.
docs/benchmarks.md says what is measured and how.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

from suite import comparisons, environments, kernels, machine, report, results
from suite.comparisons import LLMC, Contender
from suite.environments import ROOT
from suite.protocol import Failed, Worker
from suite.recipes import Kitchen
from suite.rounds import Series, alternate

OUT = ROOT / "build" / "benchmarks"


def say(text):
    print(text, file=sys.stderr, flush=True)


def zoo_folder():
    shared = os.environ.get("LLMC_SHARED") or ROOT.parent / "shared"
    return pathlib.Path(shared) / "zoo"


def chosen(args):
    """The comparisons of this run."""
    cases = sorted(p.stem for p in args.zoo.glob("*.onnx"))
    table = comparisons.table(cases, tokens=16 if args.tiny else 128)
    if args.llama_bench:
        table = [with_llama_bench(c) for c in table]
    return [c for c in table
            if not args.only or re.search(args.only, c.name)]


def with_llama_bench(comparison):
    more = tuple(Contender("llama-bench", c.format)
                 for c in comparison.contenders if c.peer == "llama.cpp")
    return dataclasses.replace(
        comparison, contenders=comparison.contenders + more)


def operations(config):
    """Of one token in the layers, without the head: two for each weight."""
    query = config["num_attention_heads"] * config["head_dim"]
    kv = config["num_key_value_heads"] * config["head_dim"]
    hidden = config["hidden_size"]
    layer = 2 * hidden * query + 2 * hidden * kv \
        + 3 * hidden * config["intermediate_size"]
    return 2 * layer * config["num_hidden_layers"]


class Patience:
    """Seconds that may be spent on waiting for other processes."""

    def __init__(self, seconds):
        self.left = seconds

    def wait(self, neighbours):
        self.left = neighbours.wait(self.left)


def compare(comparison, kitchen, limits, rounds, patience):
    """The rows of one comparison, and facts about its contenders."""
    workers, recipes, failed, facts = {}, {}, {}, {}
    for contender in comparison.contenders:
        say(f"{comparison.name}: loading {contender.name}")
        try:
            recipe = recipes[contender.name] = kitchen.recipe(comparison,
                                                              contender)
            worker = workers[contender.name] = Worker(
                recipe.command, recipe.specification, kitchen.environment())
            facts[contender.name] = {**recipe.facts, **worker.facts}
        except Failed as problem:
            say(f"{comparison.name}: {contender.name}: {problem}")
            failed[contender.name] = str(problem)
    count = iter(range(1, rounds + 1))

    def before_round():
        say(f"{comparison.name}: round {next(count)} of {rounds}")
        limits.sample()

    try:
        say(f"{comparison.name}: warming up")
        neighbours = machine.Neighbours([w.pid for w in workers.values()])
        series = alternate(
            workers, {m.name: (m.call, dict(m.arguments))
                      for m in comparison.measures}, rounds,
            before_round=before_round, others=neighbours.share,
            before_sample=lambda: patience.wait(neighbours))
    finally:
        for worker in workers.values():
            worker.close()
    for name, reason in failed.items():
        for measure in comparison.measures:
            series[name, measure.name] = Series(reason=reason)
    work = operations(kitchen.config(comparison.model)) \
        if comparison.decoder else 0
    return results.rows(comparison, series, recipes, limits.best(),
                        work), facts


def plot(data, folder):
    """The picture, if matplotlib can be had."""
    rows = [{"label": r["workload"], "ratio": r["ratio"],
             "target": r["target"], "met": r["met"]}
            for r in results.summarized(data["rows"])]
    data["plot"] = {"rows": rows, "title": f"{data['machine']['processor']}, "
                    f"{data['threads']} threads"}
    path = folder / "results.json"
    path.write_text(json.dumps(data, indent=2) + "\n")
    try:
        python = environments.python("plot")
        subprocess.run([str(python), str(ROOT / "benchmarks" / "suite" /
                                         "plot.py"), str(path),
                        str(folder / "results.svg"),
                        str(folder / "results.png")], check=True)
    except (Failed, subprocess.CalledProcessError) as problem:
        say(f"no plot: {problem}")


def commit():
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always",
                           "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def at_least_one(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, and is {text}")
    return int(text)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="REGEX",
                        help="only comparisons whose names match")
    parser.add_argument("--list", action="store_true",
                        help="print the names of the comparisons and stop")
    parser.add_argument("--rounds", type=at_least_one, default=5, metavar="N",
                        help="samples of each (default: 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(),
                        metavar="N", help="of every contender (default: all "
                        "cores)")
    parser.add_argument("--patience", type=float, default=0, metavar="S",
                        help="wait S seconds altogether for other processes "
                        "to be quiet, before samples (default: 0)")
    parser.add_argument("--tiny", action="store_true",
                        help="TinyLlama with 2 layers and 16 tokens: to test "
                        "the benchmarks, not to measure")
    parser.add_argument("--kernels", action="store_true",
                        help="time single kernels of llmc, without peers")
    parser.add_argument("--zoo", type=pathlib.Path, default=zoo_folder(),
                        metavar="DIR", help="a folder of models, NAME.onnx "
                        "with inputs in NAME.npz (default: "
                        "$LLMC_SHARED/zoo)")
    parser.add_argument("--llama-bench", type=pathlib.Path, metavar="FILE",
                        help="a llama-bench binary as one more peer")
    parser.add_argument("--out", type=pathlib.Path, default=OUT,
                        metavar="DIR", help="where results go (default: "
                        "build/benchmarks)")
    parser.add_argument("--report", action="store_true",
                        help="print the last results again")
    return parser.parse_args()


def last_results(path):
    """Those that an earlier run has left."""
    if not path.is_file():
        raise Failed(f"there is no {path}: measure first, without --report")
    return json.loads(path.read_text())


def time_kernels(args):
    path = args.out / "kernels.json"
    if not args.report:
        args.out.mkdir(parents=True, exist_ok=True)
        kernels.measure(ROOT / "build" / "bin" / kernels.PROGRAM, path,
                        args.threads, args.rounds, args.only or "")
    print(kernels.markdown(last_results(path)), end="")


def main():
    args = parse()
    if args.kernels or args.report:
        try:
            if args.kernels:
                time_kernels(args)
            else:
                print(report.markdown(last_results(
                    args.out / "results.json")), end="")
        except Failed as problem:
            sys.exit(f"error: {problem}")
        return 0
    table = chosen(args)
    if args.list:
        print("\n".join(c.name for c in table))
        return 0
    if not table:
        sys.exit(f"error: no comparison matches '{args.only}'; --list "
                 "prints them all")
    args.out.mkdir(parents=True, exist_ok=True)
    kitchen = Kitchen(OUT, args.threads, 2 if args.tiny else 22, 1024,
                      args.llama_bench, args.zoo)
    limits = machine.Limits(OUT, args.threads)
    patience = Patience(args.patience)
    data = {"machine": machine.description(), "threads": args.threads,
            "rounds": args.rounds, "commit": commit(), "tiny": args.tiny,
            "rows": [], "preparation": {}, "facts": {}}
    for comparison in table:
        rows, facts = compare(comparison, kitchen, limits, args.rounds,
                              patience)
        data["rows"] += rows
        data["limits"] = limits.best()
        for name, fact in facts.items():
            key = f"{comparison.name}: {name}"
            data["facts"][key] = fact
            if name.startswith(LLMC):
                data["preparation"][key] = fact
        # After each, so that an interrupted run leaves what it has.
        plot(data, args.out)
    print(report.markdown(data), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
