"""Shapes that kernels find to be wrong when they run, and shapes that they
leave to the reference lowering."""

import numpy as np
import pytest

import llmc
from kernels import floats, module

MISMATCH = "the sizes of the inputs do not fit the model's operations"
X = '%x: tensor<?x?xf32> {llmc.name = "x"}'


def check_columns(made, columns, computed):
    """Rows of `columns` are computed; shorter and longer ones are an error, not
    a read of what lies behind them."""
    compiled = made.compile()
    x = floats(64, columns)
    np.testing.assert_allclose(compiled({"x": x})["y"], computed(x), rtol=1e-4,
                               atol=1e-4)
    for other in (2, columns - 1, columns + 1):
        with pytest.raises(llmc.Error, match=MISMATCH):
            compiled({"x": floats(64, other)})


@pytest.mark.parametrize("norm", ["rms_norm", "layer_norm"])
def test_columns_of_a_norm(norm):
    axis = ", axis = 1 : i64" if norm == "layer_norm" else ""
    made = module({"s": np.full(4096, 2, "f4")}, f"""
        %s = llmc.weight @s : tensor<4096xf32>
        %y = llmc.{norm} %x, %s {{epsilon = 1.0e-5 : f32{axis}}} : (tensor<?x?xf32>, tensor<4096xf32>) -> tensor<?x?xf32>
        return %y : tensor<?x?xf32>""", X, "tensor<?x?xf32>")

    def computed(x):
        x = x - (x.mean(1, keepdims=True) if norm == "layer_norm" else 0)
        return 2 * x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5)

    check_columns(made, 4096, computed)


@pytest.mark.parametrize("with_norm", [False, True])
def test_columns_of_a_linear(with_norm):
    w = floats(24, 512)
    norm = """%s = llmc.weight @s : tensor<512xf32>
        %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<?x?xf32>, tensor<512xf32>) -> tensor<?x?xf32>"""
    made = module({"w": w, "s": np.ones(512, "f4")}, f"""
        {norm if with_norm else ""}
        %w = llmc.weight @w : tensor<24x512xf32>
        %y = llmc.linear {"%n" if with_norm else "%x"}, %w : (tensor<?x?xf32>, tensor<24x512xf32>) -> tensor<?x24xf32>
        return %y : tensor<?x24xf32>""", X, "tensor<?x24xf32>")

    def computed(x):
        if with_norm:
            x = x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5)
        return x @ w.T

    check_columns(made, 512, computed)


def test_batches_of_attention():
    def of(name, heads):
        return f'%{name}: tensor<?x{heads}x?x8xf32> {{llmc.name = "{name}"}}'

    compiled = module({}, """
        %y = llmc.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<?x2x?x8xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x2x?x8xf32>
        return %y : tensor<?x2x?x8xf32>""",
                      ", ".join([of("q", 2), of("k", 1), of("v", 1)]),
                      "tensor<?x2x?x8xf32>").compile()
    for batches in ((64, 1, 1), (2, 2, 1), (2, 1, 2), (1, 3, 3)):
        with pytest.raises(llmc.Error, match=MISMATCH):
            compiled({name: floats(batch, heads, 40, 8)
                      for name, batch, heads in zip("qkv", batches, (2, 1, 1))})
    q, k, v = floats(2, 2, 3, 8), floats(2, 1, 5, 8), floats(2, 1, 5, 8)
    scores = np.exp(q @ k.swapaxes(2, 3))
    np.testing.assert_allclose(
        compiled({"q": q, "k": k, "v": v})["y"],
        scores / scores.sum(-1, keepdims=True) @ v, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [(3, 5), (5, 3)])
def test_rows_of_rotations(rows):
    """Tables with other rows than what they rotate."""
    made = module({}, """
        %r = llmc.rope %q, %c, %s : (tensor<?x2x?x8xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>) -> tensor<?x2x?x8xf32>
        %y = llmc.attention %r, %q, %q {scale = 1.0 : f32} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
        return %y : tensor<?x2x?x8xf32>""",
                  '%q: tensor<?x2x?x8xf32> {llmc.name = "q"}, '
                  '%c: tensor<1x?x4xf32> {llmc.name = "c"}, '
                  '%s: tensor<1x?x4xf32> {llmc.name = "s"}',
                  "tensor<?x2x?x8xf32>")
    with pytest.raises(llmc.Error, match=MISMATCH):
        made.compile()({"q": floats(1, 2, rows[0], 8),
                        "c": floats(1, rows[1], 4), "s": floats(1, rows[1], 4)})


@pytest.mark.parametrize("scale, bias", [("1", "4"), ("1x4", "1x4"), ("4", "1"),
                                         ("1", "1")])
def test_norms_that_repeat_parameters(scale, bias):
    """Are right, and no kernels."""
    def of(shape):
        return floats(*map(int, shape.split("x")))

    params = {"s": of(scale), "b": of(bias)}

    def make():
        return module(params, f"""
            %s = llmc.weight @s : tensor<{scale}xf32>
            %b = llmc.weight @b : tensor<{bias}xf32>
            %y = llmc.layer_norm %x, %s, %b {{epsilon = 1.0e-5 : f32, axis = 1 : i64}} : (tensor<?x4xf32>, tensor<{scale}xf32>, tensor<{bias}xf32>) -> tensor<?x4xf32>
            return %y : tensor<?x4xf32>""",
                      '%x: tensor<?x4xf32> {llmc.name = "x"}',
                      "tensor<?x4xf32>")

    x = floats(3, 4)
    centred = x - x.mean(1, keepdims=True)
    want = (centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
            * params["s"] + params["b"])
    np.testing.assert_allclose(make().compile()({"x": x})["y"], want, rtol=1e-4,
                               atol=1e-5)
    notices = make().run("llmc-claim-kernels").notices
    assert len(notices) == 1 and "no backend claims this op" in notices[0]


@pytest.mark.parametrize("rows, columns", [(2, 0), (0, 4), (0, 0)])
def test_a_weight_without_numbers(rows, columns):
    made = module({"w": np.zeros((rows, columns), "f4")}, f"""
        %w = llmc.weight @w : tensor<{rows}x{columns}xf32>
        %y = llmc.linear %x, %w : (tensor<?x{columns}xf32>, tensor<{rows}x{columns}xf32>) -> tensor<?x{rows}xf32>
        return %y : tensor<?x{rows}xf32>""",
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{rows}xf32>")
    got = made.compile()({"x": floats(3, columns)})["y"]
    assert got.shape == (3, rows) and not got.any()


def test_attention_without_heads():
    made = module({}, """
        %y = llmc.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x0x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x0x?x8xf32>
        return %y : tensor<1x0x?x8xf32>""",
                  '%q: tensor<1x0x?x8xf32> {llmc.name = "q"}, '
                  '%k: tensor<1x2x?x8xf32> {llmc.name = "k"}',
                  "tensor<1x0x?x8xf32>")
    got = made.compile()({"q": floats(1, 0, 3, 8), "k": floats(1, 2, 5, 8)})
    assert got["y"].shape == (1, 0, 3, 8)
