"""Activations, products, norms and quantized activations of com.microsoft."""

import itertools

import numpy as np
import pytest
from contrib import (INT8, check, floats, integers, make_model, ops, refuse,
                     rng, run, scale)


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
