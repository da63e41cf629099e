"""Quantized models that come back from ONNX: what export writes of weights and
roundings that no contrib op has, and the QDQ models of ONNX Runtime's own
quantizer. ONNX Runtime's results are the reference."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import llmc

pytest.importorskip("onnxruntime")
UNLIFTED = {"llmc.round", "llmc.dequantize_linear", "llmc.matmul"}


def lifted(path):
    """A module of the file, lifted, and its notices."""
    module = llmc.Module.load(path)
    return module, module.lift().notices


@pytest.mark.parametrize("bits, group, symmetric, activations, scales", [
    (8, 24, True, "int8", "float16"), (8, 40, False, "int8", "int8"),
    (4, 24, False, "int8", "float16"), (2, 40, False, "float", "float16"),
    (3, 24, False, "float", "int8"), (5, 40, True, "float", "float16"),
    (7, 32, False, "int8", "float16")])
def test_round_trip(bits, group, symmetric, activations, scales, compare,
                    shared, tmp_path):
    """No row of 64 or 128 is of whole blocks of 24 or 40."""
    source = shared / "zoo" / "bert-op18.onnx"
    module, _ = lifted(source)
    module.compress(bits, group, symmetric=symmetric, activations=activations,
                    scales=scales)
    path = tmp_path / "small.onnx"
    module.export_onnx(path)
    again, notices = lifted(path)
    assert notices == []
    assert again.ops() == module.ops()
    assert not UNLIFTED & set(again.ops())
    assert sum(p["bytes"] for p in again.params()) == \
        sum(p["bytes"] for p in module.params())

    if bits == 8:  # the kernels of fewer have blocks of whole lines only
        claimed, _ = lifted(path)
        assert claimed.run("llmc-claim-kernels").notices == []

    direct, compiled = module.compile(opt_level=0), again.compile(opt_level=0)
    runtime = compare.onnxruntime_runner(path)
    for feeds, _ in compare.cases(source.with_suffix(".npz")):
        got = compiled(feeds)
        assert compare.worst_error(feeds, direct(feeds), got) <= 1e-5
        assert compare.worst_error(feeds, runtime(feeds), got) <= 1e-3


def test_whole_rows(compare, tmp_path):
    """A scale for each row of 96, which MatMulNBits cannot have."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x"]),
             helper.make_node("MatMul", ["x", "up"], ["h"]),
             helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("MatMul", ["r", "down"], ["y"])]
    source, path = tmp_path / "model.onnx", tmp_path / "small.onnx"
    save(source, nodes, {"table": rng.normal(0, 1, (32, 96)),
                         "up": rng.normal(0, 0.1, (96, 72)),
                         "down": rng.normal(0, 0.1, (72, 24))})
    module, _ = lifted(source)
    module.compress(8, 0, symmetric=True)
    module.export_onnx(path)
    operators = [n.op_type for n in onnx.load(path).graph.node]
    assert "BitShift" not in operators and "MatMulNBits" not in operators
    again, notices = lifted(path)
    assert notices == [] and not UNLIFTED & set(again.ops())
    assert again.ops() == module.ops()
    feeds = {"ids": rng.integers(0, 32, (2, 5))}
    want = module.compile(opt_level=0)(feeds)["y"]
    claimed, _ = lifted(path)
    assert claimed.run("llmc-claim-kernels").notices == []
    got = again.compile(opt_level=0)(feeds)["y"]
    assert np.abs(got - want).max() <= 1e-5
    runtime = compare.onnxruntime_runner(path)(feeds)["y"]
    assert np.abs(got - runtime).max() <= 1e-3


def save(path, nodes, weights, tensors=()):
    """A model of ids [batch, sequence] and the result y."""
    graph = helper.make_graph(
        nodes, "model",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "s"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT,
                                       ["b", "s", None])],
        [numpy_helper.from_array(value.astype(np.float32), name)
         for name, value in weights.items()] + list(tensors))
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10),
        path)


@pytest.fixture
def plain(tmp_path):
    """A file of an embedding and two products, and its input."""
    rng = np.random.default_rng(1)
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x"]),
             helper.make_node("MatMul", ["x", "up"], ["h"], name="up"),
             helper.make_node("Add", ["h", "bias"], ["a"]),
             helper.make_node("Relu", ["a"], ["r"]),
             helper.make_node("MatMul", ["r", "down"], ["y"], name="down")]
    save(tmp_path / "plain.onnx", nodes,
         {"table": rng.normal(0, 1, (32, 64)),
          "up": rng.normal(0, 0.1, (64, 52)), "bias": rng.normal(0, 1, 52),
          "down": rng.normal(0, 0.1, (52, 32))})
    return tmp_path / "plain.onnx", rng.integers(0, 32, (2, 7))


def unoptimized(path, feeds):
    """ONNX Runtime node by node: its optimizer rounds QDQ models its own
    way."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = \
        ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options).run(None, feeds)[0]


@pytest.mark.parametrize("op, weights", [("MatMul", 2), ("Gather", 1)])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
def test_static_qdq(op, weights, per_channel, kind, plain, tmp_path):
    quantization = pytest.importorskip("onnxruntime.quantization")
    source, ids = plain
    path = tmp_path / "qdq.onnx"

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = [{"ids": ids}]

        def get_next(self):
            return self.left.pop() if self.left else None

    # The type of the table of a Gather is that of activations. Those of a
    # MatMul have 16 bits, so that a sum that rounds the other way is off by
    # less than the tolerance.
    types = quantization.QuantType
    activations = types.QUInt16 if op == "MatMul" else types[kind]
    quantization.quantize_static(
        source, path, Reader(), quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=[op], per_channel=per_channel,
        weight_type=types[kind], activation_type=activations)
    module, notices = lifted(path)
    assert notices == []
    assert module.ops()["llmc.linear"] == 2
    assert module.ops()["llmc.embedding"] == 1
    assert module.ops()["llmc.dequantize"] == weights
    got = module.compile(opt_level=0)({"ids": ids})["y"]
    assert np.abs(got - unoptimized(path, {"ids": ids})).max() <= 1e-4


def test_dynamic(plain, tmp_path):
    """MatMulInteger of activations that are quantized at run time."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    source, ids = plain
    path = tmp_path / "dynamic.onnx"
    quantization.quantize_dynamic(source, path)
    got = lifted(path)[0].compile(opt_level=0)({"ids": ids})["y"]
    assert np.abs(got - unoptimized(path, {"ids": ids})).max() <= 1e-4


@pytest.mark.parametrize("name", ["INT4", "UINT4", "INT8", "UINT8"])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_blocks(name, zeros, axis, tmp_path):
    """Blocks of 16 along the input dimension of a weight stored either way."""
    rng = np.random.default_rng(2)
    element = getattr(TensorProto, name)
    bits = int(name[-1])
    low = 0 if name[0] == "U" else -2**(bits - 1)

    def integers(label, *shape):
        values = rng.integers(low, low + 2**bits, shape)
        return helper.make_tensor(label, element, shape, values.flatten())

    shape, blocks = [((64, 31), (4, 31)), ((31, 64), (31, 4))][axis]
    given = ["q", "s", "z"][:2 + zeros]
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x"]),
             helper.make_node("DequantizeLinear", given, ["w"], axis=axis,
                              block_size=16),
             helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
             helper.make_node("MatMul", ["x", "t" if axis else "w"], ["y"])]
    if not axis:
        del nodes[2]
    path = tmp_path / "blocks.onnx"
    save(path, nodes, {"table": rng.normal(0, 1, (32, 64)),
                       "s": rng.uniform(0.01, 0.1, blocks)},
         [integers("q", *shape), integers("z", *blocks)])
    module, notices = lifted(path)
    assert notices == [] and not UNLIFTED & set(module.ops())
    assert module.ops()["llmc.dequantize"] == 1
    feeds = {"ids": rng.integers(0, 32, (2, 7))}
    got = module.compile(opt_level=0)(feeds)["y"]
    want = unoptimized(path, feeds)
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()
