"""Scales that are integers times a number of their row, against a reference in
numpy: integers of few bits that, times those of their groups, have 8."""

import numpy as np
import pytest
from ml_dtypes import bfloat16

import llmc
import toy
from calibration import output_error, read, statistics, unpack
from test_quantize_rtn import dequantize, make_module, pack, resources

SIGNIFICANT = {"float32": 11, "float16": 11, "bfloat16": 8}
# The least number that a format holds.
LEAST = {"float32": 2.0**-149, "float16": 2.0**-24, "bfloat16": 2.0**-133}
OPTIONS = "symmetric=true progressive=true"


def units_of(largest, bits, dtype):
    """Numbers of rows whose largest scales are these."""
    units = np.ones(len(largest), np.float32)
    some = largest > 0
    exact = largest[some] / np.float32(2**(8 - bits))
    last = 2.0**(np.frexp(exact)[1] - (SIGNIFICANT[dtype] - 8 + bits))
    last = np.maximum(last, LEAST[dtype])
    units[some] = np.ceil(exact / last) * last
    return units


def scales_of(weight, bits, block):
    """Blocks of a weight, padded, and the scales of their ranges."""
    rows, columns = weight.shape
    padded = np.pad(weight.astype(np.float32),
                    ((0, 0), (0, -columns % block))).reshape(rows, -1, block)
    most = np.abs(padded).max(axis=2) / np.float32(2**bits - 1)
    return padded, most + most


def multiples_of(scales, units, bits):
    """The nearest, or the next if that cuts off more than a step at each end of
    the range."""
    units = units[:, None]
    near = np.clip(np.rint(scales / units), 1, 2**(8 - bits))
    cut = (scales - near * units) * np.float32(2**bits - 1)
    return near + (cut > 2 * near * units)


def nearest(padded, scales, bits):
    """The codes of the nearest values of each block's grid."""
    half = 2**(bits - 1)
    return (np.clip(np.rint(padded / scales[..., None]), -half, half - 1)
            + half).astype(np.uint8)


def stored(module, path, rows, bits, dtype="float32"):
    """Codes [rows, blocks, block], multiples [rows, blocks] and units [rows]."""
    made = resources(module, path)
    assert set(made) == {"w.q", "w.scales.q", "w.scales.rows"}
    multiples = made["w.scales.q"].reshape(rows, -1)
    codes = unpack(made["w.q"].reshape(*multiples.shape, -1), bits)
    kind = bfloat16 if dtype == "bfloat16" else dtype
    return codes, multiples, made["w.scales.rows"].view(kind)


def check(codes, multiples, units, bits, dtype="float32"):
    """What a kernel relies on, whatever the codes are."""
    assert multiples.min() >= 1 and multiples.max() <= 2**(8 - bits)
    products = (codes.astype(int) - 2**(bits - 1)) * multiples[..., None]
    assert np.abs(products).max() <= 128
    units = units.astype(np.float64)
    assert np.all(units > 0)
    # Every multiple is a number of the format, and of f16 in its range.
    for kind in (bfloat16 if dtype == "bfloat16" else dtype, np.float16):
        scales = units[:, None] * np.arange(1, 2**(8 - bits) + 1)
        if kind is np.float16:
            scales = scales[(scales.min(1) >= 2**-14) & (scales.max(1) <= 65504)]
        assert np.array_equal(scales, scales.astype(kind).astype(np.float64))


@pytest.mark.parametrize("bits", range(2, 8))
@pytest.mark.parametrize("dtype,columns,block,transposed", [
    ("float32", 96, 32, False), ("float32", 100, 16, True),
    ("float16", 64, 8, False), ("bfloat16", 96, 32, True)])
def test_bytes_and_numbers(tmp_path, bits, dtype, columns, block, transposed):
    rng = np.random.default_rng(columns * bits)
    rows = 200  # more than are read together
    weight = rng.standard_normal((rows, columns)).astype("f4")
    weight *= 2.0**rng.integers(-8, 4, (rows, 1))
    weight[3] = 0
    weight[4, :block] = 0
    weight[5] *= 2.0**-14  # in f16 below its normal numbers
    weight[6, :block] *= 100  # scales of others are near one unit
    weight = weight.astype(bfloat16 if dtype == "bfloat16" else dtype)
    module = make_module(weight, transposed)
    report = module.compress(bits, block, symmetric=True, activations="float",
                             scales="progressive")

    codes, multiples, units = stored(module, tmp_path / "m.mlir", rows, bits,
                                     dtype)
    check(codes, multiples, units, bits, dtype)
    padded, scales = scales_of(weight, bits, block)
    want = units_of(scales.max(axis=1), bits, dtype)
    assert np.array_equal(units.astype("f4"), want)
    assert want[3] == 1 and np.all(multiples[3] == 1) and multiples[4, 0] == 1
    assert np.array_equal(multiples, multiples_of(scales, want, bits))
    assert multiples[6].min() <= max(1, 2**(8 - bits) // 20)
    rounded = multiples * want[:, None]
    assert np.array_equal(codes, nearest(padded, rounded, bits))

    entry, = report.weights
    zeros = np.full(multiples.shape, 2**(bits - 1))
    decoded = dequantize(codes, rounded, zeros, columns)
    error = np.abs(decoded - weight.astype("f4"))
    assert entry["largest_error"] == pytest.approx(error.max(), rel=1e-5)
    assert entry["bytes_after"] == (pack(codes, bits).size + multiples.size
                                    + units.nbytes)
    assert entry["bytes_after"] == sum(p["bytes"] for p in module.params())
    if dtype == "float32":  # the identity reads the weight back
        run = llmc.compile(module, opt_level=0)
        got = run({"x": np.eye(columns, dtype="f4")})["y"].T
        np.testing.assert_allclose(got, decoded, rtol=1e-6)


@pytest.mark.parametrize("bits,block,most", [
    (2, 32, 1.01), (3, 32, 1.01), (4, 32, 1.01), (4, 128, 1.01), (5, 32, 1.05),
    (6, 32, 1.15), (7, 32, 1.4)])
def test_error_beside_plain_groups(bits, block, most):
    """The error of scales is small beside that of few bits; with many there are
    few multiples."""
    weight = np.random.default_rng(2).standard_normal((256, 1024)).astype("f4")
    errors = []
    for scales in ("float32", "progressive"):
        entry, = make_module(weight, False).compress(
            bits, block, symmetric=True, scales=scales).weights
        errors.append(entry["relative_error"])
    print(bits, block, errors[1] / errors[0])
    assert errors[1] < most * errors[0]


@pytest.mark.parametrize("clip", ["none", "mse"])
@pytest.mark.parametrize("bits,block,sweeps", [(4, 32, 0), (3, 16, 3)])
def test_gptq(tmp_path, bits, block, clip, sweeps):
    rng = np.random.default_rng(bits)
    weight = rng.standard_normal((40, 96)).astype("f4")
    weight[2] = 0
    seen = statistics.make_rows(96, count=200)
    seen[:, 5] = 0
    errors = []
    for options in (OPTIONS, "symmetric=true"):
        module = make_module(weight, False)
        gram = read(module, tmp_path, seen)
        entry, = module.run(
            f"llmc-quantize-gptq{{bits={bits} block={block} clip={clip} "
            f"sweeps={sweeps} {options}}}").weights
        errors.append(entry["output_error"])
        if options == OPTIONS:
            codes, multiples, units = stored(module, tmp_path / "m.mlir", 40,
                                             bits)
    check(codes, multiples, units, bits)
    assert units[2] == 1 and np.all(multiples[2] == 1)
    used = np.where(gram.diagonal() == 0, 0, weight)
    _, scales = scales_of(used, bits, block)
    want = units_of(scales.max(axis=1), bits, "float32")
    assert np.array_equal(units, want)
    if clip == "none" and sweeps == 0:
        assert np.array_equal(multiples, multiples_of(scales, want, bits))
    decoded = dequantize(codes, multiples * units[:, None],
                         np.full(multiples.shape, 2**(bits - 1)), 96)
    assert entry["output_error"] == errors[1]
    assert errors[0] == pytest.approx(np.sqrt(
        output_error(weight - decoded, gram) / output_error(weight, gram)),
        rel=1e-3)
    assert errors[0] < 1.1 * errors[1]


def test_whole_rows(tmp_path):
    """Where there is nothing to multiply scales are as usual."""
    weight = np.random.default_rng(0).standard_normal((8, 64)).astype("f4")
    module = make_module(weight, False)
    module.compress(4, 0, symmetric=True, scales="progressive")
    assert set(resources(module, tmp_path / "m.mlir")) == {"w.q", "w.scales"}
    assert "{block = 64 : i64}" in str(module)


@pytest.mark.parametrize("group, activation_group, block", [
    (16, None, 64), (16, 40, 32), (16, 0, 16), (24, 48, 48), (24, 64, 72)])
def test_activations_and_onnx(tmp_path, compare, group, activation_group,
                              block):
    """ONNX Runtime computes what we do, and the form comes back from ONNX. No
    row of 64 is of whole groups of 24."""
    module = llmc.Module.load(toy.write(tmp_path / "toy"))
    module.lift()
    module.compress(4, group, symmetric=True, scales="progressive",
                    activation_group=activation_group)
    assert f"{{block = {block} : i64}}" in str(module)
    path = tmp_path / "small.onnx"
    module.export_onnx(path)
    again = llmc.Module.load(path)
    assert again.lift().notices == []
    assert again.ops() == module.ops()
    assert again.ops()["llmc.quantize_dynamic"] == 1
    assert f"{{block = {block} : i64}}" in str(again)
    assert sorted(p["bytes"] for p in again.params()) == \
        sorted(p["bytes"] for p in module.params())
    # What follows the scales knows them again.
    fresh = llmc.Module.load(path)
    fresh.lift()
    assert fresh.run("llmc-quantize-activations{block=48 strict}").notices == []

    ids = {"input_ids": np.arange(40).reshape(4, 10)}
    direct = module.compile("reference", opt_level=0)(ids)
    compiled = again.compile("reference", opt_level=0)(ids)
    runtime = compare.onnxruntime_runner(path)(ids)
    np.testing.assert_allclose(compiled["logits"], direct["logits"], atol=1e-4)
    np.testing.assert_allclose(runtime["logits"], direct["logits"], atol=1e-3)


def test_plain_scales_keep_their_blocks():
    weight = np.random.default_rng(0).standard_normal((8, 64)).astype("f4")
    module = make_module(weight, False)
    module.compress(4, 16, symmetric=True, activations="float",
                    scales="float32")
    notice, = module.run("llmc-quantize-activations{block=32}").notices
    assert "is rounded in blocks of 16, not of 32" in notice
    assert "{block = 16 : i64}" in str(module)
