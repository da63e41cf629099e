"""llmc-share-layers against numpy: a basis is that of Basis Sharing's formula,
a weight for several layers is the least-squares solution, and what is computed
with them is right in compiled code and in ONNX Runtime."""

import make_statistics as statistics
import numpy as np
import pytest
from calibration import output_error, stored
from test_low_rank import damp, run
from test_quantize_rtn import as_dense, dequantize, resources

import llmc
from llmc.calibrate import make_samples

onnxruntime = pytest.importorskip("onnxruntime")
IN, HIDDEN = 24, 40


class Layers:
    """x + down(relu(up(x))), some times, behind a linear."""

    def __init__(self, count, dtype="float32", transposed=False, seed=5):
        random = np.random.default_rng(seed)
        self.count, self.transposed = count, transposed
        common = {"up": random.normal(size=(HIDDEN, IN)),
                  "down": random.normal(size=(IN, HIDDEN))}
        self.weights = {
            f"{kind}{i}": ((w + 0.5 * random.normal(size=w.shape))
                           / np.sqrt(w.shape[1])).astype(dtype)
            for i in range(count) for kind, w in common.items()}
        self.first = (random.normal(size=(IN, IN)) / np.sqrt(IN)).astype(dtype)
        self.rows = {name: statistics.make_rows(w.shape[1], 300, seed=i)
                     for i, (name, w) in enumerate(self.weights.items())}
        self.element = {"float32": "f32", "float16": "f16"}[dtype]

    def run(self, x, weights):
        x = x.astype("f8") @ self.first.astype("f8").T
        for i in range(self.count):
            hidden = np.maximum(x @ weights[f"up{i}"].T, 0)
            x = x + hidden @ weights[f"down{i}"].T
        return x

    def module(self):
        e = self.element
        lines, params = [], [f"llmc.param @first = {as_dense(self.first)}"]
        for name, w in self.weights.items():
            kept = w.T if self.transposed else w
            params.append(f"llmc.param @{name} = {as_dense(kept)}")
            out, columns = w.shape
            a, b = kept.shape
            load = f"llmc.weight @{name} : tensor<{a}x{b}x{e}>"
            lines.append(f"""%{name}_ = {load}
            %{name} = llmc.transpose %{name}_ {{perm = array<i64: 1, 0>}}
                : (tensor<{a}x{b}x{e}>) -> tensor<{out}x{columns}x{e}>"""
                         if self.transposed else f"%{name} = {load}")
        x, h = f"tensor<?x{IN}x{e}>", f"tensor<?x{HIDDEN}x{e}>"
        lines.append(f"""%first = llmc.weight @first : tensor<{IN}x{IN}x{e}>
            %x0 = llmc.linear %x, %first : ({x}, tensor<{IN}x{IN}x{e}>) -> {x}""")
        for i in range(self.count):
            lines.append(f"""
            %a{i} = llmc.linear %x{i}, %up{i} : ({x}, tensor<{HIDDEN}x{IN}x{e}>) -> {h}
            %b{i} = llmc.relu %a{i} : ({h}) -> {h}
            %c{i} = llmc.linear %b{i}, %down{i} : ({h}, tensor<{IN}x{HIDDEN}x{e}>) -> {x}
            %x{i + 1} = llmc.add %x{i}, %c{i} : ({x}, {x}) -> {x}""")
        return llmc.Module.parse("\n".join(params) + f"""
        func.func @main(%x: {x} {{llmc.name = "x", llmc.dims = ["n", ""]}})
            -> ({x} {{llmc.name = "y"}}) {{
        """ + "\n".join(lines) + f"\nreturn %x{self.count} : {x}\n}}")

    def read(self, module, folder):
        """Gives the module statistics; the Gram matrix of each weight."""
        statistics.write(folder / "s", {(n,): r for n, r in self.rows.items()})
        module.run(f"llmc-read-statistics{{file={folder / 's'}}}")
        return {name: statistics.gather(rows)["gram"].astype("f4").astype("f8")
                for name, rows in self.rows.items()}


def best_factors(weights, grams, rank, damping=0.01):
    """Those of the weights one below the other, [sum of out, rank] and
    [rank, in]."""
    gram = damp(sum(grams) / len(grams), damping)
    values, vectors = np.linalg.eigh(gram)
    s = vectors * np.sqrt(values)
    u, values, vt = np.linalg.svd(np.concatenate(weights).astype("f8") @ s,
                                  full_matrices=False)
    return (u[:, :rank] * values[:rank]) @ vt[:rank] @ np.linalg.inv(s)


@pytest.mark.parametrize("dtype,transposed,options,ranks", [
    ("float32", False, "rank=5", {"up": 5, "down": 5}),
    # 0.5 * 2 * 40 * 24 / (24 + 2 * 40), and the same of 24 * 40.
    ("float32", True, "ratio=0.5", {"up": 9, "down": 10}),
    ("float16", True, "rank=6 damping=0.1", {"up": 6, "down": 6})])
def test_basis(tmp_path, dtype, transposed, options, ranks):
    layers = Layers(4, dtype, transposed)
    module = layers.module()
    grams = layers.read(module, tmp_path)
    entries = {e["param"]: e for e in module.run(
        f"llmc-share-layers{{{options} skip=^first$ strict}}").weights}
    made = resources(module, tmp_path / "m.mlir")
    weights = {}
    tolerance = 2e-5 if dtype == "float32" else 5e-3
    for kind, rank in ranks.items():
        for first in (0, 2):
            names = [f"{kind}{first}", f"{kind}{first + 1}"]
            old = [layers.weights[n] for n in names]
            columns = old[0].shape[1]
            v = made[f"{names[0]}.basis"].view(dtype).reshape(rank, columns)
            want = best_factors(old, [grams[n] for n in names], rank,
                                0.1 if "damping" in options else 0.01)
            got = np.concatenate([
                made[f"{n}.u"].view(dtype).reshape(-1, rank).astype("f8") @ v
                for n in names])
            np.testing.assert_allclose(got, want, atol=tolerance)
            weights.update(zip(names, np.split(got, 2)))
            for name, w in zip(names, old):
                entry = entries[name]
                shared = v.nbytes if name == names[0] else 0
                assert entry["shared_with"] == f"{names[0]}.basis"
                assert entry["rank"] == rank
                assert entry["bytes_before"] == w.nbytes
                assert entry["bytes_after"] == (
                    rank * len(w) * w.itemsize + shared)
                assert entry["output_error"] == pytest.approx(np.sqrt(
                    output_error(weights[name] - w, grams[name])
                    / output_error(w.astype("f8"), grams[name])), rel=1e-3)
    assert sum(value.nbytes for value in made.values()) == sum(
        e["bytes_after"] for e in entries.values())
    x = np.random.default_rng(1).normal(size=(9, IN)).astype(dtype)
    want = layers.run(x, weights)
    for got in run(module, tmp_path, {"x": x}):
        np.testing.assert_allclose(got, want, rtol=20 * tolerance,
                                   atol=20 * tolerance)


@pytest.mark.parametrize("dtype,transposed", [
    ("float32", False), ("float32", True), ("float16", True)])
@pytest.mark.parametrize("method", ["mean", "fit"])
@pytest.mark.parametrize("group", [2, 3])
def test_one_weight(tmp_path, dtype, transposed, method, group):
    layers = Layers(6, dtype, transposed)
    module = layers.module()
    grams = layers.read(module, tmp_path)
    entries = {e["param"]: e for e in module.run(
        f"llmc-share-layers{{method={method} group={group} skip=^first$ strict}}").weights}
    made = resources(module, tmp_path / "m.mlir")
    assert sorted(made) == sorted(
        f"{kind}{i}" for kind in ("up", "down") for i in range(0, 6, group))
    weights = {}
    for name, w in layers.weights.items():
        kind, number = name.rstrip("0123456789"), int(name[-1])
        first = number // group * group
        names = [f"{kind}{i}" for i in range(first, first + group)]
        old = [layers.weights[n].astype("f8") for n in names]
        damped = [damp(grams[n], 0.01) for n in names]
        want = (sum(old) / group if method == "mean" else
                sum(o @ g for o, g in zip(old, damped))
                @ np.linalg.inv(sum(damped)))
        got = made[names[0]].view(dtype).astype("f8")
        got = (got.reshape(w.shape[::-1]).T if transposed
               else got.reshape(w.shape))
        np.testing.assert_allclose(
            got, want, atol=1e-5 if dtype == "float32" else 1e-3)
        weights[name] = got
        assert entries[name]["shared_with"] == names[0]
        assert entries[name]["bytes_after"] == (
            w.nbytes if name == names[0] else 0)
        assert entries[name]["output_error"] == pytest.approx(np.sqrt(
            output_error(got - w, grams[name])
            / output_error(w.astype("f8"), grams[name])), rel=2e-3)
    x = np.random.default_rng(1).normal(size=(9, IN)).astype(dtype)
    want = layers.run(x, weights)
    tolerance = 1e-4 if dtype == "float32" else 5e-2
    for got in run(module, tmp_path, {"x": x}):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def test_fit_is_the_best(tmp_path):
    """No other weight has less of the summed errors of outputs."""
    errors = {}
    for method in ("mean", "fit"):
        layers = Layers(2)
        module = layers.module()
        grams = layers.read(module, tmp_path)
        entries = module.run(
            f"llmc-share-layers{{method={method} damping=0 skip=first}}").weights
        errors[method] = sum(
            e["output_error"]**2 * output_error(
                layers.weights[e["param"]].astype("f8"), grams[e["param"]])
            for e in entries)
    assert errors["fit"] < errors["mean"]


def test_statistics_go_on(tmp_path):
    """Rounding the shared weights minds what all layers give them."""
    layers = Layers(2)
    module = layers.module()
    layers.read(module, tmp_path)
    module.run("llmc-share-layers{rank=8 skip=first}")
    v = resources(module, tmp_path / "v.mlir")["up0.basis"].view("f4")
    v = v.reshape(8, IN).astype("f8")
    entries = {e["param"]: e for e in module.run(
        "llmc-quantize-gptq{bits=3 block=8 skip=first strict}").weights}
    assert set(entries) == {"up0.basis", "up0.u", "up1.u", "down0.basis",
                            "down0.u", "down1.u"}
    gram = statistics.gather(np.concatenate(
        [layers.rows["up0"], layers.rows["up1"]]))["gram"]
    rounded = dequantize(*stored(resources(module, tmp_path / "q.mlir"), 8, 3, 3,
                                 name="up0.basis"), IN)
    assert entries["up0.basis"]["output_error"] == pytest.approx(np.sqrt(
        output_error(rounded - v, gram) / output_error(v, gram)), rel=1e-3)


@pytest.mark.parametrize("name", ["llama-kv-op18", "gpt2-op18"])
@pytest.mark.parametrize("options", ["ratio=0.7", "method=fit"])
def test_models(name, options, shared, tmp_path):
    """ONNX Runtime computes the same; attentions and MLPs share apart."""
    path = shared / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    module = llmc.Module.load(path)
    module.lift()
    tokens = np.random.default_rng(1).integers(0, 256, 200)
    module.calibrate(tokens, samples=4, length=40)
    entries = module.run(f"llmc-share-layers{{{options}}}").weights
    assert len(entries) >= 8 and len(entries) % 2 == 0
    partners = {}
    for entry in entries:
        partners.setdefault(entry["shared_with"], []).append(entry["param"])
    assert all(len(params) == 2 for params in partners.values())
    feeds = make_samples(module.inputs, tokens[None, :20])
    module.save(tmp_path / "m.onnx")
    module.save(tmp_path / "m.mlirbc")
    ours = llmc.compile(llmc.Module.load(tmp_path / "m.mlirbc"),
                        opt_level=0)(feeds)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    theirs = session.run(["logits"], feeds)[0]
    np.testing.assert_allclose(ours["logits"], theirs, atol=2e-3, rtol=1e-3)
