"""Kernels that multiply in AMX's tiles, on processors that have them and
elsewhere with an emulator of their instructions."""

import platform

import numpy as np
import pytest

import llmc
from amx import FEATURES, emulator, run
from kernels import (floats, halves, linear, module, quantized, sparse, weight,
                     weight_ops)
from test_cpu_bf16 import cast_linear, to_bf16

TARGET = "cpu:x86-64-v4+avx512vnni+amx-int8"
# Few rows are multiplied in vectors; those from 160 on are in tiles of 16, two
# at a time, for any block.
COUNTS = (0, 1, 7, 15, 16, 17, 32, 33, 70, 160, 161, 175, 176, 177, 191)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64",
                                reason="AMX is of processors of x86-64")


def round_blocks(x, block):
    """What llmc.quantize_dynamic makes of x, in doubles."""
    columns = x.shape[1]
    padded = np.pad(x, ((0, 0), (0, -columns % block)))
    blocks = padded.reshape(len(x), -1, block)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(largest < 2.0**-120, np.float32(0),
                           np.float32(127) / largest)
    step = (largest / np.float32(127)).astype(np.float64)
    return (np.rint(blocks * inverse) * step).reshape(len(x), -1)[:, :columns]


# Blocks of a part of a tile, of one, of several, and of a whole row; numbers of
# outputs that are no multiple of a panel, and of two.
@pytest.mark.parametrize("bits,block,zeros,rows,columns,bias", [
    (4, 32, False, 160, 256, False), (4, 32, True, 33, 96, True),
    (4, 128, False, 40, 1120, True), (4, 96, True, 48, 192, False),
    (4, 70, True, 19, 70, False), (4, 8, False, 20, 64, True),
    (8, 320, False, 48, 320, False), (8, 1120, True, 40, 1120, True),
    (8, 96, False, 2117, 96, True), (4, 32, False, 2117, 96, False),
    (8, 70, True, 7, 70, False), (8, 16, False, 33, 96, True),
    (8, 36, False, 20, 36, False), (2, 16, False, 64, 128, False),
    (2, 64, True, 33, 128, True), (3, 96, False, 40, 192, True),
    (5, 32, True, 40, 96, False), (6, 16, False, 33, 70, True),
    (7, 64, True, 17, 128, False), (4, 32, "float", 33, 96, True),
    (8, 320, "half", 48, 320, False)])
def test_tiles(bits, block, zeros, rows, columns, bias, run, tmp_path):
    params, values = quantized(rows, columns, bits, block, zeros)
    body = weight_ops(params, rows, columns, bits, block)
    check_tiles(params, body, values, block, bias, run, tmp_path)


@pytest.mark.parametrize("bits,block,zeros,rows,columns", [
    (4, 32, False, 40, 96), (4, 64, True, 48, 128), (8, 64, False, 33, 128)])
def test_sparse_tiles(bits, block, zeros, rows, columns, run, tmp_path):
    """Rows of tiles and of vectors get the same bits."""
    params, body, values, _ = sparse("", rows, columns, bits, block, zeros)
    check_tiles(params, body, values, block, False, run, tmp_path)


def check_tiles(params, body, values, block, bias, run, tmp_path):
    rows, columns = values.shape
    if bias:
        params["b"] = floats(rows)

    def make():
        return module(params, body + "\n" + linear(rows, columns, bias, block),
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    make().compile_artifact(tmp_path / "a.llmc", target=TARGET)
    reference = make().compile("reference", opt_level=0)
    x = floats(max(COUNTS), columns)
    x[2] = 0
    x[3] *= np.float32(1e-30)
    x[4] *= np.float32(1e25)
    outputs = run(tmp_path / "a.llmc",
                  [{"x": x[:count]} for count in COUNTS])
    rounded = round_blocks(x, block)
    want = rounded @ values.T + params.get("b", 0)
    bound = 8e-6 * (np.abs(rounded) @ np.abs(values).T + 1)
    whole = outputs[-1]
    assert np.all(np.abs(whole - want) <= bound)
    assert np.all(np.abs(whole - reference({"x": x})["y"]) <= bound)
    if not bias:
        assert not whole[2].any()
    for count, got in zip(COUNTS, outputs):
        assert np.array_equal(got, whole[:count])


# Columns that are no whole tiles are left to vectors. Strips of eight panels,
# of what is left of them, and both.
@pytest.mark.parametrize("rows,columns,bias", [
    (16, 32, False), (33, 96, True), (96, 1120, False), (128, 64, False),
    (152, 544, True), (40, 70, False)])
def test_pairs(rows, columns, bias, run, tmp_path):
    """Sums in tiles, of one row as of many."""
    stored, values = halves(floats(rows, columns), "bf16")
    offsets = floats(rows) if bias else np.zeros(rows, np.float32)

    def make():
        return cast_linear(rows, columns, "bf16", stored, True,
                           offsets if bias else None)

    target = "cpu:x86-64-v4+amx-bf16"
    make().compile_artifact(tmp_path / "a.llmc", target=target)
    reference = make().compile("reference", opt_level=0)
    # Rows of more than 1.5 MiB meet all panels of a strip in turns.
    counts = (0, 1, 2, 15, 16, 17, 31, 32, 33, 48, 70, 71,
              3 * 2**18 // columns + 7)
    x = floats(max(counts), columns)
    x[2] = 0
    x[3] *= np.float32(1e-30)
    x[4] *= np.float32(1e25)
    # What is not finite stays in its row.
    special = x.copy()
    special[5, 0], special[17, columns - 1] = np.nan, np.inf
    *outputs, broken = run(tmp_path / "a.llmc",
                           [{"x": x[:count]} for count in counts]
                           + [{"x": special}])
    rounded, whole = to_bf16(x), outputs[-1]
    want = rounded @ values.T.astype(np.float64) + offsets
    bound = 4e-6 * (np.abs(rounded) @ np.abs(values).T + np.abs(offsets))
    assert np.all(np.abs(whole - want) <= bound)
    assert np.all(np.abs(whole - reference({"x": x})["y"]) <= 2 * bound)
    for count, got in zip(counts, outputs):
        assert np.array_equal(got, whole[:count])
    assert np.isnan(broken[5]).all() and not np.isfinite(broken[17]).any()
    others = np.delete(np.arange(len(x)), [5, 17])
    assert np.array_equal(broken[others], whole[others])


def test_epilogue(run, tmp_path):
    """A panel of each weight by turns, the last ones of parts."""
    params, body, result = {}, [], "tensor<?x40xf32>"
    body.append("%a = llmc.quantize_dynamic %x {block = 32 : i64} : "
                "(tensor<?x96xf32>) -> tensor<?x96xf32>")
    for name in "pq":
        more, ops, _ = weight(name, 40, 96, 4, 32)
        params.update(more)
        body += [ops, f"%{name} = llmc.linear %a, %{name}w : (tensor<?x96xf32>, "
                      f"tensor<40x96xf32>) -> {result}"]
    body += [f"%t = llmc.silu %p : ({result}) -> {result}",
             f"%y = llmc.mul %t, %q : ({result}, {result}) -> {result}",
             f"return %y : {result}"]

    def make():
        return module(params, "\n".join(body),
                      '%x: tensor<?x96xf32> {llmc.name = "x"}', result)

    assert make().run("llmc-claim-kernels").notices == []
    make().compile_artifact(tmp_path / "a.llmc", target=TARGET)
    x = floats(69, 96)
    whole, part, one = run(tmp_path / "a.llmc",
                           [{"x": part} for part in (x, x[:48], x[68:])])
    reference = make().compile("reference", opt_level=0)
    np.testing.assert_allclose(whole, reference({"x": x})["y"], rtol=2e-5,
                               atol=2e-5 * np.abs(whole).max())
    assert np.array_equal(part, whole[:48]) and np.array_equal(one, whole[68:])


@pytest.mark.skipif("amx_int8" in FEATURES, reason="this machine has AMX")
def test_other_machines_refuse(tmp_path):
    params, _ = quantized(32, 64, 4, 32, False)
    module(params, weight_ops(params, 32, 64, 4, 32) + "\n"
           + linear(32, 64, False, 32),
           '%x: tensor<?x64xf32> {llmc.name = "x"}',
           "tensor<?x32xf32>").compile_artifact(tmp_path / "a", target=TARGET)
    with pytest.raises(llmc.Error, match="needs the CPU features .*amx-tile, "
                                         "amx-int8, which this machine does "
                                         "not have"):
        llmc.Artifact(tmp_path / "a")
