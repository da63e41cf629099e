"""llmc-quantize-rtn against a reference in numpy: every byte of the packed
weight, and the numbers that compiled code makes of it."""

import re

import numpy as np
import pytest

import llmc

MLIR_TYPE = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def quantize(weight, bits, block, symmetric, scales="float16"):
    """Codes [rows, blocks, block], scales and zeros [rows, blocks]."""
    rows, columns = weight.shape
    blocks = -(-columns // block)
    padded = np.zeros((rows, blocks * block), np.float32)
    padded[:, :columns] = weight
    padded = padded.reshape(rows, blocks, block)
    levels = np.float32(2**bits - 1)
    low = np.minimum(padded.min(axis=2), 0)
    high = np.maximum(padded.max(axis=2), 0)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    scale = (high / levels - low / levels).astype(weight.dtype)
    scale = scale.astype(np.float32)
    if scales == "float16":
        held = (scale >= 2.0**-14) & (scale <= 65504)
        scale[held] = scale[held].astype(np.float16)
    empty = scale == 0
    scale[empty] = 1
    middle = 2**(bits - 1)
    zero = np.full(scale.shape, middle, np.float32) if symmetric else \
        np.rint(np.minimum(-low / scale, levels))
    zero[empty] = middle
    codes = np.rint(padded / scale[..., None]) + zero[..., None]
    return (np.clip(codes, 0, levels).astype(np.uint8),
            scale.astype(weight.dtype), zero.astype(np.uint8))


def dequantize(codes, scales, zeros, columns):
    values = (codes.astype(np.float32) - zeros[..., None].astype(np.float32)) \
        * scales[..., None].astype(np.float32)
    return values.reshape(len(codes), -1)[:, :columns]


def pack(codes, bits):
    """Packs the last dimension, the first code in the lowest bits."""
    shifted = codes[..., None] >> np.arange(bits, dtype=np.uint8)
    stream = (shifted & 1).reshape(*codes.shape[:-1], -1)
    return np.packbits(stream, axis=-1, bitorder="little")


def as_dense(array):
    """An elements attribute with these very bytes."""
    shape = "x".join(map(str, array.shape))
    return (f'dense<"0x{array.tobytes().hex().upper()}"> : '
            f"tensor<{shape}x{MLIR_TYPE[str(array.dtype)]}>")


def make_module(weight, stored_transposed):
    """linear(x, weight), the weight stored as [out, in] or [in, out]."""
    out, columns = weight.shape
    kind = MLIR_TYPE[str(weight.dtype)]
    w, wt = (f"tensor<{out}x{columns}x{kind}>",
             f"tensor<{columns}x{out}x{kind}>")
    x, y = f"tensor<?x{columns}x{kind}>", f"tensor<?x{out}x{kind}>"
    load = f"%w = llmc.weight @w : {w}"
    if stored_transposed:
        load = (f"%s = llmc.weight @w : {wt}\n"
                f"%w = llmc.transpose %s {{perm = array<i64: 1, 0>}} "
                f": ({wt}) -> {w}")
    stored = weight.T.copy() if stored_transposed else weight
    return llmc.Module.parse(f"""
      llmc.param @w = {as_dense(stored)}
      func.func @main(%x: {x} {{llmc.name = "x"}})
          -> ({y} {{llmc.name = "y"}}) {{
        {load}
        %y = llmc.linear %x, %w : ({x}, {w}) -> {y}
        return %y : {y}
      }}""")


def resources(module, path):
    """The bytes of each resource in the module's text."""
    module.save(path)
    return {name: np.frombuffer(bytes.fromhex(text)[4:], np.uint8)
            for name, text in re.findall(r'([\w.]+): "0x([0-9A-F]+)"',
                                         path.read_text())}


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("dtype,columns,block,symmetric,transposed", [
    ("float32", 96, 32, False, False),
    ("float32", 96, 32, True, True),
    ("float32", 100, 16, False, True),   # padded rows
    ("float32", 24, 8, False, False),    # zeros end within a byte
    ("float16", 64, 64, False, False),
    ("float16", 130, 32, True, True),
])
@pytest.mark.parametrize("scales", ["float16", "float32"])
def test_bytes_and_numbers(tmp_path, bits, dtype, columns, block, symmetric,
                           transposed, scales):
    rng = np.random.default_rng(columns * bits)
    weight = rng.standard_normal((70, columns)).astype(dtype)
    weight[3] = 0                               # blocks of zeros
    weight[4] = np.abs(weight[4])               # 0 at the end of the grid
    weight[5, :block] = 0
    weight[5, 1] = -3
    codes, steps, zeros = quantize(weight, bits, block, symmetric, scales)

    module = make_module(weight, transposed)
    report = module.compress(bits=bits, group=block, symmetric=symmetric,
                             scales=scales, activations="float")
    stored = resources(module, tmp_path / "m.mlir")
    assert np.array_equal(stored["w.q"], pack(codes, bits).reshape(-1))
    assert np.array_equal(stored["w.scales"].view(dtype), steps.reshape(-1))
    if symmetric:
        assert "w.zeros" not in stored
    else:
        assert np.array_equal(stored["w.zeros"], pack(zeros, bits).reshape(-1))
    assert "w" not in stored

    decoded = dequantize(codes, steps, zeros, columns)
    entry, = report.weights
    error = np.abs(decoded - weight.astype(np.float32))
    assert entry["param"] == "w" and entry["bits"] == bits
    assert entry["weights"] == weight.size
    assert entry["bytes_before"] == weight.nbytes
    assert entry["bytes_after"] == sum(r.size for r in stored.values())
    assert entry["largest_error"] == pytest.approx(error.max(), rel=1e-5)
    assert entry["relative_error"] == pytest.approx(
        np.linalg.norm(error) / np.linalg.norm(weight.astype(np.float64)),
        rel=1e-4)

    # The identity reads the weight back out of compiled code.
    run = llmc.compile(module, opt_level=0)
    got = run({"x": np.eye(columns, dtype=dtype)})["y"].T
    np.testing.assert_allclose(got.astype(np.float32),
                               decoded.astype(dtype).astype(np.float32),
                               rtol=1e-6 if dtype == "float32" else 2e-3,
                               atol=0 if dtype == "float32" else 1e-6)


def test_error_stays_within_half_a_step():
    weight = np.random.default_rng(1).standard_normal((64, 128)).astype("f4")
    codes, scales, zeros = quantize(weight, 4, 32, False)
    error = np.abs(dequantize(codes, scales, zeros, 128) - weight)
    # A rounded zero point moves the grid by half a step at most.
    assert np.all(error.reshape(64, 4, 32) <= scales[..., None] * 1.0001)
    module = make_module(weight, False)
    assert module.compress(bits=4, group=32).weights[0]["largest_error"] == \
        pytest.approx(error.max(), rel=1e-5)


def test_large_and_tiny_values():
    """The range of a block may be more than a float holds, or vanish in f16."""
    weight = np.zeros((2, 32), np.float32)
    weight[0, 0], weight[0, 1] = 3e38, -3e38
    module = make_module(weight, False)
    assert np.isfinite(module.compress(bits=8, group=32)
                       .weights[0]["largest_error"])
    tiny = np.full((2, 64), 6e-8, np.float16)
    module = make_module(tiny, False)
    entry, = module.compress(bits=4, group=64).weights
    assert entry["largest_error"] == pytest.approx(6e-8, rel=0.1)


def test_skip_and_notices():
    weight = np.ones((8, 40), np.float32)
    module = make_module(weight, False)
    assert not module.compress(skip="^w$").weights
    assert not module.compress(skip="other name|w").weights
    with pytest.raises(llmc.Error, match="cannot have quotes or braces"):
        module.compress(skip="w{1}")
    report = module.compress(skip="other name", group=32, bits=8)
    assert len(report.weights) == 1
    assert report.notices == [
        line for line in report.notices
        if "rows of 40 weights are padded to 64" in line] != []


def test_strict_is_an_error():
    module = make_module(np.ones((8, 40), np.float32), False)
    with pytest.raises(llmc.Error, match="rows of 40 weights are padded to 64"):
        module.compress(group=32, strict=True)
