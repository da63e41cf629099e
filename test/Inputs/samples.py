"""Writes a file of samples for llmc-calibrate, of random numbers.

    samples.py FILE NAME=DTYPE:SIZE,SIZE... ...

The first size is the number of samples. Integers are below 4. Numbers depend on
the arguments only.
"""

import sys

import numpy as np
from safetensors.numpy import save_file

path, *entries = sys.argv[1:]
tensors = {}
for entry in entries:
    name, kind = entry.split("=")
    dtype, sizes = kind.split(":")
    shape = [int(size) for size in sizes.split(",")]
    random = np.random.default_rng(len(tensors))
    values = (random.integers(0, 4, shape) if dtype.startswith("int")
              else random.normal(size=shape))
    tensors[name] = values.astype(dtype)
save_file(tensors, path)
