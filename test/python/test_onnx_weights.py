"""Weights of com.microsoft that are quantized in blocks."""

import kernels
import numpy as np
import pytest
from contrib import (check, dequantize, floats, make_model, onnx, ops, ort,
                     packed, refuse, rng, run, unpack, zero_points)
from onnx import helper, numpy_helper

import llmc


def nbits(tmp_path, bits, block, columns=96, zeros=None, bias=False, flat=False,
          dtype=np.float32, rows=40, atol=2e-5):
    data, scales, zero_bytes = packed(rows, columns, bits, block)
    points = zero_points(zeros, *scales.shape, zero_bytes, dtype)
    scales, x = scales.astype(dtype), floats(2, 3, columns, dtype=dtype)
    if bits == 8:
        scales /= 16
    bias = floats(rows, dtype=dtype) if bias else None
    # In doubles: ONNX Runtime's kernels for 2 and 8 bits round activations
    # whatever the accuracy level.
    offsets = np.full(scales.shape, 2.0 ** (bits - 1))
    if zeros == "packed":
        offsets = unpack(points, bits)[:, :scales.shape[1]]
    elif zeros == "float":
        offsets = points.astype(np.float64)
    weight = dequantize(data, scales.astype(np.float64), offsets, bits)
    want = x.astype(np.float64) @ weight[:, :columns].T
    if bias is not None:
        want += bias
    flatten = np.ravel if flat else np.asarray
    return check(
        tmp_path, "MatMulNBits",
        {"x": x, "data": data, "scales": flatten(scales),
         "zeros": points if points is None else flatten(points), "g_idx": None,
         "bias": bias},
        ("data", "scales", "zeros", "bias"), K=columns, N=rows, bits=bits,
        block_size=block, accuracy_level=1, rtol=1e-3 if dtype == np.float16
        else 1e-5, atol=atol, reference={0: want.astype(dtype)})


@pytest.mark.parametrize("zeros", [None, "packed", "float"])
@pytest.mark.parametrize("block", [16, 32, 64, 128, 256])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_matmul_nbits(tmp_path, bits, block, zeros):
    made = nbits(tmp_path, bits, block, max(96, 2 * block), zeros)
    # ONNX Runtime has no kernel for floats beside 8 bits.
    assert ops(made).count("MatMulNBits") == (zeros != "float" or bits != 8)


@pytest.mark.parametrize("zeros", [None, "packed", "float"])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_matmul_nbits_with_a_part_of_a_block(tmp_path, bits, flat, zeros):
    """K = 80 fills 2.5 blocks of 32, and 3 zero points no whole byte."""
    nbits(tmp_path, bits, 32, 80, zeros, bias=True, flat=flat)


@pytest.mark.parametrize("zeros", [None, "packed", "float"])
def test_matmul_nbits_f16(tmp_path, zeros):
    # Results are about 10, where f16 has steps of 2^-7; sums may round twice.
    nbits(tmp_path, 4, 32, zeros=zeros, bias=True, dtype=np.float16, atol=2e-2)


def test_matmul_nbits_as_onnxruntime_computes_it(tmp_path):
    data, scales, zero_bytes = packed(40, 80, 4, 32)
    check(tmp_path, "MatMulNBits",
          {"x": floats(2, 3, 80), "data": data, "scales": scales,
           "zeros": zero_points("packed", 40, 3, zero_bytes)},
          ("data", "scales", "zeros"), K=80, N=40, bits=4, block_size=32,
          accuracy_level=1)


@pytest.mark.parametrize("message,change", [
    ("g_idx is not supported", {"g_idx": np.zeros(96, np.int32)}),
    ("weight_prepacked = 1 is not supported", {"weight_prepacked": 1}),
    ("with 9 bits", {"bits": 9}),
    ("a tensor tensor<40x3xf32> should be tensor<40x6xf32>",
     {"block_size": 16}),
    ("neither packed integers nor of the type of the scales",
     {"zeros": np.zeros((40, 3), np.float16)}),
    ("attribute 'N' is missing", {"N": None})])
def test_matmul_nbits_refuses(tmp_path, message, change):
    data, scales, _ = packed(40, 96, 4, 32)
    inputs = {"x": floats(2, 96), "data": data, "scales": scales,
              "zeros": change.pop("zeros", None),
              "g_idx": change.pop("g_idx", None)}
    attributes = {"K": 96, "N": 40, "bits": 4, "block_size": 32, **change}
    refuse(tmp_path, message, "MatMulNBits", inputs,
           ("data", "scales", "zeros", "g_idx"),
           **{k: v for k, v in attributes.items() if v is not None})


@pytest.mark.parametrize("block", [16, 32, 128])
@pytest.mark.parametrize("zeros", [None, "packed"])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_gather_block_quantized(tmp_path, bits, zeros, block):
    data, scales, zero_bytes = packed(40, 384, bits, block)
    made = check(tmp_path, "GatherBlockQuantized",
                 {"data": data.reshape(40, -1),
                  "ids": rng.integers(-40, 40, (2, 3)), "scales": scales,
                  "zeros": zero_points(zeros, *scales.shape, zero_bytes)},
                 ("data", "scales", "zeros"), bits=bits, block_size=block,
                 gather_axis=0, quantize_axis=1)
    assert "GatherBlockQuantized" in ops(made)


@pytest.mark.parametrize("gather,quantize", [(0, 1), (1, 0), (0, -1), (1, 1)])
@pytest.mark.parametrize("kind", ["int4", "uint4"])
def test_gather_block_quantized_of_narrow_types(tmp_path, kind, gather,
                                                quantize):
    """Any axes, and zero points of 0 where there are none."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    signed = kind == "int4"
    make = lambda *shape: rng.integers(  # noqa: E731
        -8 * signed, 8 + 8 * (not signed), shape).astype(
            getattr(ml_dtypes, kind))
    shape = [64, 64]
    shape[quantize] = 2
    check(tmp_path, "GatherBlockQuantized",
          {"data": make(64, 64), "ids": rng.integers(0, 64, (2, 3)),
           "scales": np.abs(floats(*shape)),
           "zeros": None if signed else make(*shape)},
          ("data", "scales", "zeros"), block_size=32, gather_axis=gather,
          quantize_axis=quantize)


@pytest.mark.parametrize("message,change", [
    ("data of other types than uint8", {"data": np.zeros((8, 32), np.int8)}),
    ("only gather_axis = 0 with quantize_axis = 1", {"gather_axis": 1}),
    ("bits = 3 is not supported", {"bits": 3}),
    ("block_size does not divide the 64 columns", {"block_size": 48})])
def test_gather_block_quantized_refuses(tmp_path, message, change):
    data = change.get("data", np.zeros((8, 32), np.uint8))
    refuse(tmp_path, message, "GatherBlockQuantized",
           {"data": data, "ids": np.array([1]),
            "scales": np.ones((8, 2), np.float32)}, ("data", "scales"),
           **{"bits": 4, "block_size": 32,
              **{k: v for k, v in change.items() if k != "data"}})


def bnb4(rows, columns, block):
    return (rng.integers(0, 256, rows * columns // 2).astype(np.uint8),
            np.abs(floats(rows * columns // block)))


@pytest.mark.parametrize("block", [16, 32, 64])
@pytest.mark.parametrize("kind", [0, 1])
def test_matmul_bnb4(tmp_path, kind, block):
    # 24 columns: blocks run on from one row into the next.
    data, scales = bnb4(32, 24, block)
    check(tmp_path, "MatMulBnb4",
          {"x": floats(2, 3, 24), "data": data, "scales": scales},
          ("data", "scales"), K=24, N=32, block_size=block, quant_type=kind)


@pytest.mark.parametrize("block", [16, 32, 64])
@pytest.mark.parametrize("kind", [0, 1])
def test_matmul_bnb4_of_whole_blocks(tmp_path, kind, block):
    """Rows of whole blocks are llmc.lookup, which the CPU backend claims; two
    nodes may share a weight."""
    data, scales = bnb4(32, 128, block)
    inputs = {"x": floats(2, 3, 128), "data": data, "scales": scales}
    attributes = {"K": 128, "N": 32, "block_size": block, "quant_type": kind}
    check(tmp_path, "MatMulBnb4", inputs, ("data", "scales"), **attributes)
    made = llmc.Module.load(tmp_path / "in.onnx")
    assert made.ops()["llmc.lookup"] == 1
    made.run("llmc-lift")
    assert made.run("llmc-claim-kernels").notices == []
    model = make_model("MatMulBnb4", inputs, ("data", "scales"), **attributes)
    twin = onnx.NodeProto()
    twin.CopyFrom(model.graph.node[0])
    twin.input[0], twin.output[0], twin.name = "x1", "out1", "twin"
    model.graph.node.append(twin)
    model.graph.input.append(helper.make_tensor_value_info(
        "x1", onnx.TensorProto.FLOAT, ["a", "b", 128]))
    model.graph.output.append(helper.make_empty_tensor_value_info("out1"))
    onnx.save(model, tmp_path / "twice.onnx")
    feeds = {"x": inputs["x"], "x1": floats(1, 4, 128)}
    got = llmc.compile(tmp_path / "twice.onnx", opt_level=0)(feeds)
    want = run(model, feeds)
    for name in ("out0", "out1"):
        np.testing.assert_allclose(got[name], want[name], rtol=1e-5, atol=5e-5)


def test_matmul_bnb4_as_it_lies(tmp_path):
    """transB = 0 multiplies with the weight [N, K] as it is."""
    data, scales = bnb4(32, 24, 16)
    identity = np.eye(24, dtype=np.float32)
    inputs = {"x": identity, "data": data, "scales": scales}
    attributes = {"K": 24, "N": 32, "block_size": 16, "quant_type": 1}
    weight = run(make_model("MatMulBnb4", inputs, **attributes),
                 inputs)["out0"].T
    x = floats(3, 32)
    check(tmp_path, "MatMulBnb4", {**inputs, "x": x}, ("data", "scales"),
          transB=0, reference={0: x @ weight}, **attributes)


@pytest.mark.parametrize("message,change", [
    ("quant_type = 2 is not supported", {"quant_type": 2}),
    ("a weight of 32 x 24 in blocks of 80", {"block_size": 80})])
def test_matmul_bnb4_refuses(tmp_path, message, change):
    data, scales = bnb4(32, 24, 16)
    refuse(tmp_path, message, "MatMulBnb4",
           {"x": floats(3, 24), "data": data, "scales": scales},
           ("data", "scales"),
           **{"K": 24, "N": 32, "block_size": 16, "quant_type": 1, **change})


def optimized(path):
    """What ONNX Runtime makes of a model when it loads it."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(path.with_suffix(".optimized.onnx"))
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return onnx.load(options.optimized_model_filepath)


def check_unpacked(tmp_path, made, params, feeds, want, kernels=(),
                   in_part=False):
    """ONNX Runtime computes `want` of what is exported, by `kernels` or, perhaps
    in part, as a notice says, with floats in memory; the file is as small as the
    parameters; and llmc sees the ops again that it wrote."""
    notices = made.export_onnx(tmp_path / "out.onnx")
    assert any("ONNX Runtime has no kernels for" in n for n in notices) == \
        (in_part or not kernels)
    exported = onnx.load(tmp_path / "out.onnx")
    packed_sizes = {n: v.nbytes for n, v in params.items()}
    sizes = {i.name: len(i.raw_data) for i in exported.graph.initializer}
    assert {n: sizes.pop(n) for n in params} == packed_sizes
    assert sum(sizes.values()) < 2500  # tables of shifts and shapes
    again = llmc.Module.load(tmp_path / "out.onnx")
    assert again.lift().notices == []
    assert again.ops() == made.ops()
    assert {p["name"]: p["bytes"] for p in again.params()} == packed_sizes
    for got in (run(exported, feeds), again.compile(opt_level=0)(feeds)):
        assert list(got) == list(want)
        for name, values in want.items():
            error = np.abs(got[name] - values).max()
            assert error <= 1e-5 * np.abs(values).max()
    # All of it is folded when a session is made.
    floats = {"MatMul", "Gather"} if "ids" in feeds else {"MatMul"}
    left = set(ops(optimized(tmp_path / "out.onnx")))
    assert left - {"Concat", "Slice"} == set(kernels or floats)


@pytest.mark.parametrize("groups,scales", [(0, False), (0, True), (1, False),
                                           (2, True), (16, False)])
@pytest.mark.parametrize("bits,columns", [(2, 96), (3, 96), (4, 80), (5, 80),
                                          (6, 96), (7, 96), (8, 80)])
def test_lookup(tmp_path, bits, columns, groups, scales):
    """Codebooks have no op of ONNX: indices are unpacked and gathered by."""
    params, body, values = kernels.lookup(16, columns, bits, 32, groups, scales)
    made = kernels.module(params, body + "\n" + kernels.linear(16, columns, False),
                          f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                          "tensor<?x16xf32>")
    x = floats(5, columns)
    check_unpacked(tmp_path, made, params, {"x": x}, {"y": x @ values.T})


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("activations", [0, 32])
def test_slow_linears(tmp_path, bits, activations):
    """ONNX Runtime's kernels for 2 and 8 bits multiply integers, or not at all."""
    params, body, _ = kernels.weight("", 16, 64, bits, 32)
    made = kernels.module(
        params, body + "\n" + kernels.linear(16, 64, False, activations),
        '%x: tensor<?x64xf32> {llmc.name = "x"}', "tensor<?x16xf32>")
    notices = made.export_onnx(tmp_path / "out.onnx")
    assert any("the weights of 1 linears each time" in n for n in notices) == (
        not activations and bits not in (3, 4))
    node, = [n for n in optimized(tmp_path / "out.onnx").graph.node
             if n.op_type == "MatMulNBits"]
    levels = [a.i for a in node.attribute if a.name == "accuracy_level" and a.i]
    assert levels == [4] * bool(activations)


@pytest.mark.parametrize("zeros", [False, True, "float"])
@pytest.mark.parametrize("bits,columns,block", [
    (3, 128, 32), (3, 80, 32), (5, 96, 32), (6, 72, 16), (7, 80, 32),
    (3, 96, 24), (6, 96, 4), (7, 96, 96), (2, 72, 24), (4, 80, 8), (8, 70, 40)])
def test_dequantize(tmp_path, bits, columns, block, zeros):
    """Without ops of its own in ONNX: 3, 5, 6, 7 bits become 4 and 8 when the
    model is loaded, where the kernels of these have the blocks; others become
    floats. A tied weight and one of its own; the rows of most end in a part of
    a block, and most rows of zero points in a part of a byte. Where these are
    floats, there is a kernel for linears of 2 and 4 bits."""
    used = ("MatMulNBits", "GatherBlockQuantized") if block in (16, 32, 64) else ()
    if used and zeros == "float":
        used = ("MatMulNBits", "Gather") if bits <= 4 else ()
    params, body, table = kernels.weight("t", 40, columns, bits, block, zeros)
    more, other, weight = kernels.weight("w", 24, columns, bits, block, zeros)
    params.update(more)
    made = kernels.module(params, body + "\n" + other + f"""
    %e = llmc.embedding %ids, %tw : (tensor<?xi64>, tensor<40x{columns}xf32>) -> tensor<?x{columns}xf32>
    %l = llmc.linear %e, %tw : (tensor<?x{columns}xf32>, tensor<40x{columns}xf32>) -> tensor<?x40xf32>
    %r = llmc.linear %e, %ww : (tensor<?x{columns}xf32>, tensor<24x{columns}xf32>) -> tensor<?x24xf32>
    %y = llmc.concat %l, %r {{axis = 1 : i64}} : (tensor<?x40xf32>, tensor<?x24xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>""", '%ids: tensor<?xi64> {llmc.name = "ids"}',
                          "tensor<?x64xf32>")
    ids = rng.integers(0, 40, 7)
    want = table[ids] @ np.concatenate([table, weight]).T
    check_unpacked(tmp_path, made, params, {"ids": ids}, {"y": want}, used,
                   in_part=zeros == "float")


@pytest.mark.parametrize("activations", [0, 32])
def test_slow_float_zeros(tmp_path, activations):
    """ONNX Runtime unpacks each time; the operand's rounding comes back."""
    params, body, _ = kernels.weight("", 16, 64, 4, 32, "float")
    made = kernels.module(
        params, body + "\n" + kernels.linear(16, 64, False, activations),
        '%x: tensor<?x64xf32> {llmc.name = "x"}', "tensor<?x16xf32>")
    notices = made.export_onnx(tmp_path / "out.onnx")
    assert ["kernels are for zero points that are integers" in n
            for n in notices] == [True]
    again = llmc.Module.load(tmp_path / "out.onnx")
    again.lift()
    assert again.ops() == made.ops()


def test_densify(tmp_path):
    """2:4 of 4 bits becomes MatMulNBits, which has all columns, and 2:4 of floats
    MatMul: places are 0, 3 and 1, 2 by turns."""
    kept = rng.integers(0, 16, (8, 32)).astype(np.uint8)
    scales, plain = np.abs(floats(8, 2)), floats(64, 16)
    columns = np.array([0, 3, 5, 6] * 8) + np.repeat(np.arange(0, 64, 8), 4)
    codes = np.full((8, 64), 8.0)
    codes[:, columns] = kept
    first = (codes - 8) * scales.repeat(32, axis=1)
    second = np.zeros((64, 32), np.float32)
    second[:, columns[:16]] = plain
    params = {"q": kernels.pack(kept, 4).reshape(8, 2, 8), "s": scales, "v": plain,
              "m": np.full((8, 8), 0x9C, np.uint8),
              "n": np.full((64, 4), 0x9C, np.uint8)}
    made = kernels.module(params, """
    %q = llmc.weight @q : tensor<8x2x8xui8>
    %s = llmc.weight @s : tensor<8x2xf32>
    %v = llmc.weight @v : tensor<64x16xf32>
    %m = llmc.weight @m : tensor<8x8xui8>
    %n = llmc.weight @n : tensor<64x4xui8>
    %c = llmc.densify %q, %m {pattern = "2:4", bits = 4 : i64}
      : (tensor<8x2x8xui8>, tensor<8x8xui8>) -> tensor<8x2x16xui8>
    %w = llmc.dequantize %c, %s {bits = 4 : i64, block = 32 : i64, columns = 64 : i64}
      : (tensor<8x2x16xui8>, tensor<8x2xf32>) -> tensor<8x64xf32>
    %d = llmc.densify %v, %n {pattern = "2:4"}
      : (tensor<64x16xf32>, tensor<64x4xui8>) -> tensor<64x32xf32>
    %h = llmc.linear %x, %d : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
    %y = llmc.linear %h, %w : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>""", '%x: tensor<?x32xf32> {llmc.name = "x"}',
                          "tensor<?x8xf32>")
    made.export_onnx(tmp_path / "out.onnx")
    x = floats(5, 32)
    exported = onnx.load(tmp_path / "out.onnx")
    assert ops(exported).count("MatMulNBits") == 1
    want = x @ second.T @ first.T
    for got in (run(exported, {"x": x}),
                llmc.compile(tmp_path / "out.onnx", opt_level=0)({"x": x})):
        np.testing.assert_allclose(got["y"], want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("corrected", [False, True])
def test_low_rank(tmp_path, corrected):
    """A product of parameters is no activation: what reads it is a linear."""
    a, b, c = floats(40, 8), floats(8, 24), floats(40, 24)
    nodes = [helper.make_node("MatMul", ["a", "b"], ["ab"])]
    if corrected:
        nodes.append(helper.make_node("Add", ["c", "ab"], ["w"]))
    nodes.append(helper.make_node("MatMul", ["x", "w" if corrected else "ab"],
                                  ["y"]))
    graph = helper.make_graph(
        nodes, "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 40])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 24])],
        [numpy_helper.from_array(v, n) for n, v in (("a", a), ("b", b), ("c", c))])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)])
    onnx.save(model, tmp_path / "in.onnx")
    x = floats(5, 40)
    want = run(model, {"x": x})["y"]
    made = llmc.Module.load(tmp_path / "in.onnx")
    made.export_onnx(tmp_path / "out.onnx")
    for got in (run(onnx.load(tmp_path / "out.onnx"), {"x": x}),
                llmc.compile(tmp_path / "out.onnx", opt_level=0)({"x": x})):
        np.testing.assert_allclose(got["y"], want, rtol=1e-4, atol=1e-4)
    made.run("llmc-lift,llmc-split-low-rank")
    assert made.ops().get("llmc.matmul", 0) == 0
    assert made.run("llmc-claim-kernels").notices == []
