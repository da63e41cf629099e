"""Weights that are neither f32 nor integers with scales, on the CPU backend."""

import platform

import numpy as np
import pytest

import llmc
from kernels import (NF4, compile_both, densify, floats, halves, linear, lookup,
                     module, pack, pruned, quantized, rng, run, weight_ops)

ROWS = (0, 1, 4, 13)


def unpack(data):
    """4-bit integers, little end first."""
    return np.stack([data & 15, data >> 4], -1)


def packed(make):
    """Elements of the parameters that the kernels read, by type."""
    made = make()
    assert made.run("llmc-claim-kernels").notices == []
    return {p["name"].split(".cpu.")[1]: p["dtype"] for p in made.params()}


def check(make, columns, want, values, claimed=1):
    """Against `want(x)` in doubles; rounding errors of a sum grow with the
    magnitudes that go into it."""
    both = compile_both(make, claimed)
    for count in ROWS:
        x = floats(count, columns)
        bound = 8e-6 * (np.abs(x).astype(np.float64) @ np.abs(values).T + 1)
        for compiled in both:
            got = compiled({"x": x})["y"]
            assert got.shape == bound.shape
            assert np.all(np.abs(got - want(x.astype(np.float64))) <= bound)


# Dense weights of 16 bits ---------------------------------------------------------

@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("transposed", ["no", "before", "after"])
@pytest.mark.parametrize("rows,columns", [(1, 1), (32, 64), (45, 130)])
def test_half_weights(kind, transposed, rows, columns):
    """Half the bytes, for a cast on either side of a transpose."""
    stored, values = halves(floats(rows, columns), kind)
    bias, offsets = halves(floats(rows), kind)
    flat, deep = f"{rows}x{columns}", f"{columns}x{rows}"
    cast = "llmc.cast {} {{to = f32}} : (tensor<{}x{}>) -> tensor<{}xf32>"
    turn = ("llmc.transpose {} {{perm = array<i64: 1, 0>}} : (tensor<{}x{}>) "
            "-> tensor<{}x{}>")
    body = [f"%bs = llmc.weight @bs : tensor<{rows}x{kind}>",
            "%b = " + cast.format("%bs", rows, kind, rows)]
    if transposed == "no":
        body += [f"%s = llmc.weight @s : tensor<{flat}x{kind}>",
                 "%w = " + cast.format("%s", flat, kind, flat)]
    else:
        stored = np.ascontiguousarray(stored.T)
        body.append(f"%s = llmc.weight @s : tensor<{deep}x{kind}>")
        if transposed == "before":
            body += ["%t = " + turn.format("%s", deep, kind, flat, kind),
                     "%w = " + cast.format("%t", flat, kind, flat)]
        else:
            body += ["%t = " + cast.format("%s", deep, kind, deep),
                     "%w = " + turn.format("%t", deep, "f32", flat, "f32")]
    ops = linear(rows, columns, True).replace(
        f"%b = llmc.weight @b : tensor<{rows}xf32>\n", "")

    def make():
        return module({"s": stored, "bs": bias}, "\n".join(body) + "\n" + ops,
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    panels = [dtype for name, dtype in packed(make).items()
              if not name.endswith(".bias+bs")]
    assert panels == [{"f16": "float16", "bf16": "bfloat16"}[kind]]
    check(make, columns, lambda x: x @ values.T + offsets, values)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_every_half(kind):
    """All 65536 bit patterns become the floats that they stand for."""
    stored = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    if kind == "f16":
        stored = stored.view(np.float16)
        values = stored.astype(np.float32)
    else:
        values = (stored.astype(np.uint32) << 16).view(np.float32)
    body = f"""%s = llmc.weight @s : tensor<256x256x{kind}>
    %w = llmc.cast %s {{to = f32}} : (tensor<256x256x{kind}>) -> tensor<256x256xf32>
    %y = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<256x256xf32>) -> tensor<?x256xf32>
    return %y : tensor<?x256xf32>"""
    got, reference = run(
        lambda: module({"s": stored}, body,
                       '%ids: tensor<?xi64> {llmc.name = "ids"}',
                       "tensor<?x256xf32>"), {"ids": np.arange(256)}, claimed=1)
    for result in (got, reference):
        assert np.array_equal(result, values, equal_nan=True)
        assert np.array_equal(np.signbit(result)[~np.isnan(values)],
                              np.signbit(values)[~np.isnan(values)])


@pytest.mark.parametrize("kind,epsilon", [("f16", 2.0**-11), ("bf16", 2.0**-8)])
@pytest.mark.parametrize("bits", [0, 4])
def test_half_activations(kind, epsilon, bits, tmp_path):
    """16 bits in and out: sums are f32, and what is stored rounds once, also
    where the processor does not convert bf16."""
    rows, columns = 45, 70
    if bits:
        params, _ = quantized(rows, columns, bits, 32, True)
        params["s"], scales = halves(params["s"], kind)
        codes, zeros = (unpack(params[name]).reshape(rows, -1) for name in "qz")
        values = codes.reshape(rows, 3, 32) - zeros[:, :3, None].astype(np.float64)
        values = (values * scales[:, :, None]).reshape(rows, 96)[:, :columns]
        body = weight_ops(params, rows, columns, bits, 32)
    else:
        params = {}
        params["w"], values = halves(floats(rows, columns), kind)
        body = f"%w = llmc.weight @w : tensor<{rows}x{columns}xf32>\n"
    params["b"], bias = halves(floats(rows), kind)
    # x and y are f32; all between them is not.
    body += "\n" + linear(rows, columns, True).partition("return")[0]
    body = f"""%h = llmc.cast %x {{to = {kind}}}
      : (tensor<?x{columns}xf32>) -> tensor<?x{columns}x{kind}>
    {body.replace("f32>", kind + ">").replace("%x", "%h").replace("%y", "%g")}
    %y = llmc.cast %g {{to = f32}} : (tensor<?x{rows}x{kind}>) -> tensor<?x{rows}xf32>
    return %y : tensor<?x{rows}xf32>"""

    def make():
        return module(params, body,
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    kernel, reference = compile_both(make, claimed=1)
    kernels = [kernel]
    if platform.machine() == "x86_64":
        make().compile_artifact(tmp_path / "out.llmc", target="cpu:x86-64-v3")
        kernels.append(llmc.Artifact(tmp_path / "out.llmc"))
    for count in ROWS:
        _, x = halves(floats(count, columns), kind)
        x = x.astype(np.float64)
        want, size = x @ values.T + bias, np.abs(x) @ np.abs(values).T + 1
        bound = epsilon * np.abs(want) + 8e-6 * size
        x = x.astype(np.float32)
        for kernel in kernels:
            assert np.all(np.abs(kernel({"x": x})["y"] - want) <= bound)
        # The reference lowering rounds weights and products, too.
        bound += epsilon * (np.abs(want - bias) + bool(bits) * size)
        assert np.all(np.abs(reference({"x": x})["y"] - want) <= bound)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_half_embedding(kind):
    """Rows of 16 bits, without arithmetic."""
    stored, values = halves(floats(45, 70), kind)
    got, reference = run(
        lambda: module({"w": stored}, f"""
        %w = llmc.weight @w : tensor<45x70x{kind}>
        %g = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<45x70x{kind}>) -> tensor<?x70x{kind}>
        %y = llmc.cast %g {{to = f32}} : (tensor<?x70x{kind}>) -> tensor<?x70xf32>
        return %y : tensor<?x70xf32>""",
                       '%ids: tensor<?xi64> {llmc.name = "ids"}',
                       "tensor<?x70xf32>"), {"ids": np.arange(45)}, claimed=1)
    assert np.array_equal(got, values) and np.array_equal(reference, values)


# Codebooks ------------------------------------------------------------------------

@pytest.mark.parametrize("bits,block,groups,scales,rows,columns", [
    # One for all: k-means of a tensor.
    (2, 16, 0, False, 64, 128), (3, 32, 0, False, 33, 96),
    (4, 64, 0, False, 45, 130), (5, 64, 0, False, 33, 128),
    (6, 16, 0, False, 17, 70), (7, 64, 0, False, 33, 64),
    (8, 16, 0, False, 33, 96), (8, 96, 1, False, 7, 96),
    # Groups of whole panels, of parts of panels, and of one row.
    (4, 32, 2, False, 64, 96), (8, 32, 3, False, 96, 64),
    (3, 32, 3, False, 45, 70), (4, 32, 45, False, 45, 96),
    (2, 16, 33, True, 33, 70), (8, 32, 33, False, 33, 96),
    # With scales.
    (4, 64, 0, True, 45, 128), (4, 64, 0, True, 33, 96),
    (3, 128, 0, True, 16, 1120), (4, 32, 2, True, 64, 70),
    (8, 16, 0, True, 33, 96)])
def test_lookup(bits, block, groups, scales, rows, columns):
    params, body, values = lookup(rows, columns, bits, block, groups, scales)
    params["b"] = floats(rows)
    check(lambda: module(params, body + "\n" + linear(rows, columns, True),
                         f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                         f"tensor<?x{rows}xf32>"),
          columns, lambda x: x @ values.T + params["b"], values)


@pytest.mark.parametrize("scale", [0, 1e-39, 1e30])
@pytest.mark.parametrize("bits,block,groups,scales", [
    (4, 64, 0, True), (3, 32, 3, False), (8, 16, 0, True)])
def test_lookup_of_adversarial_values(bits, block, groups, scales, scale):
    params, body, values = lookup(45, 96, bits, block, groups, scales)
    x = floats(7, 96) * np.float32(scale)
    x[2] = 0
    got, reference = run(
        lambda: module(params, body + "\n" + linear(45, 96, False),
                       '%x: tensor<?x96xf32> {llmc.name = "x"}',
                       "tensor<?x45xf32>"), {"x": x}, claimed=1)
    assert np.all(got[2] == 0) and np.all(np.isfinite(got))
    largest = np.abs(x).astype(np.float64) @ np.abs(values).T.astype(np.float64)
    exact = x.astype(np.float64) @ values.T.astype(np.float64)
    for y in (got, reference):
        assert np.all(np.abs(y - exact) <= 1e-5 * largest + 1e-43)


@pytest.mark.parametrize("constant", [False, True])
def test_nf4(constant):
    """bitsandbytes' values times the largest magnitude of each 64."""
    params, body, values = lookup(45, 192, 4, 64, scales=True, codebook=NF4,
                                  constant=constant)
    check(lambda: module(params, body + "\n" + linear(45, 192, False),
                         '%x: tensor<?x192xf32> {llmc.name = "x"}',
                         "tensor<?x45xf32>"), 192, lambda x: x @ values.T, values)


@pytest.mark.parametrize("bits,groups,scales", [
    (2, 0, True), (3, 0, False), (4, 0, True), (4, 3, True), (4, 45, False),
    (8, 0, False), (8, 15, True)])
def test_lookup_embedding(bits, groups, scales):
    params, body, values = lookup(45, 70, bits, 32, groups, scales)
    ids = rng.integers(-45, 45, (3, 30))
    got, reference = run(
        lambda: module(params, body + """
        %y = llmc.embedding %ids, %w : (tensor<?x?xi64>, tensor<45x70xf32>)
          -> tensor<?x?x70xf32>
        return %y : tensor<?x?x70xf32>""",
                       '%ids: tensor<?x?xi64> {llmc.name = "ids"}',
                       "tensor<?x?x70xf32>"), {"ids": ids}, claimed=1)
    np.testing.assert_allclose(got, values[ids], rtol=1e-6)
    assert np.array_equal(got, reference)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("gated", [False, True])
def test_lookups_with_one_operand(same, gated):
    """Two weights in one kernel: with one codebook, or one each."""
    params, body, values = {}, [], []
    for name in "pq":
        more, ops, numbers = lookup(40, 96, 4, 32, scales=True, name=name,
                                    codebook=NF4 if same else None)
        params.update(more)
        values.append(numbers)
        body += [ops, f"%{name} = llmc.linear %x, %{name}w : (tensor<?x96xf32>, "
                      "tensor<40x96xf32>) -> tensor<?x40xf32>"]
    pair = "(tensor<?x40xf32>, tensor<?x40xf32>)"
    if gated:
        width, body = 40, body + [
            "%t = llmc.silu %p : (tensor<?x40xf32>) -> tensor<?x40xf32>",
            f"%y = llmc.mul %t, %q : {pair} -> tensor<?x40xf32>"]
    else:
        width, body = 80, body + [
            f"%y = llmc.concat %p, %q {{axis = 1 : i64}} : {pair} -> tensor<?x80xf32>"]
    body.append(f"return %y : tensor<?x{width}xf32>")

    def make():
        return module(params, "\n".join(body),
                      '%x: tensor<?x96xf32> {llmc.name = "x"}',
                      f"tensor<?x{width}xf32>")

    for compiled in compile_both(make, claimed=1):
        for count in ROWS:
            x = floats(count, 96) / 16
            p, q = (x @ numbers.T for numbers in values)
            want = p / (1 + np.exp(-p)) * q if gated else np.hstack([p, q])
            np.testing.assert_allclose(compiled({"x": x})["y"], want, rtol=1e-4,
                                       atol=1e-4)


def test_a_lookup_reads_what_is_rounded():
    """llmc.quantize_dynamic before it stays: there are no integers to multiply."""
    params, body, values = lookup(40, 64, 4, 32, scales=True)
    got, want = run(
        lambda: module(params, body + "\n" + linear(40, 64, False, 32),
                       '%x: tensor<?x64xf32> {llmc.name = "x"}',
                       "tensor<?x40xf32>"), {"x": floats(5, 64)}, claimed=1)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(platform.machine() != "x86_64",
                    reason="these are processors of x86-64")
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64"])
def test_lookup_on_other_processors(target, tmp_path):
    """Registers of 8 floats that can be permuted, and none."""
    params, body, names, want = {}, [], [], []
    x = floats(11, 96)
    for bits in range(2, 9):
        for groups in (0, 2, 48):
            name = f"n{bits}g{groups}"
            more, ops, values = lookup(48, 96, bits, 32, groups, True, name=name)
            params.update(more)
            want.append(x @ values.T)
            body += [ops, f"%{name} = llmc.linear %x, %{name}w : (tensor<?x96xf32>, "
                          "tensor<48x96xf32>) -> tensor<?x48xf32>"]
            names.append("%" + name)
    width = 48 * len(names)
    body += [f"%y = llmc.concat {', '.join(names)} {{axis = 1 : i64}} : "
             f"({', '.join(['tensor<?x48xf32>'] * len(names))}) "
             f"-> tensor<?x{width}xf32>", f"return %y : tensor<?x{width}xf32>"]
    module(params, "\n".join(body), '%x: tensor<?x96xf32> {llmc.name = "x"}',
           f"tensor<?x{width}xf32>").compile_artifact(
               tmp_path / "out.llmc", target=f"cpu:{target}")
    got = llmc.Artifact(tmp_path / "out.llmc")({"x": x})["y"]
    np.testing.assert_allclose(got, np.hstack(want), rtol=1e-3, atol=1e-3)


# Pruned weights -------------------------------------------------------------------

def check_pruned(params, body, rows, columns, values):
    def make():
        return module(params, body + "\n" + linear(rows, columns, False),
                      f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                      f"tensor<?x{rows}xf32>")

    check(make, columns, lambda x: x @ values.T, values)
    notice, = make().run("llmc-claim-kernels").notices
    assert "for which CPUs have no instructions" in notice


@pytest.mark.parametrize("pattern,rows,columns", [
    ("2:4", 45, 128), ("1:2", 33, 70), ("4:8", 16, 96), ("2:3", 7, 96),
    ("1:16", 33, 64)])
@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_pruned(pattern, rows, columns, kind):
    where, meta = pruned(rows, columns, pattern)
    stored = kept = floats(*where.shape)
    if kind == "f16":
        stored, kept = halves(kept, kind)
    values = np.zeros((rows, columns))
    np.put_along_axis(values, where, kept.astype(np.float64), 1)
    body = densify(stored, meta, pattern, f"{rows}x{columns}")
    body += (f"%w = llmc.cast %d {{to = f32}} : (tensor<{rows}x{columns}x{kind}>) "
             f"-> tensor<{rows}x{columns}xf32>")
    check_pruned({"v": stored, "p": meta}, body, rows, columns, values)


@pytest.mark.parametrize("rows,columns,tile", [
    (45, 96, None), (33, 100, None), (48, 96, (16, 4)), (30, 98, (5, 7))])
@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_pruned_anywhere(rows, columns, tile, kind):
    r, c = tile or (1, 1)
    mask = rng.random((rows // r, columns // c)) < 0.4
    kept = floats(mask.sum() * r * c)
    stored = kept
    if kind == "f16":
        stored, kept = halves(kept, kind)
    tiles = np.zeros((*mask.shape, r, c))
    tiles[mask] = kept.reshape(-1, r, c)
    values = tiles.transpose(0, 2, 1, 3).reshape(rows, columns)
    params = {"v": stored,
              "p": np.packbits(mask, axis=1, bitorder="little"),
              "s": np.cumsum([0, *mask.sum(1)])[:-1].astype(np.int32)}
    types = [f"tensor<{'x'.join(map(str, a.shape))}x{k}>"
             for a, k in zip(params.values(), (kind, "ui8", "i32"))]
    attribute = f", tile = array<i64: {r}, {c}>" if tile else ""
    body = "".join(f"%{name} = llmc.weight @{name} : {t}\n"
                   for name, t in zip(params, types))
    body += f"""%d = llmc.densify_bitmap %v, %p, %s {{columns = {columns} : i64{attribute}}}
      : ({", ".join(types)}) -> tensor<{rows}x{columns}x{kind}>
    %w = llmc.cast %d {{to = f32}} : (tensor<{rows}x{columns}x{kind}>) -> tensor<{rows}x{columns}xf32>
    """
    check_pruned(params, body, rows, columns, values)


@pytest.mark.parametrize("pattern,bits,block,columns,fill", [
    ("2:4", 4, 16, 128, None), ("2:4", 5, 32, 96, None), ("2:4", 4, 32, 70, 7),
    ("1:2", 3, 32, 96, None), ("4:8", 2, 64, 128, 1)])
def test_pruned_and_quantized(pattern, bits, block, columns, fill):
    rows, blocks = 45, -(-columns // block)
    where, meta = pruned(rows, blocks * block, pattern)
    kept = rng.integers(0, 2**bits, where.shape).astype(np.uint8)
    codes = np.full((rows, blocks * block), 2**(bits - 1) if fill is None else fill)
    np.put_along_axis(codes, where, kept, 1)
    scales = np.abs(floats(rows, blocks))
    values = (codes - 2.0**(bits - 1)) * scales.repeat(block, axis=1)
    stored = pack(kept.reshape(rows * blocks, -1), bits).reshape(rows, blocks, -1)
    size = block * bits // 8
    body = densify(stored, meta, pattern, f"{rows}x{blocks}x{size}", bits, fill)
    body += f"""%s = llmc.weight @s : tensor<{rows}x{blocks}xf32>
    %w = llmc.dequantize %d, %s {{bits = {bits} : i64, block = {block} : i64,
                                  columns = {columns} : i64}}
      : (tensor<{rows}x{blocks}x{size}xui8>, tensor<{rows}x{blocks}xf32>)
      -> tensor<{rows}x{columns}xf32>"""
    check_pruned({"v": stored, "p": meta, "s": scales}, body, rows, columns,
                 values[:, :columns])


def test_pruned_nf4():
    """NF4 has its 0 at index 7."""
    where, meta = pruned(33, 128, "2:4")
    kept = rng.integers(0, 16, where.shape).astype(np.uint8)
    codes = np.full((33, 128), 7)
    np.put_along_axis(codes, where, kept, 1)
    scales = np.abs(floats(33, 2))
    values = NF4[codes].astype(np.float64) * scales.repeat(64, axis=1)
    stored = pack(kept, 4).reshape(33, 2, 16)
    body = densify(stored, meta, "2:4", "33x2x32", 4, 7) + """
    %s = llmc.weight @s : tensor<33x2xf32>
    %c = llmc.weight @c : tensor<16xf32>
    %w = llmc.lookup %d, %c, %s {bits = 4 : i64, block = 64 : i64, columns = 128 : i64}
      : (tensor<33x2x32xui8>, tensor<16xf32>, tensor<33x2xf32>) -> tensor<33x128xf32>"""
    check_pruned({"v": stored, "p": meta, "s": scales, "c": NF4}, body, 33, 128,
                 values)


# Low rank -------------------------------------------------------------------------

@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("bits", [0, 4])
def test_low_rank(bits, corrected):
    """No product of weights is ever computed: linears are, all by kernels."""
    rows, columns, rank = 45, 96, 32

    def factor(name, n, k):
        if not bits:
            values = floats(n, k)
            return ({name: values}, f"%{name} = llmc.weight @{name} : "
                                    f"tensor<{n}x{k}xf32>\n", values)
        params, body, values = lookup(n, k, 4, 32, scales=True, codebook=NF4,
                                      name=name)
        return params, body.replace(f"%{name}w =", f"%{name} =") + "\n", values

    (params, body, u), (more, ops, v) = (factor("u", rows, rank),
                                         factor("v", rank, columns))
    params.update(more)
    product = "%w" if not corrected else "%uv"
    body += ops + f"""{product} = llmc.matmul %u, %v
      : (tensor<{rows}x{rank}xf32>, tensor<{rank}x{columns}xf32>)
      -> tensor<{rows}x{columns}xf32>
    """
    values = u.astype(np.float64) @ v
    if corrected:
        more, ops, base = factor("a", rows, columns)
        params.update(more)
        matrix = f"tensor<{rows}x{columns}xf32>"
        body += ops + f"%w = llmc.add %a, %uv : ({matrix}, {matrix}) -> {matrix}\n"
        values += base
    params["b"] = floats(rows)

    def make():
        made = module(params, body + linear(rows, columns, True),
                      f'%x: tensor<?x{columns}xf32> '
                      '{llmc.name = "x", llmc.dims = ["n", ""]}',
                      f"tensor<?x{rows}xf32>")
        made.run("llmc-split-low-rank")
        assert made.ops().get("llmc.matmul", 0) == 0
        return made

    # The correction is added where its last factor is applied, and its first
    # one shares a kernel with the other weight, which reads x as well.
    check(make, columns, lambda x: x @ values.T + params["b"],
          np.abs(u) @ np.abs(v) + np.abs(values), claimed=2)


def test_low_rank_embedding():
    u, v = floats(45, 8), floats(8, 70)
    body = """%u = llmc.weight @u : tensor<45x8xf32>
    %v = llmc.weight @v : tensor<8x70xf32>
    %w = llmc.matmul %u, %v : (tensor<45x8xf32>, tensor<8x70xf32>) -> tensor<45x70xf32>
    %y = llmc.embedding %ids, %w : (tensor<?xi64>, tensor<45x70xf32>) -> tensor<?x70xf32>
    return %y : tensor<?x70xf32>"""

    def make():
        made = module({"u": u, "v": v}, body,
                      '%ids: tensor<?xi64> {llmc.name = "ids"}',
                      "tensor<?x70xf32>")
        made.run("llmc-split-low-rank")
        return made

    ids = rng.integers(-45, 45, 30)
    for got in run(make, {"ids": ids}, claimed=2):
        np.testing.assert_allclose(got, (u @ v)[ids], rtol=1e-4, atol=1e-4)
