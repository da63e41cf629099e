"""llmc-rotate and llmc-slice on a small decoder that numpy computes: a rotated
model computes what it did, a sliced one what it does with projections in its
residual stream."""

import re

import make_statistics as statistics_file
import numpy as np
import pytest
from test_group_heads import elements
from test_quantize_rtn import resources

import llmc

VOCABULARY, HIDDEN, SIZE, INNER, EPSILON = 30, 24, 4, 32, 0.05


class Decoder:
    """Embeddings, two layers of grouped-query attention and an MLP, a head.
    `style` has any of: "layer_norm"; "tied"; "parallel", attention and MLP of a
    layer add to the stream together; "positions", a second embedding; "flat",
    what attention adds is reshaped; "transposed", weights are stored as [in,
    out]."""

    def __init__(self, *style, hidden=HIDDEN, seed=7):
        random = np.random.default_rng(seed)
        self.style, self.hidden = style, hidden
        self.centered = "layer_norm" in style

        def normal(*shape):
            return (random.normal(size=shape) / np.sqrt(shape[-1])).astype("f4")

        def vector(size, mean=0.0):
            return (mean + random.normal(size=size) / 4).astype("f4")

        p = self.params = {"embed": 5 * normal(VOCABULARY, hidden)}
        if "positions" in style:
            p["positions"] = 5 * normal(16, hidden)
        for layer in range(2):
            for name, rows, columns in (
                    ("q", 2 * 2 * SIZE, hidden), ("k", 2 * SIZE, hidden),
                    ("v", 2 * SIZE, hidden), ("o", hidden, 4 * SIZE),
                    ("up", INNER, hidden), ("down", hidden, INNER)):
                p[f"{name}{layer}"] = 2 * normal(rows, columns)
            for name, rows in (("v", 2 * SIZE), ("down", hidden), ("o", hidden)):
                p[f"{name}{layer}.bias"] = vector(rows)
        for norm in ("a0", "m0", "a1", "m1", "last"):
            p[norm] = vector(hidden, 1.0)
            p[norm + ".bias"] = vector(hidden) * self.centered
        if "tied" not in style:
            p["head"] = normal(VOCABULARY, hidden)
        self.head = "embed" if "tied" in style else "head"
        self.readers = {"a0": "q0 k0 v0", "m0": "up0", "a1": "q1 k1 v1",
                        "m1": "up1", "last": self.head}
        self.rows = {}
        for i, norm in enumerate(self.readers):
            x = statistics_file.make_rows(hidden, 200, seed + i)
            x = x / np.sqrt((x**2).mean(1, keepdims=True))
            self.rows[norm] = x * p[norm] + p[norm + ".bias"]
        inner = statistics_file.make_rows(INNER, 200, seed)
        heads = statistics_file.make_rows(4 * SIZE, 200, seed)
        self.other = {"down": inner, "o": heads}

    def gram(self, norm):
        """E[y y^T] of the rows of a norm without its scale and bias."""
        p = self.params
        y = (self.rows[norm] - p[norm + ".bias"].astype("f8")) / p[norm]
        return y.T @ y / len(y)

    def run(self, ids, projections=None, table=None):
        """Logits, with a projection where each norm reads the stream, and one of
        the rows of the embedding."""
        p = {n: v.astype("f8") for n, v in self.params.items()}
        one = np.eye(self.hidden)
        mean = one - self.centered / self.hidden
        at = dict.fromkeys(self.readers, one) | (projections or {})
        table = one if table is None else table

        def norm(x, name):
            scale = np.sqrt((x**2).mean(-1, keepdims=True)
                            + float(np.float32(EPSILON)))
            return x / scale * p[name] + p[name + ".bias"]

        def attention(x, layer):
            def split(y):
                return y.reshape(*y.shape[:2], -1, SIZE).transpose(0, 2, 1, 3)
            q, k = (split(x @ p[f"{n}{layer}"].T) for n in "qk")
            v = split(x @ p[f"v{layer}"].T + p[f"v{layer}.bias"])
            k, v = k.repeat(2, axis=1), v.repeat(2, axis=1)
            scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(SIZE)
            i, j = np.indices(scores.shape[-2:])
            scores[..., j > i] = -np.inf
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            y = (scores / scores.sum(-1, keepdims=True) @ v)
            y = y.transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1)
            return y @ p[f"o{layer}"].T + p[f"o{layer}.bias"]

        def mlp(x, layer):
            y = np.maximum(x @ p[f"up{layer}"].T, 0)
            return y @ p[f"down{layer}"].T + p[f"down{layer}.bias"]

        x = p["embed"][ids] @ table
        if "positions" in self.style:
            x = x + p["positions"][np.arange(ids.shape[1])]
        x = x @ mean @ at["a0"]
        for layer in range(2):
            after = at["a1" if layer == 0 else "last"]
            a = attention(norm(x, f"a{layer}"), layer) @ mean
            if "parallel" in self.style:
                m = mlp(norm(x, f"m{layer}"), layer) @ mean
                x = (x + a + m) @ after
            else:
                x = (x + a) @ at[f"m{layer}"]
                x = (x + mlp(norm(x, f"m{layer}"), layer) @ mean) @ after
        return norm(x, "last") @ table @ p[self.head].T

    def module(self):
        n, wide = self.hidden, 4 * SIZE
        stream = f"tensor<?x?x{n}xf32>"
        flip = "transposed" in self.style
        params = {k: v.T if flip and v.ndim == 2 and k not in (
            "embed", "positions", "head") else v for k, v in self.params.items()}
        lines, loaded = [], {}

        def weight(name):
            shape = "x".join(map(str, self.params[name].shape))
            kind = f"tensor<{shape}xf32>"
            if name in loaded:
                return loaded[name], kind
            value = f"%w{len(lines)}"
            stored = "x".join(map(str, params[name].shape))
            lines.append(f"{value} = llmc.weight @{name} : tensor<{stored}xf32>")
            if stored != shape or (flip and params[name].ndim == 2
                                   and params[name] is not self.params[name]):
                lines.append(f"{value}t = llmc.transpose {value} {{perm = "
                             f"array<i64: 1, 0>}} : (tensor<{stored}xf32>) "
                             f"-> {kind}")
                value += "t"
            loaded[name] = value
            return value, kind

        def emit(text, kind):
            value = f"%v{len(lines)}"
            lines.append(f"{value} = {text} -> {kind}")
            return value

        def linear(x, kind, name):
            w, wt = weight(name)
            bias, bt = ("", "")
            if name + ".bias" in params:
                b, t = weight(name + ".bias")
                bias, bt = ", " + b, ", " + t
            rows = self.params[name].shape[0]
            out = kind.rsplit("x", 2)[0] + f"x{rows}xf32>"
            return emit(f"llmc.linear {x}, {w}{bias} : ({kind}, {wt}{bt})",
                        out), out

        def norm(x, name):
            s, t = weight(name)
            attributes = f"epsilon = {EPSILON} : f32"
            bias, bt, op = "", "", "rms_norm"
            if self.centered:
                b, bt = weight(name + ".bias")
                bias, bt, op = ", " + b, ", " + bt, "layer_norm"
                attributes = "axis = 2 : i64, " + attributes
            return emit(f"llmc.{op} {x}, {s}{bias} {{{attributes}}} : "
                        f"({stream}, {t}{bt})", stream)

        def add(a, b):
            return emit(f"llmc.add {a}, {b} : ({stream}, {stream})", stream)

        def constant(*values):
            value = f"%c{len(lines)}"
            lines.append(f"{value} = llmc.constant dense<{list(values)}> : "
                         f"tensor<{len(values)}xi64>")
            return value, f"tensor<{len(values)}xi64>"

        def reshape(x, kind, shape, result):
            s, t = constant(*shape)
            return emit(f"llmc.reshape {x}, {s} : ({kind}, {t})", result)

        def attention(x, layer):
            parts = []
            for name, heads in (("q", 4), ("k", 2), ("v", 2)):
                y, kind = linear(x, stream, f"{name}{layer}")
                rows = f"tensor<?x?x{heads}x{SIZE}xf32>"
                y = reshape(y, kind, (0, 0, heads, SIZE), rows)
                parts.append(emit(
                    f"llmc.transpose {y} {{perm = array<i64: 0, 2, 1, 3>}} : "
                    f"({rows})", f"tensor<?x{heads}x?x{SIZE}xf32>"))
            q, k = (f"tensor<?x{h}x?x{SIZE}xf32>" for h in (4, 2))
            y = emit(f"llmc.attention {', '.join(parts)} {{causal, scale = "
                     f"{1 / np.sqrt(SIZE)} : f32}} : ({q}, {k}, {k})", q)
            rows = f"tensor<?x?x4x{SIZE}xf32>"
            y = emit(f"llmc.transpose {y} {{perm = array<i64: 0, 2, 1, 3>}} : "
                     f"({q})", rows)
            if "flat" in self.style:
                y = reshape(y, rows, (-1, wide), f"tensor<?x{wide}xf32>")
                y, kind = linear(y, f"tensor<?x{wide}xf32>", f"o{layer}")
                size = emit(f"llmc.shape {x} {{start = 0 : i64, end = 2 : i64}} "
                            f": ({stream})", "tensor<2xi64>")
                last, t = constant(n)
                shape = emit(f"llmc.concat {size}, {last} {{axis = 0 : i64}} : "
                             f"(tensor<2xi64>, {t})", "tensor<3xi64>")
                return emit(f"llmc.reshape {y}, {shape} : ({kind}, "
                            "tensor<3xi64>)", stream)
            y = reshape(y, rows, (0, 0, wide), f"tensor<?x?x{wide}xf32>")
            return linear(y, f"tensor<?x?x{wide}xf32>", f"o{layer}")[0]

        def mlp(x, layer):
            y, kind = linear(x, stream, f"up{layer}")
            y = emit(f"llmc.relu {y} : ({kind})", kind)
            return linear(y, kind, f"down{layer}")[0]

        w, t = weight("embed")
        x = emit(f"llmc.embedding %ids, {w} : (tensor<?x?xi64>, {t})", stream)
        if "positions" in self.style:
            w, t = weight("positions")
            rows = f"tensor<?x{n}xf32>"
            y = emit(f"llmc.embedding %at, {w} : (tensor<?xi64>, {t})", rows)
            x = emit(f"llmc.add {x}, {y} : ({stream}, {rows})", stream)
        for layer in range(2):
            a = attention(norm(x, f"a{layer}"), layer)
            if "parallel" in self.style:
                x = add(add(a, mlp(norm(x, f"m{layer}"), layer)), x)
            else:
                x = add(x, a)
                x = add(x, mlp(norm(x, f"m{layer}"), layer))
        y, kind = linear(norm(x, "last"), stream, self.head)
        return llmc.Module.parse("\n".join(
            f"llmc.param @{k} = {elements(np.ascontiguousarray(v))}"
            for k, v in params.items()
            if self.centered or k[:-5] not in self.readers) + f"""
          func.func @main(%ids: tensor<?x?xi64> {{llmc.name = "ids"}},
                          %at: tensor<?xi64> {{llmc.name = "at"}})
              -> ({kind} {{llmc.name = "logits"}}) {{
            {chr(10).join(lines)}
            return {y} : {kind}
          }}""")

    def read(self, folder):
        """The pass that reads its statistics."""
        inputs = {tuple(params.split()): self.rows[norm]
                  for norm, params in self.readers.items()}
        inputs.update({(f"{name}{layer}",): rows for name, rows
                       in self.other.items() for layer in range(2)})
        counts = {"embed": np.arange(VOCABULARY)}
        statistics_file.write(folder / "s", inputs, counts)
        return f"llmc-read-statistics{{file={folder / 's'}}},"


IDS = np.random.default_rng(0).integers(0, VOCABULARY, (2, 9))
STYLES = [(), ("layer_norm", "flat"), ("tied", "transposed"),
          ("tied", "layer_norm", "positions"), ("parallel", "layer_norm"),
          ("tied", "parallel", "flat", "transposed")]


def execute(module):
    return module.compile("reference", opt_level=0)(
        {"ids": IDS, "at": np.arange(IDS.shape[1])})["logits"]


def check(got, expected, tolerance=1e-4):
    np.testing.assert_allclose(got, expected,
                               atol=tolerance * np.abs(expected).max())


def stored(module, path):
    """The floats of parameters that are resources, by name."""
    data = resources(module, path)
    return {name: data[key].view("f4").reshape([int(n) for n in
                                                shape.split("x") if n])
            for name, key, shape in re.findall(
                r"llmc.param @([\w.]+) = dense_resource<([\w.]+)> : "
                r"tensor<([\dx]*)xf32>", path.read_text())}


def root(weight, gram):
    """|w x| over the rows x of a Gram matrix."""
    return np.sqrt(np.einsum("ri,ij,rj->", weight, gram, weight))


@pytest.mark.parametrize("style", STYLES, ids="-".join)
@pytest.mark.parametrize("hidden,options", [
    (HIDDEN, ""), (18, "heads=false"),  # no Hadamard matrix
    (HIDDEN, "stream=false")])
def test_rotate_computes_the_same(style, hidden, options, tmp_path):
    model = Decoder(*style, hidden=hidden)
    module = model.module()
    report = module.run(f"llmc-rotate{{strict seed=5 {options}}}")
    assert len(report.weights) == {"": 3, "heads=false": 1,
                                   "stream=false": 2}[options]
    made = stored(module, tmp_path / "m.mlir")
    check(execute(module), model.run(IDS))
    # All that is to be rotated was.
    changed = {"q0", "up1", "o1", "down0", "a0"} if "stream" not in options \
        else {"v0", "v0.bias", "o1"}
    flip = "transposed" in style
    for name in changed:
        old = model.params[name]
        old = old.T if flip and old.ndim == 2 else old
        assert np.abs(made[name] - old).max() > 0.05


@pytest.mark.parametrize("style", [(), ("tied", "layer_norm")], ids="-".join)
def test_rotation_is_a_hadamard_matrix(style, tmp_path):
    model = Decoder(*style)
    module = model.module()
    module.run("llmc-rotate{strict heads=false}")
    made = stored(module, tmp_path / "m.mlir")
    if "tied" in style:
        q = (made["last.back"] / model.params["last"][:, None]).astype("f8")
        mean = np.eye(HIDDEN) - 1 / HIDDEN
        np.testing.assert_allclose(made["embed.into"], (mean @ q).T, atol=1e-6)
        np.testing.assert_array_equal(made["last.back.bias"],
                                      model.params["last.bias"])
        assert "embed" not in made
    else:
        q = np.linalg.lstsq(model.params["embed"], made["embed"])[0]
    np.testing.assert_allclose(np.abs(q), HIDDEN**-0.5, atol=1e-5)
    np.testing.assert_allclose(q @ q.T, np.eye(HIDDEN), atol=1e-5)
    np.testing.assert_array_equal(made["a0"], 1)


@pytest.mark.parametrize("style", [(), ("layer_norm",)], ids="-".join)
def test_rotated_statistics(style, tmp_path):
    """Quantizing after it reports errors of the rotated inputs."""
    model = Decoder(*style)
    module = model.module()
    module.run(model.read(tmp_path) + "llmc-rotate{strict}")
    made = stored(module, tmp_path / "m.mlir")
    report = module.run("llmc-quantize-gptq{bits=2 block=8}")
    data = resources(module, tmp_path / "q.mlir")
    errors = {entry["param"]: entry["output_error"] for entry in report.weights}
    # W' = W diag(s) Q, of all weights that read the last norm.
    q = np.linalg.lstsq(model.params["head"] * model.params["last"],
                        made["head"])[0]
    for norm, params in model.readers.items():
        gram = q.T @ model.gram(norm) @ q
        for param in params.split():
            weight = made[param].astype("f8")
            rows, columns = weight.shape
            quantized = dequantized(data, param, rows, columns)
            assert errors[param] == pytest.approx(
                root(quantized - weight, gram) / root(weight, gram), rel=2e-3)


def dequantized(data, name, rows, columns):
    from calibration import stored as codes_of
    codes, scales, zeros = codes_of(data, rows, columns // 8, 2, name=name)
    values = (codes.astype("f8") - zeros[..., None]) * scales[..., None]
    return values.reshape(rows, columns)


def project(model, width, method, basis):
    """Where norms read, onto what llmc-slice keeps, from their definition."""
    # The first of the norms that read a sum decides.
    same = {"m0": "a0", "m1": "a1"} if "parallel" in model.style else {}
    read = [norm for norm in model.readers if norm not in same]
    grams = {}
    for i, norm in enumerate(read):
        others = {"own": read[i:i + 1], "later": read[i:], "shared": read}
        grams[norm] = sum(model.gram(other) for other in others[basis])
    grams.update({norm: grams[other] for norm, other in same.items()})
    result = {}
    for norm, gram in grams.items():
        if method == "columns":
            kept = np.argsort(-gram.diagonal())[:width]
            basis = np.eye(model.hidden)[:, kept]
        else:
            basis = np.linalg.eigh(gram)[1][:, -width:]
        result[norm] = basis @ basis.T
    return result


@pytest.mark.parametrize("style", STYLES, ids="-".join)
@pytest.mark.parametrize("method,basis,tied", [
    ("pca", "own", True), ("pca", "shared", False), ("columns", "own", False),
    ("columns", "shared", True), ("pca", "later", False)])
def test_sliced_is_masked(style, method, basis, tied, tmp_path):
    model = Decoder(*style)
    module = model.module()
    report = module.run(
        model.read(tmp_path) + f"llmc-slice{{strict ratio=0.4 multiple=2 method="
        f"{method} basis={basis} tied={int(tied)}}}")
    entry, = report.weights
    assert (entry["width_before"], entry["width_after"]) == (HIDDEN, 14)
    assert "tensor<?x?x14xf32>" in str(module)
    projections = project(model, 14, method, basis)
    table = projections["a0"] if tied and "tied" in style else None
    expected = model.run(IDS, projections, table)
    assert np.abs(expected - model.run(IDS)).max() > 0.05 * expected.max()
    check(execute(module), expected)
    skips = 0 if basis == "shared" else 2 if "parallel" in style else 4
    ends = 0
    if "tied" in style:
        # The table's basis is that of the first segment, unless means go too.
        ends = 2 - (tied and not model.centered)
    assert entry["linears"] == skips + ends
    assert entry["bytes_after"] < entry["bytes_before"]


@pytest.mark.parametrize("basis", ["own", "shared"])
def test_sliced_statistics(basis, tmp_path):
    model = Decoder()
    module = model.module()
    module.run(model.read(tmp_path)
               + f"llmc-slice{{strict width=16 basis={basis}}}")
    made = stored(module, tmp_path / "m.mlir")
    report = module.run("llmc-quantize-gptq{bits=2 block=8}")
    data = resources(module, tmp_path / "q.mlir")
    entries = {entry["param"]: entry for entry in report.weights}
    for norm, params in model.readers.items():
        for param in params.split():
            # W' = W diag(s) Q has Q of it.
            whole = model.params[param].astype("f8") * model.params[norm]
            q = np.linalg.lstsq(whole, made[param])[0] \
                if len(whole) >= HIDDEN else None
            if q is None:
                continue
            gram = q.T @ model.gram(norm) @ q
            weight = made[param].astype("f8")
            quantized = dequantized(data, param, len(weight), 16)
            assert entries[param]["output_error"] == pytest.approx(
                root(quantized - weight, gram) / root(weight, gram), rel=2e-3)
    # Nothing is known of what a skip reads.
    assert "m0.skip" not in entries
    assert (basis == "own") == any("'m0.skip' is not quantized: no statistics" in notice
                         for notice in report.notices)


def test_slice_loses_less_with_principal_components(tmp_path):
    """Of a model whose statistics are those of what it reads."""
    losses = {}
    for method in ("pca", "columns"):
        model = Decoder()
        mixture = np.random.default_rng(2).normal(size=(HIDDEN, HIDDEN))
        basis = np.linalg.qr(mixture)[0][:, :16]
        for name in ("embed", "o0", "o1", "down0", "down1"):
            weight = model.params[name]
            weight[:] = weight @ basis @ basis.T if name == "embed" \
                else basis @ basis.T @ weight
        for name in ("o0", "o1", "down0", "down1"):
            model.params[name + ".bias"][:] = 0
        random = np.random.default_rng(3)
        for norm in model.readers:
            rows = random.normal(size=(200, 16)) @ basis.T
            model.rows[norm] = rows * model.params[norm]
        expected = model.run(IDS)
        module = model.module()
        module.run(model.read(tmp_path)
                   + f"llmc-slice{{strict width=16 method={method}}}")
        losses[method] = np.abs(execute(module) - expected).max()
    # 16 directions are all that the stream has.
    assert losses["pca"] < 1e-4 * np.abs(expected).max()
    assert losses["columns"] > 0.1 * np.abs(expected).max()
