"""llmc-group-heads against attention, principal components and errors that
numpy computes."""

import re

import make_statistics as statistics_file
import numpy as np
import onnx
import pytest
from conftest import SHARED
from onnx import numpy_helper
from test_quantize_rtn import resources

import llmc

IN, OUT, SIZE = 24, 20, 8


def elements(array):
    shape = "x".join(map(str, array.shape))
    return (f'dense<"0x{array.astype("f4").tobytes().hex().upper()}"> : '
            f"tensor<{shape}xf32>")


def pairs(rotated, interleaved):
    half = rotated // 2
    return [(2 * i, 2 * i + 1) if interleaved else (i, i + half)
            for i in range(half)]


class Attention:
    """o(attention(rope(q x), rope(k x), v x)) with a KV cache."""

    def __init__(self, heads, groups, rotated=SIZE, interleaved=False,
                 bias=True, seed=3):
        random = np.random.default_rng(seed)
        self.heads, self.groups = heads, groups
        self.rotated, self.interleaved = rotated, interleaved
        def normal(*shape):
            return random.normal(size=shape) / np.sqrt(shape[-1])
        self.q, self.k, self.v = (normal(n * SIZE, IN)
                                  for n in (heads, groups, groups))
        self.o = normal(OUT, heads * SIZE)
        self.biases = {n: random.normal(size=len(getattr(self, n))) * bias
                       for n in "qkv"}
        angles = random.uniform(0, 6, size=(1, 12, rotated // 2))
        self.cos, self.sin = np.cos(angles), np.sin(angles)
        self.rows = statistics_file.make_rows(IN, count=400, seed=seed)

    def rotate(self, x):
        y = x.copy()
        for i, (a, b) in enumerate(pairs(self.rotated, self.interleaved)):
            cos, sin = self.cos[:, :, i], self.sin[:, :, i]
            y[..., a] = x[..., a] * cos - x[..., b] * sin
            y[..., b] = x[..., b] * cos + x[..., a] * sin
        return y

    def run(self, x, window=10**9, sinks=0):
        def split(name):
            y = x @ getattr(self, name).T + self.biases[name]
            return y.reshape(*x.shape[:2], -1, SIZE).transpose(0, 2, 1, 3)
        q, k, v = self.rotate(split("q")), self.rotate(split("k")), split("v")
        each = self.heads // self.groups
        k, v = k.repeat(each, axis=1), v.repeat(each, axis=1)
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(SIZE)
        i, j = np.indices(scores.shape[-2:])
        scores[..., (j > i) | ((j <= i - window) & (j >= sinks))] = -np.inf
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        y = scores / scores.sum(axis=-1, keepdims=True) @ v
        return y.transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1) @ self.o.T

    def module(self):
        def head(name, count):
            n = count * SIZE
            rope = name != "v" and self.rotated
            heads = f"tensor<?x{count}x?x{SIZE}xf32>"
            angle = f"tensor<1x?x{self.rotated // 2}xf32>"
            kind = " {interleaved}" if self.interleaved else ""
            return f"""
            %{name}w = llmc.weight @{name} : tensor<{n}x{IN}xf32>
            %{name}b = llmc.weight @{name}b : tensor<{n}xf32>
            %{name}0 = llmc.linear %x, %{name}w, %{name}b : (tensor<?x?x{IN}xf32>,
                tensor<{n}x{IN}xf32>, tensor<{n}xf32>) -> tensor<?x?x{n}xf32>
            %{name}s = llmc.constant dense<[0, 0, {count}, {SIZE}]> : tensor<4xi64>
            %{name}1 = llmc.reshape %{name}0, %{name}s : (tensor<?x?x{n}xf32>,
                tensor<4xi64>) -> tensor<?x?x{count}x{SIZE}xf32>
            %{name}{2 if rope else 3} = llmc.transpose %{name}1
                {{perm = array<i64: 0, 2, 1, 3>}}
                : (tensor<?x?x{count}x{SIZE}xf32>) -> {heads}
            """ + (f"""%{name}3 = llmc.rope %{name}2, %cos, %sin {kind}
                : ({heads}, {angle}, {angle}) -> {heads}""" if rope else "")

        cache = f"tensor<?x{self.groups}x?x{SIZE}xf32>"
        queries = f"tensor<?x{self.heads}x?x{SIZE}xf32>"
        wide = self.heads * SIZE
        angle = f"tensor<1x?x{self.rotated // 2}xf32>"
        past = '{{llmc.dims = ["b", "", "p", ""], llmc.name = "past.{}"}}'
        params = {n: getattr(self, n) for n in "qkvo"}
        params.update({n + "b": b for n, b in self.biases.items()})
        return llmc.Module.parse("\n".join(
            f"llmc.param @{n} = {elements(v)}" for n, v in params.items()) + f"""
          func.func @main(%x: tensor<?x?x{IN}xf32> {{llmc.name = "x"}},
              %pk: {cache} {past.format("key")},
              %pv: {cache} {past.format("value")},
              %cos: {angle} {{llmc.name = "cos"}},
              %sin: {angle} {{llmc.name = "sin"}})
              -> (tensor<?x?x{OUT}xf32> {{llmc.name = "y"}},
                  {cache} {{llmc.name = "present.key"}},
                  {cache} {{llmc.name = "present.value"}}) {{
            {head("q", self.heads)}
            {head("k", self.groups)}
            {head("v", self.groups)}
            %k = llmc.concat %pk, %k3 {{axis = 2 : i64}}
                : ({cache}, {cache}) -> {cache}
            %v = llmc.concat %pv, %v3 {{axis = 2 : i64}}
                : ({cache}, {cache}) -> {cache}
            %a = llmc.attention %q3, %k, %v
                {{causal, scale = {1 / np.sqrt(SIZE)} : f32}}
                : ({queries}, {cache}, {cache}) -> {queries}
            %t = llmc.transpose %a {{perm = array<i64: 0, 2, 1, 3>}}
                : ({queries}) -> tensor<?x?x{self.heads}x{SIZE}xf32>
            %os = llmc.constant dense<[0, 0, {wide}]> : tensor<3xi64>
            %r = llmc.reshape %t, %os : (tensor<?x?x{self.heads}x{SIZE}xf32>,
                tensor<3xi64>) -> tensor<?x?x{wide}xf32>
            %ow = llmc.weight @o : tensor<{OUT}x{wide}xf32>
            %y = llmc.linear %r, %ow : (tensor<?x?x{wide}xf32>,
                tensor<{OUT}x{wide}xf32>) -> tensor<?x?x{OUT}xf32>
            return %y, %k, %v : tensor<?x?x{OUT}xf32>, {cache}, {cache}
          }}""")

    def inputs(self):
        return self.rows[:24].reshape(2, 12, IN)

    def through_cache(self, run, lengths):
        """What a compiled module makes of the inputs, so many rows at a time,
        each reading the cache of those before."""
        x, y, end = self.inputs(), [], 0
        cache = np.zeros((2, self.groups, 0, SIZE), "f4")
        past = {"past.key": cache, "past.value": cache}
        for length in lengths:
            part = slice(end, end := end + length)
            got = run({"x": x[:, part].astype("f4"), **past,
                       "cos": self.cos[:, part].astype("f4"),
                       "sin": self.sin[:, part].astype("f4")})
            past = {f"past.{n}": got[f"present.{n}"] for n in ("key", "value")}
            assert past["past.key"].shape == (2, self.groups, end, SIZE)
            y.append(got["y"])
        return np.concatenate(y, axis=1)

    def grouped(self, options, folder):
        """What the grouped module computes, its entry in the report and what
        numpy computes with its weights."""
        statistics_file.write(folder / "s", {("q", "k", "v"): self.rows})
        module = self.module()
        report = module.run(f"llmc-read-statistics{{file={folder / 's'}}},"
                            f"llmc-group-heads{{strict {options}}}")
        entry, = report.weights
        other = Attention(self.heads, entry["heads_after"], self.rotated,
                          self.interleaved)
        other.cos, other.sin = self.cos, self.sin
        data = resources(module, folder / "m.mlir")
        made = {name: data[key].view("f4").astype(float) for name, key in
                re.findall(r"llmc.param @(\w+) = dense_resource<(\w+)>",
                           (folder / "m.mlir").read_text())}
        for name in "qkvo":
            weight = getattr(self, name)
            setattr(other, name, made[name].reshape(-1, weight.shape[1])
                    if name in made else weight)
            if name != "o":
                other.biases[name] = made.get(name + "b", self.biases[name])
        expected = other.run(self.inputs())
        got = other.through_cache(module.compile("reference", opt_level=0),
                                  [7, 5])
        np.testing.assert_allclose(got, expected,
                                   atol=5e-6 * max(4, np.abs(expected).max()))
        return expected, entry, other


def distort(model, source, target, how):
    """Makes head `target` equal to `source`, or to a map of it that queries and
    outputs can make up for."""
    random = np.random.default_rng(source)
    rows = [slice(h * SIZE, (h + 1) * SIZE) for h in (source, target)]
    mix = random.normal(size=(SIZE, SIZE))
    for name in "kv":
        for values in (getattr(model, name), model.biases[name]):
            head = values[rows[0]].copy()
            if how == "mapped" and name == "v":
                head = mix @ head
            elif how == "mapped":
                rest = range(model.rotated, SIZE)
                head[model.rotated:] = mix[np.ix_(rest, rest)] @ head[rest]
                for a, b in pairs(model.rotated, model.interleaved):
                    (c, s), old = mix[a, :2], values[rows[0]]
                    head[a], head[b] = (c * old[a] - s * old[b],
                                        s * old[a] + c * old[b])
            values[rows[1]] = head


@pytest.mark.parametrize("options", ["method=mean", "method=statistics"])
@pytest.mark.parametrize("heads", [4, 8])
def test_equal_heads_are_unchanged(heads, options, tmp_path):
    model = Attention(heads, 4)
    distort(model, 0, 1, "equal")
    distort(model, 2, 3, "equal")
    expected = model.run(model.inputs())
    got, entry, _ = model.grouped(f"heads=2 {options}", tmp_path)
    assert np.abs(got - expected).max() < 1e-5
    assert entry["heads_before"] == 4


@pytest.mark.parametrize("rotated, interleaved",
                         [(SIZE, False), (SIZE, True), (4, False)])
def test_maps_are_found(rotated, interleaved, tmp_path):
    """Heads 0 and 2, and 1 and 3, are one up to what can be made up for."""
    model = Attention(8, 4, rotated, interleaved)
    distort(model, 0, 2, "mapped")
    distort(model, 1, 3, "mapped")
    expected = model.run(model.inputs())
    got, entry, _ = model.grouped("ratio=0.5", tmp_path)
    assert entry["heads_after"] == 2
    assert np.abs(got - expected).max() < 1e-4
    assert entry["value_error"] < 1e-3 and entry["key_error"] < 1e-3
    assert entry["value_error_mean"] > 0.1 and entry["key_error_mean"] > 0.1


def test_mean_is_the_mean(tmp_path):
    model = Attention(9, 3)
    _, _, other = model.grouped("heads=1 method=mean", tmp_path)
    for name in "kv":
        np.testing.assert_allclose(
            getattr(other, name),
            getattr(model, name).reshape(3, SIZE, IN).mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(
            other.biases[name],
            model.biases[name].reshape(3, SIZE).mean(axis=0), atol=1e-6)
    for name in "qo":
        np.testing.assert_allclose(getattr(other, name), getattr(model, name),
                                   atol=1e-6)


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def tail(matrix, rank):
    values = np.linalg.svd(matrix, compute_uv=False)
    return np.sum(values[rank:]**2), np.sum(values**2)


@pytest.mark.parametrize("rotated, interleaved, bias", [
    (SIZE, False, True), (SIZE, True, False), (4, False, True)])
def test_errors_are_the_least(rotated, interleaved, bias, tmp_path):
    """What no head of this size can express, by Eckart and Young."""
    model = Attention(9, 3, rotated, interleaved, bias)
    got, entry, new = model.grouped("heads=1", tmp_path)
    rows = np.concatenate([model.rows.astype(float),
                           np.ones((len(model.rows), 1))], axis=1)
    gram = rows.T @ rows / len(rows)
    half = root(gram)
    q, k, v = (np.concatenate([getattr(model, n), model.biases[n][:, None]],
                              axis=1).reshape(-1, SIZE, IN + 1) for n in "qkv")
    o = model.o.reshape(OUT, 9, SIZE).transpose(1, 0, 2)
    m = np.einsum("hoi,hoj->hij", o, o).reshape(3, 3, SIZE, SIZE).sum(axis=1)
    lost, whole = tail(np.concatenate(
        [root(m[i]) @ v[i] @ half for i in range(3)]), SIZE)
    assert entry["value_error"] == pytest.approx(np.sqrt(lost / whole), rel=1e-3)
    mean = sum(np.sum((root(m[i]) @ (v[i] - v.mean(axis=0)) @ half)**2)
               for i in range(3))
    assert entry["value_error_mean"] == pytest.approx(np.sqrt(mean / whole),
                                                      rel=1e-3)
    assert entry["value_error"] < entry["value_error_mean"]
    assert entry["key_error"] < entry["key_error_mean"]

    # Keys: each pair by itself is the best, weighted by its queries' squares.
    m = np.einsum("hia,ab,hjb->hij", q, gram, q).reshape(
        3, 3, SIZE, SIZE).sum(axis=1)
    merged = np.concatenate([new.k, new.biases["k"][:, None]], axis=1)
    for a, b in pairs(rotated, interleaved):
        weights = np.sqrt(m[:, a, a] + m[:, b, b])[:, None]
        heads = weights * (k[:, a] + 1j * k[:, b]) @ half
        row = (merged[a] + 1j * merged[b]) @ half
        left = heads - np.outer(heads @ row.conj(), row) / np.vdot(row, row)
        assert np.sum(np.abs(left)**2) == pytest.approx(tail(heads, 1)[0],
                                                        rel=1e-3)

    x = model.inputs()
    mean, _, _ = model.grouped("heads=1 method=mean", tmp_path)
    expected = model.run(x)
    assert np.linalg.norm(got - expected) < np.linalg.norm(mean - expected)


@pytest.mark.parametrize("name", ["gpt2-kv-op18", "llama-kv-op18"])
def test_zoo(name, compare, tmp_path):
    """One head for all: as ONNX Runtime computes the file whose heads are all
    equal to their mean."""
    onnxruntime = pytest.importorskip("onnxruntime")
    path = SHARED / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    model = onnx.load(path)
    tensors = {t.name: t for t in model.graph.initializer}
    module = llmc.Module.load(path)
    module.lift()
    report = module.run("llmc-group-heads{heads=1 method=mean strict}")
    assert len(report.weights) == 2 and not report.notices
    for entry in report.weights:
        groups = entry["heads_before"]
        names = {entry["param"], entry["values"]}
        if "gpt2" in name:
            names.add(entry["param"].replace("weight", "bias"))
        for param in names:
            value = numpy_helper.to_array(tensors[param]).copy()
            # Queries in front of them in one matrix stay.
            part = value[..., value.shape[-1] // 3:] if "gpt2" in name else value
            heads = part.reshape(*part.shape[:-1], -1, groups,
                                 part.shape[-1] // groups
                                 // (2 if "gpt2" in name else 1))
            heads[:] = heads.mean(axis=-2, keepdims=True)
            part[:] = heads.reshape(part.shape)
            tensors[param].CopyFrom(numpy_helper.from_array(value, param))
    whole = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [o.name for o in whole.get_outputs()]
    run = module.compile("reference", opt_level=0)
    for feeds, _ in compare.cases(SHARED / "zoo" / f"{name}.npz"):
        # The mean of the caches would not be that of the products.
        feeds = {n: np.repeat(v[:, :1], v.shape[1], axis=1)
                 if n.startswith("past") else v for n, v in feeds.items()}
        expected = dict(zip(names, whole.run(names, feeds)))
        got = run({n: v[:, :1] if n.startswith("past") else v
                   for n, v in feeds.items()})
        np.testing.assert_allclose(got["logits"], expected["logits"], atol=1e-4)
