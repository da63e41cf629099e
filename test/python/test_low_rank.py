"""llmc-factorize, llmc-correct-error and llmc-merge-lora against numpy: factors
are those of the papers' formulas, and what is computed with them is right in
compiled code and in ONNX Runtime."""

import itertools
import pathlib
import sys

import numpy as np
import onnx
import pytest

import llmc
import toy
from calibration import output_error, read, statistics, stored
from test_quantize_rtn import as_dense, dequantize, make_module, resources

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Compress/Inputs"))
import adapter  # noqa: E402

onnxruntime = pytest.importorskip("onnxruntime")


def damp(gram, damping):
    return gram + damping * gram.diagonal().mean() * np.eye(len(gram))


def root(method, rows, gram, damping=0.01, alpha=0.5):
    """S; of a Gram matrix one that is no Cholesky factor."""
    if method == "svd":
        return np.eye(len(gram))
    if method in ("asvd", "lqer"):
        return np.diag(abs(rows).mean(0)**alpha + 1e-6)
    values, vectors = np.linalg.eigh(damp(gram, damping))
    return vectors * np.sqrt(values)


def truncate(weight, s, rank):
    """The nearest matrix of the rank, and all singular values."""
    u, values, vt = np.linalg.svd(weight.astype("f8") @ s, full_matrices=False)
    return (u[:, :rank] * values[:rank]) @ vt[:rank] @ np.linalg.inv(s), values


def factors(module, path, out, columns, dtype="float32", name="w"):
    made = resources(module, path)
    return (made[f"{name}.u"].view(dtype).reshape(out, -1).astype("f8"),
            made[f"{name}.v"].view(dtype).reshape(-1, columns).astype("f8"))


def make_weight(out=40, columns=56, seed=0, dtype="float32"):
    """Singular values that fall off."""
    rng = np.random.default_rng(seed)
    u, _, vt = np.linalg.svd(rng.standard_normal((out, columns)),
                             full_matrices=False)
    return ((u * np.exp(-np.arange(len(vt)) / 8)) @ vt).astype(dtype)


def run(module, folder, feeds):
    """What compiled code and ONNX Runtime make of a copy."""
    module.save(folder / "m.onnx")
    module.save(folder / "m.mlirbc")
    compiled = llmc.compile(llmc.Module.load(folder / "m.mlirbc"), opt_level=0)
    ours, = compiled(feeds).values()
    session = onnxruntime.InferenceSession(folder / "m.onnx")
    return ours, session.run(None, feeds)[0]


@pytest.mark.parametrize("method", ["svd", "asvd", "svd-llm"])
@pytest.mark.parametrize("dtype,transposed,options,rank", [
    ("float32", False, "rank=7", 7),
    ("float32", True, "ratio=0.5", 11),  # 0.5 * 40 * 56 / 96
    ("float16", True, "rank=12", 12)])
def test_factors_are_the_papers(tmp_path, method, dtype, transposed, options,
                                rank):
    weight = make_weight(dtype=dtype)
    rows = statistics.make_rows(56, count=300)
    module = make_module(weight, transposed)
    gram = read(module, tmp_path, rows)
    entry, = module.run(
        f"llmc-factorize{{method={method} {options}}}").weights
    u, v = factors(module, tmp_path / "m.mlir", 40, 56, dtype)
    assert u.shape == (40, rank) and v.shape == (rank, 56)
    want, _ = truncate(weight, root(method, rows, gram), rank)
    tolerance = 1e-5 if dtype == "float32" else 3e-3
    np.testing.assert_allclose(u @ v, want, atol=tolerance)

    assert entry["rank"] == rank and entry["weights"] == weight.size
    assert entry["bytes_before"] == weight.nbytes
    assert entry["bytes_after"] == rank * (40 + 56) * weight.itemsize
    lost = u @ v - weight
    assert entry["largest_error"] == pytest.approx(abs(lost).max(), rel=1e-3)
    assert entry["relative_error"] == pytest.approx(
        np.linalg.norm(lost) / np.linalg.norm(weight.astype("f8")), rel=1e-3)
    assert entry["output_error"] == pytest.approx(
        np.sqrt(output_error(lost, gram)
                / output_error(weight.astype("f8"), gram)), rel=1e-3)

    x = rows[:9].astype(dtype)
    tolerance = 1e-4 if dtype == "float32" else 5e-2
    for got in run(module, tmp_path, {"x": x}):
        np.testing.assert_allclose(got, x.astype("f8") @ (u @ v).T,
                                   rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rank", [1, 9, 20])
def test_loss_is_what_was_dropped(tmp_path, rank):
    """Of the squared singular values of W S, and no other factors lose less."""
    weight = make_weight()
    rows = statistics.make_rows(56, count=300)
    errors = {}
    for method in ("svd", "asvd", "svd-llm"):
        module = make_module(weight, True)
        gram = read(module, tmp_path, rows)
        errors[method] = module.run(
            f"llmc-factorize{{method={method} rank={rank} damping=0}}"
        ).weights[0]["output_error"]
    _, values = truncate(weight, root("svd-llm", rows, gram, 0), rank)
    assert errors["svd-llm"] == pytest.approx(
        np.sqrt((values[rank:]**2).sum() / (values**2).sum()), rel=1e-3)
    assert errors["svd-llm"] < errors["asvd"] < errors["svd"]


@pytest.mark.parametrize("method", ["svd", "svd-llm"])
def test_energy(tmp_path, method):
    weight, rows = make_weight(), statistics.make_rows(56, count=300)
    for energy in (0.3, 0.8, 0.95):
        module = make_module(weight, False)
        gram = read(module, tmp_path, rows)
        entry, = module.run(
            f"llmc-factorize{{method={method} energy={energy}}}").weights
        _, values = truncate(weight, root(method, rows, gram), 1)
        kept = np.cumsum(values**2) / (values**2).sum()
        assert entry["rank"] == 1 + np.argmax(kept >= energy)


def make_chain(weights):
    """A linear after the other."""
    lines = [f"llmc.param @{name} = {as_dense(w)}" for name, w in weights.items()]
    first = next(iter(weights.values()))
    lines.append(f'func.func @main(%x0: tensor<?x{first.shape[1]}xf32> '
                 '{llmc.name = "x"}) -> (tensor<?x'
                 f'{list(weights.values())[-1].shape[0]}xf32> '
                 '{llmc.name = "y"}) {')
    for i, (name, w) in enumerate(weights.items()):
        out, columns = w.shape
        lines.append(f"""%w{i} = llmc.weight @{name} : tensor<{out}x{columns}xf32>
          %x{i + 1} = llmc.linear %x{i}, %w{i} : (tensor<?x{columns}xf32>,
            tensor<{out}x{columns}xf32>) -> tensor<?x{out}xf32>""")
    return llmc.Module.parse("\n".join(lines) + f"""
      return %x{len(weights)} : tensor<?x{out}xf32>
    }}""")


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_global_ranks(ratio):
    """Of all ranks that fit the budget, those with the least loss."""
    # One is nearly of rank 1, one has equal singular values.
    weights = {"a": make_weight(12, 16, 1), "b": make_weight(20, 12, 2),
               "c": np.linalg.qr(make_weight(20, 20, 3))[0].astype("f4")}
    weights["a"] = np.outer(weights["a"][:, 0], weights["a"][0]).astype("f4") \
        + weights["a"] * 1e-3
    curves = {}
    for name, w in weights.items():
        values = np.linalg.svd(w.astype("f8"), compute_uv=False)**2
        least = sum(w.shape)
        curves[name] = [(r * least, values[r:].sum() / values.sum())
                        for r in range(1, (w.size - 1) // least + 1)]
        curves[name].append((w.size, 0.0))
    budget = ratio * sum(w.size for w in weights.values())
    best = min(sum(loss for _, loss in choice)
               for choice in itertools.product(*curves.values())
               if sum(size for size, _ in choice) <= budget)

    losses = {}
    for scope in ("global", "layer"):
        entries = {entry["param"]: entry for entry in make_chain(weights).run(
            f"llmc-factorize{{method=svd ratio={ratio} scope={scope}}}").weights}
        size = sum(entries[name]["bytes_after"] / 4 if name in entries
                   else w.size for name, w in weights.items())
        assert size <= budget
        losses[scope] = sum(e["relative_error"]**2 for e in entries.values())
    assert losses["global"] <= best * 1.001
    assert losses["global"] < losses["layer"]


def test_factors_have_statistics(tmp_path):
    """V reads what W read, U reads V x."""
    weight, rows = make_weight(48, 64), statistics.make_rows(64, count=400)
    module = make_module(weight, True)
    gram = read(module, tmp_path, rows)
    module.run("llmc-factorize{rank=16}")
    u, v = factors(module, tmp_path / "f.mlir", 48, 64)
    entries = {entry["param"]: entry for entry in module.run(
        "llmc-quantize-gptq{bits=4 block=16 strict}").weights}
    made = resources(module, tmp_path / "q.mlir")
    for name, factor, seen in (("w.u", u, v @ gram @ v.T), ("w.v", v, gram)):
        out, columns = factor.shape
        values = dequantize(*stored(made, out, columns // 16, 4, name=name),
                            columns)
        assert entries[name]["output_error"] == pytest.approx(
            np.sqrt(output_error(values - factor, seen)
                    / output_error(factor, seen)), rel=1e-2)


EMBEDDING = """
  llmc.param @w = {weight}
  func.func @main(%ids: tensor<?xi64> {{llmc.name = "ids"}})
      -> (tensor<?x64xf32> {{llmc.name = "y"}}) {{
    %w = llmc.weight @w : tensor<48x64xf32>
    %y = llmc.embedding %ids, %w
      : (tensor<?xi64>, tensor<48x64xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }}"""


def test_embedding(tmp_path):
    """Rows of U are looked up; the linear reads them as often as that."""
    weight = make_weight(48, 64)
    module = llmc.Module.parse(EMBEDDING.format(weight=as_dense(weight)))
    counts = np.arange(48) % 5
    statistics.write(tmp_path / "s.safetensors", {}, {"w": counts})
    module.run(f"llmc-read-statistics{{file={tmp_path / 's.safetensors'}}},"
               "llmc-factorize{method=svd what=embedding rank=16}")
    u, v = factors(module, tmp_path / "m.mlir", 48, 64)
    np.testing.assert_allclose(u @ v, truncate(weight, np.eye(64), 16)[0],
                               atol=1e-5)
    ids = np.arange(-48, 48)
    for got in run(module, tmp_path, {"ids": ids}):
        np.testing.assert_allclose(got, (u @ v)[ids], rtol=1e-4, atol=1e-5)

    # Both factors in 8 bits.
    entry, = module.run("llmc-quantize-gptq{bits=8 block=16 strict}").weights
    assert entry["param"] == "w.v"
    module.run("llmc-quantize-rtn{bits=8 block=16 what=embedding strict}")
    made = resources(module, tmp_path / "q.mlir")
    gram = (u * counts[:, None]).T @ u / counts.sum()
    old, v = v, dequantize(*stored(made, 64, 1, 8, name="w.v"), 16).T
    u = dequantize(*stored(made, 48, 1, 8, name="w.u"), 16)
    assert entry["output_error"] == pytest.approx(
        np.sqrt(output_error((v - old).T, gram) / output_error(old.T, gram)),
        rel=1e-2)
    for got in run(module, tmp_path, {"ids": ids}):
        np.testing.assert_allclose(got, (u @ v)[ids], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method,alpha", [("svd", 1), ("lqer", 1), ("lqer", 0.5),
                                          ("eora", 1)])
@pytest.mark.parametrize("quantizer", ["rtn", "gptq"])
def test_correction(tmp_path, method, alpha, quantizer):
    rng = np.random.default_rng(7)
    weight = rng.standard_normal((48, 64)).astype("f4")
    rows = statistics.make_rows(64, count=400)
    rows[:, 5] = 0  # never used: its weights do not matter
    module = make_module(weight, True)
    gram = read(module, tmp_path, rows)
    quantize = f"llmc-quantize-{quantizer}{{bits=4 block=32}}"
    plain = module.run(
        f"llmc-correct-error{{method={method} alpha={alpha} rank=6 "
        f"quantize={{{quantize}}}}}").weights
    assert [entry["param"] for entry in plain] == ["w", "w"]
    made = resources(module, tmp_path / "m.mlir")
    rounded = dequantize(*stored(made, 48, 2, 4), 64).astype("f8")
    u, v = factors(module, tmp_path / "m.mlir", 48, 64)

    error = weight - rounded
    live = gram.diagonal() != 0
    if method != "svd":
        error[:, ~live] = 0
    used = gram.copy()
    used[5, 5] = gram.diagonal()[live].mean()
    s = root(method if method != "eora" else "svd-llm", rows, used, alpha=alpha)
    if method == "eora":
        values, vectors = np.linalg.eigh(
            used + 0.01 * gram.diagonal()[live].mean() * np.eye(64))
        s = vectors * np.sqrt(values)
    want, _ = truncate(error, s, 6)
    np.testing.assert_allclose(u @ v, want, atol=2e-5)
    left = weight - rounded - u @ v
    assert plain[1]["output_error"] == pytest.approx(np.sqrt(
        output_error(left, gram) / output_error(weight.astype("f8"), gram)),
        rel=1e-3)
    assert plain[1]["output_error"] < plain[0].get("output_error", np.inf)

    # Integers stay what a kernel multiplies.
    x = rows[:9].astype("f4")
    want = x @ (rounded + u @ v).T
    for got in run(module, tmp_path, {"x": x}):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)
    nodes = [n.op_type for n in onnx.load(tmp_path / "m.onnx").graph.node]
    assert nodes.count("MatMulNBits") == 1 and nodes.count("MatMul") == 2
    # All of it by kernels; that of a factor adds.
    claimed = llmc.Module.load(tmp_path / "m.mlirbc")
    claimed.run("llmc-claim-kernels")
    assert claimed.ops()["llmc.launch"] == 3
    assert not {"llmc.linear", "llmc.dequantize", "llmc.add"} & {*claimed.ops()}
    # Factors of 8 bits.
    module.run("llmc-quantize-rtn{bits=8 block=16 what=linear}")
    for got in run(module, tmp_path, {"x": x}):
        np.testing.assert_allclose(got, want, atol=0.02 * abs(want).max())


@pytest.fixture
def model(tmp_path):
    module = llmc.Module.load(toy.write(tmp_path / "toy"))
    module.lift()
    return module


TOKENS = np.random.default_rng(2).integers(0, len(toy.VOCABULARY), 600)


@pytest.mark.parametrize("passes", [
    "llmc-factorize{{ratio={ratio}}}",
    "llmc-factorize{{ratio={ratio}}},llmc-quantize-gptq{{bits=8 block=8}}",
    "llmc-correct-error{{rank=8 quantize={{llmc-quantize-gptq{{bits=4 block=32}}}}}}"
])
@pytest.mark.parametrize("blockwise", [False, True])
def test_model_with_data(model, tmp_path, passes, blockwise):
    """Less is lost at a higher rank, and ONNX Runtime computes the same."""
    ids = TOKENS[None, :50]
    errors = []
    for ratio in (0.5, 0.9):
        module = llmc.Module.load(tmp_path / "toy/model.onnx")
        module.lift()
        pipeline = passes.format(ratio=ratio)
        if blockwise:
            module.calibrate(TOKENS, samples=8, length=64, then=pipeline)
        else:
            module.calibrate(TOKENS, samples=8, length=64)
            module.run(pipeline)
        assert module.ops()["llmc.linear"] > 1
        got, theirs = run(module, tmp_path, {"input_ids": ids})
        errors.append(np.linalg.norm(got - toy.logits(ids))
                      / np.linalg.norm(toy.logits(ids)))
        np.testing.assert_allclose(theirs, got, atol=1e-3)
    assert errors[1] <= errors[0] < 0.7


def lora(rng, out, columns, rank=4, dtype="float32"):
    return (rng.standard_normal((rank, columns)).astype(dtype),
            rng.standard_normal((out, rank)).astype(dtype))


@pytest.mark.parametrize("keep", ["false", "true"])
@pytest.mark.parametrize("stabilized", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_lora(model, tmp_path, keep, stabilized, dtype):
    rng = np.random.default_rng(4)
    a, b = lora(rng, len(toy.VOCABULARY), toy.HIDDEN, dtype=dtype)
    # Of an embedding [vocabulary, hidden].
    ea, eb = lora(rng, toy.HIDDEN, len(toy.VOCABULARY), dtype=dtype)
    path = adapter.write(tmp_path / "lora", {
        "lora_alpha": 6, "r": 4, "use_rslora": stabilized}, {
            "base_model.model.model.layers.0.head.lora_A.weight": a,
            "base_model.model.model.layers.0.head.lora_B.weight": b,
            "base_model.model.embed.lora_embedding_A": ea,
            "base_model.model.embed.lora_embedding_B": eb})
    report = model.run(f"llmc-merge-lora{{file={path} keep={keep}}}")
    scale = 6 / (2 if stabilized else 4)
    assert {entry["scale"] for entry in report.weights} == {scale}
    embedding, head = (w.astype("f8") for w in toy.weights())
    ids = TOKENS[None, :50]
    want = (embedding + scale * (eb.astype("f8") @ ea).T)[ids] @ (
        head + scale * (b.astype("f8") @ a).T)
    assert model.ops()["llmc.linear"] == (4 if keep == "true" else 1)
    for got in run(model, tmp_path, {"input_ids": ids}):
        np.testing.assert_allclose(got, want, atol=1e-5 * abs(want).max())


def test_lora_beside_integers(model, tmp_path):
    """A weight that is quantized keeps its adapter in floats."""
    a, b = lora(np.random.default_rng(4), len(toy.VOCABULARY), toy.HIDDEN)
    path = adapter.write(tmp_path / "lora", None, {
        "model.layers.0.head.lora_A.weight": a,
        "model.layers.0.head.lora_B.weight": b})
    model.run("llmc-quantize-rtn{bits=8 block=32}")
    ids = TOKENS[None, :50]
    plain, _ = run(model, tmp_path, {"input_ids": ids})
    model.run(f"llmc-merge-lora{{file={path} keep=true alpha=2}}")
    added = 0.5 * toy.weights()[0][ids] @ (b @ a).T
    for got in run(model, tmp_path, {"input_ids": ids}):
        np.testing.assert_allclose(got - plain, added,
                                   atol=0.01 * abs(added).max())
    with pytest.raises(llmc.Error, match="it is not of floats any more"):
        model.run(f"llmc-merge-lora{{file={path} alpha=2}}")
