"""Mixtures of experts of com.microsoft."""

import itertools

import numpy as np
import pytest
from contrib import (check, dequantize, floats, make_model, packed, refuse,
                     run, unpack, zero_points)


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
