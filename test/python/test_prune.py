"""llmc-prune-* against the papers' formulas in numpy: which weights stay and
what they become, the bytes that are stored, and what compiled code makes of
them."""

import make_statistics as made_statistics
import numpy as np
import onnx
import onnxruntime
import pytest

import llmc
from test_quantize_rtn import (dequantize, make_module, pack, quantize,
                               resources)

PATTERNS = ["", "2:4", "4:8", "1:3", "block:5x4"]


def lowest(scores, number):
    """A mask of the lowest scores, the first ones among equals."""
    mask = np.zeros(scores.size, bool)
    mask[np.argsort(scores.ravel(), kind="stable")[:number]] = True
    return mask.reshape(scores.shape)


def choose(scores, pattern, scope, sparsity):
    """Which weights become 0."""
    rows, columns = scores.shape
    if pattern.startswith("block:"):
        r, c = map(int, pattern[6:].split("x"))
        tiles = (scores.reshape(rows // r, r, columns // c, c)**2).sum((1, 3))
        return choose(tiles, "", scope, sparsity).repeat(r, 0).repeat(c, 1)
    if pattern:
        n, m = map(int, pattern.split(":"))
        groups = scores.reshape(-1, m)
        return np.stack([lowest(g, m - n) for g in groups]).reshape(scores.shape)
    if scope == "row":
        return np.stack([lowest(s, int(sparsity * columns)) for s in scores])
    return lowest(scores, int(sparsity * scores.size))


def sparsegpt(weight, gram, pattern, sparsity, block, damping):
    """Algorithm 1 of arXiv 2301.00774, column by column in doubles."""
    weight, gram = weight.astype(np.float64), gram.astype(np.float64)
    columns = len(gram)
    dead = np.diag(gram) == 0
    mean = np.diag(gram)[~dead].mean()
    gram[dead, dead] = mean
    weight[:, dead] = 0
    inverse = np.linalg.inv(gram + damping * mean * np.eye(columns))
    upper = np.linalg.cholesky(inverse).T
    mask = np.zeros(weight.shape, bool)
    m = int(pattern.split(":")[1]) if pattern else block
    for j in range(columns):
        if j % m == 0:
            part = slice(j, min(j + m, columns))
            scores = (weight[:, part] / np.diag(upper)[part])**2
            mask[:, part] = choose(scores, pattern, "layer", sparsity)
        error = np.where(mask[:, j], weight[:, j], 0) / upper[j, j]
        weight[:, j:] -= np.outer(error, upper[j, j:])
    weight[mask] = 0
    return weight


def damped(gram, damping):
    gram = gram.astype(np.float64)
    dead = np.diag(gram) == 0
    mean = np.diag(gram)[~dead].mean()
    gram[dead, dead] = mean
    return gram + damping * mean * np.eye(len(gram))


def fit(weight, hessian, kept):
    """The best rows of which only these are not 0, exactly."""
    result = np.zeros(weight.shape)
    for row, (values, mask) in enumerate(zip(weight.astype(np.float64), kept)):
        result[row, mask] = np.linalg.solve(hessian[np.ix_(mask, mask)],
                                            (hessian @ values)[mask])
    return result


def alps(weight, hessian, pattern, scope, sparsity, rounds):
    """Which weights stay: arXiv 2406.07831, algorithm 1, in doubles."""
    scale = np.sqrt(np.diag(hessian))
    original, hessian = weight * scale, hessian / np.outer(scale, scale)
    d, v, rho = original, np.zeros(weight.shape), 0.1
    last = np.zeros(weight.shape, bool)
    for t in range(1, rounds + 1):
        w = (original @ hessian - v + rho * d) @ np.linalg.inv(
            hessian + rho * np.eye(len(hessian)))
        free = w + v / rho
        d = np.where(choose(np.abs(free), pattern, scope, sparsity), 0, free)
        v = v + rho * (w - d)
        if t % 3 == 0:
            changes = (last != (d != 0)).sum()
            last = d != 0
            if changes == 0:
                break
            part = changes / ((1 - sparsity) * weight.size)
            rho *= 1.3 if part >= 0.1 else 1.2 if part >= 0.005 else 1.1
    return d != 0


def make_statistics(path, columns, params=("w",)):
    rows = made_statistics.make_rows(columns)
    rows[:, 3] = 0  # a dead column
    made_statistics.write(path, {params: rows})
    return made_statistics.gather(rows)["gram"].astype(np.float32)


def decode_bitmap(stored, rows, columns, tile):
    r, c = tile
    bits = np.unpackbits(stored["w.mask"].reshape(rows // r, -1), axis=1,
                         bitorder="little")[:, :columns // c].astype(bool)
    starts = stored["w.starts"].view(np.int32)
    assert np.array_equal(starts, np.cumsum([0, *bits.sum(1)])[:-1])
    tiles = np.zeros((rows // r, columns // c, r, c), np.float32)
    tiles[bits] = stored["w.values"].view(np.float32).reshape(-1, r, c)
    return tiles.transpose(0, 2, 1, 3).reshape(rows, columns)


def decode(stored, rows, columns, pattern):
    if not pattern or pattern.startswith("block:"):
        tile = tuple(map(int, pattern[6:].split("x"))) if pattern else (1, 1)
        return decode_bitmap(stored, rows, columns, tile)
    n, m = map(int, pattern.split(":"))
    bits = (m - 1).bit_length()
    kept = columns // m * n
    fields = np.unpackbits(stored["w.meta"].reshape(rows, -1), axis=1,
                           bitorder="little")[:, :kept * bits]
    places = fields.reshape(rows, kept, bits) @ (1 << np.arange(bits))
    places = places + np.arange(kept) // n * m
    weight = np.zeros((rows, columns), np.float32)
    np.put_along_axis(weight, places,
                      stored["w.values"].view(np.float32).reshape(rows, kept), 1)
    return weight


def check(tmp_path, weight, want, pipeline, pattern, transposed, rtol=0):
    """Bytes, the report, and what compiled code computes."""
    module = make_module(weight, transposed)
    report = module.run(pipeline)
    stored = resources(module, tmp_path / "m.mlir")
    got = decode(stored, *weight.shape, pattern)
    assert np.array_equal(got != 0, want != 0)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)
    entry, = report.weights
    assert entry["param"] == "w" and entry["weights"] == weight.size
    assert entry["bytes_after"] == sum(r.size for r in stored.values())
    assert entry["bytes_after"] < entry["bytes_before"] == weight.nbytes
    assert entry["sparsity"] == pytest.approx((got == 0).mean())
    error = np.linalg.norm(got.astype(np.float64) - weight)
    assert entry["relative_error"] == pytest.approx(
        error / np.linalg.norm(weight), rel=1e-4)
    x = np.random.default_rng(1).standard_normal((3, weight.shape[1]))
    x = x.astype(np.float32)
    for target in ("host", "reference"):
        run = llmc.compile(tmp_path / "m.mlir", target=target, opt_level=0)
        y = run({"x": x})["y"]
        np.testing.assert_allclose(y, x @ got.T, rtol=1e-4, atol=1e-4)
    return entry, got


def random_weight(rows=40, columns=72):
    rng = np.random.default_rng(columns)
    return rng.standard_normal((rows, columns)).astype(np.float32)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("scope", ["row", "layer", "global"])
@pytest.mark.parametrize("transposed", [False, True])
def test_magnitude(tmp_path, pattern, scope, transposed):
    weight = random_weight()
    weight[5] = 0
    weight[6, :40] = 0.25  # equal ones
    mask = choose(np.abs(weight), pattern, scope, 0.6)
    check(tmp_path, weight, np.where(mask, 0, weight),
          f"llmc-prune-magnitude{{sparsity=0.6 scope={scope} "
          f"pattern={pattern}}}", pattern, transposed)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("scope", ["row", "layer", "global"])
def test_wanda(tmp_path, pattern, scope):
    weight = random_weight()
    gram = make_statistics(tmp_path / "s", weight.shape[1])
    mask = choose(np.abs(weight) * np.sqrt(np.diag(gram)), pattern, scope, 0.6)
    want = np.where(mask, 0, weight)
    entry, got = check(
        tmp_path, weight, want, f"llmc-read-statistics{{file={tmp_path}/s}},"
        f"llmc-prune-wanda{{sparsity=0.6 scope={scope} pattern={pattern}}}",
        pattern, True)
    change = (weight - got).astype(np.float64)
    assert entry["output_error"] == pytest.approx(np.sqrt(
        np.trace(change @ gram @ change.T) / np.trace(weight @ gram @ weight.T)),
        rel=1e-3)


@pytest.mark.parametrize("pattern", ["", "2:4", "4:8", "1:3"])
@pytest.mark.parametrize("columns,block", [(72, 128), (96, 24), (120, 48)])
def test_sparsegpt(tmp_path, pattern, columns, block):
    weight = random_weight(columns=columns)
    gram = make_statistics(tmp_path / "s", columns)
    want = sparsegpt(weight, gram, pattern, 0.6, block, 0.02)
    entry, got = check(
        tmp_path, weight, want, f"llmc-read-statistics{{file={tmp_path}/s}},"
        f"llmc-prune-sparsegpt{{sparsity=0.6 block={block} damping=0.02 "
        f"pattern={pattern}}}", pattern, True, rtol=2e-4)
    # What it is for: outputs that are nearer than without the update.
    plain = make_module(weight, True).run(
        f"llmc-read-statistics{{file={tmp_path}/s}},"
        f"llmc-prune-wanda{{sparsity=0.6 pattern={pattern}}}")
    assert entry["output_error"] < 0.95 * plain.weights[0]["output_error"]


def test_sparsegpt_refit(tmp_path):
    """Many rounds are exact, and better than the update of later columns."""
    weight = random_weight()
    gram = make_statistics(tmp_path / "s", 72)
    first = sparsegpt(weight, gram, "", 0.6, 128, 0.02)
    want = fit(weight, damped(gram, 0.02), first != 0)
    entry, got = check(
        tmp_path, weight, want, f"llmc-read-statistics{{file={tmp_path}/s}},"
        "llmc-prune-sparsegpt{sparsity=0.6 damping=0.02 refit=72}", "", True,
        rtol=2e-3)
    plain = make_module(weight, True).run(
        f"llmc-read-statistics{{file={tmp_path}/s}},"
        "llmc-prune-sparsegpt{sparsity=0.6 damping=0.02}")
    assert entry["output_error"] < 0.97 * plain.weights[0]["output_error"]


@pytest.mark.parametrize("pattern,scope", [
    ("", "layer"), ("", "row"), ("2:4", "layer"), ("block:5x4", "layer")])
def test_alps(tmp_path, pattern, scope):
    weight = random_weight()
    gram = make_statistics(tmp_path / "s", 72)
    hessian = damped(gram, 0.02)
    want = fit(weight, hessian, alps(weight, hessian, pattern, scope, 0.6, 12))
    entry, got = check(
        tmp_path, weight, want, f"llmc-read-statistics{{file={tmp_path}/s}},"
        f"llmc-prune-alps{{sparsity=0.6 damping=0.02 rounds=12 refit=72 "
        f"scope={scope} pattern={pattern}}}", pattern, True, rtol=2e-3)


@pytest.mark.parametrize("pattern", ["", "2:4"])
def test_alps_is_nearer_than_sparsegpt(tmp_path, pattern):
    weight = random_weight(columns=96)
    make_statistics(tmp_path / "s", 96)
    errors = {}
    for name, options in (("alps", ""), ("sparsegpt", "refit=20")):
        errors[name] = make_module(weight, True).run(
            f"llmc-read-statistics{{file={tmp_path}/s}},llmc-prune-{name}"
            f"{{sparsity=0.6 pattern={pattern} {options}}}"
        ).weights[0]["output_error"]
    assert errors["alps"] < 0.97 * errors["sparsegpt"]


@pytest.mark.parametrize("pattern,bits,block", [
    ("2:4", 4, 32), ("4:8", 3, 48), ("1:3", 8, 24), ("2:4", 4, 0),
    ("", 4, 32), ("block:5x4", 8, 64)])
def test_pruned_then_quantized(tmp_path, pattern, bits, block):
    """The values that are stored become integers: those of n:m without zero
    points, in the blocks of the dense weight, any others as they follow each
    other."""
    weight = random_weight(40, 96)
    module = make_module(weight, True)
    module.run(f"llmc-prune-magnitude{{pattern={pattern}}}")
    stored = resources(module, tmp_path / "pruned.mlir")
    values = stored["w.values"].view(np.float32)
    if pattern and "block" not in pattern:
        n, m = map(int, pattern.split(":"))
        values = values.reshape(40, -1)
        codes, scales, zeros = quantize(
            values, bits, (block or 96) // m * n, True, "float32")
    else:
        padded = np.zeros(-(-len(values) // block) * block, np.float32)
        padded[:len(values)] = values
        codes, scales, zeros = quantize(padded.reshape(-1, block), bits, block,
                                        False, "float32")
    decoded = dequantize(codes, scales, zeros, scales.shape[1] * codes.shape[2])
    stored["w.values"] = decoded.ravel()[:values.size].view(np.uint8)
    want = decode(stored, 40, 96, pattern)
    report = module.run(f"llmc-quantize-rtn{{bits={bits} block={block}}}")
    assert report.notices == []
    made = resources(module, tmp_path / "m.mlir")
    assert np.array_equal(made["w.q"], pack(codes, bits).ravel())
    assert "w.values" not in made and ("w.zeros" in made) == (
        not pattern or "block" in pattern)
    info, = module.weights()
    assert info["name"] == "w"
    assert info["bytes"] == sum(r.size for r in made.values())
    x = np.random.default_rng(1).standard_normal((3, 96)).astype(np.float32)
    for target in ("host", "reference"):
        run = llmc.compile(tmp_path / "m.mlir", target=target, opt_level=0)
        y = run({"x": x})["y"]
        np.testing.assert_allclose(y, x @ want.T, rtol=1e-4, atol=1e-4)
    # In ONNX, too: any as small as here, those of n:m with all columns.
    notices = module.export_onnx(tmp_path / "m.onnx")
    is_small = not pattern or "block" in pattern
    assert any("has no small form in ONNX" in n for n in notices) != is_small
    y, = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})
    np.testing.assert_allclose(y, x @ want.T, rtol=1e-4, atol=1e-4)
    if is_small:
        again = llmc.Module.load(tmp_path / "m.onnx")
        again.lift()
        assert again.ops() == module.ops()
        assert again.weights()[0]["bytes"] == info["bytes"]


@pytest.mark.parametrize("pipeline,message", [
    ("llmc-quantize-rtn{block=30}", "not whole groups of 4"),
    ("llmc-quantize-rtn{block=36}", "not whole blocks"),
    ("llmc-quantize-rtn{weighting=activations clip=mse block=32}",
     "it is pruned; weighting=none or llmc-quantize-gptq")])
def test_pruned_that_cannot_be_quantized(pipeline, message):
    module = make_module(random_weight(40, 96), True)
    module.run("llmc-prune-magnitude{pattern=2:4}")
    notice, = module.run(pipeline).notices
    assert message in notice


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_onnx_is_as_small(tmp_path, pattern, kind):
    """Standard ops, which ONNX Runtime computes once."""
    weight = random_weight(80, 240).astype(kind)
    module = make_module(weight, True)
    module.run(f"llmc-prune-magnitude{{pattern={pattern} sparsity=0.75}}")
    packed = module.weights()[0]["bytes"]
    x = np.random.default_rng(1).standard_normal((3, 240)).astype(kind)
    module.save(tmp_path / "m.onnx")
    want = llmc.compile(module, target="reference", opt_level=0)({"x": x})["y"]
    exported = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(exported, full_check=True)
    assert {node.domain for node in exported.graph.node} <= {"", "ai.onnx"}
    size = sum(len(i.raw_data) for i in exported.graph.initializer)
    kept = 1 - {"2:4": 0.5, "4:8": 0.5, "1:3": 2 / 3}.get(pattern, 0.75)
    assert size < weight.nbytes * kept + weight.size * 0.2 + 5000
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    got, = session.run(None, {"x": x})
    tolerance = 1e-5 if kind == "float32" else 2e-2
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    # The same weight again, not ops that make it.
    again = llmc.Module.load(tmp_path / "m.onnx")
    again.lift()
    info, = again.weights()
    assert info["name"] == "w" and info["bytes"] == packed
    got = llmc.compile(again, opt_level=0)({"x": x})["y"]
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
