"""Linears with what stands around them, as one kernel of the CPU backend."""

import math

import numpy as np
import pytest

from kernels import (compile_both, floats, linear, module, quantized, weight,
                     weight_ops)

ROWS = (1, 4, 5, 30)


def check(params, body, columns, result, launches=1, rtol=2e-5, counts=ROWS):
    argument = (f'%x: tensor<?x{columns}xf32> '
                '{llmc.name = "x", llmc.dims = ["n", ""]}')

    def make():
        return module(params, body, argument, result)

    both = compile_both(make, launches)
    for count in counts:
        x = floats(count, columns)
        got, want = (compiled({"x": x})["y"] for compiled in both)
        np.testing.assert_allclose(got, want, rtol=rtol,
                                   atol=rtol * np.abs(want).max())


# Integers on both sides ---------------------------------------------------------

@pytest.mark.parametrize("bits,block,zeros,rows,columns,bias", [
    (2, 16, True, 33, 96, False), (3, 32, False, 40, 128, True),
    (4, 32, False, 64, 128, False), (4, 32, True, 33, 96, True),
    (4, 128, True, 7, 70, True), (5, 64, False, 33, 128, False),
    (6, 32, True, 16, 96, False), (8, 32, False, 33, 96, True),
    (8, 96, True, 40, 96, False), (4, 256, False, 40, 1120, False),
    (3, 32, "half", 40, 128, True), (4, 32, "float", 33, 96, False),
    (5, 64, "float", 33, 128, True), (8, 32, "half", 40, 96, False)])
def test_rounded_operands(bits, block, zeros, rows, columns, bias):
    params, _ = quantized(rows, columns, bits, block, zeros)
    body = weight_ops(params, rows, columns, bits, block)
    if bias:
        params["b"] = floats(rows)
    check(params, body + "\n" + linear(rows, columns, bias, block), columns,
          f"tensor<?x{rows}xf32>")


@pytest.mark.parametrize("kind", ["zero", "denormal", "huge", "outlier"])
def test_rounded_adversarial_values(kind):
    params, values = quantized(40, 64, 4, 32, True)
    body = weight_ops(params, 40, 64, 4, 32) + "\n" + linear(40, 64, False, 32)
    both = compile_both(
        lambda: module(params, body, '%x: tensor<?x64xf32> {llmc.name = "x"}',
                       "tensor<?x40xf32>"), 1)
    x = floats(9, 64) * np.float32({"zero": 0, "denormal": 1e-39,
                                    "huge": 1e36, "outlier": 1}[kind])
    if kind == "outlier":
        x[:, 5] = 3e4
    got, want = (compiled({"x": x})["y"] for compiled in both)
    assert np.isfinite(got).all()
    bound = 1e-5 * (np.abs(x).astype(np.float64) @ np.abs(values).T)
    assert np.all(np.abs(got - want) <= bound)
    x[0, 0], x[1, 1] = np.nan, np.inf
    got = both[0]({"x": x})["y"]
    assert not np.isfinite(got[:2]).any() and np.isfinite(got[2:]).all()


def test_rounding_in_other_blocks_than_the_weights():
    """Is not what the kernel does, which is a remark, but means the same."""
    params, _ = quantized(40, 128, 4, 32, False)
    body = weight_ops(params, 40, 128, 4, 32) + "\n" + linear(40, 128, False, 64)
    made = module(params, body, '%x: tensor<?x128xf32> {llmc.name = "x"}',
                  "tensor<?x40xf32>")
    notice, = made.run("llmc-claim-kernels").notices
    assert "no backend claims" in notice
    check(params, body, 128, "tensor<?x40xf32>")


@pytest.mark.parametrize("half", [False, True])
def test_scales_are_stored_as_halves_if_that_loses_nothing(half):
    params, _ = quantized(16, 64, 4, 32, False)
    if half:
        params["s"] = params["s"].astype(np.float16).astype(np.float32)
    body = weight_ops(params, 16, 64, 4, 32) + "\n" + linear(16, 64, False)
    made = module(params, body, '%x: tensor<?x64xf32> {llmc.name = "x"}',
                  "tensor<?x16xf32>")
    made.run("llmc-claim-kernels")
    dtype, = (p["dtype"] for p in made.params() if "scales" in p["name"])
    assert dtype == ("float16" if half else "float32")
    check(params, body, 64, "tensor<?x16xf32>")


# Around linears -----------------------------------------------------------------

NORMS = {
    "rms": '%n = llmc.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : '
           '(tensor<?x96xf32>, tensor<96xf32>) -> tensor<?x96xf32>',
    "layer": '%n = llmc.layer_norm %x, %g, %h {axis = 1 : i64, epsilon = '
             '1.0e-5 : f32} : (tensor<?x96xf32>, tensor<96xf32>, '
             'tensor<96xf32>) -> tensor<?x96xf32>',
}


@pytest.mark.parametrize("norm", sorted(NORMS))
@pytest.mark.parametrize("rounded", [False, True])
def test_norm_and_linears_with_one_operand(norm, rounded):
    """Three weights of different sizes, one of them with a bias."""
    params = {"g": floats(96), "h": floats(96), "b": floats(33)}
    body = ["%g = llmc.weight @g : tensor<96xf32>",
            "%h = llmc.weight @h : tensor<96xf32>",
            "%b = llmc.weight @b : tensor<33xf32>", NORMS[norm]]
    operand = "%n"
    if rounded:
        operand = "%a"
        body.append("%a = llmc.quantize_dynamic %n {block = 32 : i64} : "
                    "(tensor<?x96xf32>) -> tensor<?x96xf32>")
    names, sizes = "pqr", (48, 33, 16)
    for name, rows in zip(names, sizes):
        more, ops, _ = weight(name, rows, 96, 4, 32)
        params.update(more)
        bias = (", %b", f", tensor<{rows}xf32>") if rows == 33 else ("", "")
        body += [ops, f"%{name} = llmc.linear {operand}, %{name}w{bias[0]} : "
                      f"(tensor<?x96xf32>, tensor<{rows}x96xf32>{bias[1]}) "
                      f"-> tensor<?x{rows}xf32>"]
    types = ", ".join(f"tensor<?x{rows}xf32>" for rows in sizes)
    body += [f"%y = llmc.concat %p, %q, %r {{axis = 1 : i64}} : ({types}) "
             f"-> tensor<?x97xf32>", "return %y : tensor<?x97xf32>"]
    if norm == "rms":
        params.pop("h")
        body.pop(1)
    check(params, "\n".join(body), 96, "tensor<?x97xf32>")


@pytest.mark.parametrize("activation", [
    "llmc.silu %p", "llmc.gelu %p", "llmc.gelu %p {tanh}"])
@pytest.mark.parametrize("rows", [48, 40, 7])
def test_gated(activation, rows):
    params, body, result = {}, [], f"tensor<?x{rows}xf32>"
    for name in "pq":
        more, ops, _ = weight(name, rows, 96, 4, 32, zeros=True)
        params.update(more)
        body += [ops, f"%{name} = llmc.linear %x, %{name}w : (tensor<?x96xf32>,"
                      f" tensor<{rows}x96xf32>) -> {result}"]
    body += [f"%t = {activation} : ({result}) -> {result}",
             f"%y = llmc.mul %q, %t : ({result}, {result}) -> {result}",
             f"return %y : {result}"]
    check(params, "\n".join(body), 96, result)


@pytest.mark.parametrize("activation", [
    "llmc.relu %p", "llmc.silu %p", "llmc.gelu %p", "llmc.gelu %p {tanh}"])
def test_activated(activation):
    params, _ = quantized(40, 96, 8, 96, False)
    body = weight_ops(params, 40, 96, 8, 96) + f"""
    %p = llmc.linear %x, %w : (tensor<?x96xf32>, tensor<40x96xf32>) -> tensor<?x40xf32>
    %y = {activation} : (tensor<?x40xf32>) -> tensor<?x40xf32>
    return %y : tensor<?x40xf32>"""
    check(params, body, 96, "tensor<?x40xf32>")


def test_rows_in_parts():
    params, _ = quantized(40, 96, 4, 32, True)
    body = weight_ops(params, 40, 96, 4, 32) + """
    %y = llmc.linear %x, %w : (tensor<?x96xf32>, tensor<40x96xf32>) -> tensor<?x40xf32>
    return %y : tensor<?x40xf32>"""
    check(params, body, 96, "tensor<?x40xf32>", counts=(256, 257, 700))


def gelu(x):
    return x * (0.5 + 0.5 * math.erf(x / math.sqrt(2)))


def silu(x):
    return x / (1 + math.exp(-x))


@pytest.mark.parametrize("formula, error", [(gelu, 2.5e-7), (silu, 2.5e-7)])
def test_activations_of_all_sizes(formula, error):
    """What erf and exp make of small, large and other numbers."""
    body = f"""%w = llmc.weight @w : tensor<16x1xf32>
    %p = llmc.linear %x, %w : (tensor<?x1xf32>, tensor<16x1xf32>) -> tensor<?x16xf32>
    %y = llmc.{formula.__name__} %p : (tensor<?x16xf32>) -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>"""
    compiled, _ = compile_both(
        lambda: module({"w": np.ones((16, 1), np.float32)}, body,
                       '%x: tensor<?x1xf32> {llmc.name = "x"}',
                       "tensor<?x16xf32>"), 1)
    x = np.concatenate([np.linspace(-8, 8, 100_001), np.linspace(-87, 300, 9999),
                        np.logspace(-38, 2, 4001),
                        -np.logspace(-38, 0.7, 4001)]).astype(np.float32)
    special = np.array([np.nan, np.inf, 0], np.float32)
    y = compiled({"x": np.concatenate([x, special])[:, None]})["y"]
    assert np.array_equal(y, np.repeat(y[:, :1], 16, axis=1), equal_nan=True)
    want = np.array([formula(v) for v in x.tolist()])
    near = np.abs(x) if formula is gelu else np.abs(want)
    assert np.all(np.abs(y[:-3, 0] - want) <= error * near + 1e-45)
    assert np.isnan(y[-3, 0]) and y[-2, 0] == np.inf and y[-1, 0] == 0


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_norm_alone(norm):
    params = {"g": floats(96), "h": floats(96)}
    body = "\n".join([
        "%g = llmc.weight @g : tensor<96xf32>",
        "%h = llmc.weight @h : tensor<96xf32>", NORMS[norm],
        "return %n : tensor<?x96xf32>"])
    check(params, body, 96, "tensor<?x96xf32>")
    # Enough rows for threads, and columns that fill no vector.
    params = {"g": floats(71), "h": floats(71)}
    check(params, body.replace("96", "71"), 71, "tensor<?x71xf32>",
          counts=(1, 200))


@pytest.mark.parametrize("dense", [False, True])
def test_sum(dense):
    """With a value of the same size, and not with one that is broadcast."""
    if dense:
        params = {"w": floats(96, 96)}
        body = "%w = llmc.weight @w : tensor<96x96xf32>"
    else:
        params, _ = quantized(96, 96, 4, 32, False)
        body = weight_ops(params, 96, 96, 4, 32)
    body += """
    %p = llmc.linear %x, %w : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32>
    %y = llmc.add %x, %p : (tensor<?x96xf32>, tensor<?x96xf32>) -> tensor<?x96xf32>
    return %y : tensor<?x96xf32>"""
    check(params, body, 96, "tensor<?x96xf32>")
    params["v"] = floats(1, 96)
    check(params, body.replace("llmc.add %x,", "llmc.add %v,")
          .replace("llmc.add %v, %p : (tensor<?x", "llmc.add %v, %p : (tensor<1x")
          .replace("%p =", "%v = llmc.weight @v : tensor<1x96xf32>\n%p ="),
          96, "tensor<?x96xf32>")


def test_a_norm_that_others_read_is_a_kernel_of_its_own():
    params, _ = quantized(96, 96, 4, 32, False)
    body = weight_ops(params, 96, 96, 4, 32)
    params["g"] = floats(96)
    check(params, "%g = llmc.weight @g : tensor<96xf32>\n" + NORMS["rms"]
          + "\n" + body + """
    %p = llmc.linear %n, %w : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32>
    %y = llmc.mul %n, %p : (tensor<?x96xf32>, tensor<?x96xf32>) -> tensor<?x96xf32>
    return %y : tensor<?x96xf32>""", 96, "tensor<?x96xf32>", launches=2)


def test_threads_do_not_change_results(tmp_path):
    import llmc
    params, _ = quantized(200, 96, 4, 32, True)
    body = weight_ops(params, 200, 96, 4, 32) + "\n" + linear(200, 96, False, 32)
    module(params, body, '%x: tensor<?x96xf32> {llmc.name = "x"}',
           "tensor<?x200xf32>").compile_artifact(tmp_path / "out.llmc")
    artifact = llmc.Artifact(tmp_path / "out.llmc")
    for count in (1, 30):
        x = floats(count, 96)
        results = [artifact.session(threads=n).run({"x": x})["y"]
                   for n in (1, 2, 3, 7, 0)]
        for result in results[1:]:
            assert np.array_equal(result, results[0])
