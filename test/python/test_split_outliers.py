"""llmc-split-outliers: the sum of both linears is the one they were made of,
and integers are those of the columns that are left, as numpy has them."""

import make_statistics as statistics
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_static_activations import (round_static, round_weight, run_kernels,
                                     run_reference)

import llmc

OUTLIERS = [3, 17, 40]
QUANTIZE = "llmc-quantize-rtn{bits=8 block=0 symmetric strict}"


def make_x(seed, count):
    x = np.random.default_rng(seed).normal(size=(count, 64)).astype("f4")
    x[:, OUTLIERS] *= [20, 40, 30]
    return x


@pytest.fixture(scope="module")
def w():
    return np.random.default_rng(7).normal(size=(64, 48)).astype("f4")


def make_model(w, folder):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "model",
        [value("x", TensorProto.FLOAT, ["n", 64])],
        [value("y", TensorProto.FLOAT, ["n", 48])],
        [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)]), folder / "float.onnx")
    module = llmc.Module.load(folder / "float.onnx")
    module.lift()
    statistics.write(folder / "s.safetensors", {("w",): make_x(1, 100)})
    module.run(f"llmc-read-statistics{{file={folder / 's.safetensors'}}}")
    return module


def run_onnx(module, x, folder):
    ort = pytest.importorskip("onnxruntime")
    module.export_onnx(folder / "small.onnx")
    session = ort.InferenceSession(str(folder / "small.onnx"),
                                   providers=["CPUExecutionProvider"])
    return {"y": session.run(["y"], {"x": x})[0]}


def round_rows(x):
    largest = abs(x).max(1, keepdims=True)
    return np.rint(x * (np.float32(127) / largest)) * (
        largest / np.float32(127)).astype("f8")


def compute(x, w, columns, mode):
    left = np.ones(64, bool)
    left[columns] = False
    # Zeros change neither the range of an output nor that of x.
    rest, weights = x[:, left], w[left]
    if mode != "none":
        weights = round_weight(weights, symmetric=True)
    if mode == "dynamic":
        rest = round_rows(rest)
    if mode == "static":
        rest = round_static(rest, make_x(1, 100)[:, left])
    kept = w[columns].astype("f2").astype("f8")
    return rest.astype("f8") @ weights + x[:, columns].astype("f8") @ kept


@pytest.mark.parametrize("mode", ["none", "dynamic", "static"])
@pytest.mark.parametrize("run", [run_onnx, run_kernels, run_reference])
def test_results(run, mode, w, tmp_path):
    module = make_model(w, tmp_path)
    assert module.run("llmc-split-outliers{strict}").notices == []
    if mode != "none":
        module.run(QUANTIZE)
        module.run(f"llmc-quantize-activations{{mode={mode} strict}}")
    x = make_x(2, 23)
    want = compute(x, w, OUTLIERS, mode)
    got = run(module, x, tmp_path)["y"]
    assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()


def test_integers_fit_better(w, tmp_path):
    """What the paper is about: the error without outliers is the smaller one,
    by about how much the range shrinks."""
    x = make_x(2, 23)
    exact = x.astype("f8") @ w
    errors = []
    for split in ("", "llmc-split-outliers,"):
        module = make_model(w, tmp_path)
        module.run(f"{split}{QUANTIZE},llmc-quantize-activations")
        errors.append(np.abs(run_reference(module, x, tmp_path)["y"]
                             - exact).mean())
    assert errors[1] < errors[0] / 3


@pytest.mark.parametrize("columns", [1, 2])
def test_largest_columns(columns, w, tmp_path):
    """`columns` takes the largest, of 40, 30 and 20 times the others."""
    module = make_model(w, tmp_path)
    module.run(f"llmc-split-outliers{{threshold=0 columns={columns}}},{QUANTIZE},"
               "llmc-quantize-activations{mode=static}")
    x = make_x(2, 23)
    want = compute(x, w, [17, 40][:columns], "static")
    got = run_reference(module, x, tmp_path)["y"]
    assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()


def test_statistics(w, tmp_path):
    """Those of both parts are of what they read: GPTQ behind it has the error
    of the columns that are left."""
    module = make_model(w, tmp_path)
    report = module.run("llmc-split-outliers,"
                        "llmc-quantize-gptq{bits=3 block=0}")
    error = {entry["param"]: entry["output_error"] for entry in report.weights
             if "output_error" in entry}
    # 3 bits of normal numbers that are not correlated.
    assert set(error) == {"w"} and 0.1 < error["w"] < 0.4
