"""The k largest of each row, as a kernel of the CPU backend."""

import os
import subprocess
import sys

import numpy as np
import pytest

import llmc
from kernels import rng


def make(count, columns, axis=1, smallest=False, kind="f32"):
    flag = ", smallest" if smallest else ""
    x = f"tensor<?x{columns}x{kind}>"
    sizes = f"?x{count}" if axis == 1 else f"{count}x{columns}"
    results = f"tensor<{sizes}x{kind}>", f"tensor<{sizes}xi64>"
    return llmc.Module.parse(f"""
func.func @main(%x: {x} {{llmc.name = "x"}})
    -> ({results[0]} {{llmc.name = "values"}}, {results[1]} {{llmc.name = "ids"}}) {{
  %k = llmc.constant dense<{count}> : tensor<1xi64>
  %v, %i = llmc.top_k %x, %k {{axis = {axis} : i64{flag}}}
    : ({x}, tensor<1xi64>) -> ({results[0]}, {results[1]})
  return %v, %i : {results[0]}, {results[1]}
}}""")


def order(row):
    """NaN is the largest; of equals the first comes first."""
    return sorted(range(len(row)),
                  key=lambda i: (not np.isnan(row[i]), -row[i]
                                 if not np.isnan(row[i]) else 0, i))


def numbers(kind, rows, columns):
    x = rng.standard_normal((rows, columns)).astype(np.float32)
    if kind == "ties":
        return np.round(x)
    if kind == "equal":
        return np.full_like(x, -2.5)
    if kind == "excluded":
        x[:] = -np.inf
        x[1:, columns // 2] = 1
    if kind == "special":
        some = rng.integers(0, columns, (5, max(columns // 8, 1)))
        for at, value in zip(some, (np.nan, np.inf, -np.inf, 0.0, -0.0)):
            x[:, at] = value
    if kind == "nan":
        x[:] = np.nan
    if kind == "ascending":
        return np.sort(x)
    if kind == "descending":
        return -np.sort(x)
    return x


KINDS = ["random", "ties", "equal", "excluded", "special", "nan", "ascending",
         "descending"]


@pytest.mark.parametrize("count,columns", [
    (1, 1), (1, 255), (1, 5000), (3, 3), (5, 17), (5, 256), (8, 64), (5, 1031),
    (64, 64), (64, 1500), (65, 4096), (256, 300), (256, 1024)])
def test_against_sorting(count, columns):
    made = make(count, columns)
    made.run("llmc-claim-kernels")
    assert made.ops()["llmc.launch"] == 1
    both = [make(count, columns).compile(),
            make(count, columns).compile("reference", opt_level=0)]
    for kind in KINDS:
        for rows in (1, 4):
            x = numbers(kind, rows, columns)
            want = np.array([order(row)[:count] for row in x])
            for compiled in both:
                got = compiled({"x": x})
                np.testing.assert_array_equal(got["ids"], want, err_msg=kind)
                np.testing.assert_array_equal(
                    got["values"], np.take_along_axis(x, want, 1))


@pytest.mark.parametrize("options", [
    {"count": 257}, {"axis": 0}, {"smallest": True}, {"kind": "f16"}])
def test_others_stay(options):
    made = make(**{"count": 2, "columns": 300, **options})
    made.run("llmc-claim-kernels")
    assert "llmc.launch" not in made.ops()


SCRIPT = """
import numpy as np
from test_cpu_top_k import make
rng = np.random.default_rng(5)
compiled = make(64, 50000).compile()
for rows in (1, 3):
    x = rng.standard_normal((rows, 50000)).astype(np.float32)
    for values in (x, np.round(4 * x)):
        got = compiled({"x": values})
        print(got["ids"].tolist(), got["values"].tolist())
"""


def test_threads_change_nothing():
    made = [subprocess.run([sys.executable, "-c", SCRIPT], check=True,
                           capture_output=True, text=True,
                           cwd=os.path.dirname(__file__),
                           env={**os.environ, "OMP_NUM_THREADS": str(threads)})
            .stdout for threads in (1, 2, 5)]
    assert made[0] and made[0] == made[1] == made[2]
