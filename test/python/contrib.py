"""For the tests of com.microsoft's ops: what ONNX Runtime computes must stay what
it computes.

Each case is a model of one op. ONNX Runtime runs it as it is; the same numbers
must come from ONNX Runtime on what llmc exports after importing it, and from
llmc's own compiled code. Where ONNX Runtime's CPU build has no kernel for an op
or a form, numpy computes what the op's documentation says.

Floats are f32 unless a case says otherwise: 2e-5 absolute is what another order
of summation costs at the sizes here, with values about 1."""

import numpy as np
import pytest

import llmc

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import helper, numpy_helper  # noqa: E402

from kernels import rng  # noqa: E402

MS = "com.microsoft"
INT8 = [np.int8, np.uint8]


def floats(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def run(model, inputs):
    options = ort.SessionOptions()
    # Without VNNI, products of bytes with and without sign would saturate.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    outputs = [o.name for o in session.get_outputs()]
    return dict(zip(outputs, session.run(None, {n: inputs[n] for n in names})))


# Inputs whose last dimension the importer needs: hidden sizes and heads are
# static in real models. All other dimensions of inputs are dynamic, so that
# nothing is known that a real model would not know.
STATIC_LAST = {
    "GroupQueryAttention": {"query", "key", "value", "past_key", "past_value"},
    "MultiHeadAttention": {"query", "key", "value", "bias", "past_key",
                           "past_value"},
    "RotaryEmbedding": {"x"},
    "Attention": {"x", "past"},
    "QAttention": {"x", "past"},
    "MoE": {"x", "router", "router_weights"},
    "QMoE": {"x", "router", "router_weights"},
}


def make_model(op, inputs, constants=(), outputs=1, domain=MS, dims=(), **attributes):
    """`inputs` maps names to arrays in the op's order (None: absent); those
    named in `constants` are initializers. `dims` names dimensions."""
    present = {n: v for n, v in inputs.items() if v is not None}
    wanted = range(outputs) if isinstance(outputs, int) else outputs
    out = [f"out{i}" if i in wanted else "" for i in range(max(wanted) + 1)]
    node = helper.make_node(
        op, [n if v is not None else "" for n, v in inputs.items()], out,
        domain=domain, name="node", **attributes)

    def declare(name, value):
        known = name in STATIC_LAST.get(op, ())
        shape = dict(dims).get(name) or [
            d if known and i == value.ndim - 1 else f"{name}_{i}"
            for i, d in enumerate(value.shape)]
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), shape)

    graph = helper.make_graph(
        [node], "graph",
        [declare(n, v) for n, v in present.items() if n not in constants],
        [helper.make_empty_tensor_value_info(o) for o in out if o],
        [numpy_helper.from_array(v, n) for n, v in present.items()
         if n in constants])
    return helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21), helper.make_opsetid(MS, 1)])


def compare(expected, got, atol, rtol, off_by_one=0.0):
    assert list(expected) == list(got)
    for name, want in expected.items():
        assert want.dtype == got[name].dtype and want.shape == got[name].shape
        if off_by_one and want.dtype.kind in "iu":
            # Where a value falls between two steps the order of float products
            # decides: one step, and rarely.
            error = np.abs(got[name].astype(int) - want.astype(int))
            assert error.max() <= 1 and (error != 0).mean() <= off_by_one
            continue
        np.testing.assert_allclose(got[name], want, atol=atol, rtol=rtol)


def check(tmp_path, op, inputs, constants=(), outputs=1, atol=2e-5, rtol=1e-5,
          reference=None, off_by_one=0.0, exported=True, **options):
    """`reference` stands in for ONNX Runtime: the outputs by number. Returns
    the exported model."""
    model = make_model(op, inputs, constants, outputs, **options)
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(model, source)
    expected = run(model, inputs) if reference is None else {
        f"out{i}": value for i, value in reference.items()}
    tolerance = (atol, rtol, off_by_one)
    feeds = {n: v for n, v in inputs.items()
             if v is not None and n not in constants}
    compare(expected, llmc.compile(source, opt_level=0)(feeds), *tolerance)
    llmc.Module.load(source).export_onnx(target)
    made = onnx.load(target)
    for node in made.graph.node:
        # llmc lets ONNX Runtime round activations to 8 bits, which is faster;
        # to compare, it computes with floats.
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 0
    if exported:
        compare(expected, run(made, inputs), *tolerance)
    return made


def refuse(tmp_path, message, op, inputs, constants=(), outputs=1, **options):
    """llmc says in one error which node it cannot import, and why."""
    onnx.save(make_model(op, inputs, constants, outputs, **options),
              tmp_path / "in.onnx")
    with pytest.raises(llmc.Error, match=message) as raised:
        llmc.Module.load(tmp_path / "in.onnx")
    assert "node 'node'" in str(raised.value) and op in str(raised.value)


def ops(model):
    return [node.op_type for node in model.graph.node]


def packed(rows, columns, bits, block):
    blocks = -(-columns // block)
    data = rng.integers(0, 256, (rows, blocks, block * bits // 8))
    scales = (rng.random((rows, blocks)) * 0.05 + 0.01).astype(np.float32)
    return data.astype(np.uint8), scales, -(-blocks * bits // 8)


def unpack(data, bits):
    """Elements of bytes, little end first, along the last dimension."""
    parts = [data >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)]
    return np.stack(parts, -1).reshape(*data.shape[:-1], -1)


def dequantize(data, scales, zeros, bits):
    values = unpack(data, bits).astype(np.float64)
    return ((values - zeros[..., None]) * scales[..., None]).reshape(
        len(data), -1)


def zero_points(kind, rows, blocks, zero_bytes, dtype=np.float32):
    if kind == "packed":
        return rng.integers(0, 256, (rows, zero_bytes)).astype(np.uint8)
    if kind == "float":
        return (rng.random((rows, blocks)) * 15).astype(dtype)
    return None


def integers(dtype, *shape):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def scale(value):
    return np.array(value, np.float32)
