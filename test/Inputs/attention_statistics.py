"""Writes statistics of attentions as llmc-calibrate does.

    attention_statistics.py FILE PARAM=HEADS,LENGTH,REACH ...

The queries that a parameter makes give the same probability to each of the last
REACH keys, or to all of them where there are fewer. Tests in Python import
`gather`.
"""

import json
import sys

import numpy as np
from safetensors.numpy import save_file

FIRST, WIDTH = 16, 16


def gather(probabilities):
    """[heads, FIRST + 1, bins] of the mean over queries of probabilities
    [samples, heads, length, length]."""
    heads, length = probabilities.shape[1:3]
    mean = probabilities.astype(np.float64).mean(0) / length
    mass = np.zeros((heads, FIRST + 1, -(-length // WIDTH)))
    query, key = np.indices((length, length))
    np.add.at(mass, (slice(None), np.minimum(key, FIRST),
                     abs(query - key) // WIDTH), mean)
    return mass


def write(path, attentions):
    """`attentions` maps parameters to probabilities."""
    metadata = {"format": "llmc-statistics-1", "rows": "{}", "shared": "{}",
                "blocks": "[]", "attentions": json.dumps({
                    name: {"count": p.shape[0] * p.shape[2],
                           "length": p.shape[2]}
                    for name, p in attentions.items()})}
    save_file({f"{name}.attention": gather(p).astype(np.float32)
               for name, p in attentions.items()}, path, metadata)


if __name__ == "__main__":
    file, *entries = sys.argv[1:]
    attentions = {}
    for entry in entries:
        name, sizes = entry.split("=")
        heads, length, reach = map(int, sizes.split(","))
        query, key = np.indices((length, length))
        seen = (key <= query) & (key > query - reach)
        attentions[name] = np.broadcast_to(
            seen / seen.sum(1, keepdims=True), (1, heads, length, length))
    write(file, attentions)
