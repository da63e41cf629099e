"""What ONNX Runtime makes of the models that llmc writes when it loads them: its
fast kernels, and nothing that is computed from weights each time."""

import collections

import kernels
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import llmc

ort = pytest.importorskip("onnxruntime")

# What ONNX Runtime would compute of a weight in each run.
UNFOLDED = {"BitShift", "BitwiseAnd", "BitwiseOr", "DequantizeLinear", "Round",
            "ReduceMax"}


def optimized(path):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    made = path.with_suffix(".optimized.onnx")
    options.optimized_model_filepath = str(made)
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    model = onnx.load(made)
    return model, collections.Counter(n.op_type for n in model.graph.node)


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


@pytest.mark.parametrize("name, linears, fused", [
    # A gated MLP has a gate of its own in each layer, 7 linears and the head.
    ("llama-kv-op18", 15, {"RMSNormalization": 5, "RotaryEmbedding": 4,
                           "Attention": 2, "QuickGelu": 2}),
    ("gpt2-kv-op18", 9, {"LayerNormalization": 5, "Attention": 2, "Gelu": 2}),
    ("bert-op18", 12, {"LayerNormalization": 5, "Attention": 2, "Gelu": 2})])
@pytest.mark.parametrize("bits", [3, 4, 8])
def test_compressed_models(name, linears, fused, bits, shared, tmp_path):
    """Each linear is one MatMulNBits that multiplies integers, with its bias."""
    module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
    module.lift()
    module.compress(bits, 32)
    assert module.export_onnx(tmp_path / "small.onnx") == []
    model, ops = optimized(tmp_path / "small.onnx")
    assert ops["MatMulNBits"] == linears and not UNFOLDED & set(ops)
    assert {op: ops[op] for op in fused} == fused
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            facts = attributes(node)
            assert facts["accuracy_level"] == 4
            assert facts["bits"] == (4 if bits == 3 else bits)
    assert ops["GatherBlockQuantized"] >= 1 and "BiasGelu" not in ops


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_tied_embedding(bits, tmp_path):
    """The table is in the file once, and the embedding reads it packed."""
    params, body, _ = kernels.weight("t", 40, 64, bits, 32, zeros=True)
    made = kernels.module(params, body + """
    %e = llmc.embedding %ids, %tw : (tensor<?xi64>, tensor<40x64xf32>) -> tensor<?x64xf32>
    %a = llmc.quantize_dynamic %e {block = 32 : i64} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = llmc.linear %a, %tw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
    return %y : tensor<?x40xf32>""", '%ids: tensor<?xi64> {llmc.name = "ids"}',
                          "tensor<?x40xf32>")
    assert made.export_onnx(tmp_path / "small.onnx") == []
    tensors = onnx.load(tmp_path / "small.onnx").graph.initializer
    assert {t.name: len(t.raw_data) for t in tensors if t.name in params} == {
        name: value.nbytes for name, value in params.items()}
    assert sum(len(t.raw_data) for t in tensors if t.name not in params) < 1500
    _, ops = optimized(tmp_path / "small.onnx")
    assert ops == {"GatherBlockQuantized": 1, "MatMulNBits": 1}


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("lifted", [False, True])
def test_dynamic_int8(per_channel, kind, lifted, tmp_path):
    """What ONNX Runtime's quantizer writes keeps its kernels on the way through
    llmc."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    rng = np.random.default_rng(1)
    shapes = {"table": (32, 64), "up": (64, 52), "down": (52, 32)}
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["x"]),
         helper.make_node("MatMul", ["x", "up"], ["h"], name="up"),
         helper.make_node("Relu", ["h"], ["r"]),
         helper.make_node("MatMul", ["r", "down"], ["y"], name="down")],
        "model",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "s"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "s", 32])],
        [numpy_helper.from_array(rng.normal(size=s).astype("f4"), n)
         for n, s in shapes.items()])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)]), tmp_path / "plain.onnx")
    quantization.quantize_dynamic(
        tmp_path / "plain.onnx", tmp_path / "dynamic.onnx",
        per_channel=per_channel, weight_type=quantization.QuantType[kind],
        op_types_to_quantize=["MatMul"])
    module = llmc.Module.load(tmp_path / "dynamic.onnx")
    if lifted:
        module.lift()
    module.export_onnx(tmp_path / "through.onnx")
    _, ops = optimized(tmp_path / "through.onnx")
    assert ops == {"Gather": 1, "DynamicQuantizeMatMul": 2, "Relu": 1}


@pytest.mark.parametrize("bits", [4, 8])
def test_qdq_weights(bits, tmp_path):
    """A blocked DequantizeLinear [in, out] becomes MatMulNBits in llmc already,
    which rounds nothing that was not rounded."""
    rng = np.random.default_rng(2)
    element = {4: TensorProto.UINT4, 8: TensorProto.UINT8}[bits]
    codes = rng.integers(0, 2**bits, (64, 32))
    scales = rng.uniform(0.01, 0.1, (2, 32)).astype("f4")
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=0,
                          block_size=32),
         helper.make_node("MatMul", ["x", "w"], ["y"])], "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 32])],
        [helper.make_tensor("q", element, codes.shape, codes.flatten()),
         numpy_helper.from_array(scales, "s")])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)]), tmp_path / "qdq.onnx")
    module = llmc.Module.load(tmp_path / "qdq.onnx")
    module.lift()
    module.export_onnx(tmp_path / "through.onnx")
    model, ops = optimized(tmp_path / "through.onnx")
    assert ops == {"MatMulNBits": 1}
    assert attributes(model.graph.node[0]).get("accuracy_level", 0) == 0
    x = rng.normal(size=(3, 64)).astype("f4")
    got, = ort.InferenceSession(tmp_path / "through.onnx").run(None, {"x": x})
    want = x @ (codes * scales.repeat(32, axis=0))
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()
