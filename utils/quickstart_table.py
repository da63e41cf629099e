#!/usr/bin/env python3
"""The closing table of utils/quickstart.sh.

    python utils/quickstart_table.py WORK_DIR NAME MODEL_DIR [NAME MODEL_DIR]...

WORK_DIR has run-I.json, what `llmc run --json` printed for model I, and
eval.json, what `llmc eval --json` printed for all of them, if it was run.
"""

import json
import pathlib
import sys


def main():
    work = pathlib.Path(sys.argv[1])
    models = list(zip(sys.argv[2::2], map(pathlib.Path, sys.argv[3::2])))
    evaluation = work / "eval.json"
    perplexities = [None] * len(models)
    if evaluation.exists():
        results = json.loads(evaluation.read_text())
        perplexities = [m["perplexity"] for m in results["models"]]
    print(f"{'model':10}{'bytes':>14}{'tokens/s':>12}{'perplexity':>14}")
    for i, ((name, folder), perplexity) in enumerate(
            zip(models, perplexities)):
        size = sum(f.stat().st_size for f in folder.glob("model.onnx*"))
        run = json.loads((work / f"run-{i}.json").read_text())
        quality = "not measured" if perplexity is None else f"{perplexity:.3f}"
        print(f"{name:10}{size:14,}{run['tokens_per_second']:12.1f}"
              f"{quality:>14}")
    if perplexities[0] is not None:
        protocol = results["protocol"]
        print("perplexity: " + ", ".join(f"{k} {v}"
                                         for k, v in protocol.items()))


if __name__ == "__main__":
    main()
