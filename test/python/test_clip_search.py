"""The search for the grids of blocks against a reference in numpy."""

import numpy as np
import pytest

from calibration import read, statistics, stored
from test_quantize_rtn import dequantize, make_module, resources


def span(low, high, bits, symmetric):
    """The scale and zero point of a grid from `low` to `high`."""
    levels = np.float32(2**bits - 1)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    scale = np.float32(high) / levels - np.float32(low) / levels
    if scale == 0:
        return np.float32(1), 2**(bits - 1)
    zero = 2**(bits - 1) if symmetric else np.rint(min(-low / scale, levels))
    return scale, zero


def search(values, weights, bits, symmetric):
    """The best of GPTQ's 80 candidates, and its weighted squared error."""
    low, high = min(values.min(), 0), max(values.max(), 0)
    best = None
    for i in range(80):
        part = np.float32(1 - i / 100)
        scale, zero = span(part * low, part * high, bits, symmetric)
        codes = np.clip(np.rint(values / scale) + zero, 0, 2**bits - 1)
        error = np.sum(weights * ((codes - zero) * scale - values)**2.0)
        if best is None or error < best[0]:
            best = error, scale, zero
    return best


def grids(weight, weights, bits, block, symmetric):
    """Errors, scales and zeros [rows, blocks]."""
    rows, columns = weight.shape
    found = [[search(row[i:i + block], weights[i:i + block], bits, symmetric)
              for i in range(0, columns, block)] for row in weight]
    return np.moveaxis(np.array(found, np.float64), -1, 0)


@pytest.mark.parametrize("bits,symmetric,columns", [
    (4, False, 96), (3, True, 96), (2, False, 100), (8, False, 64)])
@pytest.mark.parametrize("weighting", ["none", "activations"])
def test_clip_search(tmp_path, bits, symmetric, columns, weighting):
    rng = np.random.default_rng(bits)
    weight = rng.standard_t(4, (40, columns)).astype("f4")
    weight[2, :32] = 0
    module = make_module(weight, stored_transposed=True)
    gram = read(module, tmp_path, statistics.make_rows(columns))
    weights = gram.diagonal() if weighting == "activations" else \
        np.ones(columns)
    report = module.run(
        f"llmc-quantize-rtn{{bits={bits} block=32 clip=mse "
        f"symmetric={str(symmetric).lower()} weighting={weighting}}}")
    errors, scales, _ = grids(weight, weights, bits, 32, symmetric)
    blocks = scales.shape[1]
    codes, got_scales, got_zeros = stored(
        resources(module, tmp_path / "m.mlir"), 40, blocks, bits)
    decoded = dequantize(codes, got_scales, got_zeros, columns)
    # Two candidates may be as good as each other but for roundings.
    assert np.mean(np.isclose(scales, got_scales, rtol=1e-6)) > 0.99
    assert np.sum(weights * (decoded - weight)**2.0) == \
        pytest.approx(errors.sum(), rel=1e-5)
    assert report.weights[0]["relative_error"] == pytest.approx(
        np.linalg.norm(decoded - weight) / np.linalg.norm(weight), rel=1e-4)
