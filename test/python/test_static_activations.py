"""llmc-quantize-activations{mode=static}: integers by constant scales, against
numpy, in ONNX Runtime's kernels, in llmc's and in the reference lowering."""

import collections

import make_statistics as statistics
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import llmc

SHAPES = {"up": (64, 96), "gate": (64, 48), "down": (96, 32)}
OUTPUTS = {"y": 32, "z": 48}


@pytest.fixture(scope="module")
def weights():
    random = np.random.default_rng(5)
    made = {name: random.normal(size=shape).astype("f4")
            for name, shape in SHAPES.items()}
    made["bias"] = random.normal(size=48).astype("f4")
    return made


def make_x(seed, count):
    """Rows with a column of outliers."""
    x = np.random.default_rng(seed).normal(size=(count, 64)).astype("f4")
    x[:, 3] *= 20
    return x


@pytest.fixture
def float_model(weights, tmp_path):
    """Two linears over x, of which one has a bias and the other one an Abs and
    a linear behind it, with statistics of other rows than those of the tests."""
    node = helper.make_node
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node("MatMul", ["x", "up"], ["u"]), node("Abs", ["u"], ["r"]),
         node("MatMul", ["r", "down"], ["y"]),
         node("MatMul", ["x", "gate"], ["g"]), node("Add", ["g", "bias"], ["z"])],
        "model", [value("x", TensorProto.FLOAT, ["b", "n", 64])],
        [value(name, TensorProto.FLOAT, ["b", "n", size])
         for name, size in OUTPUTS.items()],
        [numpy_helper.from_array(data, name) for name, data in weights.items()])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)]), tmp_path / "float.onnx")
    module = llmc.Module.load(tmp_path / "float.onnx")
    module.lift()
    x = make_x(1, 100)
    statistics.write(tmp_path / "s.safetensors", {
        ("up", "gate"): x, ("down",): abs(x @ weights["up"])})
    module.run(f"llmc-read-statistics{{file={tmp_path / 's.safetensors'}}}")
    return module


def round_weight(w, symmetric):
    """The nearest of the 256 values of each output, [in, out]."""
    if symmetric:
        step = 2 * abs(w).max(0) / np.float32(255)
        zero = np.full(w.shape[1], 128)
    else:
        low, high = np.minimum(w.min(0), 0), np.maximum(w.max(0), 0)
        step = (high - low) / np.float32(255)
        zero = np.rint(-low / step)
    codes = np.clip(np.rint(w / step) + zero, 0, 255)
    return (codes - zero) * step.astype("f8")


def round_static(x, seen, clip=1.0):
    """To multiples of one scale, -128 to 127 of them."""
    step = np.float32(clip * abs(seen).max() / 127)
    return np.clip(np.rint(x.astype("f4") / step), -128, 127) * np.float64(step)


def compute(x, weights, symmetric, clip):
    seen = make_x(1, 100)
    hidden = abs(seen @ weights["up"])
    w = {name: round_weight(weights[name], symmetric) for name in SHAPES}
    a = round_static(x, seen, clip)
    r = abs(a @ w["up"])
    return {"y": round_static(r, hidden, clip) @ w["down"],
            "z": a @ w["gate"] + weights["bias"]}


def run_onnx(module, x, folder):
    ort = pytest.importorskip("onnxruntime")
    assert module.export_onnx(folder / "small.onnx") == []
    session = ort.InferenceSession(str(folder / "small.onnx"),
                                   providers=["CPUExecutionProvider"])
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {"x": x})))


def run_round_trip(module, x, folder):
    """The model that was written is lifted to what it was."""
    module.export_onnx(folder / "small.onnx")
    again = llmc.Module.load(folder / "small.onnx")
    again.lift()
    return run_kernels(again, x, folder)


def run_kernels(module, x, folder):
    notices = module.compile_artifact(folder / "out")
    assert not any("no backend claims" in notice for notice in notices)
    return llmc.Artifact(folder / "out")({"x": x})


def run_reference(module, x, folder):
    return module.compile()({"x": x})


@pytest.mark.parametrize("symmetric, clip", [(True, 1.0), (False, 0.5)])
@pytest.mark.parametrize("run", [run_onnx, run_round_trip, run_kernels,
                                 run_reference])
def test_results(run, symmetric, clip, float_model, weights, tmp_path):
    symmetry = str(symmetric).lower()
    float_model.run(f"llmc-quantize-rtn{{bits=8 block=0 symmetric={symmetry}}}")
    assert float_model.run("llmc-quantize-activations"
                           f"{{mode=static clip={clip} strict}}").notices == []
    x = make_x(2, 24)
    x[3] *= 4  # beyond what was seen
    x[4] = 0
    x = x.reshape(2, 12, 64)
    want = compute(x, weights, symmetric, clip)
    got = run(float_model, x, tmp_path)
    for name, value in want.items():
        assert np.abs(got[name] - value).max() <= 2e-6 * np.abs(value).max()


def test_runtime_fuses(float_model, tmp_path):
    """ONNX Runtime multiplies bytes: nothing makes floats of them first."""
    ort = pytest.importorskip("onnxruntime")
    float_model.run("llmc-quantize-rtn{bits=8 block=0 symmetric}")
    float_model.run("llmc-quantize-activations{mode=static}")
    float_model.export_onnx(tmp_path / "small.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(str(tmp_path / "small.onnx"), options,
                         providers=["CPUExecutionProvider"])
    graph = onnx.load(tmp_path / "optimized.onnx").graph
    ops = collections.Counter(node.op_type for node in graph.node)
    assert ops == {"QuantizeLinear": 2, "MatMulIntegerToFloat": 3, "Abs": 1,
                   "Add": 1}
