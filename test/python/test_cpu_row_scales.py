"""Weights whose scales are integers times a number of their row, on the CPU
backend: sums stay integers as far as activations have one step."""

import platform

import numpy as np
import pytest

from amx import emulator, run  # noqa: F401
from kernels import (check_same_bits, compile_both, floats, linear, module, rng,
                     row_scaled)
from test_cpu_tiles import COUNTS, TARGET, round_blocks

ROWS = (0, 1, 3, 4, 6, 11, 12, 13, 37)

on_x86 = pytest.mark.skipif(platform.machine() != "x86_64",
                            reason="these are processors of x86-64")

# bits, block, rows, columns, activations, bias: steps of one block, of some, of
# a part of the last ones, and of all; rows that end in a part of a block; blocks
# that end in a part of a vector.
CASES = [(4, 32, 33, 128, 32, False), (4, 32, 40, 256, 128, True),
         (4, 32, 33, 160, 96, False), (4, 16, 64, 70, 32, True),
         (4, 128, 40, 1120, 256, True), (4, 32, 160, 256, 4096, False),
         (3, 32, 17, 224, 64, True), (2, 16, 33, 144, 64, False),
         (2, 64, 48, 576, 128, True), (5, 32, 33, 96, 64, False),
         (4, 8, 20, 64, 64, True), (4, 24, 33, 130, 48, False),
         (4, 40, 17, 200, 80, True), (6, 16, 33, 70, 48, True),
         (7, 64, 17, 192, 128, False)]


def make_linear(params, body, rows, columns, bias, activations):
    return module(params, body + linear(rows, columns, bias, activations),
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{rows}xf32>")


def whole_blocks(activations, block, columns):
    """Columns that share a step: no more than there are."""
    return min(activations, -(-columns // block) * block)


@pytest.mark.parametrize("bits,block,rows,columns,activations,bias", CASES)
def test_linear(bits, block, rows, columns, activations, bias):
    params, body, values = row_scaled("", rows, columns, bits, block)
    if bias:
        params["b"] = floats(rows)

    def make():
        return make_linear(params, body, rows, columns, bias, activations)

    stored = make()
    assert stored.run("llmc-claim-kernels").notices == []
    types = {p["name"].split(".")[-1]: p["dtype"] for p in stored.params()}
    assert types["multiples"] == "uint8" and types["rows"] == "float32"
    both = compile_both(make, claimed=1)
    x = floats(max(ROWS), columns)
    x[2], x[3] = 0, x[3] * np.float32(1e-30)
    rounded = round_blocks(x, whole_blocks(activations, block, columns))
    want = rounded @ values.T + params.get("b", 0)
    # Sums of a step are exact.
    bound = 1e-6 * (np.abs(rounded) @ np.abs(values).T
                    + np.abs(params.get("b", 0))) + 1e-40
    whole = both[0]({"x": x})["y"]
    assert np.all(np.abs(whole - want) <= bound)
    assert np.all(np.abs(both[1]({"x": x})["y"] - want) <= 8 * bound)
    for count in ROWS:
        assert np.array_equal(both[0]({"x": x[:count]})["y"], whole[:count])


@on_x86
@pytest.mark.parametrize("bits,block,rows,columns,activations,bias", CASES)
def test_tiles(bits, block, rows, columns, activations, bias, run,  # noqa: F811
               tmp_path):
    """AMX's tiles multiply the 8-bit integers, to the same bits."""
    params, body, values = row_scaled("", rows, columns, bits, block)
    if bias:
        params["b"] = floats(rows)

    def make():
        return make_linear(params, body, rows, columns, bias, activations)

    make().compile_artifact(tmp_path / "a.llmc", target=TARGET)
    x = floats(max(COUNTS), columns)
    x[2], x[3] = 0, x[3] * np.float32(1e-30)
    outputs = run(tmp_path / "a.llmc", [{"x": x[:count]} for count in COUNTS])
    want = make().compile()({"x": x})["y"]
    for count, got in zip(COUNTS, outputs):
        assert np.array_equal(got, want[:count])


@on_x86
@pytest.mark.parametrize("target", ["cpu:x86-64-v3", "cpu:cascadelake",
                                    "cpu:znver3", "cpu:znver4"])
@pytest.mark.parametrize("bits", [2, 3, 4, 7])
def test_the_same_bits_on_all(target, bits, tmp_path):
    params, body, _ = row_scaled("", 45, 256, bits, 64)

    def make():
        return make_linear(params, body, 45, 256, False, 128)

    check_same_bits(make, 256, target, tmp_path)


@pytest.mark.parametrize("bits", [2, 3, 4, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_largest_sums(bits, sign):
    """A step of all columns, whose sums are the largest that 32 bits hold."""
    columns = 130_048
    params, body, values = row_scaled("", 16, columns, bits, 128, largest=True)
    compiled = make_linear(params, body, 16, columns, False, columns).compile()
    for rows in (1, 4, 13):
        got = compiled({"x": np.full((rows, columns), sign, np.float32)})["y"]
        np.testing.assert_allclose(
            got, np.tile(sign * values.sum(1), (rows, 1)), rtol=1e-6)


def test_steps_of_other_columns_are_said():
    """Steps that end inside of a block of the weight have no kernel."""
    params, body, _ = row_scaled("", 16, 128, 4, 32)
    notices = make_linear(params, body, 16, 128, False, 48).run(
        "llmc-claim-kernels").notices
    assert any("quantize_dynamic" in notice or "no backend claims" in notice
               for notice in notices)


@pytest.mark.parametrize("activations,most", [(0, 16), (32, 17)])
def test_products_of_the_factors(activations, most):
    """Are the scales of activations in floats, and where the weight's integers
    have more than 8 bits."""
    params, body, _ = row_scaled("", 33, 128, 4, 32)
    params["m"][3, 1] = most
    x = floats(5, 128)

    def make():
        return make_linear(params, body, 33, 128, False, activations)

    got, reference = (compiled({"x": x})["y"]
                      for compiled in compile_both(make, claimed=1))
    np.testing.assert_allclose(got, reference, rtol=1e-4, atol=1e-4)


def test_weights_of_one_kernel():
    """Several linears of one x, a gate, and an embedding with the same weight."""
    params, body, values = row_scaled("", 64, 128, 4, 32)
    other, more, others = row_scaled("o", 64, 128, 4, 32)
    params |= other
    shape = "tensor<?x128xf32>"

    def make():
        return module(params, body + more + f"""
        %a = llmc.quantize_dynamic %x {{block = 64 : i64}} : ({shape}) -> {shape}
        %g = llmc.linear %a, %w : ({shape}, tensor<64x128xf32>) -> tensor<?x64xf32>
        %h = llmc.silu %g : (tensor<?x64xf32>) -> tensor<?x64xf32>
        %u = llmc.linear %a, %ow : ({shape}, tensor<64x128xf32>) -> tensor<?x64xf32>
        %y = llmc.mul %h, %u : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
        return %y : tensor<?x64xf32>""",
                      f'%x: {shape} {{llmc.name = "x"}}', "tensor<?x64xf32>")

    both = compile_both(make, claimed=1)
    x = floats(13, 128)
    rounded = round_blocks(x, 64)
    gate = rounded @ values.T
    want = gate / (1 + np.exp(-gate)) * (rounded @ others.T)
    for compiled in both:
        np.testing.assert_allclose(compiled({"x": x})["y"], want, rtol=1e-4,
                                   atol=1e-4)


def test_embedding():
    """Reads the products of the factors; a linear with the same weight reads
    the same panels."""
    params, body, values = row_scaled("", 64, 128, 4, 32)

    def make():
        return module(params, body + """
        %e = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<64x128xf32>) -> tensor<?x128xf32>
        %a = llmc.quantize_dynamic %e {block = 64 : i64} : (tensor<?x128xf32>) -> tensor<?x128xf32>
        %y = llmc.linear %a, %w : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
        return %y : tensor<?x64xf32>""",
                      '%ids: tensor<?xi64> {llmc.name = "ids"}',
                      "tensor<?x64xf32>")

    looked = make()
    assert looked.run("llmc-claim-kernels").notices == []
    assert sum(".panels" in p["name"] and p["name"].endswith(
        ("panels16", "panels8", "panels4")) for p in looked.params()) == 1
    ids = rng.integers(0, 64, 13)
    rounded = round_blocks(values[ids].astype(np.float32), 64)
    for compiled in compile_both(make, claimed=2):
        np.testing.assert_allclose(compiled({"ids": ids})["y"],
                                   rounded @ values.T, rtol=1e-4, atol=1e-4)
