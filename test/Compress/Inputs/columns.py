"""Writes a file of statistics in which columns are independent and have these
norms: columns.py FILE PARAM NORM..."""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Inputs"))
import make_statistics  # noqa: E402

file, param, *norms = sys.argv[1:]
count = len(norms)
make_statistics.write(file, {(param,): np.diag(list(map(float, norms)))
                        * np.sqrt(count)})
