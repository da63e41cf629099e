"""HQQ against its formulas in numpy, with floats of 64 bits."""

import numpy as np
import onnxruntime as ort
import pytest

from calibration import unpack
from test_prune import decode, random_weight
from test_quantize_rtn import make_module, resources

import llmc
import toy

P, BETA, KAPPA, ROUNDS = 0.7, 10.0, 1.01, 20


def shrink(x, beta, p):
    size = np.abs(x)
    with np.errstate(divide="ignore"):
        return np.sign(x) * np.maximum(size - size**(p - 1) / beta, 0)


def search(w, bits, half, p=P, beta=BETA, kappa=KAPPA, rounds=ROUNDS):
    """The scale, and the zero points that may be found: where the errors of two
    rounds are the same, it is for the last bits of sums whether that was all."""
    low, high = min(w.min(), 0), max(w.max(), 0)
    levels = 2**bits - 1
    scale = np.float32(high) / np.float32(levels) \
        - np.float32(low) / np.float32(levels)
    store = np.float16 if half else np.float32
    if half and scale >= 2.0**-14:
        scale = np.float16(scale)
    if scale == 0:
        return 1, [0]
    scale = np.float64(scale)
    zero, error, found = np.float64(store(-low / scale)), np.inf, []
    for _ in range(rounds + 1):
        q = np.clip(np.rint(w / scale + zero), 0, levels)
        rest = w - (q - zero) * scale
        last, error = error, np.abs(rest).sum()
        if error > last * (1 + 1e-6):
            return scale, [*found, before]
        if error >= last * (1 - 1e-6):
            found.append(before)
        before = zero
        zero = np.mean(q - (w - shrink(rest, beta, p)) / scale)
        zero = np.float64(store(zero))
        beta *= kappa
    return scale, [*found, before]


def quantize(weight, path, bits, block, options="", transposed=False):
    """Codes [rows, blocks, block], scales and zeros [rows, blocks]."""
    module = make_module(weight, transposed)
    report = module.run(
        f"llmc-quantize-hqq{{bits={bits} block={block} {options}}}")
    found = resources(module, path / "m.mlir")
    rows, blocks = len(weight), -(-weight.shape[1] // block)
    codes = unpack(found["w.q"].reshape(rows, blocks, -1), bits)
    return (codes, *(found[f"w.{name}"].view(weight.dtype).reshape(rows, blocks)
                     for name in ("scales", "zeros")), module, report)


@pytest.mark.parametrize("bits,block,columns,size,options,half,transposed", [
    (4, 64, 128, 1, {}, False, False), (3, 24, 120, 1, {}, False, True),
    (2, 32, 100, 1, {}, False, False), (8, 16, 64, 1, {}, False, False),
    (4, 64, 128, 1, {}, True, False),
    # Errors of large weights are above the threshold of the shrinkage.
    (3, 32, 96, 30, {}, False, False), (2, 32, 96, 30, {}, True, False),
    (3, 32, 96, 1, {"p": 0.5, "beta": 200, "kappa": 1.1, "rounds": 7}, False,
     False),
    (3, 32, 96, 1, {"p": 1, "beta": 50}, False, False),
    (4, 32, 96, 1, {"rounds": 0}, False, False)])
def test_zero_points(tmp_path, bits, block, columns, size, options, half,
                     transposed):
    rng = np.random.default_rng(bits * columns)
    weight = (size * rng.standard_t(4, (60, columns))).astype("f4")
    weight[2, :block] = 0
    weight[3] = abs(weight[3])
    weight[4] = -2
    text = " ".join(f"{k}={v}" for k, v in options.items())
    codes, scales, zeros, _, _ = quantize(
        weight, tmp_path, bits, block, text + " half-scales" * half, transposed)
    same = []
    for (row, number), zero in np.ndenumerate(zeros):
        w = weight[row, number * block:(number + 1) * block].astype("f8")
        scale, found = search(w, bits, half, **options)
        assert scales[row, number] == pytest.approx(scale, rel=1e-7)
        same.append(np.abs(zero - found).min() <= 1e-5 * 2**bits)
        q = np.clip(np.rint(w / scale + zero), 0, 2**bits - 1)
        assert np.mean(codes[row, number, :len(w)] == q) >= 0.95
    # A weight may be in the middle of two integers.
    assert np.mean(same) > 0.98
    assert not codes[2, 0].any() and not zeros[2, 0]
    if half:
        assert np.array_equal(zeros, zeros.astype("f2").astype("f4"))


def test_errors_fall_and_are_told(tmp_path):
    """Below those of the zero points of ranges, and those that remarks say."""
    weight = np.random.default_rng(3).standard_t(4, (64, 128)).astype("f4")
    errors = []
    for rounds in (0, 20):
        codes, scales, zeros, _, report = quantize(weight, tmp_path, 3, 64,
                                                   f"rounds={rounds}")
        decoded = ((codes - zeros[..., None]) * scales[..., None]).reshape(
            weight.shape)
        errors.append(np.abs(decoded - weight).sum())
        entry, = report.weights
        assert entry["largest_error"] == pytest.approx(
            np.abs(decoded - weight).max(), rel=1e-5)
        assert entry["relative_error"] == pytest.approx(
            np.linalg.norm(decoded - weight) / np.linalg.norm(weight), rel=1e-5)
        assert entry["bytes_after"] == 64 * (128 * 3 // 8 + 2 * (4 + 4))
    assert errors[1] < 0.99 * errors[0]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_large_and_tiny_values(tmp_path, dtype):
    """The range of a block may be more than a float holds, or vanish."""
    limit = float(np.finfo(dtype).max) * 0.85
    weight = np.zeros((3, 64), dtype)
    weight[0, :2] = limit, -limit
    weight[1] = np.finfo(dtype).smallest_subnormal
    weight[2] = limit
    codes, scales, zeros, _, report = quantize(weight, tmp_path, 8, 64)
    assert np.isfinite(scales).all() and np.isfinite(zeros).all()
    decoded = (codes[:, 0] - zeros.astype("f8")) * scales
    errors = abs(decoded - weight)
    assert errors.max() <= 0.6 * limit * 2 / 255
    assert report.weights[0]["largest_error"] == pytest.approx(errors.max(),
                                                               rel=1e-3)


@pytest.mark.parametrize("pattern,bits", [("", 4), ("block:5x4", 8)])
def test_pruned(tmp_path, pattern, bits):
    """The values that are stored of a weight become integers."""
    module = make_module(random_weight(40, 96), True)
    module.run(f"llmc-prune-magnitude{{pattern={pattern}}}")
    stored = resources(module, tmp_path / "pruned.mlir")
    count = stored["w.values"].size // 4
    assert module.run(
        f"llmc-quantize-hqq{{bits={bits} block=32}}").notices == []
    made = resources(module, tmp_path / "m.mlir")
    codes = unpack(made["w.q"].reshape(-1, 1, 4 * bits), bits)[:, 0]
    scales, zeros = (made[f"w.{n}"].view("f4")[:, None]
                     for n in ("scales", "zeros"))
    values = ((codes - zeros) * scales).ravel()[:count]
    want = decode({**stored, "w.values": values.view(np.uint8)}, 40, 96, pattern)
    x = np.random.default_rng(1).standard_normal((3, 96)).astype("f4")
    module.export_onnx(tmp_path / "m.onnx")
    again = llmc.Module.load(tmp_path / "m.onnx")
    again.lift()
    assert again.ops() == module.ops()
    session = ort.InferenceSession(tmp_path / "m.onnx")
    for got in (llmc.compile(tmp_path / "m.mlir", target="host",
                             opt_level=0)({"x": x})["y"],
                llmc.compile(tmp_path / "m.mlir",
                             target="reference", opt_level=0)({"x": x})["y"],
                session.run(None, {"x": x})[0]):
        np.testing.assert_allclose(got, x @ want.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_toy_model(tmp_path, bits):
    """The reference, kernels with floats and integers, and ONNX Runtime compute
    the same, before and after ONNX."""
    source = toy.write(tmp_path / "toy", tokenizer=False)
    target = tmp_path / "small.onnx"

    def make():
        module = llmc.Module.load(source)
        module.lift()
        module.run(f"llmc-quantize-hqq{{bits={bits} block=32 half-scales}}")
        return module

    def load(passes=""):
        module = llmc.Module.load(target)
        module.lift()
        if passes:
            module.run(passes)
        return module

    make().export_onnx(target)
    assert load().ops() == make().ops()
    by_name = [sorted(m.params(), key=lambda p: p["name"])
               for m in (load(), make())]
    assert by_name[0] == by_name[1]
    feeds = {"input_ids": np.arange(40, dtype=np.int64)[None]}
    want = make().compile("reference", opt_level=0)(feeds)["logits"]
    session = ort.InferenceSession(str(target),
                                   providers=["CPUExecutionProvider"])
    for got in (session.run(None, feeds)[0],
                make().compile("host", opt_level=0)(feeds)["logits"],
                load().compile("host", opt_level=0)(feeds)["logits"]):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    assert make().run("llmc-claim-kernels").notices == []
    integers, reference = (
        load("llmc-quantize-activations").compile(target, opt_level=0)(feeds)[
            "logits"] for target in ("host", "reference"))
    np.testing.assert_allclose(integers, reference, rtol=1e-4, atol=1e-4)
    # As far from the model itself as its bits are few.
    exact = toy.logits(feeds["input_ids"][0])
    error = np.linalg.norm(want[0] - exact) / np.linalg.norm(exact)
    assert error < {2: 0.8, 3: 0.35, 4: 0.15, 8: 0.01}[bits]
