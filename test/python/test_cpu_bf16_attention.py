"""Attention in bf16, whose products are of pairs where the processor has them,
against numpy in doubles."""

import platform

import numpy as np
import pytest

import llmc
from amx import FEATURES, emulator, run, run_here
from kernels import floats, to_bf16
from test_cpu_attention import attention
from test_cpu_bf16 import TARGETS

# What multiplies pairs, by target.
PAIRS = {"host": {"avx512_bf16", "bf16", "amx_bf16"},
         "cpu:x86-64-v4+avx512bf16": {"avx512_bf16"}}
TILES = "cpu:x86-64-v4+avx512bf16+amx-bf16"


def check(make, rounds, compute, inputs, window=0, causal=False, softcap=0):
    """`rounds` tells whether factors are rounded, or the result alone."""
    def cast():
        module = make()
        assert module.run("llmc-cast-attention").notices == []
        return module

    claimed = cast()
    assert claimed.run("llmc-claim-kernels").notices == []
    assert not {"llmc.cast", "llmc.attention", "llmc.transpose"} & set(
        claimed.ops())
    results = compute(cast(), inputs)
    for feeds, y in zip(inputs, results):
        q, k, v = (to_bf16(feeds[name]) if rounds
                   else feeds[name].astype(np.float64) for name in "qkv")
        scaled = feeds["q"] * np.float32(0.3)
        q = to_bf16(scaled) if rounds else scaled.astype(np.float64)
        k, v = (x.repeat(q.shape[1] // x.shape[1], axis=1) for x in (k, v))
        scores = q @ k.swapaxes(2, 3)
        if softcap:
            scores = softcap * np.tanh(scores / softcap)
        rows, keys = scores.shape[2:]
        place = np.arange(rows)[:, None] + keys - rows
        if "m" in feeds:
            scores = scores + feeds["m"]
        if causal:
            scores[..., np.arange(keys) > place] = -np.inf
        if window:
            scores[..., np.arange(keys) <= place - window] = -np.inf
        largest = scores.max(-1, keepdims=True)
        weights = np.exp(scores - np.where(np.isinf(largest), 0, largest))
        total = np.maximum(weights.sum(-1, keepdims=True), 1e-300)
        wanted, size = ((weights @ x) / total for x in (v, np.abs(v)))
        # Sums of f32, and the rounding of each weight and of the result.
        bound = size * (2e-4 + (2**-8 if rounds else 0)) + np.abs(
            wanted) * 2**-8 + 1e-30
        y = y.swapaxes(1, 2) if y.shape != wanted.shape else y
        assert np.all(np.abs(y - wanted) <= bound)
        assert np.array_equal(to_bf16(y), y.astype(np.float64))
    return results


@pytest.fixture(params=[*TARGETS, "tiles"])
def target(request, tmp_path):
    """Whether factors are rounded, and what computes y."""
    name = request.param
    if name == "tiles":
        if platform.machine() != "x86_64":
            pytest.skip("AMX is of processors of x86-64")
        if not {"avx512_bf16"} <= FEATURES:
            pytest.skip("no AVX512-BF16 on this machine")
        here = (run_here if {"amx_int8", "amx_bf16"} <= FEATURES
                else request.getfixturevalue("emulator"))
    elif not TARGETS[name] <= FEATURES:
        pytest.skip(f"this machine lacks {TARGETS[name] - FEATURES}")
    else:
        here = run_here

    def compute(module, inputs):
        module.compile_artifact(tmp_path / "a.llmc",
                                TILES if name == "tiles" else name)
        return here(tmp_path / "a.llmc", inputs)

    return name == "tiles" or bool(PAIRS.get(name, set()) & FEATURES), compute


def inputs(heads, key_heads, size, value_size, *counts):
    return [{"q": floats(batch, heads, rows, size),
             "k": floats(batch, key_heads, keys, size),
             "v": floats(batch, key_heads, keys, value_size)}
            for batch, rows, keys in counts]


@pytest.mark.parametrize("heads,key_heads,size,value_size", [
    (4, 4, 16, 16), (6, 2, 64, 64), (8, 1, 24, 40), (2, 1, 5, 3),
    (1, 1, 1, 17), (32, 4, 128, 128)])
@pytest.mark.parametrize("options", [
    {}, {"causal": True}, {"causal": True, "window": 7}, {"softcap": 2.0}])
def test_attention(heads, key_heads, size, value_size, options, target):
    attributes = "".join({"causal": ", causal", "window": ", window = 7 : i64",
                          "softcap": ", softcap = 2.0 : f32"}[name]
                         for name in options)
    make = attention(heads, key_heads, size, value_size, attributes,
                     transposed=heads == 6)
    feeds = inputs(heads, key_heads, size, value_size, (2, 1, 1), (1, 1, 130),
                   (2, 5, 5), (1, 70, 70), (1, 3, 200), (1, 0, 4), (1, 1, 600))
    # A row alone.
    feeds.append({**feeds[3],
                  "q": np.ascontiguousarray(feeds[3]["q"][:, :, -1:])})
    rows = 1 if heads == 6 else 2
    results = check(make, *target, feeds, **options)
    assert np.array_equal(results[-1],
                          np.take(results[3], [-1], axis=rows))


def test_unusual_numbers(target):
    """Zeros, subnormal numbers, large ones, and rows without a key."""
    make = attention(6, 2, 40, 24, mask=("?x?", '["s", "t"]'))
    feeds = inputs(6, 2, 40, 24, (1, 40, 90))[0]
    feeds["q"][:, :, 3] = 0
    feeds["q"][:, :, 4] *= np.float32(1e-40)
    feeds["q"][:, :, 5] *= np.float32(1e4)
    feeds["k"][:, :, 7] *= np.float32(1e-38)
    feeds["v"][:, :, 8] *= np.float32(1e30)
    feeds["v"][:, :, 9] = 0
    mask = np.zeros((40, 90), np.float32)
    mask[6] = -np.inf
    mask[7:20, 8:] = np.finfo(np.float32).min
    mask[20:, 8] = -np.inf
    feeds["m"] = mask
    check(make, *target, [feeds])


def test_bf16_model(tmp_path):
    """Attention that is of bf16 needs no pass."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    make = attention(6, 2, 64, 64, element="bf16")
    module = make()
    assert module.run("llmc-cast-attention{strict}").notices == []
    assert "llmc.cast" not in module.ops()
    feeds = inputs(6, 2, 64, 64, (1, 70, 70))[0]
    rounded = {name: value.astype(bfloat16) for name, value in feeds.items()}
    y = module.compile()(rounded)["y"].astype(np.float32)
    cast = attention(6, 2, 64, 64)()
    cast.run("llmc-cast-attention")
    again = cast.compile()({name: value.astype(np.float32)
                            for name, value in rounded.items()})["y"]
    np.testing.assert_array_equal(y, again)
