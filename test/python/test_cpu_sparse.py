"""Integers of which two of each four columns are stored, on the CPU backend."""

import platform

import numpy as np
import pytest

import llmc
from kernels import floats, linear, module, run, sparse

ROWS, COUNTS = 45, (0, 1, 3, 17)
SHAPES = [(4, 32, 70), (4, 32, 96), (4, 32, 128), (4, 64, 128), (4, 96, 70),
          (8, 32, 100), (8, 64, 96)]


def weight(bits, block, columns, zeros=False, **more):
    return sparse("", ROWS, columns, bits, block, zeros, **more)


def make_linear(weight, columns, activations):
    params, body, *_ = weight
    return module(params, body + linear(ROWS, columns, False, activations),
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{ROWS}xf32>")


def check(weight, columns, activations, target="host", path=None):
    made = make_linear(weight, columns, activations)
    assert made.run("llmc-claim-kernels").notices == []
    assert any(".sparse" in p["name"] for p in made.params())
    reference = make_linear(weight, columns, activations).compile(
        "reference", opt_level=0)
    made = make_linear(weight, columns, activations)
    if path:
        made.compile_artifact(path, target=target)
        compiled = llmc.Artifact(path)
    else:
        compiled = made.compile(target)
    for count in COUNTS:
        x = floats(count, columns)
        got, want = (f({"x": x})["y"] for f in (compiled, reference))
        bound = 1e-6 * (np.abs(x) @ weight[3].T + 1)
        assert got.shape == want.shape
        assert np.all(np.abs(got - want) <= bound)
        if count:
            alone = compiled({"x": x[-1:]})["y"]
            assert np.array_equal(alone[0], got[-1])


@pytest.mark.parametrize("bits,block,columns", SHAPES)
@pytest.mark.parametrize("zeros", [False, True, "float"])
@pytest.mark.parametrize("rounded", [False, True])
def test_linear(bits, block, columns, zeros, rounded):
    check(weight(bits, block, columns, zeros), columns, block if rounded else 0)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("kept", ["none", "few", "lowest", "highest"])
@pytest.mark.parametrize("rounded", [False, True])
def test_extremes(bits, kept, rounded):
    check(weight(bits, 64, 128, kept=kept), 128, 64 if rounded else 0)


@pytest.mark.parametrize("pattern", ["1:2", "1:4"])
def test_other_patterns(pattern):
    """They are 2:4, too."""
    check(weight(4, 32, 96, pattern=pattern), 96, 0)


@pytest.mark.skipif(platform.machine() != "x86_64",
                    reason="these are processors of x86-64")
@pytest.mark.parametrize("target", ["cpu:x86-64", "cpu:x86-64-v3"])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("kept", ["any", "lowest"])
@pytest.mark.parametrize("rounded", [False, True])
def test_targets(target, bits, kept, rounded, tmp_path):
    check(weight(bits, 64, 128, True, kept=kept), 128, 64 if rounded else 0, target,
          tmp_path / "out.llmc")


@pytest.mark.parametrize("bits", [4, 8])
def test_embedding(bits):
    params, body, values, _ = weight(bits, 32, 96)
    body += f"""%y = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<{ROWS}x96xf32>) -> tensor<?x96xf32>
    return %y : tensor<?x96xf32>"""

    def make():
        return module(params, body, '%ids: tensor<?xi64> {llmc.name = "ids"}',
                      "tensor<?x96xf32>")

    ids = np.arange(ROWS)[::-1]
    got, _ = run(make, {"ids": ids}, claimed=1)
    np.testing.assert_array_equal(got, values[ids].astype(np.float32))
