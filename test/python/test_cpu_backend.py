"""Kernels of the CPU backend against the reference lowering and numpy."""

import json
import platform

import numpy as np
import pytest

import llmc
from kernels import (check_same_bits, compile_both, floats, linear, module,
                     pack, quantized, rng, run, weight, weight_ops)

# Rows: none, one, few, and around the tiles of 6 and 12.
ROWS = (0, 1, 3, 4, 6, 11, 12, 13, 37)


# Every number of bits with the blocks that it may have, and odd sizes.
@pytest.mark.parametrize("bits,block,zeros,rows,columns,bias", [
    (2, 16, False, 64, 128, False), (2, 64, True, 33, 96, True),
    (3, 32, False, 33, 96, True), (3, 128, True, 40, 1120, False),
    (4, 16, True, 64, 128, False), (4, 32, False, 33, 96, True),
    (4, 32, True, 7, 70, True), (4, 256, False, 40, 1120, False),
    (5, 32, True, 40, 96, False), (6, 16, False, 33, 70, True),
    (7, 64, True, 17, 128, False), (8, 16, False, 33, 96, True),
    (8, 64, True, 7, 70, False), (4, 70, True, 19, 70, False),
    (8, 1120, False, 40, 1120, True), (2, 16, "float", 33, 70, True),
    (3, 64, "half", 40, 1120, False), (4, 32, "float", 64, 128, True),
    (4, 70, "half", 19, 70, False), (8, 32, "float", 33, 96, False)])
def test_packed_linear(bits, block, zeros, rows, columns, bias):
    params, values = quantized(rows, columns, bits, block, zeros)
    body = weight_ops(params, rows, columns, bits, block)
    if bias:
        params["b"] = floats(rows)

    def make():
        return module(params, body + "\n" + linear(rows, columns, bias),
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    both = compile_both(make, claimed=1)
    for count in ROWS:
        x = floats(count, columns)
        got, reference = (compiled({"x": x})["y"] for compiled in both)
        want = x.astype(np.float64) @ values.T + params.get("b", 0)
        # Rounding errors of a sum grow with the magnitudes that go into it.
        bound = 1e-6 * (np.abs(x).astype(np.float64) @ np.abs(values).T + 1)
        assert got.shape == want.shape
        assert np.all(np.abs(got - want) <= 8 * bound)
        assert np.all(np.abs(reference - want) <= 8 * bound)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 7)])
def test_ranks(shape):
    """Leading dimensions of x are rows, and a vector is one."""
    w, x = floats(5, 7), floats(*shape)
    dims = "x".join(["?"] * (len(shape) - 1) + ["7xf32"])
    result = f"tensor<{dims[:-len('7xf32')]}5xf32>"

    def make():
        return module(
            {"w": w}, f"""%w = llmc.weight @w : tensor<5x7xf32>
            %y = llmc.linear %x, %w : (tensor<{dims}>, tensor<5x7xf32>) -> {result}
            return %y : {result}""",
            f'%x: tensor<{dims}> {{llmc.name = "x"}}', result)

    got, _ = run(make, {"x": x}, claimed=1)
    np.testing.assert_allclose(got, x @ w.T, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows,columns", [(1, 1), (32, 64), (45, 130)])
def test_dense_linear(rows, columns):
    w, b = floats(rows, columns), floats(rows)
    body = f"%w = llmc.weight @w : tensor<{rows}x{columns}xf32>\n"

    def make():
        return module({"w": w, "b": b}, body + linear(rows, columns, True),
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    both = compile_both(make, claimed=1)
    for count in ROWS:
        x = floats(count, columns)
        got, reference = (compiled({"x": x})["y"] for compiled in both)
        np.testing.assert_allclose(got, reference, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(got, x @ w.T + b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["zero", "denormal", "huge"])
def test_adversarial_values(kind):
    """Zero rows stay exactly zero; tiny and huge numbers neither vanish nor
    overflow where the result does not."""
    w, x = floats(40, 64), floats(9, 64)
    scale = {"zero": 0.0, "denormal": 1e-40, "huge": 1e30}[kind]
    w *= np.float32(scale)
    body = "%w = llmc.weight @w : tensor<40x64xf32>\n"
    got, reference = run(
        lambda: module({"w": w}, body + linear(40, 64, False),
                       '%x: tensor<?x64xf32> {llmc.name = "x"}',
                       "tensor<?x40xf32>"), {"x": x}, claimed=1)
    want = x.astype(np.float64) @ w.astype(np.float64).T
    if kind == "zero":
        assert not got.any()
    bound = 1e-5 * np.abs(x).astype(np.float64) @ np.abs(w).T + 1e-44
    assert np.all(np.abs(got - want) <= bound)
    assert np.all(np.abs(reference - want) <= bound)


# 32 bits do not hold sums of more than 65,535 products of 8 bits, which are then
# of floats, nor half of 150,016 where the higher half of a byte is multiplied.
# AVX2 sums products of few bits in 16 bits first.
@pytest.mark.parametrize("target", [
    "host", pytest.param("cpu:x86-64-v3", marks=pytest.mark.skipif(
        platform.machine() != "x86_64", reason="AVX2 is x86-64's"))])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("columns", [64, 65_472, 150_016])
@pytest.mark.parametrize("sign", [1, -1])
def test_largest_sums_of_integers(bits, columns, sign, target, tmp_path):
    codes = np.zeros((16, columns), np.uint8)
    codes[::2] = 2**bits - 1
    params = {"q": pack(codes, bits).reshape(16, 1, -1),
              "s": np.ones((16, 1), np.float32)}
    module(params, weight_ops(params, 16, columns, bits, columns)
           + "\n" + linear(16, columns, False, columns),
           f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
           "tensor<?x16xf32>").compile_artifact(tmp_path / "out.llmc",
                                                target=target)
    compiled = llmc.Artifact(tmp_path / "out.llmc")
    values = codes[:, 0].astype(np.float64) - 2**(bits - 1)
    error = 1e-2 if bits == 8 and columns > 65_535 else 1e-6
    for rows in (1, 4, 13):
        got = compiled({"x": np.full((rows, columns), sign, np.float32)})["y"]
        np.testing.assert_allclose(
            got, np.tile(sign * columns * values, (rows, 1)), rtol=error)


@pytest.mark.parametrize("bits,activations", [
    (0, 0), (2, 0), (4, 0), (8, 0), (2, 32), (3, 32), (4, 32), (6, 32), (8, 32)])
def test_a_row_does_not_depend_on_its_batch(bits, activations):
    """However many rows there are, each gets the bits that it gets alone."""
    if bits:
        params, _ = quantized(40, 96, bits, 32, True)
        body = weight_ops(params, 40, 96, bits, 32)
    else:
        params = {"w": floats(40, 96)}
        body = "%w = llmc.weight @w : tensor<40x96xf32>"
    x = floats(40, 96)
    compiled = module(params, body + "\n" + linear(40, 96, False, activations),
                      '%x: tensor<?x96xf32> {llmc.name = "x"}',
                      "tensor<?x40xf32>").compile()
    whole = compiled({"x": x})["y"]
    for begin, end in ((3, 8), (3, 20), (0, 1), (39, 40), (1, 3)):
        part = compiled({"x": x[begin:end]})["y"]
        assert np.array_equal(part, whole[begin:end])


@pytest.mark.parametrize("bits,zeros", [(0, False), (2, True), (3, False),
                                        (4, False), (4, True), (5, True),
                                        (8, True), (3, "half"), (4, "float"),
                                        (8, "float")])
def test_embedding(bits, zeros):
    rows, columns, block = 45, 70, 32
    if bits:
        params, values = quantized(rows, columns, bits, block, zeros)
        body = weight_ops(params, rows, columns, bits, block)
    else:
        values = floats(rows, columns)
        params = {"w": values}
        body = f"%w = llmc.weight @w : tensor<{rows}x{columns}xf32>"

    def make():
        return module(params, body + f"""
        %y = llmc.embedding %ids, %w : (tensor<?x?xi64>, tensor<{rows}x{columns}xf32>)
          -> tensor<?x?x{columns}xf32>
        return %y : tensor<?x?x{columns}xf32>""",
                      '%ids: tensor<?x?xi64> {llmc.name = "ids"}',
                      f"tensor<?x?x{columns}xf32>")

    ids = rng.integers(-rows, rows, (3, 30))
    got, reference = run(make, {"ids": ids}, claimed=1)
    np.testing.assert_allclose(got, values[ids], rtol=1e-6)
    assert np.array_equal(got, reference)
    for bad in (rows, -rows - 1):
        with pytest.raises(llmc.Error, match="index"):
            make().compile()({"ids": np.array([[bad]])})


def test_a_tied_weight_is_packed_once():
    params, _ = quantized(64, 96, 4, 32, True)
    made = module(params, weight_ops(params, 64, 96, 4, 32) + """
        %e = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<64x96xf32>) -> tensor<?x96xf32>
        %y = llmc.linear %e, %w : (tensor<?x96xf32>, tensor<64x96xf32>) -> tensor<?x64xf32>
        return %y : tensor<?x64xf32>""",
                  '%ids: tensor<?xi64> {llmc.name = "ids"}', "tensor<?x64xf32>")
    before = sum(p["bytes"] for p in made.params())
    assert made.run("llmc-claim-kernels").notices == []
    after = {p["name"]: p["bytes"] for p in made.params()}
    # Zero points take a byte each; nothing is there twice.
    assert len(after) == 3 and all(".panels" in name for name in after)
    assert before <= sum(after.values()) <= before + 64 * 3


@pytest.mark.parametrize("columns", [32, 64])
def test_a_weight_and_its_transpose_are_packed(columns):
    w = floats(32, columns)
    made = module({"w": w}, f"""
        %w = llmc.weight @w : tensor<32x{columns}xf32>
        %t = llmc.transpose %w {{perm = array<i64: 1, 0>}} : (tensor<32x{columns}xf32>) -> tensor<{columns}x32xf32>
        %h = llmc.linear %x, %w : (tensor<?x{columns}xf32>, tensor<32x{columns}xf32>) -> tensor<?x32xf32>
        %y = llmc.linear %h, %t : (tensor<?x32xf32>, tensor<{columns}x32xf32>) -> tensor<?x{columns}xf32>
        return %y : tensor<?x{columns}xf32>""",
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{columns}xf32>")
    x = floats(5, columns)
    np.testing.assert_allclose(made.compile()({"x": x})["y"], x @ w.T @ w,
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("zeros", [True, "float"])
def test_one_parameter_may_be_data_of_two_weights(zeros):
    """With other scales and zero points: those are packed for each."""
    params, ops, _ = weight("a", 64, 64, 4, 32, zeros)
    more, other, _ = weight("b", 64, 64, 4, 32, zeros)
    del more["bq"]
    other = other.replace("@bq ", "@aq ")

    def make():
        return module({**params, **more}, f"""{ops}
            {other}
            %h = llmc.linear %x, %aw : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
            %y = llmc.linear %h, %bw : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
            return %y : tensor<?x64xf32>""",
                      '%x: tensor<?x64xf32> {llmc.name = "x"}',
                      "tensor<?x64xf32>")

    got, want = run(make, {"x": floats(5, 64)}, 2)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    made = make()
    made.run("llmc-claim-kernels")
    assert len(made.params()) == 5  # the integers once


def test_what_is_not_claimed_is_said():
    """8 bits come in lines of 4 columns, which blocks of 2 do not fill: a
    remark, and an error when strict."""
    params, _ = quantized(8, 32, 8, 2, False)
    body = weight_ops(params, 8, 32, 8, 2) + "\n" + linear(8, 32, False)

    def make():
        return module(params, body,
                      '%x: tensor<?x32xf32> {llmc.name = "x"}',
                      "tensor<?x8xf32>")

    looked = make()
    notices = looked.run("llmc-claim-kernels").notices
    assert len(notices) == 1 and "no backend claims" in notices[0]
    assert looked.ops().get("llmc.launch", 0) == 0
    with pytest.raises(llmc.Error, match="no backend claims"):
        make().run("llmc-claim-kernels{strict}")


@pytest.mark.parametrize("bits, block, wide", [
    (3, 16, 4), (3, 40, 4), (2, 8, 4), (2, 12, 8), (4, 20, 8), (5, 16, 8),
    (6, 8, 8), (7, 16, 8)])
@pytest.mark.parametrize("zeros", [False, True, "float"])
def test_blocks_that_do_not_fill_lines(bits, block, wide, zeros):
    """Are stored in more bits, which is said, and an error when strict."""
    rows, columns = 33, 2 * block + 5
    params, values = quantized(rows, columns, bits, block, zeros)
    body = (weight_ops(params, rows, columns, bits, block) + """
        %a = llmc.quantize_dynamic %x {block = BLOCK : i64} : (tensor<?xKxf32>) -> tensor<?xKxf32>
        %0 = llmc.linear %x, %w : (tensor<?xKxf32>, tensor<33xKxf32>) -> tensor<?x33xf32>
        %1 = llmc.linear %a, %w : (tensor<?xKxf32>, tensor<33xKxf32>) -> tensor<?x33xf32>
        %y = llmc.concat %0, %1 {axis = 1 : i64} : (tensor<?x33xf32>, tensor<?x33xf32>) -> tensor<?x66xf32>
        return %y : tensor<?x66xf32>""".replace("K", str(columns)).replace(
            "BLOC" + str(columns), str(block)))

    def make():
        return module(params, body,
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      "tensor<?x66xf32>")

    notices = make().run("llmc-claim-kernels").notices
    assert len(notices) == 2
    assert all(f"in blocks of {block}: its kernel reads them with {wide} bits"
               in notice for notice in notices)
    with pytest.raises(llmc.Error, match="its kernel reads them with"):
        make().run("llmc-claim-kernels{strict}")
    x = floats(7, columns)
    got, want = run(make, {"x": x}, 2)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got[:, :33], x @ values.T, rtol=1e-4, atol=1e-4)


def test_a_transpose_that_moves_nothing_is_not_claimed():
    """Packing decodes weights and matrix transposes of them, nothing else."""
    w, x = floats(8, 8), floats(3, 8)
    body = """%p = llmc.weight @w : tensor<8x8xf32>
        %w = llmc.transpose %p {perm = array<i64: 0, 1>}
          : (tensor<8x8xf32>) -> tensor<8x8xf32>
        """ + linear(8, 8, False)
    got, _ = run(lambda: module({"w": w}, body,
                                '%x: tensor<?x8xf32> {llmc.name = "x"}',
                                "tensor<?x8xf32>"), {"x": x}, claimed=0)
    np.testing.assert_allclose(got, x @ w.T, rtol=1e-5, atol=1e-6)


def test_computed_scales_are_not_claimed():
    """Packing reads bytes; scales that an op computes have none."""
    params, _ = quantized(8, 32, 4, 32, False)
    body = weight_ops(params, 8, 32, 4, 32).replace(
        "%s = llmc.weight @s : tensor<8x1xf32>",
        """%t = llmc.weight @s : tensor<8x1xf32>
        %s = llmc.abs %t : (tensor<8x1xf32>) -> tensor<8x1xf32>""")
    made = module(params, body + "\n" + linear(8, 32, False),
                  '%x: tensor<?x32xf32> {llmc.name = "x"}', "tensor<?x8xf32>")
    assert len(made.run("llmc-claim-kernels").notices) == 1


@pytest.mark.skipif(platform.machine() != "x86_64",
                    reason="x86-64-v3 is a processor of x86-64")
@pytest.mark.parametrize("target", ["host", "reference", "cpu:x86-64-v3"])
def test_targets(target, tmp_path):
    """AVX2 has vectors of half the size, and panels of half the width."""
    params, values = quantized(45, 96, 4, 32, True)
    made = module(params, weight_ops(params, 45, 96, 4, 32) + "\n"
                  + linear(45, 96, False),
                  '%x: tensor<?x96xf32> {llmc.name = "x"}', "tensor<?x45xf32>")
    made.compile_artifact(tmp_path / "out.llmc", target=target)
    artifact = llmc.Artifact(tmp_path / "out.llmc")
    x = floats(11, 96)
    np.testing.assert_allclose(artifact({"x": x})["y"], x @ values.T,
                               rtol=1e-4, atol=1e-4)
    if target == "cpu:x86-64-v3":
        names = [w["name"] for w in json.loads(
            (tmp_path / "out.llmc" / "manifest.json").read_text())["weights"]]
        assert "q.cpu.panels8" in names


@pytest.mark.skipif(platform.machine() != "x86_64",
                    reason="these are processors of x86-64")
@pytest.mark.parametrize("target", ["cpu:x86-64-v3", "cpu:cascadelake",
                                    "cpu:znver3", "cpu:znver4"])
@pytest.mark.parametrize("bits,outputs", [(2, 45), (3, 45), (4, 45), (7, 45),
                                          (8, 45), (4, 2117), (8, 2117)])
def test_integers_have_the_same_bits_on_all(target, bits, outputs, tmp_path):
    """Also one row alone, which AMD's processors read as one stream, and
    Intel's as eight where there are enough outputs."""
    params, _ = quantized(outputs, 256, bits, 128, True)

    def make():
        return module(params, weight_ops(params, outputs, 256, bits, 128) + "\n"
                      + linear(outputs, 256, False, 128),
                      '%x: tensor<?x256xf32> {llmc.name = "x"}',
                      f"tensor<?x{outputs}xf32>")

    check_same_bits(make, 256, target, tmp_path)


def test_unknown_targets(tmp_path):
    params, _ = quantized(8, 32, 4, 32, False)
    body = weight_ops(params, 8, 32, 4, 32) + "\n" + linear(8, 32, False)

    def make():
        return module(params, body, '%x: tensor<?x32xf32> {llmc.name = "x"}',
                      "tensor<?x8xf32>")

    with pytest.raises(llmc.Error, match="no CPU 'abacus'"):
        make().compile_artifact(tmp_path / "out.llmc", target="cpu:abacus")
    with pytest.raises(llmc.Error, match="unknown target 'gpu'"):
        make().compile_artifact(tmp_path / "out.llmc", target="gpu")
    with pytest.raises(llmc.Error, match="no target 'gpu'"):
        make().compile("gpu")
