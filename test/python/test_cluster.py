"""llmc-cluster against definitions: all ways to divide a few numbers, the
published values, a column at a time in numpy, and normal equations."""

import itertools

import numpy as np
import pytest

import llmc
from calibration import output_error, read, statistics, unpack
from kernels import NF4
from test_quantize_gptq import damp
from test_quantize_rtn import make_module, resources


def run(weight, options, folder, transposed=False, rows=None, module=None):
    """Codebooks [rows, 2^bits], indices [rows, columns], scales [rows, columns]
    or 1, the report's entry and the module."""
    module = module or make_module(weight, transposed)
    entry, = module.run(f"llmc-cluster{{{options}}}").weights
    made = resources(module, folder / "m.mlir")
    out, columns = weight.shape
    bits = entry["bits"]
    dims = entry["dims"]
    codes = unpack(made["w.q"].reshape(out, -1), bits)[:, :columns // dims]
    books = None
    if "w.codebook" in made:
        kind = "f4" if "half-codebook=false" in options else "f2"
        books = made["w.codebook"].view(kind).astype("f4").reshape(
            -1, 2**bits, dims)
        books = books.repeat(out // len(books), axis=0)
    scales = 1
    if "w.scales" in made:
        scales = made["w.scales"].view(weight.dtype).reshape(out, -1)
        scales = scales.astype("f4").repeat(entry["block"],
                                            axis=1)[:, :columns]
    assert entry["bytes_after"] == sum(r.size for r in made.values())
    return books, codes, scales, entry, module


def decode(books, codes):
    rows = np.arange(len(codes))[:, None]
    return books[rows, codes.astype(int)].reshape(len(codes), -1)


def least_error(values, weights, size):
    """Of all ways to divide sorted numbers."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]

    def cost(begin, end):
        x, w = values[begin:end], weights[begin:end]
        return np.sum(w * (x - np.sum(w * x) / np.sum(w))**2)

    costs = {(b, e): cost(b, e) for b in range(len(values))
             for e in range(b + 1, len(values) + 1)}
    return min(sum(costs[b, e] for b, e in zip((0, *cuts), (*cuts, len(values))))
               for cuts in itertools.combinations(range(1, len(values)),
                                                  size - 1))


@pytest.mark.parametrize("bits,seed", [(2, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_is_the_best_of_all(tmp_path, bits, seed, weighted):
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((2, 16)).astype("f4")**3
    importance = np.ones(16)
    module = make_module(weight, False)
    options = f"bits={bits} method=exact block=0 rows=1 half-codebook=false"
    if weighted:
        seen = statistics.make_rows(16, count=64, seed=seed)
        importance = read(module, tmp_path, seen).diagonal()
        options += " weighting=activations"
    books, codes, *_ = run(weight, options, tmp_path, module=module)
    for row, got in zip(weight, decode(books, codes)):
        error = np.sum(importance * (row - got.astype("f8"))**2)
        assert error == pytest.approx(
            least_error(row.astype("f8"), importance, 2**bits), rel=1e-5)


@pytest.mark.parametrize("bits", [2, 4, 7])
@pytest.mark.parametrize("rows,block,dtype,transposed", [
    (1, 0, "float32", True), (16, 0, "float32", False),
    (0, 32, "float32", True), (8, 24, "float16", False)])
def test_kmeans(tmp_path, bits, rows, block, dtype, transposed):
    """Near the least error, each value is the mean of its weights, and each
    weight has the nearest value."""
    rng = np.random.default_rng(bits)
    weight = rng.standard_t(4, (48, 264)).astype(dtype)
    weight[3] = 0
    options = (f"bits={bits} block={block} rows={rows} half-codebook=false"
               if dtype == "float32" else
               f"bits={bits} block={block} rows={rows} clip=none")
    books, codes, scales, entry, module = run(weight, options, tmp_path,
                                              transposed)
    assert entry["rows"] == (rows or 48) and entry["dims"] == 1
    weight = weight.astype("f4")
    got = decode(books, codes) * scales
    error = np.linalg.norm((weight - got).astype("f8"))
    assert entry["relative_error"] == pytest.approx(
        error / np.linalg.norm(weight.astype("f8")), rel=1e-3)
    module_x = make_module(weight.astype(dtype), transposed)
    if bits < 7 and block in (0, 24):
        least = run(weight.astype(dtype), options + " method=exact", tmp_path,
                    module=module_x)[3]["relative_error"]
        assert least * 0.9999 <= entry["relative_error"] <= 1.03 * least
    scaled = np.divide(weight, scales, out=np.zeros_like(weight),
                       where=np.broadcast_to(scales, weight.shape) != 0)
    distances = abs(scaled[..., None] - books[:, None, :, 0])
    assert np.all(np.take_along_axis(distances, codes[..., None].astype(int),
                                     -1)[..., 0]
                  <= distances.min(-1) + 2e-6 * abs(scaled).max())
    if dtype == "float32":
        group = rows or 48
        for first in range(0, 48, group):
            w, q, s = (np.broadcast_to(a, weight.shape)[first:first + group]
                       for a in (weight, codes, scales))
            for code in np.unique(q[w != 0]):
                used = q == code
                mean = np.sum(s[used] * w[used]) / np.sum(s[used]**2)
                assert books[first, code, 0] == pytest.approx(mean, rel=2e-2,
                                                              abs=2e-3)
    compiled = llmc.compile(module, opt_level=0)
    outputs = compiled({"x": np.eye(264, dtype=dtype)})["y"].T
    np.testing.assert_allclose(outputs.astype("f4"), got.astype(dtype),
                               rtol=1e-5 if dtype == "float32" else 2e-3)


def test_scales(tmp_path):
    """The weight of the largest magnitude, with its sign; others near it lower
    the error. 16 bits store them."""
    weight = np.random.default_rng(8).standard_normal((48, 256)).astype("f4")
    blocks = weight.reshape(48, 8, 32)
    ends = np.take_along_axis(blocks, abs(blocks).argmax(-1)[..., None], -1)
    _, _, plain, before, _ = run(weight, "block=32 clip=none", tmp_path)
    np.testing.assert_array_equal(plain.reshape(48, 8, 32), ends.repeat(32, -1))
    books, codes, scales, after, module = run(
        weight, "block=32 half-scales", tmp_path)
    assert after["relative_error"] < 0.97 * before["relative_error"]
    # Twice the best of 0.7 to 1.2 times what it was.
    assert np.all((scales / plain > 0.489) & (scales / plain < 1.441))
    assert np.any(scales / plain != 1)
    assert not module.run("llmc-quantize-scales{type=f16 strict}").notices
    compiled = llmc.compile(module, opt_level=0)
    outputs = compiled({"x": np.eye(256, dtype="f4")})["y"].T
    np.testing.assert_allclose(outputs, decode(books, codes) * scales,
                               rtol=1e-5)


def test_signed_scales_in_8_bits(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    weight = np.random.default_rng(9).standard_normal((48, 256)).astype("f4")
    weight[1] = 0
    books, codes, scales, _, module = run(weight, "block=32", tmp_path)
    assert np.any(scales < 0)
    entry, = module.run("llmc-quantize-scales{type=int8 strict}").weights
    made = resources(module, tmp_path / "m.mlir")
    units = made["w.scales.rows"].view("f2").astype("f4").reshape(48, 1)
    integers = made["w.scales.q"].view("i1").reshape(48, 8)
    assert entry["bytes_after"] == 48 * (8 + 2)
    before = scales[:, ::32]
    # The least numbers of 3 bits for which the largest is 127 at most.
    least = abs(before).max(1, keepdims=True) / 127
    mantissa, exponent = np.frexp(least)
    assert np.array_equal(units, np.ldexp(np.ceil(mantissa * 8) / 8, exponent))
    exact = np.divide(before, units, out=np.zeros_like(before),
                      where=units != 0)
    expected = np.copysign(np.maximum(np.rint(abs(exact)), exact != 0), exact)
    assert np.array_equal(integers, expected)

    got = decode(books, codes) * (integers * units).repeat(32, axis=1)
    x = np.eye(256, dtype="f4")
    module.export_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for outputs in (session.run(None, {"x": x})[0],
                    llmc.compile(module, opt_level=0)({"x": x})["y"]):
        np.testing.assert_allclose(outputs.T, got, rtol=1e-5)


E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6], "f4")


@pytest.mark.parametrize("method,book,most", [
    ("nf4", NF4, 1), ("fp4", np.concatenate([E2M1, -E2M1]), 6)])
def test_published_values(tmp_path, method, book, most):
    """QLoRA's: the nearest value of the weight over the largest of 64."""
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((20, 192)).astype("f4")
    weight[2, :64] = 0
    books, codes, scales, entry, module = run(
        weight, f"method={method} clip=none", tmp_path, transposed=True)
    assert books is None and entry["block"] == 64
    absmax = abs(weight.reshape(20, 3, 64)).max(-1).repeat(64, axis=1)
    np.testing.assert_allclose(scales, absmax / most, rtol=1e-6)
    scaled = np.where(scales == 0, 0, weight / np.where(scales == 0, 1, scales))
    expected = book[abs(scaled[..., None] - book).argmin(-1)] * scales
    np.testing.assert_allclose(book[codes] * scales, expected, rtol=1e-6)
    compiled = llmc.compile(module, opt_level=0)
    outputs = compiled({"x": np.eye(192, dtype="f4")})["y"].T
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)
    # Half a byte for each weight, and a scale of 4 bytes for 64.
    assert entry["bytes_after"] == weight.size // 2 + 20 * 3 * 4


MX = [  # method, ml_dtypes' name, bits, largest value, its exponent
    ("mxfp4", "float4_e2m1fn", 4, 6, 2),
    ("mxfp6-e2m3", "float6_e2m3fn", 6, 7.5, 2),
    ("mxfp6-e3m2", "float6_e3m2fn", 6, 28, 4),
    ("mxfp8-e4m3", "float8_e4m3fn", 8, 448, 8),
    ("mxfp8-e5m2", "float8_e5m2", 8, 57344, 15),
    ("fp8-e4m3", "float8_e4m3fn", 8, 448, None),
    ("fp8-e5m2", "float8_e5m2", 8, 57344, None)]


@pytest.mark.parametrize("method,name,bits,largest,emax", MX)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_small_floats(tmp_path, method, name, bits, largest, emax, dtype):
    """Bits of ml_dtypes, scales of section 6.3 of the MX specification 1.0;
    kernels, the reference lowering and ONNX Runtime compute with them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = np.random.default_rng(bits)
    weight = rng.standard_normal((40, 192)) * np.exp(
        rng.uniform(-4, 4, (40, 192)))
    # What lies in the middle of two values, and beyond the last.
    kind = np.dtype(getattr(ml_dtypes, name))
    table = np.arange(2**bits, dtype=np.uint8).view(kind).astype("f4")
    finite = np.unique(table[np.isfinite(table)])
    weight[0] = np.resize((finite[1:] + finite[:-1]) / 2, 192)
    weight[0, ::32] = largest * 1.125 if emax else largest
    weight[1, :64] = 0
    weight[2] *= 2.0**-9 if dtype == "float16" else 2.0**-40
    weight = weight.astype(dtype)
    module = make_module(weight, True)
    entry, = module.run(
        f"llmc-cluster{{method={method} clip=none strict}}").weights
    made = resources(module, tmp_path / "m.mlir")
    assert entry["bits"] == bits and "w.codebook" not in made
    assert entry["bytes_after"] == made["w.q"].size + made["w.scales"].size

    blocks = weight.reshape(40, -1, 32 if emax else 192).astype("f4")
    most = abs(blocks).max(-1, keepdims=True)
    if emax:
        assert entry["bytes_after"] * 8 == weight.size * (bits + 0.25)
        least = -24 if dtype == "float16" else -127
        exponent = np.where(most > 0, np.floor(np.log2(np.where(
            most > 0, most, 1))) - emax, least).clip(least, 127)
        assert np.array_equal(made["w.scales"],
                              (exponent + 127).astype(np.uint8).reshape(-1))
        scales = 2.0**exponent.astype("f4")
    else:
        scales = (most / np.float32(largest)).astype(dtype).astype("f4")
        assert np.array_equal(made["w.scales"].view(dtype), scales.reshape(-1))
    scaled = np.divide(blocks, scales, out=np.zeros_like(blocks),
                       where=scales != 0).clip(-largest, largest)
    expected = scaled.astype(kind).reshape(40, 192)
    codes = unpack(made["w.q"].reshape(40, -1), bits)
    assert np.array_equal(codes, expected.view(np.uint8))
    got = (expected.astype("f4").reshape(blocks.shape) * scales).reshape(
        40, 192).astype(dtype)

    x = np.eye(192, dtype=dtype)
    for target in ("host", "reference"):
        loaded = llmc.Module.load(tmp_path / "m.mlir")
        outputs = loaded.compile(target, opt_level=0)({"x": x})["y"].T
        np.testing.assert_allclose(outputs, got, rtol=1e-6)
    module.export_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": x})[0].T, got,
                               rtol=1e-6)


def test_search_of_powers_of_two(tmp_path):
    """Of half, one and two times the specification's scale, the best."""
    weight = np.random.default_rng(4).standard_normal((32, 128)).astype("f4")
    values = np.concatenate([E2M1, -E2M1])

    def run_mx(options):
        module = make_module(weight, False)
        entry, = module.run(f"llmc-cluster{{method=mxfp4 {options}}}").weights
        made = resources(module, tmp_path / "m.mlir")
        scales = 2.0**(made["w.scales"].reshape(32, 4, 1) - 127.0)
        return entry["relative_error"], scales

    plain, before = run_mx("clip=none")
    searched, after = run_mx("clip=mse")
    blocks = weight.reshape(32, 4, 32)
    tried = [before * factor for factor in (1, 2, 0.5)]
    errors = np.array([
        (abs(blocks[..., None] / s[..., None] - values).min(-1)**2
         * s**2).sum(-1) for s in tried])
    assert np.array_equal(after[..., 0], np.choose(
        errors.argmin(0), [s[..., 0] for s in tried]))
    assert searched == pytest.approx(
        np.sqrt(errors.min(0).sum()) / np.linalg.norm(weight), rel=1e-4)
    assert searched < plain


@pytest.mark.parametrize("method", ["mxfp4", "mxfp6-e2m3"])
def test_compensation_of_small_floats(tmp_path, method):
    weight = np.random.default_rng(5).standard_normal((40, 128)).astype("f4")
    seen = statistics.make_rows(128, count=256)
    errors = []
    for more in ("", "compensate"):
        module = make_module(weight, False)
        read(module, tmp_path, seen)
        entry, = module.run(
            f"llmc-cluster{{method={method} {more}}}").weights
        errors.append(entry["output_error"])
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_small_floats_of_infinities(value):
    weight = np.ones((4, 64), "f4")
    weight[1, 3] = value
    report = make_module(weight, False).run("llmc-cluster{method=fp8-e5m2}")
    assert not report.weights
    assert "not finite" in str(report.notices)


CASES = [  # columns, bits, rows, block, act-order
    (96, 3, 8, 0, True), (300, 4, 40, 0, False), (128, 2, 0, 32, True)]


@pytest.mark.parametrize("case", CASES)
def test_compensation(tmp_path, case):
    """The loop of GPTQ with the codebooks that are found without it."""
    columns, bits, rows, block, act_order = case
    rng = np.random.default_rng(columns)
    weight = rng.standard_normal((40, columns)).astype("f4")
    seen = statistics.make_rows(columns, count=2 * columns)
    options = (f"bits={bits} rows={rows} block={block} half-codebook=false ")

    def cluster(more, weighting="weighting=activations "):
        module = make_module(weight, False)
        gram = read(module, tmp_path, seen)
        return gram, *run(weight, options + weighting + more, tmp_path,
                          module=module)

    gram, books, nearest, scales, plain, _ = cluster("")
    assert plain["output_error"] == pytest.approx(np.sqrt(
        output_error(decode(books, nearest) * scales - weight, gram)
        / output_error(weight, gram)), rel=1e-3)

    more = f"compensate damping=0.01 act-order={str(act_order).lower()} "
    _, same, codes, _, entry, _ = cluster(more + "refit=0")
    assert np.array_equal(same, books)
    # Weighted is what compensation is if nothing is said.
    assert cluster(more + "refit=0", "")[4] == entry
    assert cluster(more + "refit=0", "weighting=none ")[4] != entry
    damped = damp(gram, 0.01)
    order = np.argsort(-gram.diagonal(), kind="stable") if act_order \
        else np.arange(columns)
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left = weight.astype("f8")
    all_scales = np.broadcast_to(scales, weight.shape)
    expected = np.zeros(weight.shape, int)
    for i, column in enumerate(order):
        values = books[..., 0] * all_scales[:, column:column + 1]
        expected[:, column] = abs(left[:, column:column + 1]
                                  - values).argmin(1)
        rounded = np.take_along_axis(values, expected[:, column:column + 1],
                                     1)[:, 0]
        error = (left[:, column] - rounded) / upper[i, i]
        left[:, order[i + 1:]] -= np.outer(error, upper[i, i + 1:])
    assert np.mean(codes == expected) > 0.99
    assert entry["output_error"] < 0.9 * plain["output_error"]

    # Normal equations of the codebooks: no change of a value helps.
    _, fitted, after, _, best, _ = cluster(more + "refit=100")
    assert np.array_equal(after, codes)
    assert best["output_error"] < entry["output_error"]
    gradient = (weight - decode(fitted, codes) * scales) @ damped * scales
    start = (weight - decode(books, codes) * scales) @ damped * scales
    group = rows or 40
    for first in range(0, 40, group):
        q = codes[first:first + group]
        for code in range(2**bits):
            total = gradient[first:first + group][q == code].sum()
            scale = abs(start[first:first + group][q == code]).sum()
            assert abs(total) <= 1e-3 * scale + 1e-6


VECTORS = [  # columns, dims, bits, rows, block
    (96, 2, 6, 16, 0), (140, 4, 8, 0, 0), (96, 2, 5, 16, 32)]


@pytest.mark.parametrize("case", VECTORS)
def test_vectors(tmp_path, case):
    """Each vector has its nearest entry, each entry is the mean of its vectors;
    kernels, the reference lowering and ONNX Runtime compute with them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    columns, dims, bits, rows, block = case
    rng = np.random.default_rng(columns)
    mixture = rng.standard_normal((columns, columns))
    weight = (rng.standard_normal((48, columns)) @ mixture).astype("f4")
    options = (f"bits={bits} dims={dims} rows={rows} block={block} "
               "half-codebook=false")
    books, codes, scales, entry, module = run(weight, options, tmp_path)
    assert entry["dims"] == dims
    vectors = (weight / scales).reshape(48, -1, dims)
    distances = ((vectors[:, :, None] - books[:, None])**2).sum(-1)
    chosen = np.take_along_axis(distances, codes[..., None].astype(int), -1)
    assert np.mean(chosen[..., 0] <= distances.min(-1) * 1.0001 + 1e-6) > 0.97
    got = decode(books, codes) * scales
    if block == 0:
        scalar = run(weight, options.replace(
            f"bits={bits} dims={dims}", f"bits={bits // dims}"),
            tmp_path)[3]["relative_error"]
        assert entry["relative_error"] < 0.97 * scalar
    module.save(tmp_path / "m.mlir")
    x = np.eye(columns, dtype="f4")
    for target in ("host", "reference"):
        loaded = llmc.Module.load(tmp_path / "m.mlir")
        outputs = loaded.compile(target, opt_level=0)({"x": x})["y"].T
        np.testing.assert_allclose(outputs, got, rtol=1e-5, atol=1e-6)
    module.export_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": x})[0].T, got,
                               rtol=1e-5, atol=1e-6)


def test_compensation_of_vectors(tmp_path):
    """Pairs of columns with the least of the error that others cannot make
    good: e of (w - c) U^-1, as Algorithm 1 of arXiv 2402.15319."""
    columns = 160
    weight = np.random.default_rng(2).standard_normal((24, columns)).astype("f4")
    seen = statistics.make_rows(columns, count=2 * columns)
    options = ("bits=5 dims=2 rows=8 block=0 half-codebook=false damping=0.01 "
               "weighting=activations ")

    def cluster(more):
        module = make_module(weight, False)
        gram = read(module, tmp_path, seen)
        return gram, *run(weight, options + more, tmp_path, module=module)

    gram, books, _, _, plain, _ = cluster("")
    _, same, codes, _, entry, _ = cluster("compensate refit=0")
    assert np.array_equal(same, books)
    damped = damp(gram, 0.01)
    sums = gram.diagonal().astype("f4").reshape(-1, 2).sum(1)
    order = (2 * np.argsort(-sums, kind="stable")[:, None]
             + np.arange(2)).reshape(-1)
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left = weight.astype("f8")
    expected = np.zeros(codes.shape, int)
    for i in range(0, columns, 2):
        pair = order[i:i + 2]
        missing = left[:, None, pair] - books
        errors = missing @ np.linalg.inv(upper[i:i + 2, i:i + 2])
        best = (errors**2).sum(-1).argmin(1)
        expected[:, pair[0] // 2] = best
        left[:, order[i + 2:]] -= (errors[np.arange(24), best]
                                   @ upper[i:i + 2, i + 2:])
    assert np.mean(codes == expected) > 0.98
    best = cluster("compensate refit=50")[4]
    assert (best["output_error"] < entry["output_error"]
            < 0.95 * plain["output_error"])


def test_few_numbers(tmp_path):
    """Weights of fewer values than codebooks have stay what they are."""
    weight = np.tile(np.array([-2, 0.5, 3], "f4"), (4, 16))
    for method in ("kmeans", "exact"):
        entry = run(weight, f"bits=4 method={method} block=0", tmp_path)[3]
        assert entry["largest_error"] == 0


def test_same_bytes_twice(tmp_path):
    weight = np.random.default_rng(3).standard_normal((64, 96)).astype("f4")
    made = [run(weight, "bits=3 block=32", tmp_path)[:2] for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*made))


def test_needs_statistics():
    weight = np.ones((8, 64), np.float32)
    for option in ("compensate", "weighting=activations"):
        with pytest.raises(llmc.Error, match="no statistics of its input; run "
                           "llmc-calibrate first"):
            make_module(weight, False).run(f"llmc-cluster{{strict {option}}}")
