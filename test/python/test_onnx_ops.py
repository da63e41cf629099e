"""Ops of com.microsoft: what ONNX Runtime computes must stay what it computes.

Each case is a model of one op. ONNX Runtime runs it as it is; the same numbers
must come from ONNX Runtime on what llmc exports after importing it, and from
llmc's own compiled code. Where ONNX Runtime's CPU build has no kernel for an op
or a form, numpy computes what the op's documentation says.

Floats are f32 unless a case says otherwise: 2e-5 absolute is what another order
of summation costs at the sizes here, with values about 1."""

import itertools

import numpy as np
import pytest

import llmc

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import helper, numpy_helper  # noqa: E402

rng = np.random.default_rng(7)
MS = "com.microsoft"


def floats(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def run(model, inputs):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    outputs = [o.name for o in session.get_outputs()]
    return dict(zip(outputs, session.run(None, {n: inputs[n] for n in names})))


# Inputs whose last dimension the importer needs: hidden sizes and heads are
# static in real models. All other dimensions of inputs are dynamic, so that
# nothing is known that a real model would not know.
STATIC_LAST = {
    "GroupQueryAttention": {"query", "key", "value", "past_key", "past_value"},
    "MultiHeadAttention": {"query", "key", "value", "bias", "past_key",
                           "past_value"},
    "RotaryEmbedding": {"x"},
    "Attention": {"x", "past"},
    "QAttention": {"x", "past"},
    "MoE": {"x", "router", "router_weights"},
    "QMoE": {"x", "router", "router_weights"},
}


def make_model(op, inputs, constants=(), outputs=1, domain=MS, dims=(), **attributes):
    """`inputs` maps names to arrays in the op's order (None: absent); those
    named in `constants` are initializers. `dims` names dimensions."""
    present = {n: v for n, v in inputs.items() if v is not None}
    wanted = range(outputs) if isinstance(outputs, int) else outputs
    out = [f"out{i}" if i in wanted else "" for i in range(max(wanted) + 1)]
    node = helper.make_node(
        op, [n if v is not None else "" for n, v in inputs.items()], out,
        domain=domain, name="node", **attributes)

    def declare(name, value):
        known = name in STATIC_LAST.get(op, ())
        shape = dict(dims).get(name) or [
            d if known and i == value.ndim - 1 else f"{name}_{i}"
            for i, d in enumerate(value.shape)]
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), shape)

    graph = helper.make_graph(
        [node], "graph",
        [declare(n, v) for n, v in present.items() if n not in constants],
        [helper.make_empty_tensor_value_info(o) for o in out if o],
        [numpy_helper.from_array(v, n) for n, v in present.items()
         if n in constants])
    return helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21), helper.make_opsetid(MS, 1)])


def compare(expected, got, atol, rtol, off_by_one=0.0):
    assert list(expected) == list(got)
    for name, want in expected.items():
        assert want.dtype == got[name].dtype and want.shape == got[name].shape
        if off_by_one and want.dtype.kind in "iu":
            # Where a value falls between two steps the order of float products
            # decides: one step, and rarely.
            error = np.abs(got[name].astype(int) - want.astype(int))
            assert error.max() <= 1 and (error != 0).mean() <= off_by_one
            continue
        np.testing.assert_allclose(got[name], want, atol=atol, rtol=rtol)


def check(tmp_path, op, inputs, constants=(), outputs=1, atol=2e-5, rtol=1e-5,
          reference=None, off_by_one=0.0, exported=True, **options):
    """`reference` stands in for ONNX Runtime: the outputs by number. Returns
    the exported model."""
    model = make_model(op, inputs, constants, outputs, **options)
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(model, source)
    expected = run(model, inputs) if reference is None else {
        f"out{i}": value for i, value in reference.items()}
    tolerance = (atol, rtol, off_by_one)
    feeds = {n: v for n, v in inputs.items()
             if v is not None and n not in constants}
    compare(expected, llmc.compile(source)(feeds), *tolerance)
    llmc.Module.load(source).export_onnx(target)
    made = onnx.load(target)
    for node in made.graph.node:
        # llmc lets ONNX Runtime round activations to 8 bits, which is faster;
        # to compare, it computes with floats.
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 0
    if exported:
        compare(expected, run(made, inputs), *tolerance)
    return made


def refuse(tmp_path, message, op, inputs, constants=(), outputs=1, **options):
    """llmc says in one error which node it cannot import, and why."""
    onnx.save(make_model(op, inputs, constants, outputs, **options),
              tmp_path / "in.onnx")
    with pytest.raises(llmc.Error, match=message) as raised:
        llmc.Module.load(tmp_path / "in.onnx")
    assert "node 'node'" in str(raised.value) and op in str(raised.value)


def ops(model):
    return [node.op_type for node in model.graph.node]


# Activations and products ---------------------------------------------------

@pytest.mark.parametrize("op,bias,attributes", [
    ("Gelu", False, {}), ("BiasGelu", True, {}), ("FastGelu", False, {}),
    ("FastGelu", True, {}), ("QuickGelu", False, {}),
    ("QuickGelu", False, {"alpha": 1.0})])
def test_gelus(tmp_path, op, bias, attributes):
    inputs = {"x": floats(2, 3, 8), **({"b": floats(8)} if bias else {})}
    check(tmp_path, op, inputs, **attributes)


@pytest.mark.parametrize("op", ["FusedMatMul", "TransposeMatMul"])
@pytest.mark.parametrize("trans_a,trans_b", list(itertools.product([0, 1], [0, 1])))
def test_fused_matmul(tmp_path, op, trans_a, trans_b):
    a, b = floats(2, 3, 4), floats(2, 4, 5)
    check(tmp_path, op, {"a": np.swapaxes(a, 1, 2).copy() if trans_a else a,
                         "b": np.swapaxes(b, 1, 2).copy() if trans_b else b},
          alpha=0.5, transA=trans_a, transB=trans_b)


@pytest.mark.parametrize("trans_a,trans_b", list(itertools.product([0, 1], [0, 1])))
def test_fused_matmul_of_moved_batches(tmp_path, trans_a, trans_b):
    """transBatchA moves the first dimension next to the last two."""
    a, b = floats(4, 2, 3, 5), floats(4, 2, 5, 6)
    move = lambda x: np.moveaxis(x, -2, 0)  # noqa: E731
    check(tmp_path, "FusedMatMul",
          {"a": move(np.swapaxes(a, -1, -2) if trans_a else a).copy(),
           "b": move(np.swapaxes(b, -1, -2) if trans_b else b).copy()},
          transA=trans_a, transB=trans_b, transBatchA=1, transBatchB=1)


# Norms ----------------------------------------------------------------------

@pytest.mark.parametrize("skip", [(2, 3, 8), (1, 3, 8), (3, 8)])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("beta", [False, True])
def test_skip_layer_norm(tmp_path, beta, bias, skip):
    check(tmp_path, "SkipLayerNormalization",
          {"x": floats(2, 3, 8), "skip": floats(*skip), "gamma": floats(8),
           "beta": floats(8) if beta else None,
           "bias": floats(8) if bias else None}, outputs=(0, 3), epsilon=1e-5,
          # Which of the two broadcasts must be known for the result's type.
          dims={"x": ["batch", "sequence", 8],
                "skip": [d if d == 1 else n for d, n in zip(
                    skip, ["batch", "sequence", 8][-len(skip):])]})


@pytest.mark.parametrize("shape", [(2, 3, 8), (6, 8)])
@pytest.mark.parametrize("bias", [False, True])
def test_skip_rms_norm(tmp_path, bias, shape):
    check(tmp_path, "SkipSimplifiedLayerNormalization",
          {"x": floats(*shape) * 1e-3, "skip": floats(*shape) * 1e-3,
           "gamma": floats(8), "bias": floats(8) * 1e-3 if bias else None},
          outputs=(0, 3))


def test_skip_norm_of_training_is_refused(tmp_path):
    x = floats(2, 3, 8)
    refuse(tmp_path, r"output 1 \('out1'\) is not supported",
           "SkipLayerNormalization", {"x": x, "skip": x, "gamma": floats(8)},
           outputs=2)


def test_simplified_layer_norm(tmp_path):
    made = check(tmp_path, "SimplifiedLayerNormalization",
                 {"x": floats(2, 3, 8), "scale": floats(8)}, domain="",
                 epsilon=1e-6)
    assert ops(made) == ["RMSNormalization"]


@pytest.mark.parametrize("segments,mask,places,index_type", [
    (False, False, None, 0), (True, True, None, 1), (True, False, (1, 5), 0),
    (True, True, (2, 5), 1)])
def test_embed_layer_norm(tmp_path, segments, mask, places, index_type):
    ids = lambda n, *shape: rng.integers(0, n, shape).astype(  # noqa: E731
        np.int32)
    keep = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    check(tmp_path, "EmbedLayerNormalization",
          {"ids": ids(30, 2, 5), "segments": ids(2, 2, 5) if segments else None,
           "words": floats(30, 8), "positions": floats(9, 8),
           "types": floats(2, 8) if segments else None, "gamma": floats(8),
           "beta": floats(8), "mask": keep if mask else None,
           "places": ids(9, *places) if places else None},
          ("words", "positions", "types", "gamma", "beta"), outputs=3,
          mask_index_type=index_type, epsilon=1e-5)


# Block-quantized weights ----------------------------------------------------

def packed(rows, columns, bits, block):
    blocks = -(-columns // block)
    data = rng.integers(0, 256, (rows, blocks, block * bits // 8))
    scales = (rng.random((rows, blocks)) * 0.05 + 0.01).astype(np.float32)
    return data.astype(np.uint8), scales, -(-blocks * bits // 8)


def unpack(data, bits):
    """Elements of bytes, little end first, along the last dimension."""
    parts = [data >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)]
    return np.stack(parts, -1).reshape(*data.shape[:-1], -1)


def dequantize(data, scales, zeros, bits):
    values = unpack(data, bits).astype(np.float64)
    return ((values - zeros[..., None]) * scales[..., None]).reshape(
        len(data), -1)


def zero_points(kind, rows, blocks, zero_bytes, dtype=np.float32):
    if kind == "packed":
        return rng.integers(0, 256, (rows, zero_bytes)).astype(np.uint8)
    if kind == "float":
        return (rng.random((rows, blocks)) * 15).astype(dtype)
    return None


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
    assert ops(made).count("MatMulNBits") == 1


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
    ("attribute 'N' is missing", {"N": None})])
def test_matmul_nbits_refuses(tmp_path, message, change):
    data, scales, _ = packed(40, 96, 4, 32)
    inputs = {"x": floats(2, 96), "data": data, "scales": scales,
              "zeros": None, "g_idx": change.pop("g_idx", None)}
    attributes = {"K": 96, "N": 40, "bits": 4, "block_size": 32, **change}
    refuse(tmp_path, message, "MatMulNBits", inputs,
           ("data", "scales", "g_idx"),
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


# Quantized activations ------------------------------------------------------

INT8 = [np.int8, np.uint8]


def integers(dtype, *shape):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def scale(value):
    return np.array(value, np.float32)


@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("zero,bias", [(False, False), (True, True)])
@pytest.mark.parametrize("dtype", INT8)
def test_dynamic_quantize_matmul(tmp_path, dtype, zero, bias, per_column):
    size = (12,) if per_column else ()
    made = check(
        tmp_path, "DynamicQuantizeMatMul",
        {"a": floats(2, 3, 16), "b": integers(dtype, 16, 12),
         "scale": np.asarray(rng.random(size), np.float32) * 0.02 + 0.001,
         "zero": np.asarray(integers(dtype, *size)) if zero else None,
         "bias": floats(12) if bias else None},
        ("b", "scale", "zero", "bias"))
    assert {"DynamicQuantizeLinear", "MatMulInteger"} <= set(ops(made))


@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("zero,bias", [(False, False), (True, True)])
@pytest.mark.parametrize("b_type", INT8)
def test_matmul_integer_to_float(tmp_path, b_type, zero, bias, per_column):
    size = (12,) if per_column else ()
    check(tmp_path, "MatMulIntegerToFloat",
          {"a": integers(np.uint8, 2, 3, 16), "b": integers(b_type, 16, 12),
           "a_scale": scale(0.01),
           "b_scale": np.asarray(rng.random(size), np.float32) * 0.02 + 0.001,
           "a_zero": np.array(117, np.uint8) if zero else None,
           "b_zero": np.asarray(integers(b_type, *size)) if zero else None,
           "bias": floats(12) if bias else None},
          ("b", "b_scale", "b_zero", "bias"))


def test_matmul_integer_to_float_refuses_scales_of_columns_of_a(tmp_path):
    refuse(tmp_path, "a scale or zero point of A that is not a single number",
           "MatMulIntegerToFloat",
           {"a": integers(np.uint8, 3, 16), "b": integers(np.int8, 16, 12),
            "a_scale": np.ones(16, np.float32), "b_scale": scale(1)})


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 8), (8,), (1, 3, 1)])
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("dtype", INT8)
def test_qlinear_binary(tmp_path, dtype, op, shape, zeros):
    zero = lambda: np.array(  # noqa: E731
        integers(dtype) if zeros else 0, dtype)
    inputs = {"a": integers(dtype, 2, 3, 8), "a_scale": scale(0.021),
              "a_zero": zero(), "b": integers(dtype, *shape),
              "b_scale": scale(0.013), "b_zero": zero(),
              "c_scale": scale(0.037), "c_zero": zero()}
    # ONNX Runtime 1.31 says that zero points may be absent, and refuses that.
    want = run(make_model(op, inputs), inputs)["out0"]
    if not zeros:
        inputs.update(a_zero=None, b_zero=None, c_zero=None)
    check(tmp_path, op, inputs,
          ("a_scale", "a_zero", "b_scale", "b_zero", "c_scale", "c_zero"),
          off_by_one=0.03, reference={0: want},
          dims={"a": ["a0", 3, 8], "b": [d if d != 2 else "a0" for d in shape]})


IMAGE = (2, 4, 7, 6)
QLINEAR = {
    "sigmoid": ("QLinearSigmoid", (3, 40), {}),
    "leaky-relu": ("QLinearLeakyRelu", (3, 40), {"alpha": 0.1}),
    "softmax": ("QLinearSoftmax", (3, 4, 5), {"opset": 13, "axis": 1}),
    "softmax-12": ("QLinearSoftmax", (3, 4, 5), {"opset": 12, "axis": 1}),
    "pool": ("QLinearAveragePool", IMAGE, {
        "kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}),
    "pool-include": ("QLinearAveragePool", IMAGE, {
        "kernel_shape": [3, 3], "pads": [1] * 4, "count_include_pad": 1}),
    "pool-ceil": ("QLinearAveragePool", IMAGE, {
        "kernel_shape": [3, 3], "ceil_mode": 1, "strides": [2, 2]}),
    "pool-last": ("QLinearAveragePool", IMAGE, {
        "kernel_shape": [3, 2], "channels_last": 1}),
    "global": ("QLinearGlobalAveragePool", IMAGE, {}),
    "global-last": ("QLinearGlobalAveragePool", IMAGE, {"channels_last": 1}),
}


@pytest.mark.parametrize("name", QLINEAR)
@pytest.mark.parametrize("dtype", INT8)
def test_qlinear_unary(tmp_path, dtype, name):
    op, shape, attributes = QLINEAR[name]
    x = integers(dtype, *shape)
    check(tmp_path, op,
          {"x": x, "x_scale": scale(0.03), "x_zero": np.array(5, dtype),
           "y_scale": scale(0.0117),
           "y_zero": np.array(np.iinfo(dtype).min + 9, dtype)},
          ("x_scale", "x_zero", "y_scale", "y_zero"),
          # ONNX Runtime adds up its softmax of 8-bit types in integers.
          off_by_one=0.2 if "softmax" in name else 0.02,
          dims={"x": ["batch", *shape[1:]]}, **attributes)


def test_qlinear_refuses_what_is_not_there(tmp_path):
    x = integers(np.uint8, 3)
    refuse(tmp_path, "input 6 is missing", "QLinearAdd",
           {"a": x, "a_scale": scale(1), "a_zero": None, "b": x,
            "b_scale": scale(1)})
    refuse(tmp_path, "input 3 is missing", "QLinearSigmoid",
           {"x": x, "x_scale": scale(1)})


@pytest.mark.parametrize("dtype", INT8)
def test_qlinear_concat_and_where(tmp_path, dtype):
    zero = lambda n: np.array(n, dtype)  # noqa: E731
    check(tmp_path, "QLinearConcat",
          {"y_scale": scale(0.02), "y_zero": zero(3),
           "a": integers(dtype, 2, 3), "a_scale": scale(0.02),
           "a_zero": zero(1), "b": integers(dtype, 2, 5),
           "b_scale": scale(0.03), "b_zero": zero(7)},
          ("y_scale", "y_zero", "a_scale", "a_zero", "b_scale", "b_zero"),
          axis=1, off_by_one=0.05,
          dims={"a": ["batch", 3], "b": ["batch", 5]})
    check(tmp_path, "QLinearWhere",
          {"condition": rng.random((2, 8)) < 0.5, "x": integers(dtype, 2, 8),
           "x_scale": scale(0.02), "x_zero": zero(1), "y": integers(dtype, 8),
           "y_scale": scale(0.03), "y_zero": zero(7), "z_scale": scale(0.025),
           "z_zero": zero(2)},
          ("x_scale", "x_zero", "y_scale", "y_zero", "z_scale", "z_zero"),
          off_by_one=0.05, dims={"condition": ["n", 8], "x": ["n", 8],
                                 "y": [8]})


def test_qlinear_concat_refuses_half_an_operand(tmp_path):
    refuse(tmp_path, "a tensor, a scale and a zero point for each",
           "QLinearConcat",
           {"y_scale": scale(1), "y_zero": np.array(0, np.uint8),
            "a": integers(np.uint8, 2), "a_scale": scale(1),
            "a_zero": np.array(0, np.uint8), "b": integers(np.uint8, 2)},
           axis=0)


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("trans_a,trans_b", list(itertools.product([0, 1], [0, 1])))
def test_qgemm(tmp_path, trans_a, trans_b, quantized):
    a, b = integers(np.uint8, 5, 16), integers(np.int8, 16, 12)
    check(tmp_path, "QGemm",
          {"a": a.T.copy() if trans_a else a, "a_scale": scale(0.02),
           "a_zero": np.array(120, np.uint8),
           "b": b.T.copy() if trans_b else b,
           "b_scale": np.abs(floats(12)) * 0.01,
           "b_zero": np.zeros(12, np.int8),
           "c": rng.integers(-9999, 9999, 12).astype(np.int32),
           **({"y_scale": scale(0.05), "y_zero": np.array(110, np.uint8)}
              if quantized else {})},
          ("a_scale", "a_zero", "b", "b_scale", "b_zero", "c", "y_scale",
           "y_zero"), transA=trans_a, transB=trans_b, off_by_one=0.03)


@pytest.mark.parametrize("dtype", [*INT8, np.int16, np.uint16])
@pytest.mark.parametrize("axis", [None, 1])
def test_quantize_and_dequantize_linear(tmp_path, axis, dtype):
    size = () if axis is None else (8,)
    spread = np.asarray(rng.random(size), np.float32) * 0.02 + 0.01
    zero = np.asarray(rng.integers(0, 20, size)).astype(dtype)
    attributes = {} if axis is None else {"axis": axis}
    dims = {"x": ["n", 8]}
    check(tmp_path, "QuantizeLinear",
          {"x": floats(5, 8), "scale": spread, "zero": zero},
          ("scale", "zero"), dims=dims, **attributes)
    check(tmp_path, "DequantizeLinear",
          {"x": integers(dtype, 5, 8), "scale": spread, "zero": zero},
          ("scale", "zero"), dims=dims, **attributes)


# Rotary embedding -----------------------------------------------------------

def tables(length, half):
    angles = np.arange(length)[:, None] / 100.0 ** (np.arange(half) / half)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("ids", ["offset", "tokens"])
@pytest.mark.parametrize("rank", [3, 4])
def test_rotary(tmp_path, rank, ids, interleaved):
    cos, sin = tables(20, 4)
    x = floats(2, 5, 24) if rank == 3 else floats(2, 3, 5, 8)
    check(tmp_path, "RotaryEmbedding",
          {"x": x, "ids": np.array([7]) if ids == "offset"
           else rng.integers(0, 20, (2, 5)), "cos": cos, "sin": sin},
          ("cos", "sin"), interleaved=interleaved,
          dims={"ids": [1] if ids == "offset" else ["batch", "sequence"],
                **({"x": ["batch", 3, "sequence", 8]} if rank == 4 else {})})


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_of_a_part_of_the_head(tmp_path, interleaved):
    cos, sin = tables(20, 2)
    check(tmp_path, "RotaryEmbedding",
          {"x": floats(2, 5, 24), "ids": rng.integers(0, 20, (2, 5)),
           "cos": cos, "sin": sin},
          ("cos", "sin"), num_heads=3, rotary_embedding_dim=4,
          interleaved=interleaved)


def test_rotary_refuses(tmp_path):
    cos, sin = tables(20, 4)
    inputs = {"x": floats(2, 5, 24), "ids": rng.integers(0, 20, (2, 5)),
              "cos": cos, "sin": sin}
    refuse(tmp_path, "is_packed_batching = 1 is not supported",
           "RotaryEmbedding", inputs, ("cos", "sin"), is_packed_batching=1)
    refuse(tmp_path, "no multiple of the number of heads, 5",
           "RotaryEmbedding", inputs, ("cos", "sin"), num_heads=5)


# GroupQueryAttention --------------------------------------------------------

GQA = {
    "plain": {},
    "packed": {"packed": True},
    "past": {"past": 6},
    "packed-past-rope": {"packed": True, "past": 6, "rope": True},
    "rope": {"rope": True},
    "rope-interleaved": {"rope": True, "past": 3,
                         "attributes": {"rotary_interleaved": 1}},
    "rope-partial": {"rope": True, "size": 32, "rotary": 16},
    "rope-positions": {"rope": True, "positions": True},
    "window": {"past": 6, "attributes": {"local_window_size": 4}},
    "window-first": {"length": 7, "attributes": {"local_window_size": 3}},
    "softcap": {"past": 6, "attributes": {"softcap": 5.0, "scale": 0.3}},
    "bias": {"past": 6, "bias": (1, 4)},
    "bias-per-sequence": {"batch": 2, "bias": (2, 1)},
    "batch": {"batch": 2, "rope": True},
    "one-token": {"batch": 2, "past": 6, "length": 1, "rope": True,
                  "packed": True},
    "heads-of-24": {"size": 24, "past": 2},
    "smooth": {"past": 6, "attributes": {"smooth_softmax": 1}},
    "smooth-off": {"past": 6, "attributes": {"smooth_softmax": 0}},
    "smooth-softcap": {"attributes": {"smooth_softmax": 1, "softcap": 5.0}},
    "sink": {"past": 6, "sink": True},
    "sink-window-bias": {"past": 6, "sink": True, "bias": (1, 4),
                         "attributes": {"local_window_size": 4}},
    "bidirectional": {"batch": 2, "attributes": {"causal": 0}},
    "defaults": {"attributes": {"k_quant_type": "NONE", "qk_output": 0,
                                "kv_cache_bit_width": 0, "causal": 1,
                                "sliding_window_cache": 0}},
    "mqa": {"kv_heads": 1, "past": 2},
}


def gqa_inputs(batch=1, length=5, past=None, size=16, heads=4, kv_heads=2,
               packed=False, rope=False, rotary=None, positions=False,
               bias=None, sink=False, attributes=()):
    make = lambda n: floats(batch, length, n * size)  # noqa: E731
    total = (past or 0) + length
    query, key, value = make(heads), make(kv_heads), make(kv_heads)
    if packed:
        query, key, value = np.concatenate([query, key, value], 2), None, None
    cache = lambda: None if past is None else floats(  # noqa: E731
        batch, kv_heads, past, size)
    cos, sin = tables(32, (rotary or size) // 2) if rope else (None, None)
    return {
        "query": query, "key": key, "value": value, "past_key": cache(),
        "past_value": cache(),
        "seqlens_k": np.full(batch, total - 1, np.int32),
        "total": np.array(total, np.int32), "cos": cos, "sin": sin,
        "positions": np.arange(3, 3 + length)[None].repeat(batch, 0)
        if positions else None,
        "bias": floats(*bias, length, total) if bias else None,
        "sink": floats(heads) if sink else None}


def gqa_dims(inputs, kv_heads=2):
    size = inputs["past_key"].shape[3] if inputs["past_key"] is not None else 0
    cache = ["batch", kv_heads, "past", size]
    return {"past_key": cache, "past_value": cache}


@pytest.mark.parametrize("name", GQA)
def test_group_query_attention(tmp_path, name):
    form = dict(GQA[name])
    inputs = gqa_inputs(**form)
    kv_heads = form.get("kv_heads", 2)
    check(tmp_path, "GroupQueryAttention", inputs, ("cos", "sin"), outputs=3,
          dims=gqa_dims(inputs, kv_heads), num_heads=4, kv_num_heads=kv_heads,
          do_rotary=int(form.get("rope", False)),
          **form.get("attributes", {}))


def test_group_query_attention_with_normalized_heads(tmp_path):
    """Queries and keys normalized before they are rotated, as Qwen3 does; on
    the CPU ONNX Runtime refuses this, but not with norms in front."""
    inputs = gqa_inputs(past=3, rope=True)
    weights = {"q_norm": floats(16), "k_norm": floats(16)}

    def norm(x, weight):
        heads = x.reshape(*x.shape[:2], -1, 16).astype(np.float64)
        scaled = heads / np.sqrt((heads**2).mean(-1, keepdims=True) + 1e-5)
        return (scaled * weight).astype(np.float32).reshape(x.shape)

    common = {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1, "outputs": 3}
    normed = {**inputs, "query": norm(inputs["query"], weights["q_norm"]),
              "key": norm(inputs["key"], weights["k_norm"])}
    want = run(make_model("GroupQueryAttention", normed, ("cos", "sin"),
                          **common), normed)
    check(tmp_path, "GroupQueryAttention",
          {**inputs, "k_scale": None, "v_scale": None, **weights},
          ("cos", "sin"), dims=gqa_dims(inputs), qk_norm_epsilon=1e-5,
          reference=dict(enumerate(want.values())), **common)


def test_group_query_attention_refuses_uneven_caches(tmp_path):
    """Sequences of different lengths in one cache would need their new rows in
    different places."""
    inputs = gqa_inputs(batch=2, length=1, past=6)
    onnx.save(make_model("GroupQueryAttention", inputs, outputs=3,
                         dims=gqa_dims(inputs), num_heads=4, kv_num_heads=2),
              tmp_path / "in.onnx")
    compiled = llmc.compile(tmp_path / "in.onnx")
    feeds = {n: v for n, v in inputs.items() if v is not None}
    compiled(feeds)
    with pytest.raises(llmc.Error, match="index is outside"):
        compiled({**feeds, "seqlens_k": np.array([4, 6], np.int32)})


@pytest.mark.parametrize("message,inputs,attributes", [
    ("k_quant_type = 'PER_TENSOR' is not supported", {},
     {"k_quant_type": "PER_TENSOR"}),
    ("qk_output = 1 is not supported", {}, {"qk_output": 1}),
    ("sliding_window_cache = 1 is not supported", {},
     {"sliding_window_cache": 1, "local_window_size": 2}),
    (r"\(k_scale\) is not supported",
     {"sink": None, "k_scale": np.ones(1, np.float32)}, {}),
    ("must be a multiple of kv_num_heads", {}, {"kv_num_heads": 3}),
    ("needs both key and value", {"value": None}, {}),
    ("do_rotary needs cos_cache", {}, {"do_rotary": 1})])
def test_group_query_attention_refuses(tmp_path, message, inputs, attributes):
    refuse(tmp_path, message, "GroupQueryAttention",
           {**gqa_inputs(), **inputs}, outputs=3,
           **{"num_heads": 4, "kv_num_heads": 2, **attributes})


# MultiHeadAttention and Attention -------------------------------------------

MHA = {
    "self": {},
    "bias": {"bias": True},
    "cross": {"keys": 7},
    "cross-bias": {"keys": 7, "bias": True},
    "cached-cross": {"keys": 7, "cached": True},
    "cached-cross-bias": {"keys": 7, "cached": True, "bias": True},
    "value-size": {"value_size": 12},
    "lengths": {"mask": "lengths"},
    "keys-mask": {"mask": "keys"},
    "past-mask": {"mask": "total", "past": 4},
    "rows-mask": {"mask": "rows", "past": 4},
    "mask-filter": {"mask": "keys", "attributes": {"mask_filter_value": -50.0}},
    "attention-bias": {"attention_bias": (2, 3)},
    "attention-bias-for-all": {"attention_bias": (1, 1), "past": 4},
    "past": {"past": 4},
    "past-bias": {"past": 4, "bias": True},
    "causal": {"past": 4, "attributes": {"unidirectional": 1}},
    "causal-self": {"attributes": {"unidirectional": 1}},
    "scale": {"attributes": {"scale": 0.2}},
}


def attention_mask(kind, batch, length, past):
    total = past + length
    keep = np.arange(total) < np.array([[total - 2], [total]])
    return {
        "": None, "lengths": np.array([total - 2, total]), "keys": keep,
        "total": keep,
        "rows": keep[:, None].repeat(length, 1) & (rng.random(
            (batch, length, total)) < 0.7) | (np.arange(total) == 0),
        "ranges": np.array([total - 1, total, 2, 1]),
    }[kind]


@pytest.mark.parametrize("name", MHA)
def test_multi_head_attention(tmp_path, name, batch=2, length=5, heads=3,
                              size=8):
    form = MHA[name]
    keys, past = form.get("keys", length), form.get("past", 0)
    value_size = form.get("value_size", size)
    key, value = floats(batch, keys, heads * size), floats(batch, keys,
                                                           heads * value_size)
    if form.get("cached"):
        key, value = (x.reshape(batch, keys, heads, -1).swapaxes(1, 2).copy()
                      for x in (key, value))
    mask = attention_mask(form.get("mask", ""), batch, keys, past)
    cache = lambda n: floats(batch, heads, past, n) if past else None  # noqa
    biases = form.get("attention_bias")
    check(tmp_path, "MultiHeadAttention",
          {"query": floats(batch, length, heads * size), "key": key,
           "value": value,
           "bias": floats(heads * (2 * size + value_size))
           if form.get("bias") else None,
           "mask": None if mask is None else mask.astype(np.int32),
           "attention_bias": floats(*biases, length, past + keys)
           if biases else None,
           "past_key": cache(size), "past_value": cache(value_size)},
          outputs=3 if past else 1, num_heads=heads,
          dims={"query": ["batch", "sequence", heads * size],
                "mask": ["batch", "m1", "m2"][:0 if mask is None
                                              else mask.ndim],
                **({n: ["batch", heads, "keys", size] for n in
                    ("key", "value")} if form.get("cached") else {}),
                **{n: ["batch", heads, "past", size] for n in
                   ("past_key", "past_value")}},
          **form.get("attributes", {}))


def softmax_attention(q, k, v):
    """[batch, sequence, heads, size] each."""
    scores = np.einsum("bshd,bthd->bhst", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bhst,bthd->bshd", weights, v).reshape(
        *q.shape[:2], -1).astype(np.float32)


@pytest.mark.parametrize("packed", ["qkv", "kv"])
def test_multi_head_attention_of_packed_inputs(tmp_path, packed):
    """ONNX Runtime has these forms on GPUs only."""
    q, k, v = (floats(2, 5, 3, 8) for _ in range(3))
    inputs = {"query": np.stack([q, k, v], 3)} if packed == "qkv" else {
        "query": q.reshape(2, 5, 24), "key": np.stack([k, v], 3)}
    static = {"query": ["batch", "sequence", 3, 3, 8], "key": [
        "batch", "keys", 3, 2, 8]} if packed == "qkv" else {
        "query": ["batch", "sequence", 24], "key": ["batch", "keys", 3, 2, 8]}
    check(tmp_path, "MultiHeadAttention", inputs, num_heads=3, dims=static,
          reference={0: softmax_attention(q, k, v)})


@pytest.mark.parametrize("message,inputs,outputs", [
    (r"\(past_sequence_length\) is not supported",
     {"past_sequence_length": np.array([3], np.int32)}, 1),
    (r"\(cache_indirection\) is not supported",
     {"past_sequence_length": None,
      "cache_indirection": np.zeros((2, 1, 9), np.int32)}, 1),
    ("a mask of 4 dimensions", {"mask": np.ones((2, 1, 5, 5), np.int32)}, 1),
    ("must hold one length for each sequence",
     {"mask": np.ones(8, np.int32)}, 1),
    (r"output 3 \('out3'\) is not supported", {}, (0, 3))])
def test_multi_head_attention_refuses(tmp_path, message, inputs, outputs):
    x = floats(2, 5, 24)
    refuse(tmp_path, message, "MultiHeadAttention",
           {**dict.fromkeys(("query", "key", "value"), x), "bias": None,
            "mask": None, "attention_bias": None, "past_key": None,
            "past_value": None, **inputs}, outputs=outputs, num_heads=3)


ATTENTION = {
    "self": {},
    "no-bias": {"bias": False},
    "no-bias": {"bias": False},
    "causal": {"attributes": {"unidirectional": 1}},
    "past": {"past": 4, "attributes": {"unidirectional": 1}},
    "lengths": {"mask": "lengths"},
    "ranges": {"mask": "ranges"},
    "keys-mask": {"mask": "keys", "past": 4},
    "rows-mask": {"mask": "rows"},
    "attention-bias": {"attention_bias": True},
    "scale": {"attributes": {"scale": 0.2}},
    "sizes": {"attributes": {"qkv_hidden_sizes": [24, 24, 12]}},
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(tmp_path, name, batch=2, length=5, heads=3, size=8):
    form = ATTENTION[name]
    attributes = form.get("attributes", {})
    columns = sum(attributes.get("qkv_hidden_sizes", [heads * size] * 3))
    past = form.get("past", 0)
    mask = attention_mask(form.get("mask", ""), batch, length, past)
    inputs = {
        "x": floats(batch, length, 16), "weight": floats(16, columns) * 0.3,
        "bias": floats(columns), "mask": None if mask is None else mask.astype(np.int32),
        "past": floats(2, batch, heads, past, size) if past else None,
        "attention_bias": floats(1, heads, length, past + length)
        if form.get("attention_bias") else None}
    reference = None
    if not form.get("bias", True):
        # ONNX Runtime 1.31 reads the bias that is not there, and crashes.
        inputs["bias"] = np.zeros_like(inputs["bias"])
        want = run(make_model("Attention", inputs, num_heads=heads), inputs)
        inputs["bias"], reference = None, {0: want["out0"]}
    check(tmp_path, "Attention", inputs, ("weight", "bias"),
          outputs=2 if past else 1, num_heads=heads, reference=reference,
          dims={"x": [batch, "sequence", 16],
                "mask": [len(mask), "m1", "m2"][:mask.ndim]
                if mask is not None else [],
                "past": [2, batch, heads, "past", size]},
          **attributes)


@pytest.mark.parametrize("mask,past", [("", 0), ("lengths", 0), ("", 4)])
@pytest.mark.parametrize("dtype", INT8)
def test_qattention(tmp_path, dtype, mask, past, batch=2, length=5, heads=3,
                    size=8):
    keep = attention_mask(mask, batch, length, past)
    hidden = heads * size
    check(tmp_path, "QAttention",
          {"x": integers(np.uint8, batch, length, 16),
           "weight": integers(dtype, 16, 3 * hidden), "bias": floats(3 * hidden),
           "x_scale": scale(0.01), "w_scale": scale(0.006),
           "mask": None if keep is None else keep.astype(np.int32),
           "x_zero": np.array(128, np.uint8), "w_zero": np.array(3, dtype),
           "past": floats(2, batch, heads, past, size) if past else None},
          ("weight", "bias", "x_scale", "w_scale", "x_zero", "w_zero"),
          outputs=2 if past else 1, num_heads=heads, unidirectional=bool(past),
          dims={"x": [batch, "sequence", 16], "mask": [batch],
                "past": [2, batch, heads, "past", size]})


@pytest.mark.parametrize("message,change", [
    ("do_rotary = 1 is not supported", {"do_rotary": 1}),
    ("past_present_share_buffer = 1 is not supported",
     {"past_present_share_buffer": 1}),
    ("the weight has 72 columns, which are not those of queries",
     {"qkv_hidden_sizes": [24, 24, 12]})])
def test_attention_refuses(tmp_path, message, change):
    refuse(tmp_path, message, "Attention",
           {"x": floats(2, 5, 16), "weight": floats(16, 72)}, ("weight",),
           num_heads=3, **change)


# Mixtures of experts --------------------------------------------------------

def moe_activation(kind, x, third=None, interleaved=False, alpha=1.0, beta=0.0,
                   limit=np.inf):
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    if kind == "swiglu":
        half = x.shape[-1] // 2
        gate, linear = (x, third) if third is not None else (
            x[..., ::2], x[..., 1::2]) if interleaved else (
            x[..., :half], x[..., half:])
        gate, linear = np.minimum(gate, limit), np.clip(linear, -limit, limit)
        return gate * sigmoid(alpha * gate) * (linear + beta)
    x = {"relu": lambda: np.maximum(x, 0), "identity": lambda: x,
         "silu": lambda: x * sigmoid(x),
         "gelu": lambda: x / 2 * (1 + np.tanh(
             np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))}[kind]()
    return x if third is None else x * third


def moe(x, router, first, second, third, kind, k, normalize, weights=None,
        **activation):
    """The documented formula; each of the linears is (weight, bias)."""
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    exponentials = np.exp(router - router.max(1, keepdims=True))
    mixing = exponentials / exponentials.sum(1, keepdims=True)
    if weights is not None:
        mixing = weights.astype(np.float64)
    out = np.zeros_like(rows)
    for row, scores in enumerate(router):
        chosen = np.argsort(-scores, kind="stable")[:k]
        share = mixing[row, chosen]
        if normalize:
            share = share / share.sum()
        for expert, part in zip(chosen, share):
            linear = lambda l, v: v @ l[0][expert].T + (  # noqa: E731, E741
                0 if l[1] is None else l[1][expert])
            inner = moe_activation(
                kind, linear(first, rows[row]),
                None if third is None else linear(third, rows[row]),
                **activation)
            out[row] += part * linear(second, inner)
    return out.reshape(x.shape).astype(np.float32)


MOE = {
    "relu": ("relu", 0, {}), "gelu": ("gelu", 0, {}),
    "silu": ("silu", 0, {}), "identity": ("identity", 0, {}),
    "gated-silu": ("silu", "third", {}),
    "swiglu": ("swiglu", "third", {}),
    "swiglu-interleaved": ("swiglu", 1, {"alpha": 1.702, "beta": 1.0,
                                         "limit": 1.5}),
    "swiglu-halves": ("swiglu", 2, {}),
}


@pytest.mark.parametrize("k,normalize,rank", [(1, 0, 2), (2, 1, 3), (2, 0, 3)])
@pytest.mark.parametrize("name", MOE)
def test_moe(tmp_path, name, k, normalize, rank, experts=4, hidden=16, inter=8):
    kind, form, activation = MOE[name]
    wide = inter * (2 if form in (1, 2) else 1)
    x = floats(2, 3, hidden) if rank == 3 else floats(6, hidden)
    linear = lambda *shape: (floats(experts, *shape) * 0.3,  # noqa: E731
                             floats(experts, shape[0]))
    first, second = linear(wide, hidden), linear(hidden, inter)
    third = linear(inter, hidden) if form == "third" else None
    router = floats(6, experts)
    attributes = {f"activation_{n}": v for n, v in activation.items()
                  if n != "limit"}
    if "limit" in activation:
        attributes["swiglu_limit"] = activation["limit"]
    want = moe(x, router, first, second, third, kind, k, normalize,
               interleaved=form == 1, **activation)
    inputs = {"x": x, "router": router, "w1": first[0], "b1": first[1],
              "w2": second[0], "b2": second[1],
              "w3": third and third[0], "b3": third and third[1]}
    attributes.update(k=k, normalize_routing_weights=normalize,
                      activation_type=kind,
                      swiglu_fusion=form if form in (1, 2) else 0)
    constants = ("w1", "b1", "w2", "b2", "w3", "b3")
    if kind in ("relu", "gelu", "silu", "identity") and not third or form == 1:
        # What ONNX Runtime's CPU build has confirms the formula.
        got = run(make_model("MoE", inputs, constants, **attributes), inputs)
        np.testing.assert_allclose(got["out0"], want, atol=2e-5)
    check(tmp_path, "MoE", inputs, constants, reference={0: want},
          **attributes)


@pytest.mark.parametrize("zeros,bits,block", [
    case for case in itertools.product([False, True], [2, 4, 8], [0, 16, 32])
    # Refused, see test_moe_refuses.
    if case not in ((True, 2, 0), (True, 4, 0))])
def test_qmoe(tmp_path, zeros, bits, block, experts=4, hidden=64, inter=32):
    def linear(rows, columns):
        data, scales, zero_bytes = packed(experts * rows, columns, bits,
                                          block or columns)
        if bits == 8:
            scales /= 16
        points = zero_points("packed" if zeros else None, *scales.shape,
                             zero_bytes)
        offsets = np.full(scales.shape, 2.0 ** (bits - 1)) if points is None \
            else unpack(points, bits)[:, :scales.shape[1]]
        weight = dequantize(data, scales, offsets, bits)
        shaped = lambda v: v.reshape(  # noqa: E731
            (experts, rows) + ((-1,) if block else ()))
        return (data.reshape(experts, rows, -1), shaped(scales),
                floats(experts, rows), None if points is None else
                shaped(points)), weight.reshape(experts, rows, columns)

    (first, w1), (second, w2) = linear(2 * inter, hidden), linear(hidden, inter)
    x, router = floats(5, hidden), floats(5, experts)
    mixing = np.abs(floats(5, experts)) if block == 16 else None
    want = moe(x, router, (w1, first[2]), (w2, second[2]), None, "swiglu", 2,
               True, mixing, interleaved=True)
    check(tmp_path, "QMoE",
          {"x": x, "router": router, "w1": first[0], "s1": first[1],
           "b1": first[2], "w2": second[0], "s2": second[1], "b2": second[2],
           "w3": None, "s3": None, "b3": None, "z1": first[3], "z2": second[3],
           "z3": None, "router_weights": mixing},
          ("w1", "s1", "b1", "w2", "s2", "b2", "z1", "z2"),
          reference={0: want}, atol=1e-4, k=2, normalize_routing_weights=1,
          activation_type="swiglu", swiglu_fusion=1, expert_weight_bits=bits,
          **({"block_size": block} if block else {}))


@pytest.mark.parametrize("message,change", [
    ("quant_type = 'fp8' is not supported", {"quant_type": "fp8"}),
    ("weights_prepacked = 1 is not supported", {"weights_prepacked": 1}),
    ("3 bits are not supported", {"expert_weight_bits": 3}),
    ("use_sparse_mixer = 1 is not supported", {"use_sparse_mixer": 1}),
    ("activation_type = 'tanh' is not supported",
     {"activation_type": "tanh"}),
    ("swiglu_fusion = 0 needs fc3_experts_weights",
     {"activation_type": "swiglu"}),
    ("zero points of 4 bits are supported only with a block_size",
     {"z1": np.zeros((2, 8), np.uint8)})])
def test_moe_refuses(tmp_path, message, change):
    weights = {"w1": np.zeros((2, 16, 8), np.uint8),
               "s1": np.ones((2, 16), np.float32), "b1": None,
               "w2": np.zeros((2, 16, 8), np.uint8),
               "s2": np.ones((2, 16), np.float32), "b2": None, "w3": None,
               "s3": None, "b3": None, "z1": change.pop("z1", None)}
    refuse(tmp_path, message, "QMoE",
           {"x": floats(5, 16), "router": floats(5, 2), **weights},
           tuple(weights), **change)


# Fusions that ONNX Runtime's CPU build has no kernel for ---------------------

def test_bias_split_gelu(tmp_path):
    from math import erf
    x, bias = floats(2, 3, 8), floats(8)
    left, right = np.split((x + bias).astype(np.float64), 2, -1)
    gelu = right / 2 * (1 + np.vectorize(erf)(right / np.sqrt(2)))
    check(tmp_path, "BiasSplitGelu", {"x": x, "bias": bias}, ("bias",),
          reference={0: (left * gelu).astype(np.float32)},
          dims={"x": ["n", "s", 8]})


def test_bias_add(tmp_path):
    x, bias, skip = floats(2, 3, 8), floats(8), floats(2, 3, 8)
    check(tmp_path, "BiasAdd", {"x": x, "bias": bias, "skip": skip},
          reference={0: x + bias + skip})
