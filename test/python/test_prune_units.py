"""llmc-prune-neurons, -heads and -layers: the smaller model is the one with
zeros where something was removed, which ONNX Runtime computes from the original
file; what is removed and what makes up for it follow the formulas in numpy."""

import json

import make_statistics as statistics_file
import numpy as np
import onnx
import pytest
from conftest import SHARED
from onnx import numpy_helper

import llmc

onnxruntime = pytest.importorskip("onnxruntime")

ZOO = ["albert-op18", "bert-op17-ts", "bert-op23", "distilbert-op18",
       "gemma2-op18", "gpt2-kv-op18", "gpt2-op17-ts", "gpt_neox-kv-op18",
       "llama-kv-op18", "llama-op17-ts", "mistral-op18",
       "modernbert-op18", "opt-op17-ts", "opt-op18", "phi-op18",
       "qwen2-op18", "qwen3-kv-op18", "roberta-op18", "vit-op18",
       "whisper-decoder-op18"]


# Compiled by the reference lowering; the others are exported.
COMPILED = ["bert-op23", "gpt2-kv-op18", "llama-kv-op18"]


class Masked:
    """A model of the zoo: the file, whose weights are to be masked, and what a
    pass made of it."""

    def __init__(self, name, pipeline, folder):
        path = SHARED / "zoo" / f"{name}.onnx"
        if not path.is_file():
            pytest.skip(f"no shared data: {path}")
        self.model = onnx.load(path)
        self.tensors = {t.name: t for t in self.model.graph.initializer}
        module = llmc.Module.load(path)
        module.lift()
        self.report = module.run(pipeline)
        self.shapes = {p["name"]: p["shape"] for p in module.params()}
        self.bytes = sum(p["bytes"] for p in module.params())
        self.inputs = [i.name for i in self.model.graph.input]
        self.outputs = [o.name for o in self.model.graph.output]
        if name in COMPILED:
            self.small = module.compile("reference", opt_level=0)
        else:
            module.export_onnx(folder / "small.onnx")
            self.small = self.run_onnx(str(folder / "small.onnx"))

    def run_onnx(self, model):
        session = onnxruntime.InferenceSession(
            model, providers=["CPUExecutionProvider"])
        return lambda feeds: dict(zip(self.outputs,
                                      session.run(self.outputs, feeds)))

    def groups(self):
        """The weights that summed over the same units, for each group of them:
        units before and after, and names."""
        found = {}
        for entry in self.report.weights:
            if entry["removed"] == "columns":
                found.setdefault(entry["group"], []).append(entry["param"])
        for entry in self.report.weights:
            if entry["param"] in found:
                yield (entry["units_before"], entry["units_after"],
                       found[entry["param"]])

    def columns(self, name, units):
        """[unit, column, out] of the weight that summed over units."""
        weight = numpy_helper.to_array(self.tensors[name])
        axis, = [i for i in (0, 1) if weight.shape[i] != self.shapes[name][i]]
        return np.moveaxis(weight, axis, 0).reshape(
            units, -1, weight.shape[1 - axis]), axis

    def scores(self, names, units):
        return sum(np.sqrt((self.columns(name, units)[0].astype(np.float64)**2)
                           .sum(axis=2)).sum(axis=1) for name in names)

    def mask(self, names, units, gone):
        """Makes the columns of these units 0."""
        for name in names:
            weight, axis = self.columns(name, units)
            weight = weight.copy()
            weight[gone] = 0
            weight = np.moveaxis(weight.reshape(-1, weight.shape[2]), 0, axis)
            self.tensors[name].CopyFrom(numpy_helper.from_array(weight, name))

    def compare(self, cases, kept_heads=None):
        """The largest difference of an output. Caches have other heads."""
        masked = self.run_onnx(self.model.SerializeToString())
        worst = 0
        for feeds, _ in cases:
            expected, small = masked(feeds), dict(feeds)
            for name in self.inputs:
                heads = kept_heads(name) if kept_heads else None
                if heads is not None:
                    small[name] = small[name][:, heads]
            actual = self.small(small)
            mask = feeds.get("attention_mask")
            for name, want in expected.items():
                heads = kept_heads(name) if kept_heads else None
                if heads is not None:
                    want = want[:, heads]
                assert actual[name].shape == want.shape
                error = np.abs(actual[name] - want)
                if mask is not None and want.ndim == 3 \
                        and mask.shape == want.shape[:2]:
                    error = error[mask.astype(bool)]
                worst = max(worst, error.max(initial=0))
        return worst


def zoo_cases(compare, name):
    return list(compare.cases(SHARED / "zoo" / f"{name}.npz"))


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("name", ZOO)
def test_neurons_of_the_zoo(name, scope, compare, tmp_path):
    if scope == "global" and name not in ("bert-op23", "llama-kv-op18"):
        pytest.skip("the two differ in what is removed only")
    made = Masked(name, "llmc-prune-neurons{ratio=0.3 method=magnitude "
                        f"compensate=none multiple=4 scope={scope}}}", tmp_path)
    assert made.report.weights and not made.report.notices
    for before, after, names in made.groups():
        assert after % 4 == 0
        if scope == "layer":
            assert after == round(0.7 * before / 4) * 4
        made.mask(names, before,
                  np.argsort(made.scores(names, before))[:before - after])
    assert made.compare(zoo_cases(compare, name)) < 1e-4


@pytest.mark.parametrize("unit", ["group", "query"])
@pytest.mark.parametrize("name", ZOO)
def test_heads_of_the_zoo(name, unit, compare, tmp_path):
    grouped = name.startswith(("llama", "qwen", "gemma", "mistral"))
    if unit == "query" and not grouped:
        pytest.skip("every key-value head has one query head")
    made = Masked(name, "llmc-prune-heads{ratio=0.5 method=magnitude "
                        f"compensate=none unit={unit}}}", tmp_path)
    assert made.report.weights and not made.report.notices
    caches = {}
    for number, (units, after, names) in enumerate(made.groups()):
        assert after == units // 2
        order = np.argsort(made.scores(names, units))
        gone = order[:units // 2]
        if unit == "query":
            # One of the two of each key-value head.
            pairs = made.scores(names, units).reshape(-1, 2)
            gone = pairs.argmin(axis=1) + 2 * np.arange(len(pairs))
        caches[number] = np.setdiff1d(np.arange(units), gone)
        made.mask(names, units, gone)

    def kept_heads(tensor):
        """past_key_values.<layer>.key, present.<layer>.value, ..."""
        for part in tensor.replace("_", ".").split("."):
            if "kv" in name and part.isdigit() and unit == "group":
                return caches[int(part)]
        return None

    assert made.compare(zoo_cases(compare, name), kept_heads) < 1e-4


@pytest.mark.parametrize("what", ["heads", "neurons"])
def test_t5(what, compare, tmp_path):
    """The position bias is of all layers of a stack: their heads go together."""
    made = Masked("t5-op17-ts", f"llmc-prune-{what}{{ratio=0.5 "
                                "method=magnitude compensate=none}", tmp_path)
    sizes = [len(names) for _, _, names in made.groups()]
    assert sizes == ([2, 2, 2] if what == "heads" else [1, 1, 1, 1])
    for before, after, names in made.groups():
        made.mask(names, before,
                  np.argsort(made.scores(names, before))[:before - after])
    assert made.compare(zoo_cases(compare, "t5-op17-ts")) < 1e-4


@pytest.mark.parametrize("what", ["neurons{ratio=0.25", "heads{ratio=0.5"])
def test_block_by_block(what, tmp_path, shared):
    """As a part of calibration, in which each block is a model of its own."""
    from safetensors.numpy import save_file
    ids = np.random.default_rng(1).integers(0, 256, (4, 24))
    module = llmc.Module.load(shared / "zoo" / "llama-kv-op18.onnx")
    samples = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    for spec in module.inputs:
        samples.setdefault(spec.name, np.zeros((4, 2, 0, 16), np.float32))
    save_file(samples, tmp_path / "samples")
    module.lift()
    report = module.run(f"llmc-calibrate{{inputs={tmp_path}/samples then={{"
                        f"llmc-prune-{what} strict}}}}}}")
    assert [w["units_after"] / w["units_before"] for w in report.weights
            if w["removed"] == "columns"] == 2 * [0.75 if "neurons" in what
                                                  else 0.5]
    heads = 2 if "neurons" in what else 1
    module.export_onnx(tmp_path / "small.onnx")
    small = onnxruntime.InferenceSession(
        str(tmp_path / "small.onnx"), providers=["CPUExecutionProvider"])
    feeds = {i.name: samples[i.name][:1, :heads] if i.name.startswith("past")
             else samples[i.name][:1] for i in small.get_inputs()}
    whole = onnxruntime.InferenceSession(
        str(shared / "zoo" / "llama-kv-op18.onnx"),
        providers=["CPUExecutionProvider"])
    expected = whole.run(["logits"], {
        i.name: samples[i.name][:1] for i in whole.get_inputs()})[0]
    # What is left of weights of noise is near what they were.
    got = small.run(["logits"], feeds)[0]
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("pruning", [
    "llmc-prune-heads{ratio=0.5 method=magnitude compensate=none strict}",
    "llmc-prune-layers{layers=1 strict}"])
@pytest.mark.parametrize("name", ["gpt2-kv-op18", "llama-kv-op18"])
def test_quantized_cache(name, pruning, tmp_path, shared):
    """Caches are narrowed with their scales; an artifact generates."""
    def generate(pipeline, index):
        module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
        module.lift()
        report = module.run(pipeline)
        assert not report.notices
        shapes = [(i.name, i.shape) for i in module.inputs]
        module.compile_artifact(tmp_path / str(index), opt_level=0)
        session = llmc.Artifact(tmp_path / str(index)).session()
        return shapes, session.generate([1, 2, 3, 4], max_tokens=6,
                                        temperature=0)[0]

    cache = "llmc-quantize-kv-cache"
    shapes, tokens = generate(f"{pruning},{cache}", 0)
    other_shapes, other_tokens = generate(f"{cache},{pruning}", 1)
    assert sorted(shapes) == sorted(other_shapes)
    assert tokens == other_tokens and len(tokens) == 6


# Layers ---------------------------------------------------------------------

# The weights and biases that end in the residual, of each of two layers.
RESIDUAL = {
    "llama-kv-op18": [["val_178", "val_186"], ["val_308", "val_316"]],
    "gpt2-kv-op18": [[f"m.transformer.h.{i}.{part}.c_proj.{kind}"
                      for part in ("attn", "mlp")
                      for kind in ("weight", "bias")] for i in range(2)],
    "gpt_neox-kv-op18": [
        ["val_177", "val_190", *(f"m.gpt_neox.layers.0.{part}.bias" for part in
                                 ("attention.dense", "mlp.dense_4h_to_h"))],
        ["val_312", "val_325", *(f"m.gpt_neox.layers.1.{part}.bias" for part in
                                 ("attention.dense", "mlp.dense_4h_to_h"))]]}


@pytest.mark.parametrize("renumber", [False, True])
@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("name", list(RESIDUAL))
def test_layers_of_the_zoo(name, gone, renumber, compare, tmp_path):
    """Without a layer: as if it added zeros to the residual."""
    path = SHARED / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    model = onnx.load(path)
    tensors = {t.name: t for t in model.graph.initializer}
    for param in RESIDUAL[name][gone]:
        zeros = np.zeros_like(numpy_helper.to_array(tensors[param]))
        tensors[param].CopyFrom(numpy_helper.from_array(zeros, param))
    masked = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [o.name for o in masked.get_outputs()]

    module = llmc.Module.load(path)
    module.lift()
    report = module.run(f"llmc-prune-layers{{layers={gone} "
                        f"renumber={str(renumber).lower()}}}")
    assert [w["layer"] for w in report.weights] == [gone]
    assert not report.notices
    assert not {p["name"] for p in module.params()} & set(RESIDUAL[name][gone])
    module.export_onnx(tmp_path / "small.onnx")
    small = onnxruntime.InferenceSession(
        str(tmp_path / "small.onnx"), providers=["CPUExecutionProvider"])

    def original(tensor):
        stays = f".{0 if renumber else 1 - gone}."
        assert "." not in tensor or stays in tensor
        return tensor.replace(stays, f".{1 - gone}.")

    for feeds, _ in zoo_cases(compare, name):
        expected = dict(zip(names, masked.run(None, feeds)))
        outputs = [o.name for o in small.get_outputs()]
        actual = small.run(None, {i.name: feeds[original(i.name)]
                                  for i in small.get_inputs()})
        assert len(outputs) == 3
        for output, got in zip(outputs, actual):
            np.testing.assert_allclose(got, expected[original(output)],
                                       atol=1e-4)


def test_the_least_influence_goes(tmp_path, shared):
    """As llmc-calibrate measured it."""
    from safetensors import safe_open
    from safetensors.numpy import save_file
    ids = np.random.default_rng(1).integers(0, 256, (4, 24))
    save_file({"input_ids": ids, "attention_mask": np.ones_like(ids)},
              tmp_path / "samples")
    module = llmc.Module.load(shared / "zoo" / "llama-op18.onnx")
    module.lift()
    report = module.run(
        f"llmc-calibrate{{inputs={tmp_path}/samples "
        f"output={tmp_path}/statistics}},"
        "llmc-prune-layers{count=1 keep-first=0 keep-last=0}")
    with safe_open(tmp_path / "statistics", "np") as file:
        blocks = json.loads(file.metadata()["blocks"])
    layers = [b["pair_influence"] for b in blocks[2:5:2]]
    entry, = report.weights
    assert entry["layer"] == int(np.argmin(layers))
    assert entry["influence"] == pytest.approx(min(layers), rel=1e-4)


# What is removed and what makes up for it -----------------------------------

HIDDEN, OUT, IN = 48, 24, 16


def elements(array):
    shape = "x".join(map(str, array.shape))
    return (f'dense<"0x{array.astype("f4").tobytes().hex().upper()}"> : '
            f"tensor<{shape}xf32>")


class Mlp:
    """down(relu(up x)) with a bias or without, on correlated rows."""

    def __init__(self, bias, transposed=False):
        random = np.random.default_rng(7)
        self.mixture = random.normal(size=(4, IN))
        self.up = random.normal(size=(HIDDEN, IN)) / 4
        self.up_bias = random.normal(size=HIDDEN)
        self.down = (random.normal(size=(OUT, HIDDEN))
                     * np.exp(random.normal(size=HIDDEN)))
        self.bias = random.normal(size=OUT) if bias else None
        self.transposed = transposed

    def rows(self, count, seed):
        random = np.random.default_rng(seed)
        return (random.normal(size=(count, 4)) @ self.mixture
                + random.normal(size=(count, IN)) / 20).astype("f4")

    def hidden(self, x):
        return np.maximum(x @ self.up.T + self.up_bias, 0)

    def __call__(self, x):
        y = self.hidden(x) @ self.down.T
        return y if self.bias is None else y + self.bias

    def module(self):
        down = self.down.T.copy() if self.transposed else self.down
        load = f"%d = llmc.weight @l.down.weight : tensor<{OUT}x{HIDDEN}xf32>"
        if self.transposed:
            load = (f"%s = llmc.weight @l.down.weight : "
                    f"tensor<{HIDDEN}x{OUT}xf32>\n"
                    "%d = llmc.transpose %s {perm = array<i64: 1, 0>} : "
                    f"(tensor<{HIDDEN}x{OUT}xf32>) -> "
                    f"tensor<{OUT}x{HIDDEN}xf32>")
        with_bias = self.bias is not None
        return llmc.Module.parse(f"""
          llmc.param @l.up.weight = {elements(self.up)}
          llmc.param @l.up.bias = {elements(self.up_bias)}
          llmc.param @l.down.weight = {elements(down)}
          {f"llmc.param @b = {elements(self.bias)}" if with_bias else ""}
          func.func @main(%x: tensor<?x{IN}xf32> {{llmc.name = "x"}})
              -> (tensor<?x{OUT}xf32> {{llmc.name = "y"}}) {{
            %u = llmc.weight @l.up.weight : tensor<{HIDDEN}x{IN}xf32>
            %ub = llmc.weight @l.up.bias : tensor<{HIDDEN}xf32>
            %h = llmc.linear %x, %u, %ub : (tensor<?x{IN}xf32>,
                tensor<{HIDDEN}x{IN}xf32>, tensor<{HIDDEN}xf32>)
                -> tensor<?x{HIDDEN}xf32>
            %r = llmc.relu %h : (tensor<?x{HIDDEN}xf32>)
                -> tensor<?x{HIDDEN}xf32>
            {load}
            {f"%b = llmc.weight @b : tensor<{OUT}xf32>" if with_bias else ""}
            %y = llmc.linear %r, %d {", %b" if with_bias else ""} :
                (tensor<?x{HIDDEN}xf32>, tensor<{OUT}x{HIDDEN}xf32>
                 {f", tensor<{OUT}xf32>" if with_bias else ""})
                -> tensor<?x{OUT}xf32>
            return %y : tensor<?x{OUT}xf32>
          }}""")

    def order(self, x, method, count, compensate, damping):
        """Columns, those that go first."""
        hidden = self.hidden(x.astype(np.float64))
        norms = np.linalg.norm(self.down, axis=0)
        if method == "obs":
            return self.obs(hidden, count, "bias" in compensate, damping)
        return np.argsort({
            "magnitude": norms,
            "activation": norms * np.sqrt((hidden**2).mean(axis=0)),
            "flap": hidden.var(axis=0) * norms**2}[method])

    def obs(self, hidden, count, centered, damping):
        """The column whose removal leaves the smallest error, refitted from
        scratch each time."""
        second = hidden.T @ hidden / len(hidden)
        if centered:
            second -= np.outer(hidden.mean(axis=0), hidden.mean(axis=0))
        second += damping * np.trace(second) / len(second) \
            * np.eye(len(second))
        gone = []
        for _ in range(count):
            errors = np.full(len(second), np.inf)
            for j in np.setdiff1d(np.arange(len(second)), gone):
                lost = [*gone, j]
                kept = np.setdiff1d(np.arange(len(second)), lost)
                rest = second[np.ix_(lost, lost)] - second[np.ix_(lost, kept)] \
                    @ np.linalg.solve(second[np.ix_(kept, kept)],
                                      second[np.ix_(kept, lost)])
                down = self.down[:, lost]
                errors[j] = np.einsum("ij,jk,ik", down, rest, down)
            gone.append(int(errors.argmin()))
        return np.array([*gone, *np.setdiff1d(np.arange(len(second)), gone)])

    def prune(self, x, count, method, compensate, damping):
        """As the pass does it, with the same statistics."""
        hidden = self.hidden(x.astype(np.float64))
        mean, second = hidden.mean(axis=0), hidden.T @ hidden / len(x)
        order = self.order(x, method, count, compensate, damping)
        gone, kept = np.sort(order[:count]), np.sort(order[count:])
        down = self.down.copy()
        bias = np.zeros(OUT) if self.bias is None else self.bias.copy()
        if compensate.startswith("refit"):
            if compensate == "refit-bias":
                second = second - np.outer(mean, mean)
            inner = second[np.ix_(kept, kept)]
            inner += damping * np.trace(inner) / len(kept) * np.eye(len(kept))
            down[:, kept] += down[:, gone] @ np.linalg.solve(
                inner, second[np.ix_(kept, gone)]).T
        if compensate == "refit-bias":
            bias += self.down @ mean - down[:, kept] @ mean[kept]
        elif compensate == "bias":
            bias += self.down[:, gone] @ mean[gone]
        self.up, self.up_bias = self.up[kept], self.up_bias[kept]
        self.down, self.bias = down[:, kept], bias


def prune_twice(tmp_path, mlp, x, method, compensate, damping=0.01):
    """A quarter, and a quarter of the rest, which needs statistics that were
    narrowed."""
    file = tmp_path / "statistics"
    statistics_file.write(file, {("l.down.weight",): mlp.hidden(
        x.astype(np.float64))})
    module = mlp.module()
    pruning = (f"llmc-prune-neurons{{ratio=0.25 method={method} multiple=1 "
               f"compensate={compensate} damping={damping}}}")
    report = module.run(f"llmc-read-statistics{{file={file}}},"
                        f"{pruning},{pruning}")
    assert [w["units_after"] for w in report.weights
            if w["removed"] == "columns"] == [36, 27]
    return module.compile("reference", opt_level=0)


@pytest.mark.parametrize("compensate", ["none", "bias", "refit", "refit-bias"])
@pytest.mark.parametrize("method", ["magnitude", "activation", "flap", "obs"])
@pytest.mark.parametrize("bias,transposed", [(False, False), (True, True)])
def test_formulas(tmp_path, method, compensate, bias, transposed):
    mlp = Mlp(bias, transposed)
    x = mlp.rows(400, 1)
    compiled = prune_twice(tmp_path, mlp, x, method, compensate)
    # The statistics stay those of the first hidden layer, narrowed.
    for count in (12, 9):
        mlp.prune(x, count, method, compensate, 0.01)
    np.testing.assert_allclose(compiled({"x": x[:50]})["y"], mlp(x[:50]),
                               rtol=1e-3, atol=1e-3)


def test_compensation_pays(tmp_path):
    """On rows that were not seen."""
    errors = {}
    for how in ("none", "bias", "refit", "refit-bias"):
        mlp = Mlp(bias=True)
        compiled = prune_twice(tmp_path, mlp, mlp.rows(2000, 1), "flap", how)
        x = mlp.rows(500, 2)
        errors[how] = np.linalg.norm(compiled({"x": x})["y"] - mlp(x)) \
            / np.linalg.norm(mlp(x) - mlp(x).mean(axis=0))
    assert errors["bias"] < 0.8 * errors["none"]
    assert errors["refit"] < 0.5 * errors["bias"]
    assert errors["refit-bias"] < errors["refit"]
