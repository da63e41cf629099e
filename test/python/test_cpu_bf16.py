"""Weights of 16 bits, and what meets bf16 ones rounded to bf16 too, against
numpy in doubles and the reference lowering."""

import pathlib
import platform

import numpy as np
import pytest

import llmc
from kernels import (ROUNDED, cast_linear, floats, halves, module, rng,
                     to_bf16)

FEATURES = set(pathlib.Path("/proc/cpuinfo").read_text().split())
# By the features that they need: instructions for pairs, tiles of 12 rows
# without them, and those of 5.
TARGETS = {"host": set()}
if platform.machine() == "x86_64":
    TARGETS["cpu:x86-64-v4"] = {"avx512vl", "avx512bw"}
    TARGETS["cpu:x86-64-v4+avx512bf16"] = {"avx512vl", "avx512_bf16"}
    TARGETS["cpu:x86-64-v3"] = {"avx2", "fma"}


def opened(make, target, folder):
    """What computes y from x, all of it in one kernel."""
    looked = make()
    assert looked.run("llmc-claim-kernels").notices == []
    assert looked.ops().get("llmc.launch") == 1
    assert "llmc.cast" not in looked.ops()
    if not TARGETS[target] <= FEATURES:
        pytest.skip(f"this machine lacks {TARGETS[target] - FEATURES}")
    make().compile_artifact(folder / "a.llmc", target=target)
    artifact = llmc.Artifact(folder / "a.llmc")
    return lambda x: artifact({"x": x})["y"]


KINDS = [("bf16", True), ("bf16", False), ("f16", False)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind,rounds", KINDS)
@pytest.mark.parametrize("rows,columns,bias", [
    (1, 1, False), (16, 2, True), (33, 63, True), (45, 129, False),
    (96, 64, False), (7, 1121, True), (80, 576, False)])
def test_linear(target, kind, rounds, rows, columns, bias, tmp_path):
    stored, values = halves(floats(rows, columns), kind)
    offsets = floats(rows) if bias else None

    def make():
        return cast_linear(rows, columns, kind, stored, rounds, offsets)

    compute = opened(make, target, tmp_path)
    reference = make().compile("reference", opt_level=0)
    x = floats(33, columns)
    x[2] = 0
    x[3] *= np.float32(1e30)
    x[4] *= np.float32(1e-30)
    read = to_bf16(x) if rounds else x.astype(np.float64)
    want = read @ values.T.astype(np.float64) + (0 if offsets is None else offsets)
    bound = 4e-6 * (np.abs(read) @ np.abs(values).T
                    + (0 if offsets is None else np.abs(offsets)))
    whole = compute(x)
    assert whole.shape == want.shape
    assert np.all(np.abs(whole - want) <= bound)
    assert np.all(np.abs(reference({"x": x})["y"] - want) <= bound)
    # A row gets the same bits in any batch.
    for count in range(33):
        assert np.array_equal(compute(x[:count]), whole[:count])
    assert np.array_equal(compute(x[5:18]), whole[5:18])
    assert np.array_equal(compute(x[32:]), whole[32:])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", [63, 64])
@pytest.mark.parametrize("kind,rounds", KINDS)
def test_special_values(target, columns, kind, rounds, tmp_path):
    """NaN and infinity reach the outputs of their row only, and of the weight's
    row; numbers below the smallest normal one may count as zeros."""
    rows = 40
    values = floats(rows, columns)
    values[5] *= np.float32(1e-38 if kind == "bf16" else 1e-6)
    values[6, 1] = np.inf
    values[7, columns - 1] = np.nan
    values[8] = 0
    stored, values = halves(values, kind)
    x = floats(20, columns)
    x[1, 3] = np.nan
    x[2, columns - 1] = np.inf
    x[3, 0] = -np.inf
    x[4] *= np.float32(1e-38)
    x[5] = np.float32(1e-45)
    x[6, 7] = np.float32(3.4e38)  # infinite as bf16
    x[7] = 0
    got = opened(lambda: cast_linear(rows, columns, kind, stored, rounds),
                 target, tmp_path)(x)
    read = to_bf16(x) if rounds else x.astype(np.float64)
    assert np.isinf(read[6, 7]) == rounds
    weights = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        want = (read[:, None, :] * weights).sum(axis=2)
        bound = 4e-6 * np.abs(read[:, None, :] * weights).sum(axis=2)
    # A float below the smallest normal one, or a product, is off by that much.
    finite = np.where(np.isfinite(weights), np.abs(weights), 0).sum(axis=1)
    others = np.where(np.isfinite(read), np.abs(read), 0).sum(axis=1)
    bound += 2.0**-126 * (finite + others[:, None] + columns)
    # Zeros or not, what is infinite times them is not finite.
    tiny = [((np.abs(it) < 2.0**-126) & (it != 0)).any(axis=1)
            for it in (read, weights)]
    unclear = ~np.isfinite(want) & (tiny[0][:, None] | tiny[1])
    assert not np.isfinite(got[unclear]).any()
    special = ~np.isfinite(want) & ~unclear
    assert np.array_equal(got[special], want[special], equal_nan=True)
    usual = np.abs(want) < np.finfo(np.float32).max / 2
    assert np.all(np.abs(got[usual] - want[usual]) <= bound[usual])
    assert not np.isnan(want[[0, 4, 5, 7]][:, :6]).any()


@pytest.mark.parametrize("rounds", [False, True])
def test_norm_gate_and_shared_operand(rounds):
    """Norms before and products behind are in one kernel."""
    stored = {name: halves(floats(48, 96), "bf16")[0] for name in "pq"}
    params = {**stored, "g": floats(96)}
    result = "tensor<?x48xf32>"
    lines = ["%g = llmc.weight @g : tensor<96xf32>",
             "%h = llmc.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : "
             "(tensor<?x96xf32>, tensor<96xf32>) -> tensor<?x96xf32>"]
    if rounds:
        lines.append(ROUNDED.format(96).replace("%x", "%h"))
    for name in "pq":
        lines += [f"%{name}s = llmc.weight @{name} : tensor<48x96xbf16>",
                  f"%{name}w = llmc.cast %{name}s {{to = f32}} : "
                  "(tensor<48x96xbf16>) -> tensor<48x96xf32>",
                  f"%{name} = llmc.linear {'%a' if rounds else '%h'}, %{name}w :"
                  f" (tensor<?x96xf32>, tensor<48x96xf32>) -> {result}"]
    lines += [f"%t = llmc.silu %p : ({result}) -> {result}",
              f"%y = llmc.mul %t, %q : ({result}, {result}) -> {result}",
              f"return %y : {result}"]

    def make():
        return module(params, "\n".join(lines),
                      '%x: tensor<?x96xf32> {llmc.name = "x"}', result)

    looked = make()
    looked.run("llmc-claim-kernels")
    assert looked.ops().get("llmc.launch") == 1
    assert not {"llmc.cast", "llmc.rms_norm", "llmc.silu"} & set(looked.ops())
    x = floats(29, 96)
    got, reference = (make().compile(target)({"x": x})["y"]
                      for target in ("host", "reference"))
    largest = np.abs(reference).max()
    # A norm may round to another bf16 in its last bit.
    np.testing.assert_allclose(got, reference,
                               atol=(2e-3 if rounds else 1e-5) * largest)


def test_a_tied_embedding_is_stored_once():
    stored, values = halves(floats(45, 71), "bf16")
    body = """%s = llmc.weight @s : tensor<45x71xbf16>
    %w = llmc.cast %s {to = f32} : (tensor<45x71xbf16>) -> tensor<45x71xf32>
    %e = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<45x71xf32>) -> tensor<?x71xf32>
    """ + ROUNDED.format(71).replace("%x", "%e") + """
    %y = llmc.linear %a, %w : (tensor<?x71xf32>, tensor<45x71xf32>) -> tensor<?x45xf32>
    return %y : tensor<?x45xf32>"""

    def make():
        return module({"s": stored}, body,
                      '%ids: tensor<?xi64> {llmc.name = "ids"}',
                      "tensor<?x45xf32>")

    looked = make()
    looked.run("llmc-claim-kernels,symbol-dce")
    assert looked.ops().get("llmc.launch") == 2
    assert sum(p["dtype"] == "bfloat16" for p in looked.params()) <= 2
    ids = rng.integers(0, 45, 19)
    got = make().compile("host")({"ids": ids})["y"]
    read = values[ids].astype(np.float64)
    bound = 4e-6 * np.abs(read) @ np.abs(values).T
    assert np.all(np.abs(got - read @ values.T) <= bound)
