"""llmc-scale-awq and llmc-smooth on a block of a decoder: it computes what it
did, and the scales are those of the papers' formulas in numpy."""

import re

import numpy as np
import pytest

import llmc
from calibration import output_error, statistics, stored
from test_quantize_rtn import as_dense, dequantize, quantize, resources

HIDDEN, HEADS, GROUPS, SIZE, WIDTH = 48, 6, 2, 8, 64
SHAPES = {"q": (48, 48), "k": (16, 48), "v": (16, 48), "o": (48, 48),
          "gate": (64, 48), "up": (64, 48), "down": (48, 64),
          "v.bias": (16,), "up.bias": (64,), "norm1": (48,), "norm2": (48,),
          "norm2.bias": (48,)}
INPUTS = {("q", "k", "v"): 48, ("o",): 48, ("gate", "up"): 48, ("down",): 64}


def parameters():
    rng = np.random.default_rng(3)
    values = {name: rng.standard_normal(shape).astype("f4") * 0.3
              for name, shape in SHAPES.items()}
    values["norm1"] = values["norm1"] + 1
    return values


def seen():
    rows = {names: statistics.make_rows(columns, count=300, seed=len(names[0]))
            for names, columns in INPUTS.items()}
    rows["gate", "up"][:, 7] = 0  # never used
    return rows


def make_block(params, activation, norm):
    """An attention and an MLP; with `norm` "layer" the second norm has a
    bias, with the activation "relu" the MLP has no gate."""
    def vector(name):
        return f"%{name} = llmc.weight @{name} : tensor<{len(params[name])}xf32>"

    def load(name):
        # As exporters write it, [in, out].
        out, columns = params[name].shape
        return (f"%{name}.s = llmc.weight @{name} : tensor<{columns}x{out}xf32>\n"
                f"%{name} = llmc.transpose %{name}.s {{perm = array<i64: 1, 0>}}"
                f" : (tensor<{columns}x{out}xf32>) -> tensor<{out}x{columns}xf32>")

    def linear(name, operand, bias=""):
        out, columns = params[name].shape
        more, kind = (f", %{bias}", f", tensor<{out}xf32>") if bias else ("", "")
        return (f"%{name}.y = llmc.linear %{operand}, %{name}{more} : "
                f"(tensor<?x?x{columns}xf32>, tensor<{out}x{columns}xf32>{kind})"
                f" -> tensor<?x?x{out}xf32>")

    def split(name, heads):
        return (f"%{name}.shape = llmc.constant dense<[0, 0, {heads}, 8]> : "
                f"tensor<4xi64>\n"
                f"%{name}.r = llmc.reshape %{name}.y, %{name}.shape : "
                f"(tensor<?x?x{8 * heads}xf32>, tensor<4xi64>) -> "
                f"tensor<?x?x{heads}x8xf32>\n"
                f"%{name}.h = llmc.transpose %{name}.r "
                f"{{perm = array<i64: 0, 2, 1, 3>}} : "
                f"(tensor<?x?x{heads}x8xf32>) -> tensor<?x{heads}x?x8xf32>")

    x, mlp = "tensor<?x?x48xf32>", "tensor<?x?x64xf32>"
    past = "tensor<?x2x?x8xf32>"
    names = [n for n in params if not n.endswith(".bias") and params[n].ndim == 2]
    second = ("%n2 = llmc.rms_norm %h, %norm2 {epsilon = 1.0e-5 : f32} : "
              f"({x}, tensor<48xf32>) -> {x}")
    if norm == "layer":
        second = ("%n2 = llmc.layer_norm %h, %norm2, %norm2.bias {axis = 2 : i64, "
                  f"epsilon = 1.0e-5 : f32}} : ({x}, tensor<48xf32>, "
                  f"tensor<48xf32>) -> {x}")
    if activation == "relu":
        gated = [f"%act = llmc.relu %up.y : ({mlp}) -> {mlp}"]
    else:
        gated = [linear("gate", "n2"),
                 f"%a = llmc.{activation} %gate.y : ({mlp}) -> {mlp}",
                 f"%act = llmc.mul %a, %up.y : ({mlp}, {mlp}) -> {mlp}"]
    lines = [
        *map(load, names), *map(vector, params.keys() - names),
        f"%n1 = llmc.rms_norm %x, %norm1 {{epsilon = 1.0e-5 : f32}} : "
        f"({x}, tensor<48xf32>) -> {x}",
        linear("q", "n1"), linear("k", "n1"), linear("v", "n1", "v.bias"),
        split("q", 6), split("k", 2), split("v", 2),
        f"%keys = llmc.concat %pk, %k.h {{axis = 2 : i64}} : ({past}, {past}) "
        f"-> {past}",
        f"%values = llmc.concat %pv, %v.h {{axis = 2 : i64}} : ({past}, {past})"
        f" -> {past}",
        "%att = llmc.attention %q.h, %keys, %values {causal, scale = 0.3 : f32}"
        f" : (tensor<?x6x?x8xf32>, {past}, {past}) -> tensor<?x6x?x8xf32>",
        "%att.t = llmc.transpose %att {perm = array<i64: 0, 2, 1, 3>} : "
        "(tensor<?x6x?x8xf32>) -> tensor<?x?x6x8xf32>",
        "%att.shape = llmc.constant dense<[0, 0, 48]> : tensor<3xi64>",
        f"%att.r = llmc.reshape %att.t, %att.shape : (tensor<?x?x6x8xf32>, "
        f"tensor<3xi64>) -> {x}",
        linear("o", "att.r"), f"%h = llmc.add %x, %o.y : ({x}, {x}) -> {x}",
        second, linear("up", "n2", "up.bias"), *gated, linear("down", "act"),
        f"%y = llmc.add %h, %down.y : ({x}, {x}) -> {x}"]
    text = "\n".join(f"llmc.param @{name} = "
                     f"{as_dense(value.T.copy() if value.ndim == 2 else value)}"
                     for name, value in params.items())
    body = "\n".join(lines)
    return llmc.Module.parse(f"""{text}
      func.func @main(%x: {x} {{llmc.name = "x"}},
                      %pk: {past} {{llmc.name = "pk"}},
                      %pv: {past} {{llmc.name = "pv"}})
          -> ({x} {{llmc.name = "y"}}, {past} {{llmc.name = "keys"}},
              {past} {{llmc.name = "values"}}) {{
        {body}
        return %y, %keys, %values : {x}, {past}, {past}
      }}""")


def run(module):
    """Two tokens, and a third one that reads what they left in the cache."""
    model = llmc.compile(module, opt_level=0)
    x = np.random.default_rng(8).standard_normal((1, 3, 48)).astype("f4")
    empty = np.zeros((1, 2, 0, 8), "f4")
    first = model({"x": x[:, :2], "pk": empty, "pv": empty})
    last = model({"x": x[:, 2:], "pk": first["keys"], "pv": first["values"]})
    return np.concatenate([first["y"], last["y"]], axis=1)


def calibrated(tmp_path, params, activation="silu", norm="rms"):
    module = make_block(params, activation, norm)
    statistics.write(tmp_path / "s.safetensors",
                     {names: rows for names, rows in seen().items()
                      if activation != "relu" or "gate" not in names}
                     | ({("up",): seen()["gate", "up"]}
                        if activation == "relu" else {}))
    module.run(f"llmc-read-statistics{{file={tmp_path / 's.safetensors'}}}")
    return module


def values_of(module, tmp_path):
    """Parameters as [out, in]; those that were not scaled are missing."""
    found = {}
    stored = resources(module, tmp_path / "m.mlir")
    for name, key in re.findall(r"@([\w.]+) = dense_resource<([\w.]+)>",
                                (tmp_path / "m.mlir").read_text()):
        shape, data = SHAPES[name], stored[key].view("f4")
        found[name] = data.reshape(shape[::-1]).T if len(shape) == 2 else data
    return found


@pytest.mark.parametrize("activation,norm", [
    ("silu", "rms"), ("gelu", "layer"), ("relu", "layer")])
@pytest.mark.parametrize("pipeline", [
    "llmc-scale-awq{bits=3 block=16 strict}", "llmc-smooth{strict}",
    "llmc-smooth{alpha=0.8 strict}"])
def test_the_model_computes_what_it_did(tmp_path, activation, norm, pipeline):
    params = parameters()
    if activation == "relu":
        del params["gate"]
    expected = run(make_block(params, activation, norm))
    module = calibrated(tmp_path, params, activation, norm)
    module.run(pipeline)
    scaled = values_of(module, tmp_path)
    assert {"q", "v", "o", "up", "down", "norm1", "norm2", "v.bias",
            "up.bias"} <= scaled.keys()
    assert any(np.max(abs(scaled[name] / params[name] - 1)) > 0.1
               for name in scaled)
    got = run(module)
    assert np.max(abs(got - expected)) < 1e-5 * np.max(abs(expected))


def awq_scales(magnitudes, r):
    scales = np.maximum(magnitudes.astype("f8")**r, 1e-4)
    return scales / np.sqrt(scales.max() * scales.min())


def best_ratio(weights, magnitudes, columns, gram):
    """The papers' search. `columns` maps scales to columns."""
    def error(r):
        scales = awq_scales(magnitudes, r)[columns]
        total = 0
        for weight in weights:
            made = quantize((weight * scales).astype("f4"), 3, 16, False,
                            "float32")
            total += output_error(dequantize(*made, weight.shape[1]) / scales
                                  - weight, gram)
        return total
    errors = [error(i / 20) for i in range(20)]
    return np.argmin(errors) / 20, np.sqrt(min(errors) / errors[0])


def test_awq_is_the_papers(tmp_path):
    params, rows = parameters(), seen()
    module = calibrated(tmp_path, params)
    report = module.run("llmc-scale-awq{bits=3 block=16}")
    ratios = {entry["param"]: entry["ratio"] for entry in report.weights}
    left = {entry["param"]: entry["output_error_left"]
            for entry in report.weights}
    scaled = values_of(module, tmp_path)
    every = np.arange(48)

    r, part = best_ratio([params[n] for n in "qkv"],
                         abs(rows["q", "k", "v"]).mean(0), every,
                         statistics.gather(rows["q", "k", "v"])["gram"])
    assert 0 < r == ratios["q"] == ratios["k"] == ratios["v"]
    assert left["q"] == pytest.approx(part, rel=1e-3) and part < 0.95
    scales = awq_scales(abs(rows["q", "k", "v"]).mean(0), r)
    np.testing.assert_allclose(scaled["q"], params["q"] * scales, rtol=1e-5)
    np.testing.assert_allclose(scaled["norm1"], params["norm1"] / scales,
                               rtol=1e-5)

    # Query heads 0 to 2 read the first head of values, 3 to 5 the other one.
    columns = (every // 8 // 3) * 8 + every % 8
    means = abs(rows["o",]).mean(0)
    means = np.array([means[columns == i].mean() for i in range(16)])
    r, _ = best_ratio([params["o"]], means, columns,
                      statistics.gather(rows["o",])["gram"])
    assert r == ratios["o"]
    scales = awq_scales(means, r)
    np.testing.assert_allclose(scaled["o"], params["o"] * scales[columns],
                               rtol=1e-5)
    np.testing.assert_allclose(
        scaled["v.bias"], params["v.bias"] / scales, rtol=1e-5)

    means = abs(rows["down",]).mean(0)
    scales = awq_scales(means, ratios["down"])
    np.testing.assert_allclose(scaled["up.bias"], params["up.bias"] / scales,
                               rtol=1e-5)

    # Statistics are those of the inputs as they are now.
    entry, = module.run("llmc-quantize-gptq{bits=3 block=16 skip=^[^o]}").weights
    scales = (scaled["o"] / params["o"])[0].astype("f8")
    gram = statistics.gather(rows["o",] / scales)["gram"]
    codes = stored(resources(module, tmp_path / "q.mlir"), 48, 3, 3, name="o")
    difference = dequantize(*codes, 48) - scaled["o"]
    assert entry["output_error"] == pytest.approx(
        np.sqrt(output_error(difference, gram)
                / output_error(scaled["o"], gram)), rel=1e-3)


@pytest.mark.parametrize("alpha", [0.5, 0.85])
def test_smooth_is_the_papers(tmp_path, alpha):
    params, rows = parameters(), seen()
    module = calibrated(tmp_path, params)
    module.run(f"llmc-smooth{{alpha={alpha}}}")
    scaled = values_of(module, tmp_path)
    largest = np.max(abs(np.concatenate([params["gate"], params["up"]])), axis=0)
    inputs = abs(rows["gate", "up"]).max(0)
    with np.errstate(divide="ignore"):
        scales = np.maximum(inputs**alpha / largest**(1 - alpha), 1e-5)
    scales[inputs == 0] = 1
    np.testing.assert_allclose(scaled["norm2"], params["norm2"] / scales,
                               rtol=1e-4)
    np.testing.assert_allclose(scaled["gate"], params["gate"] * scales,
                               rtol=1e-4)
