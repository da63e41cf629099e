"""llmc-quantize-gptq of pruned weights against the joint loop of SparseGPT
(arXiv 2301.00774, section 3.5) in numpy: what is pruned stays 0, the others are
rounded, and later columns make up for both."""

import numpy as np
import onnxruntime
import pytest

import llmc
import toy
from calibration import output_error, read, statistics, stored
from test_clip_search import search, span
from test_prune import decode, random_weight
from test_quantize_gptq import damp
from test_quantize_rtn import dequantize, make_module, resources

CASES = [
    # pattern, bits, block, act-order, clip
    ("2:4", 4, 48, True, "mse"),
    ("2:4", 4, 0, False, "none"),
    ("4:8", 3, 48, False, "mse"),
    ("1:3", 4, 24, True, "mse"),
    ("", 4, 32, True, "mse"),       # blocks go across rows, the last is padded
    ("", 3, 40, False, "none"),
    ("block:5x4", 4, 64, True, "mse"),
]
ROWS, COLUMNS = 40, 144             # more columns than a batch of the loop


def prune(tmp_path, pattern, method="wanda"):
    """A pruned module; its weight, where each value that is stored of it lies
    (-1: nowhere), and the Gram matrix."""
    module = make_module(random_weight(ROWS, COLUMNS), True)
    seen = statistics.make_rows(COLUMNS, count=2 * COLUMNS)
    seen[:, 5] = 0  # never used: its weights do not matter
    gram = read(module, tmp_path, seen)
    module.run(f"llmc-prune-{method}{{pattern={pattern} sparsity=0.55}}")
    return module, *layout(resources(module, tmp_path / "p.mlir"), pattern), gram


def layout(bytes_, pattern):
    count = bytes_["w.values"].size // 4
    numbers = {**bytes_, "w.values": np.arange(1, count + 1, dtype="f4").view(
        np.uint8)}
    return (decode(bytes_, ROWS, COLUMNS, pattern),
            decode(numbers, ROWS, COLUMNS, pattern).astype(int) - 1)


def stored_block(pattern, block):
    """Values of a block; those of n:m lie in the blocks of the dense weight."""
    if ":" in pattern and "block" not in pattern:
        n, m = map(int, pattern.split(":"))
        return (block or COLUMNS) // m * n
    return block


def joint(weight, places, gram, pattern, bits, block, act_order, clip, damping):
    """Codes of all values, their scales and zeros."""
    weight = weight.astype("f8")
    weight[:, gram.diagonal() == 0] = 0
    damped, size = damp(gram, damping), stored_block(pattern, block)
    symmetric = ":" in pattern and "block" not in pattern
    count = -(-(places.max() + 1) // size) * size
    values, counts = np.zeros(count, "f4"), np.zeros(count)
    kept = places >= 0
    values[places[kept]] = weight[kept]
    counts[places[kept]] = np.broadcast_to(damped.diagonal(),
                                           weight.shape)[kept]
    grids = []
    for part, weights in zip(values.reshape(-1, size),
                             counts.reshape(-1, size)):
        grids.append(search(part, weights, bits, symmetric)[1:] if clip == "mse"
                     else span(min(part.min(), 0), max(part.max(), 0), bits,
                               symmetric))
    scales, zeros = np.array(grids, "f8").T
    order = np.argsort(-gram.diagonal(), kind="stable") if act_order \
        else np.arange(COLUMNS)
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    codes = np.repeat(zeros, size).astype(np.uint8)
    for i, column in enumerate(order):
        mask, place = kept[:, column], places[:, column]
        scale, zero = scales[place // size], zeros[place // size]
        code = np.clip(np.rint(weight[:, column] / scale + zero), 0, 2**bits - 1)
        codes[place[mask]] = code[mask]
        compressed = np.where(mask, (code - zero) * scale, 0)
        error = (weight[:, column] - compressed) / upper[i, i]
        weight[:, order[i + 1:]] -= np.outer(error, upper[i, i + 1:])
    return codes.reshape(-1, size), scales, zeros


def run_gptq(module, bits, block, act_order=True, clip="mse", options=""):
    return module.run(
        f"llmc-quantize-gptq{{bits={bits} block={block} damping=0.01 clip={clip} "
        f"act-order={str(act_order).lower()} {options}}}")


def read_codes(module, path, pattern, bits, block):
    """Codes, scales and zeros, a block in each row."""
    made, size = resources(module, path), stored_block(pattern, block)
    blocks = made["w.scales"].size // 4
    rows = blocks if "w.starts" in made else ROWS
    codes, scales, zeros = stored(made, rows, blocks // rows, bits)
    return codes.reshape(-1, size), scales.ravel(), zeros.ravel()


def densify(codes, scales, zeros, places):
    values = dequantize(codes[:, None], scales[:, None], zeros[:, None],
                        codes.shape[1]).ravel()
    return np.where(places >= 0, values[places], 0)


@pytest.mark.parametrize("pattern,bits,block,act_order,clip", CASES)
def test_follows_the_paper(tmp_path, pattern, bits, block, act_order, clip):
    module, pruned, places, gram = prune(tmp_path, pattern)
    report = run_gptq(module, bits, block, act_order, clip)
    assert report.notices == []
    entry, = report.weights
    made = resources(module, tmp_path / "m.mlir")
    codes, scales, zeros = read_codes(module, tmp_path / "m.mlir", pattern, bits,
                                      block)
    want = joint(pruned, places, gram, pattern, bits, block, act_order, clip,
                 0.01)
    np.testing.assert_allclose(scales, want[1], rtol=1e-6)
    assert np.array_equal(zeros, want[2])
    assert np.mean(codes == want[0]) > 0.995
    assert entry["param"] == "w.values"
    assert sum(r.size for r in made.values()) == module.weights()[0]["bytes"]

    got = densify(codes, scales, zeros, places)
    relative = np.sqrt(output_error(got - pruned, gram)
                       / output_error(pruned, gram))
    assert entry["output_error"] == pytest.approx(relative, rel=1e-3)
    assert entry["largest_error"] == pytest.approx(abs(got - pruned).max(),
                                                   rel=1e-3)
    # Rounding to nearest is worse, in bytes of the same kinds and sizes.
    nearest, *_ = prune(tmp_path, pattern)
    nearest.run(f"llmc-quantize-rtn{{bits={bits} block={block} clip={clip}}}")
    rounded = resources(nearest, tmp_path / "n.mlir")
    assert {name: r.size for name, r in rounded.items()} == {
        name: r.size for name, r in made.items()}
    other = densify(*read_codes(nearest, tmp_path / "n.mlir", pattern, bits,
                                block), places)
    assert output_error(got - pruned, gram) < 0.8 * output_error(other - pruned,
                                                                 gram)
    check_runs(tmp_path, module, got)


def check_runs(tmp_path, module, weight):
    """Compiled code and ONNX Runtime have the same weight."""
    x = np.random.default_rng(1).standard_normal((3, COLUMNS)).astype("f4")
    for target in ("host", "reference"):
        run = llmc.compile(tmp_path / "m.mlir", target=target, opt_level=0)
        y = run({"x": x})["y"]
        np.testing.assert_allclose(y, x @ weight.T, rtol=1e-4, atol=1e-4)
    module.export_onnx(tmp_path / "m.onnx")
    y, = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})
    np.testing.assert_allclose(y, x @ weight.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pattern,bits,block", [("2:4", 3, 48), ("4:8", 4, 48)])
def test_sweeps_lower_the_error(tmp_path, pattern, bits, block):
    errors = []
    for sweeps in (0, 1, 4, 60):
        module, pruned, places, gram = prune(tmp_path, pattern)
        entry, = run_gptq(module, bits, block,
                          options=f"sweeps={sweeps}").weights
        errors.append(entry["output_error"])
    assert errors[0] > 1.01 * errors[1] and errors[1] > errors[2] > errors[3]

    codes, scales, zeros = read_codes(module, tmp_path / "m.mlir", pattern, bits,
                                      block)
    got = densify(codes, scales, zeros, places)
    check_runs(tmp_path, module, got)
    # No step of one integer that is stored lowers the error.
    damped = damp(gram, 0.01)
    pruned[:, gram.diagonal() == 0] = 0
    gradient = (pruned - got) @ damped
    kept = places >= 0
    step = np.where(kept, scales[places // codes.shape[1]], 0).astype("f8")
    code = codes.ravel()[places].astype(int)
    for change in (1, -1):
        gain = 2 * change * step * gradient - step**2 * damped.diagonal()
        allowed = kept & (code + change >= 0) & (code + change < 2**bits)
        assert np.all(gain[allowed] < 1e-3 * np.max(step**2)
                      * damped.diagonal().max())


def test_sweeps_leave_a_bitmap(tmp_path):
    module, *_ = prune(tmp_path, "")
    notice, = run_gptq(module, 4, 32, options="sweeps=1").notices
    assert "have values of several rows, which sweeps do not" in notice


@pytest.mark.parametrize("pattern", ["2:4", ""])
def test_joint_with_sparsegpt(tmp_path, pattern):
    """Behind the pass that prunes as the paper does: the output is nearer to
    that of the weight as it was than with rounding to nearest."""
    errors = []
    for passes in ("llmc-quantize-rtn{bits=3 block=48 clip=mse}",
                   "llmc-quantize-gptq{bits=3 block=48 damping=0.01}"):
        module, _, places, gram = prune(tmp_path, pattern, "sparsegpt")
        assert module.run(passes).notices == []
        got = densify(*read_codes(module, tmp_path / "m.mlir", pattern, 3, 48),
                      places)
        errors.append(output_error(got - random_weight(ROWS, COLUMNS), gram))
    assert errors[1] < 0.9 * errors[0]


def test_same_bytes_twice(tmp_path):
    made = []
    for _ in range(2):
        module, *_ = prune(tmp_path, "")
        run_gptq(module, 4, 32)
        made.append(resources(module, tmp_path / "m.mlir"))
    assert all(np.array_equal(made[0][name], made[1][name]) for name in made[0])


@pytest.fixture
def tokens():
    return np.random.default_rng(7).integers(0, len(toy.VOCABULARY), (16, 24))


def load_toy(tmp_path):
    module = llmc.Module.load(toy.write(tmp_path / "toy", tokenizer=False))
    module.lift()
    return module


@pytest.mark.parametrize("pattern", ["2:4", ""])
def test_statistics_of_before_and_behind(tmp_path, tokens, pattern):
    """What a linear reads is known by the name of its weight, be it that of
    before it was pruned; also if it was written to a file."""
    gptq = "llmc-quantize-gptq{bits=4 block=32 strict}"
    prune = f"llmc-prune-magnitude{{pattern={pattern} what=linear}}"
    made = []
    file = tmp_path / "statistics"
    for order in ("calibrate", prune, gptq), (prune, "calibrate", gptq), (
            prune, f"llmc-read-statistics{{file={file}}}", gptq):
        module = load_toy(tmp_path)
        for step in order:
            if step == "calibrate":
                module.calibrate(tokens, output=file)
            else:
                module.run(step)
        made.append(resources(module, tmp_path / "m.mlir"))
    assert "layers.0.head.q" in made[0]
    for other in made[1:]:
        assert all(np.array_equal(value, other[name])
                   for name, value in made[0].items())


@pytest.mark.parametrize("pattern", ["2:4", "", "block:3x4"])
def test_of_an_onnx_file(tmp_path, tokens, pattern):
    """Which has the parameters of a pruned weight in another order."""
    made = []
    for again in (False, True):
        module = load_toy(tmp_path)
        module.run(f"llmc-prune-magnitude{{pattern={pattern} what=linear}}")
        if again:
            module.export_onnx(tmp_path / "m.onnx")
            module = llmc.Module.load(tmp_path / "m.onnx")
            module.lift()
        module.calibrate(tokens)
        module.run("llmc-quantize-gptq{bits=4 block=32 strict}")
        made.append(resources(module, tmp_path / "m.mlir"))
    assert all(np.array_equal(made[0][f"layers.0.head.{name}"],
                              made[1][f"layers.0.head.{name}"])
               for name in ("q", "scales"))


@pytest.mark.parametrize("prune", ["pattern=3:4", "sparsity=0.25"])
def test_of_a_model(tmp_path, tokens, prune):
    """Pruned and quantized block by block; compiled code and ONNX Runtime
    compute the same, which is nearer to what the pruned model does than with
    rounding to nearest."""
    ids = np.random.default_rng(8).integers(0, len(toy.VOCABULARY), (1, 40))
    logits = []
    for quantize in (
            "", ",llmc-quantize-rtn{bits=4 block=32 what=linear clip=mse}",
            ",llmc-quantize-gptq{bits=4 block=32 damping=0.01}"):
        module = load_toy(tmp_path)
        report = module.calibrate(
            tokens, reference=True,
            then="llmc-match-outputs,"
                 f"llmc-prune-sparsegpt{{{prune}}}{quantize}")
        assert report.notices == []
        module.export_onnx(tmp_path / "m.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
        expected, = session.run(None, {"input_ids": ids})
        for target in ("host", "reference"):
            compiled = llmc.compile(tmp_path / "m.onnx", target=target,
                                    opt_level=0)
            got, = compiled({"input_ids": ids}).values()
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
        logits.append(expected)
    pruned, nearest, joint = logits
    errors = np.linalg.norm(nearest - pruned), np.linalg.norm(joint - pruned)
    assert errors[1] < 0.95 * errors[0]
