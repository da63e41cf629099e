"""Pieces of graph that PyTorch's dynamo exporter (2.11, opset 18) writes for
every Hugging Face transformer, reproduced node by node."""

import numpy as np
from onnx import TensorProto

from common import INT64_MAX, INT64_MIN


def arange_4d(g, start_offset, length, name, first, last):
    """[0, length) (+ offset) as a 4-D tensor, by two Unsqueezes."""
    value = g.op("Range", g.int_scalar(0), length, g.int_scalar(1),
                 name=f"{name}_arange")
    if start_offset is not None:
        value = g.op("Add", value, start_offset, name=f"{name}_position")
    value = g.op("Unsqueeze", value, g.ints(*first), name=f"{name}_3d")
    return g.op("Unsqueeze", value, g.ints(last), name=f"{name}_4d")


def gather_padding(g, attention_mask, rows, keys):
    """attention_mask[batch, key] as bool, indexed with 4-D index tensors."""
    padding = g.op("Cast", attention_mask, name="mask.not_padding",
                   to=TensorProto.BOOL)
    grid = g.op("Shape", g.op("Max", rows, keys, name="mask.grid"),
                name="mask.grid_shape", start=0)
    index = [
        g.op("Unsqueeze",
             g.op("Expand", value, grid, name="mask.index_grid"),
             g.ints(-1), name="mask.index_column") for value in (rows, keys)
    ]
    index = g.op("Concat", *index, name="mask.index", axis=-1)
    return g.op("GatherND", padding, index, name="mask.padding", batch_dims=0)


def both(g, first, second):
    """Hugging Face's and_masks: a true constant, and everything onto it."""
    true = g.tensor(np.array(True), "mask.true")
    return g.op("And", g.op("And", true, first, name="mask.and"), second,
                name="mask.allowed")


def additive(g, allowed):
    """0 where attention is allowed, the lowest float32 where it is not."""
    return g.op("Where", allowed, g.scalar(0.0, "zero"),
                g.scalar(np.finfo(np.float32).min, "lowest"),
                name="mask.bias")


def split_heads(g, x, shape, name):
    x = g.op("Reshape", x, shape, name=f"{name}_view", allowzero=1)
    return g.op("Transpose", x, name=f"{name}_heads", perm=[0, 2, 1, 3])


def transpose_last_two(g, x, name):
    """Of a 4-D tensor by way of a 3-D view, shape arithmetic and all."""
    shape = g.op("Shape", x, name=f"{name}_shape", start=0)
    width = g.op("Slice", shape, g.ints(-1), g.ints(INT64_MAX),
                 name=f"{name}_width")
    length = g.op("Slice", shape, g.ints(-2), g.ints(-1),
                  name=f"{name}_length")
    leading = g.op("Slice", shape, g.ints(INT64_MIN), g.ints(-2),
                   name=f"{name}_leading")
    flat = g.op("Concat", g.ints(-1), length, width,
                name=f"{name}_flat_shape", axis=0)
    x = g.op("Reshape", x, flat, name=f"{name}_flat", allowzero=0)
    x = g.op("Transpose", x, name=f"{name}_flat_t", perm=[0, 2, 1])
    shape = g.op("Concat", leading, width, length, name=f"{name}_t_shape",
                 axis=0)
    return g.op("Reshape", x, shape, name=f"{name}_t", allowzero=0)


def attention(g, query, key, value, bias, head_dim, merged_shape, scope):
    """scaled_dot_product_attention on [batch, heads, length, head_dim] and
    the merge of the heads."""
    key = transpose_last_two(g, key, f"{scope}.k")
    # The square root of the scale goes to both operands.
    scale = g.scalar(head_dim**-0.25, "sqrt_scale")
    scores = g.op("MatMul",
                  g.op("Mul", query, scale, name=f"{scope}.q_scaled"),
                  g.op("Mul", key, scale, name=f"{scope}.k_scaled"),
                  name=f"{scope}.scores")
    scores = g.op("Add", scores, bias, name=f"{scope}.masked")
    scores = g.op("Softmax", scores, name=f"{scope}.softmax", axis=-1)
    undefined = g.op("IsNaN", scores, name=f"{scope}.isnan")
    scores = g.op("Where", undefined, g.scalar(0.0, "zero"), scores,
                  name=f"{scope}.probabilities")
    x = g.op("MatMul", scores, value,
             name=f"{scope}.scaled_dot_product_attention")
    x = g.op("Transpose", x, name=f"{scope}.merged", perm=[0, 2, 1, 3])
    return g.op("Reshape", x, merged_shape, name=f"{scope}.view", allowzero=1)
