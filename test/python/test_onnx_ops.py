"""ONNX ops through llmc and back: what ONNX Runtime computes must stay what it computes.

Each case is a model of one op that the importer takes apart or turns into an op of its own. ONNX Runtime runs the model
as it is and as llmc-translate exports it after importing it, on the same inputs."""

import itertools
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

BIN = pathlib.Path(__file__).parents[2] / "build" / "bin"
TRANSLATE = shutil.which("llmc-translate", path=str(BIN)) or shutil.which("llmc-translate")
pytestmark = pytest.mark.skipif(TRANSLATE is None, reason="llmc-translate is not built")
rng = np.random.default_rng(7)
MS = "com.microsoft"


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def run(model_path, inputs):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: inputs[i.name] for i in session.get_inputs()})


def check(tmp_path, op, inputs, constants=(), outputs=1, domain="", opset=21, atol=2e-5, **attributes):
    """`inputs` maps names to arrays in the op's order (None: absent); those named in `constants` are initializers."""
    names = [name if value is not None else "" for name, value in inputs.items()]
    present = {name: value for name, value in inputs.items() if value is not None}
    out = [f"out{i}" if i in (range(outputs) if isinstance(outputs, int) else outputs) else ""
           for i in range(outputs if isinstance(outputs, int) else max(outputs) + 1)]
    node = helper.make_node(op, names, out, domain=domain, name="node", **attributes)
    # Dynamic dimensions, so that nothing is known that a real model would not know.
    def declare(name, value):
        keep = name in DECLARED.get(op, ())
        dims = [d if keep and i == value.ndim - 1 else f"{name}_{i}" for i, d in enumerate(value.shape)]
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), dims)
    graph = helper.make_graph(
        [node], "graph", [declare(n, v) for n, v in present.items() if n not in constants],
        [helper.make_empty_tensor_value_info(o) for o in out if o],
        [numpy_helper.from_array(v, n) for n, v in present.items() if n in constants])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", opset),
                                                                   helper.make_opsetid(MS, 1)])
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(model, source)
    expected = run(source, present)
    done = subprocess.run([TRANSLATE, source, "-o", target], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for want, got in zip(expected, run(target, present)):
        assert want.dtype == got.dtype and want.shape == got.shape
        np.testing.assert_allclose(got, want, atol=atol, rtol=1e-4)
    return onnx.load(target)


# Inputs whose last dimension the importer needs: hidden sizes and heads are static in real models.
DECLARED = {
    "GroupQueryAttention": {"query", "key", "value", "past_key", "past_value"},
    "MultiHeadAttention": {"query", "key", "value", "bias", "past_key", "past_value"},
    "RotaryEmbedding": {"x"},
    "Attention": {"x"},
}


def ops(model):
    return [node.op_type for node in model.graph.node]


# Norms and activations ----------------------------------------------------------------------------------------------

def test_gelus(tmp_path):
    x = floats(2, 3, 8)
    check(tmp_path, "Gelu", {"x": x}, domain=MS)
    check(tmp_path, "BiasGelu", {"x": x, "b": floats(8)}, domain=MS)
    check(tmp_path, "FastGelu", {"x": x}, domain=MS)
    check(tmp_path, "FastGelu", {"x": x, "b": floats(8)}, domain=MS)
    check(tmp_path, "QuickGelu", {"x": x}, domain=MS)
    check(tmp_path, "QuickGelu", {"x": x}, domain=MS, alpha=1.0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("beta", [False, True])
def test_skip_layer_norm(tmp_path, beta, bias):
    check(tmp_path, "SkipLayerNormalization",
          {"x": floats(2, 3, 8), "skip": floats(2, 3, 8), "gamma": floats(8), "beta": floats(8) if beta else None,
           "bias": floats(8) if bias else None}, domain=MS, outputs=(0, 3), epsilon=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_skip_rms_norm(tmp_path, bias):
    check(tmp_path, "SkipSimplifiedLayerNormalization",
          {"x": floats(2, 3, 8) * 1e-3, "skip": floats(2, 3, 8) * 1e-3, "gamma": floats(8),
           "bias": floats(8) * 1e-3 if bias else None}, domain=MS, outputs=(0, 3))


def test_simplified_layer_norm(tmp_path):
    made = check(tmp_path, "SimplifiedLayerNormalization", {"x": floats(2, 3, 8), "scale": floats(8)}, epsilon=1e-6)
    assert ops(made) == ["RMSNormalization"]




@pytest.mark.parametrize("trans_a,trans_b", list(itertools.product([0, 1], [0, 1])))
def test_fused_matmul(tmp_path, trans_a, trans_b):
    a, b = floats(2, 3, 4), floats(2, 4, 5)
    check(tmp_path, "FusedMatMul", {"a": np.swapaxes(a, 1, 2).copy() if trans_a else a,
                                    "b": np.swapaxes(b, 1, 2).copy() if trans_b else b},
          domain=MS, alpha=0.5, transA=trans_a, transB=trans_b)


# Block-quantized weights --------------------------------------------------------------------------------------------

def packed(rows, columns, bits, block):
    blocks = -(-columns // block)
    data = rng.integers(0, 256, (rows, blocks, block * bits // 8)).astype(np.uint8)
    return data, np.abs(floats(rows, blocks)) * 0.1, -(-blocks * bits // 8)




@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zeros", [False, True])
def test_gather_block_quantized(tmp_path, bits, zeros):
    data, scales, zero_bytes = packed(40, 96, bits, 32)
    zero_points = rng.integers(0, 256, (40, zero_bytes)).astype(np.uint8) if zeros else None
    made = check(tmp_path, "GatherBlockQuantized",
                 {"data": data.reshape(40, -1), "ids": rng.integers(0, 40, (2, 3)), "scales": scales,
                  "zeros": zero_points},
                 ("data", "scales", "zeros"), domain=MS, bits=bits, block_size=32, gather_axis=0, quantize_axis=1)
    assert "GatherBlockQuantized" in ops(made)


# Attention ----------------------------------------------------------------------------------------------------------

def tables(length, half):
    angles = np.arange(length)[:, None] / 100.0 ** (np.arange(half) / half)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)




def test_ms_rotary_partial(tmp_path):
    cos, sin = tables(20, 2)
    check(tmp_path, "RotaryEmbedding", {"x": floats(2, 5, 24), "ids": rng.integers(0, 20, (2, 5)), "cos": cos,
                                        "sin": sin},
          ("cos", "sin"), domain=MS, num_heads=3, rotary_embedding_dim=4)


GQA = {
    "plain": {},
    "packed": {"packed": True},
    "past": {"past": 6},
    "packed-past-rope": {"packed": True, "past": 6, "rope": True},
    "rope": {"rope": True},
    "rope-interleaved": {"rope": True, "past": 3, "attributes": {"rotary_interleaved": 1}},
    "window": {"past": 6, "attributes": {"local_window_size": 4}},
    "softcap": {"past": 6, "attributes": {"softcap": 5.0, "scale": 0.3}},
    "bias": {"past": 6, "bias": True},
    "one-token": {"past": 6, "length": 1, "rope": True, "packed": True},
}




def test_group_query_attention_refuses_uneven_caches(tmp_path):
    """Sequences of different lengths in one cache would need their new rows in different places."""
    with pytest.raises(Exception, match="ndices"):
        q = floats(2, 1, 32)
        kv = floats(2, 1, 16)
        check(tmp_path, "GroupQueryAttention",
              {"query": q, "key": kv, "value": kv, "past_key": floats(2, 2, 6, 8), "past_value": floats(2, 2, 6, 8),
               "seqlens_k": np.array([4, 6], np.int32), "total": np.array(7, np.int32)},
              ("total",), domain=MS, outputs=3, num_heads=4, kv_num_heads=2)


MHA = {
    "self": {},
    "bias": {"bias": True},
    "cross": {"keys": 5},
    "padding": {"mask": True},
    "attention-bias": {"attention_bias": True},
    "past": {"past": 4},
    "causal": {"past": 4, "attributes": {"unidirectional": 1}},
    "scale": {"attributes": {"scale": 0.2}},
}




