"""What tests of kernels share: modules made of numpy arrays."""

import re

import numpy as np
import pytest

import llmc

rng = np.random.default_rng(3)

def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def halves(values, kind):
    """f16 or bf16 as they are stored, and the floats that they stand for."""
    if kind == "f16":
        stored = values.astype(np.float16)
        return stored, stored.astype(np.float32)
    stored = (values.view(np.uint32) >> 16).astype(np.uint16)
    return stored, (stored.astype(np.uint32) << 16).view(np.float32)


KINDS = {"float32": "f32", "float16": "f16", "uint16": "bf16", "uint8": "ui8",
         "int32": "i32"}


def text(array):
    """An MLIR attribute of the array's bytes; 16-bit integers hold bf16."""
    kind = KINDS[array.dtype.name]
    shape = "x".join(map(str, array.shape))
    data = array.tobytes().hex().upper()
    return f'dense<"0x{data}"> : tensor<{shape}x{kind}>'


def module(params, body, arguments, result):
    lines = [f"llmc.param @{name} = {text(value)}"
             for name, value in params.items()]
    return llmc.Module.parse("\n".join(lines) + f"""
func.func @main({arguments}) -> ({result} {{llmc.name = "y"}}) {{
{body}
}}""")


def compile_both(make, claimed):
    """The module for the backend, whose claims are counted, and for the
    reference lowering."""
    looked = make()
    notices = looked.run("llmc-claim-kernels").notices
    assert looked.ops().get("llmc.launch", 0) == claimed, notices
    return make().compile(), make().compile("reference", opt_level=0)


def run(make, feeds, claimed):
    """What the backend and the reference compute."""
    return tuple(compiled(feeds)["y"] for compiled in compile_both(make, claimed))


def check_same_bits(make, columns, target, folder):
    """Artifacts for `target`, where they run here, compute what those for the
    host do: several rows, and one alone."""
    make().compile_artifact(folder / "out.llmc", target=target)
    try:
        artifact = llmc.Artifact(folder / "out.llmc")
    except llmc.Error as error:
        assert "which this machine does not have" in str(error)
        pytest.skip(str(error))
    x = floats(5, columns)
    want = make().compile()({"x": x})["y"]
    for rows in (slice(0, 5), slice(0, 1), slice(4, 5)):
        assert np.array_equal(artifact({"x": x[rows]})["y"], want[rows])


def quantized(rows, columns, bits, block, zeros, scale=0.05):
    """Parameters of llmc.dequantize and the numbers that they stand for. Zero
    points are integers, or "float", or floats that f16 holds: "half"."""
    blocks = -(-columns // block)
    codes = rng.integers(0, 2**bits, (rows, blocks * block)).astype(np.uint8)
    codes[0] = 2**bits - 1  # whose sums are the largest
    scales = np.abs(floats(rows, blocks)) * np.float32(scale)
    points = np.full((rows, blocks), 2**(bits - 1), np.uint8)
    params = {"q": pack(codes, bits).reshape(rows, blocks, -1),
              "s": scales}
    if zeros in ("float", "half"):
        points = (rng.random((rows, blocks)) * (2**bits + 1) - 1).astype("f4")
        if zeros == "half":
            points = points.astype(np.float16).astype("f4")
        params["z"] = points
    elif zeros:
        points = rng.integers(0, 2**bits, (rows, blocks)).astype(np.uint8)
        points[0, 0] = 0  # or all of the first row may be 0
        params["z"] = pack(points, bits)
    values = (codes.reshape(rows, blocks, block).astype(np.float64)
              - points[..., None]) * scales[..., None]
    return params, values.reshape(rows, -1)[:, :columns]


def pack(codes, bits):
    """Rows of integers, little end first, each row in whole bytes."""
    spread = (codes[..., None] >> np.arange(bits)) & 1
    return np.packbits(spread.reshape(len(codes), -1).astype(np.uint8), axis=1,
                       bitorder="little")


def unpack(data, bits):
    """The integers of rows that `pack` made."""
    spread = np.unpackbits(data, axis=1, bitorder="little")
    return (spread.reshape(len(data), -1, bits) << np.arange(bits)).sum(
        2).astype(np.uint8)


def pruned(rows, columns, pattern):
    """Which columns are stored, and the meta parameter of llmc.densify."""
    n, m = map(int, pattern.split(":"))
    order = np.argsort(rng.random((rows, columns // m, m)), axis=-1)
    places = np.sort(order[..., :n], axis=-1).astype(np.uint8)
    columns = places + m * np.arange(columns // m)[:, None]
    return (columns.reshape(rows, -1),
            pack(places.reshape(rows, -1), (m - 1).bit_length()))


def densify(values, meta, pattern, result, bits=None, fill=None):
    """Ops that make %d of the parameters v and p."""
    kind = KINDS[values.dtype.name]
    shape, places = ("x".join(map(str, a.shape)) for a in (values, meta))
    more = "".join(f", {name} = {value} : i64"
                   for name, value in (("bits", bits), ("fill", fill))
                   if value is not None)
    return f"""%v = llmc.weight @v : tensor<{shape}x{kind}>
    %p = llmc.weight @p : tensor<{places}xui8>
    %d = llmc.densify %v, %p {{pattern = "{pattern}"{more}}}
      : (tensor<{shape}x{kind}>, tensor<{places}xui8>) -> tensor<{result}x{kind}>
    """


def sparse(name, rows, columns, bits, block, zeros=False, kept="any",
           pattern="2:4"):
    """Parameters, ops and numbers of %NAMEw, integers that were pruned, and the
    magnitudes that its sums have."""
    blocks, middle = -(-columns // block), 2**(bits - 1)
    where, meta = pruned(rows, blocks * block, pattern)
    codes = {
        "any": lambda shape: rng.integers(0, 2**bits, shape),
        "none": lambda shape: np.full(shape, middle),
        "few": lambda shape: np.where(rng.random(shape) < 0.4, middle + 3, middle),
        "lowest": np.zeros,
        "highest": lambda shape: np.full(shape, 2**bits - 1),
    }[kept](where.shape).astype(np.uint8)
    dense = np.full((rows, blocks * block), middle, np.uint8)
    np.put_along_axis(dense, where, codes, 1)
    points = np.full((rows, blocks), float(middle))
    scales = np.abs(floats(rows, blocks)) / 16
    params = {"v": pack(codes.reshape(rows * blocks, -1), bits)
                   .reshape(rows, blocks, -1),
              "p": meta, "s": scales}
    if zeros is True:
        points = rng.integers(0, 2**bits, (rows, blocks)).astype(np.uint8)
        params["z"] = pack(points, bits)
    elif zeros == "float":
        params["z"] = points = (rng.random((rows, blocks)) * 2**bits).astype("f4")
    size = block * bits // 8
    data = f"tensor<{rows}x{blocks}x{size}xui8>"
    body = densify(params["v"], meta, pattern, f"{rows}x{blocks}x{size}", bits)
    operands, types = ["%d"], [data]
    for symbol in list(params)[2:]:
        kind = KINDS[params[symbol].dtype.name]
        types.append(f"tensor<{'x'.join(map(str, params[symbol].shape))}x{kind}>")
        operands.append(f"%{symbol}")
        body += f"%{symbol} = llmc.weight @{symbol} : {types[-1]}\n"
    body += (f"%w = llmc.dequantize {', '.join(operands)} {{bits = {bits} : i64, "
             f"block = {block} : i64, columns = {columns} : i64}} : "
             f"({', '.join(types)}) -> tensor<{rows}x{columns}xf32>\n")
    body = re.sub(r"([%@])(?=[a-z])", rf"\1{name}", body)
    params = {name + symbol: value for symbol, value in params.items()}
    values = ((dense.reshape(rows, blocks, block) - points[..., None].astype("f8"))
              * scales[..., None])
    # What floats are sums of: integers without sign, and their zero points.
    summed = np.abs(values) + 2**bits * scales[..., None]
    return (params, body, values.reshape(rows, -1)[:, :columns],
            summed.reshape(rows, -1)[:, :columns])


def weight_ops(params, rows, columns, bits, block):
    lines, operands, types = [], [], []
    for name, value in params.items():
        kind = "ui8" if value.dtype == np.uint8 else "f32"
        types.append(f"tensor<{'x'.join(map(str, value.shape))}x{kind}>")
        operands.append(f"%{name}")
        lines.append(f"%{name} = llmc.weight @{name} : {types[-1]}")
    lines.append(
        f"%w = llmc.dequantize {', '.join(operands)} {{bits = {bits} : i64, "
        f"block = {block} : i64, columns = {columns} : i64}} : "
        f"({', '.join(types)}) -> tensor<{rows}x{columns}xf32>")
    return "\n".join(lines)


def weight(name, rows, columns, bits, block, zeros=False):
    """Parameters and ops of one weight, %NAMEw."""
    params, values = quantized(rows, columns, bits, block, zeros)
    body = weight_ops(params, rows, columns, bits, block)
    for symbol in ("q", "s", "z", "w"):
        body = body.replace(f"%{symbol} ", f"%{name}{symbol} ")
        body = body.replace(f"%{symbol},", f"%{name}{symbol},")
        body = body.replace(f"@{symbol} ", f"@{name}{symbol} ")
    params = {name + symbol: value for symbol, value in params.items()}
    return params, body, values


def row_scaled(name, rows, columns, bits, block, largest=False):
    """Parameters, ops and numbers of %NAMEw, whose scales are integers times a
    number of the row. Of the integers of each row one is the largest that there
    may be; with `largest` all are, and each row has one code, at either end."""
    params, _ = quantized(rows, columns, bits, block, False)
    blocks, most = params["q"].shape[1], 2**(8 - bits)
    multiples = rng.integers(1, most + 1, (rows, blocks)).astype(np.uint8)
    multiples[np.arange(rows), rng.integers(0, blocks, rows)] = most
    codes = unpack(params["q"].reshape(rows, -1), bits)
    if largest:
        multiples[:] = most
        codes[:] = np.where(np.arange(rows) % 2, 0, 2**bits - 1)[:, None]
    # Of so few bits that floats hold the weights exactly.
    numbers = np.abs(floats(rows, 1)).astype(np.float16).astype(np.float32) / 64
    values = ((codes.astype(np.float64) - 2**(bits - 1))
              .reshape(rows, blocks, block)
              * multiples[..., None] * numbers[..., None].astype(np.float64))
    params = {name + "q": pack(codes, bits).reshape(params["q"].shape),
              name + "m": multiples, name + "r": numbers}
    scales = f"tensor<{rows}x{blocks}xf32>"
    data = f"tensor<{rows}x{blocks}x{params[name + 'q'].shape[2]}xui8>"
    body = f"""%q = llmc.weight @q : {data}
    %m = llmc.weight @m : tensor<{rows}x{blocks}xui8>
    %f = llmc.cast %m {{to = f32}} : (tensor<{rows}x{blocks}xui8>) -> {scales}
    %r = llmc.weight @r : tensor<{rows}x1xf32>
    %s = llmc.mul %f, %r : ({scales}, tensor<{rows}x1xf32>) -> {scales}
    %w = llmc.dequantize %q, %s {{bits = {bits} : i64, block = {block} : i64, columns = {columns} : i64}}
      : ({data}, {scales}) -> tensor<{rows}x{columns}xf32>
    """
    return (params, re.sub(r"([%@])(?=[a-z])", rf"\1{name}", body),
            values.reshape(rows, -1)[:, :columns])


def linear(rows, columns, bias, activations=0):
    """%x times %w; rounded in blocks of `activations` before, unless 0."""
    types = [f"tensor<?x{columns}xf32>", f"tensor<{rows}x{columns}xf32>"]
    operands = ["%x", "%w"]
    load = ""
    if bias:
        load = f"%b = llmc.weight @b : tensor<{rows}xf32>\n"
        operands.append("%b")
        types.append(f"tensor<{rows}xf32>")
    if activations:
        operands[0] = "%a"
        load += (f"%a = llmc.quantize_dynamic %x {{block = {activations} : i64}}"
                 f" : ({types[0]}) -> {types[0]}\n")
    return (load + f"%y = llmc.linear {', '.join(operands)} : "
            f"({', '.join(types)}) -> tensor<?x{rows}xf32>\n"
            f"return %y : tensor<?x{rows}xf32>")


def to_bf16(x):
    """To the nearest, ties to even, in doubles; NaN stays."""
    bits = x.view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7fff + (bits >> 16 & 1)).astype(np.uint32) & 0xffff0000
    return np.where(np.isnan(x), x, bits.view(np.float32)).astype(np.float64)


ROUNDED = """%n = llmc.cast %x {{to = bf16}} : (tensor<?x{0}xf32>) -> tensor<?x{0}xbf16>
%a = llmc.cast %n {{to = f32}} : (tensor<?x{0}xbf16>) -> tensor<?x{0}xf32>
"""


def cast_linear(rows, columns, kind, stored, rounds, bias=None):
    """%x times a weight that is a cast of `stored`."""
    shape = f"{rows}x{columns}"
    body = (f"%s = llmc.weight @s : tensor<{shape}x{kind}>\n"
            f"%w = llmc.cast %s {{to = f32}} : (tensor<{shape}x{kind}>) -> "
            f"tensor<{shape}xf32>\n")
    ops = linear(rows, columns, bias is not None)
    if rounds:
        body += ROUNDED.format(columns)
        ops = ops.replace("llmc.linear %x", "llmc.linear %a")
    params = {"s": stored}
    if bias is not None:
        params["b"] = bias
    return module(params, body + ops,
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{rows}xf32>")


# The 16 values of bitsandbytes' NF4, as it has them.
NF4 = np.array([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634,
    0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0], np.float32)


def lookup(rows, columns, bits, block, groups=0, scales=False, codebook=None,
           name="", constant=False):
    """Parameters, ops and numbers of %NAMEw with `groups` codebooks, or one that
    is no matrix for 0."""
    blocks = -(-columns // block)
    codes = rng.integers(0, 2**bits, (rows, blocks * block)).astype(np.uint8)
    if codebook is None:
        codebook = floats(*((groups, 2**bits) if groups else (2**bits,)))
    params = {name + "q": pack(codes, bits).reshape(rows, blocks, -1)}
    operands = [("q", params[name + "q"].shape, "ui8"),
                ("c", codebook.shape, "f32")]
    tables = codebook.reshape(-1, 2**bits).repeat(rows // max(groups, 1), axis=0)
    values = np.take_along_axis(tables, codes.astype(np.int64), 1)
    if not constant:
        params[name + "c"] = codebook
    if scales:
        params[name + "s"] = np.abs(floats(rows, blocks))
        operands.append(("s", (rows, blocks), "f32"))
        values = values * params[name + "s"].repeat(block, axis=1)
    lines, types = [], []
    for operand, shape, kind in operands:
        types.append(f"tensor<{'x'.join(map(str, shape))}x{kind}>")
        value = (f"llmc.constant {text(codebook)}" if constant and operand == "c"
                 else f"llmc.weight @{name}{operand} : {types[-1]}")
        lines.append(f"%{name}{operand} = {value}")
    names = ", ".join(f"%{name}{operand}" for operand, *_ in operands)
    lines.append(
        f"%{name}w = llmc.lookup {names} {{bits = {bits} : i64, block = {block} "
        f": i64, columns = {columns} : i64}} : ({', '.join(types)}) -> "
        f"tensor<{rows}x{columns}xf32>")
    return params, "\n".join(lines), values[:, :columns].astype(np.float64)
