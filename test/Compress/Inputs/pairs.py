"""Writes a file of statistics in which columns 2i and 2i + 1 differ by a
thousandth: pairs.py FILE PARAM COLUMNS"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Inputs"))
import make_statistics  # noqa: E402

file, param, columns = sys.argv[1:]
random = np.random.default_rng(0)
rows = random.normal(size=(64, int(columns) // 2)).repeat(2, axis=1)
rows += 1e-3 * random.normal(size=rows.shape)
make_statistics.write(file, {(param,): rows})
