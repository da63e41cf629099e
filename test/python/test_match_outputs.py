"""llmc-calibrate with a reference and llmc-match-outputs, against numpy."""

import numpy as np
import pytest
from safetensors.numpy import save_file

import llmc
from test_quantize_rtn import as_dense, resources

SAMPLES, LENGTH, VOCABULARY, WIDTH, INNER = 6, 20, 32, 16, 32
SHAPES = {"embed": (VOCABULARY, WIDTH), "gate": (INNER, WIDTH),
          "up": (INNER, WIDTH), "down": (WIDTH, INNER), "last": (WIDTH, WIDTH)}
DAMPING = 0.2


def make_module(weights):
    """A gated MLP and a linear, each added to what it reads."""
    def linear(result, x, weight):
        rows, columns = SHAPES[weight]
        return (f"%{result} = llmc.linear %{x}, %{weight} : "
                f"(tensor<?x?x{columns}xf32>, tensor<{rows}x{columns}xf32>) -> "
                f"tensor<?x?x{rows}xf32>")

    def binary(result, name, a, b, size):
        type = f"tensor<?x?x{size}xf32>"
        return (f"%{result} = llmc.{name} %{a}, %{b} : ({type}, {type}) -> "
                f"{type}")

    params = "\n".join(
        f"llmc.param @{name} = {as_dense(value)}" for name, value in weights.items())
    loads = "\n".join(
        f"%{name} = llmc.weight @{name} : "
        f"tensor<{'x'.join(map(str, shape))}xf32>"
        for name, shape in SHAPES.items())
    return llmc.Module.parse(f"""
{params}
func.func @main(%ids: tensor<?x?xi64> {{llmc.name = "ids",
    llmc.dims = ["batch", "sequence"]}}) -> (tensor<?x?x{WIDTH}xf32>) {{
  {loads}
  %x = llmc.embedding %ids, %embed : (tensor<?x?xi64>,
    tensor<{VOCABULARY}x{WIDTH}xf32>) -> tensor<?x?x{WIDTH}xf32>
  {linear("g", "x", "gate")}
  {linear("u", "x", "up")}
  {binary("h", "mul", "g", "u", INNER)}
  {linear("d", "h", "down")}
  {binary("y", "add", "d", "x", WIDTH)}
  {linear("l", "y", "last")}
  {binary("z", "add", "y", "l", WIDTH)}
  return %z : tensor<?x?x{WIDTH}xf32>
}}""")


def weights_of(module, folder):
    """The parameters of floats that a pass has stored."""
    found = resources(module, folder / "m.mlir")
    return {name: found[name].view("f4").reshape(shape).astype("f8")
            for name, shape in SHAPES.items() if name in found}


def make_weights(seed):
    random = np.random.default_rng(seed)
    return {name: (random.standard_normal(shape) / 4).astype("f4")
            for name, shape in SHAPES.items()}


def write_ids(folder):
    """The samples that llmc-calibrate reads, also as a file."""
    ids = np.random.default_rng(1).integers(0, VOCABULARY, (SAMPLES, LENGTH))
    save_file({"ids": ids}, folder / "samples")
    return ids


def matched(weight, x_before, x, r_before, r, input, residual):
    """What the pass documents, in f64."""
    gram = x.T @ x / len(x)
    hessian = gram + DAMPING * gram.diagonal().mean() * np.eye(len(gram))
    missing = (input * (x_before - x) @ weight.T
               + residual * (r_before - r)).T @ x / len(x)
    return weight + missing @ np.linalg.inv(hessian)


def round_to_nearest(weight, bits):
    """A grid for each row, asymmetric."""
    low = np.minimum(weight.min(1, keepdims=True), 0)
    high = np.maximum(weight.max(1, keepdims=True), 0)
    scale = ((high - low) / (2**bits - 1)).astype("f4").astype("f8")
    zero = np.rint(-low / scale)
    return (np.clip(np.rint(weight / scale) + zero, 0, 2**bits - 1)
            - zero) * scale


@pytest.mark.parametrize("input, residual", [(0.5, 0.5), (1, 0), (0, 1),
                                             (0.3, 0.8)])
def test_against_numpy(tmp_path, input, residual):
    weights, ids = make_weights(0), write_ids(tmp_path)
    module = make_module(weights)
    # What is not rounded shows what rounding was given.
    module.run(f"llmc-calibrate{{inputs={tmp_path}/samples reference=true then={{"
               f"llmc-match-outputs{{input={input} residual={residual} "
               f"damping={DAMPING}}},"
               "llmc-quantize-rtn{bits=3 block=0 what=linear "
               "skip=down|last}}}")
    found = weights_of(module, tmp_path)
    assert sorted(found) == ["down", "last"]

    w = {name: value.astype("f8") for name, value in weights.items()}
    x = w["embed"][ids.ravel()]
    # Before the MLP nothing has changed: gate and up are rounded as they are.
    hidden_before = (x @ w["gate"].T) * (x @ w["up"].T)
    hidden = (x @ round_to_nearest(w["gate"], 3).T) \
        * (x @ round_to_nearest(w["up"], 3).T)
    # The stage behind them sees what they make by now; x is the same.
    down = matched(w["down"], hidden_before, hidden, x, x, input, residual)
    np.testing.assert_allclose(found["down"], down, rtol=1e-3, atol=1e-4)
    y_before, y = x + hidden_before @ w["down"].T, x + hidden @ down.T
    last = matched(w["last"], y_before, y, y_before, y, input, residual)
    np.testing.assert_allclose(found["last"], last, rtol=1e-3, atol=1e-4)
    if input:
        assert abs(down - w["down"]).max() > 0.01
    assert abs(last - w["last"]).max() > 0.01


@pytest.mark.parametrize("input, residual", [(0.5, 0.5), (0, 1)])
def test_makes_up_for_a_removed_block(tmp_path, input, residual):
    """llmc-calibrate passes over what llmc-prune-layers marked."""
    weights, ids = make_weights(3), write_ids(tmp_path)
    module = make_module(weights)
    module.run("llmc-prune-layers{layers=0 unit=block step=mark},"
               f"llmc-calibrate{{inputs={tmp_path}/samples reference=true then={{"
               f"llmc-match-outputs{{input={input} residual={residual} "
               f"damping={DAMPING}}}}}}}")
    assert {p["name"] for p in module.params()} == set(SHAPES)
    report = module.run("llmc-prune-layers{unit=block step=remove}")
    assert not report.notices
    assert {p["name"] for p in module.params()} == {"embed", "last"}

    w = {name: value.astype("f8") for name, value in weights.items()}
    x = w["embed"][ids.ravel()]
    before = x + ((x @ w["gate"].T) * (x @ w["up"].T)) @ w["down"].T
    last = matched(w["last"], before, x, before, x, input, residual)
    np.testing.assert_allclose(weights_of(module, tmp_path)["last"], last,
                               rtol=1e-3, atol=1e-4)
    assert abs(last - w["last"]).max() > 0.01


def test_makes_the_model_nearer(tmp_path):
    weights = make_weights(2)
    write_ids(tmp_path)
    rounding = "llmc-quantize-rtn{bits=3 block=0 what=linear}"
    feeds = {"ids": np.random.default_rng(7).integers(
        0, VOCABULARY, (1, 200))}
    expected, = make_module(weights).compile("reference", opt_level=0)(
        feeds).values()
    errors = []
    for options in ("then={", "reference=true then={llmc-match-outputs,"):
        module = make_module(weights)
        module.run(f"llmc-calibrate{{inputs={tmp_path}/samples {options}"
                   f"{rounding}}}}}")
        result, = module.compile("reference", opt_level=0)(feeds).values()
        errors.append(np.square(result - expected).mean())
    assert errors[1] < 0.9 * errors[0]
