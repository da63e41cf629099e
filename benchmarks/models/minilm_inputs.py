#!/usr/bin/env python3
"""Inputs of all-MiniLM-L6-v2: one sentence and 32 of them, 128 tokens each.

    python minilm_inputs.py OUT_DIR
"""

import pathlib
import sys

import numpy as np

from float_model import common

VOCABULARY, TOKENS, BATCHES = 30522, 128, (1, 32)


def main():
    out_dir = pathlib.Path(sys.argv[1])
    key = common.fingerprint(pathlib.Path(__file__))
    if common.up_to_date(out_dir, key):
        return 0
    random, arrays = np.random.default_rng(0), {}
    for batch in BATCHES:
        shape, case = (batch, TOKENS), f"{batch}x{TOKENS}"
        arrays[f"{case}.in.input_ids"] = random.integers(
            1000, VOCABULARY, shape)
        arrays[f"{case}.in.attention_mask"] = np.ones(shape, np.int64)
        arrays[f"{case}.in.token_type_ids"] = np.zeros(shape, np.int64)
    with common.atomic_output(out_dir, key) as work:
        np.savez(work / "inputs.npz", **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main())
