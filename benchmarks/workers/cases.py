"""Inputs of models that are run as a whole, from .npz files.

The names are `CASE.in.INPUT`, as in the model zoo."""

import numpy as np


def load(path):
    """{case: {input: array}}"""
    data, cases = np.load(path), {}
    for key in data.files:
        case, kind, name = key.split(".", 2)
        if kind == "in":
            cases.setdefault(case, {})[name] = data[key]
    return cases
