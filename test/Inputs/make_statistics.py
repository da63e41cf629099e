"""Writes a file of statistics as llmc-calibrate does, of random rows.

    make_statistics.py FILE [--probe=PARAM=DIVERGENCE ...] PARAM[,PARAM...]=COLUMNS ...

The parameters of one argument share their input, the rows of which are a random
mixture of as many normal numbers, so that columns are correlated, some large.
Numbers depend on the arguments only. Tests in Python import `gather`.
"""

import json
import pathlib
import sys

import numpy as np


def gather(rows):
    """mean, abs_max, abs_mean and gram of rows [count, columns]."""
    rows = rows.astype(np.float64)
    return {"mean": rows.mean(0), "abs_max": abs(rows).max(0),
            "abs_mean": abs(rows).mean(0), "gram": rows.T @ rows / len(rows)}


def make_rows(columns, count=256, seed=0):
    random = np.random.default_rng([seed, columns])
    mixture = random.normal(size=(columns, columns)) / np.sqrt(columns)
    mixture *= np.exp(random.normal(size=columns))
    return random.normal(size=(count, columns)) @ mixture


def write(path, inputs, counts=None, probes=()):
    """`inputs` maps tuples of parameters to rows, `counts` embeddings to how
    often each of their rows was read; `probes` are pairs of a linear's parameter
    and a divergence."""
    tensors, shared, rows = {}, {}, {}
    for params, values in inputs.items():
        first = params[0]
        rows[first] = len(values)
        shared.update(dict.fromkeys(params[1:], first))
        for name, numbers in gather(values).items():
            tensors[f"{first}.{name}"] = numbers.astype(np.float32)
    for name, numbers in (counts or {}).items():
        tensors[f"{name}.counts"] = np.asarray(numbers, np.int64)
    blocks = [{"params": sorted({*rows, *shared}), "count": 1,
               "influence": 0.5, "pair_influence": 0.5}]
    header = {"__metadata__": {
        "format": "llmc-statistics-1", "rows": json.dumps(rows),
        "shared": json.dumps(shared), "blocks": json.dumps(blocks)}}
    if probes:
        header["__metadata__"]["probes"] = json.dumps([
            {"param": param, "in_embedding": False, "divergence": divergence,
             "squared_error": 1} for param, divergence in probes])
    offset = 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": "F32" if values.dtype == np.float32 else "I64",
            "shape": values.shape,
            "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(
        len(text).to_bytes(8, "little") + text
        + b"".join(values.tobytes() for values in tensors.values()))


if __name__ == "__main__":
    file, *entries = sys.argv[1:]
    flag = "--probe="
    probes = [entry[len(flag):].split("=") for entry in entries
              if entry.startswith(flag)]
    pairs = [entry.split("=") for entry in entries
             if not entry.startswith(flag)]
    write(file, {tuple(names.split(",")): make_rows(int(columns))
                 for names, columns in pairs},
          probes=[(param, float(value)) for param, value in probes])
