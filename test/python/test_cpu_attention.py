"""Attention of the CPU backend against the reference lowering."""

import numpy as np
import pytest

import llmc
from kernels import floats, module

def attention(heads, key_heads, size, value_size, attributes="", mask=None,
              transposed=False, mask_type="f32", element="f32"):
    """The module, and what it is to be fed with for S queries and T keys."""
    q = f"tensor<?x{heads}x?x{size}xf32>"
    key = f"tensor<?x{key_heads}x?x{size}xf32>"
    value = f"tensor<?x{key_heads}x?x{value_size}xf32>"
    result = f"tensor<?x{heads}x?x{value_size}xf32>"
    arguments = (f'%q: {q} {{llmc.name = "q", llmc.dims = ["b", "", "s", ""]}}, '
                 f'%k: {key} {{llmc.name = "k", llmc.dims = ["b", "", "t", ""]}}, '
                 f'%v: {value} {{llmc.name = "v", llmc.dims = ["b", "", "t", ""]}}')
    operands, types = "%q, %k, %v", f"{q}, {key}, {value}"
    if mask:
        kind = f"tensor<{mask[0]}x{mask_type}>"
        arguments += (f', %m: {kind} {{llmc.name = "m", '
                      f'llmc.dims = {mask[1]}}}')
        operands, types = operands + ", %m", types + f", {kind}"
    body = (f"%y = llmc.attention {operands} {{scale = 0.3 : f32{attributes}}}"
            f" : ({types}) -> {result}\n")
    if transposed:
        turned = f"tensor<?x?x{heads}x{value_size}xf32>"
        body += (f"%t = llmc.transpose %y {{perm = array<i64: 0, 2, 1, 3>}} : "
                 f"({result}) -> {turned}\nreturn %t : {turned}")
        result = turned
    else:
        body += f"return %y : {result}"
    arguments, body, result = (part.replace("xf32>", f"x{element}>")
                               for part in (arguments, body, result))
    return lambda: module({}, body, arguments, result)


@pytest.mark.parametrize("heads,key_heads,size,value_size",
                         [(4, 4, 16, 16), (6, 2, 64, 64), (8, 1, 24, 40),
                          (2, 1, 5, 3), (32, 4, 128, 128)])
@pytest.mark.parametrize("attributes", ["", ", causal",
                                        ", causal, window = 7 : i64",
                                        ", softcap = 2.0 : f32"])
def test_attention(heads, key_heads, size, value_size, attributes):
    make = attention(heads, key_heads, size, value_size, attributes,
                     transposed=heads == 6)
    assert make().run("llmc-claim-kernels").notices == []
    compiled = {"host": make().compile(),
                "reference": make().compile("reference", opt_level=0)}
    for batch, rows, keys in ((2, 1, 1), (1, 1, 130), (2, 5, 5), (1, 70, 70),
                              (1, 3, 200), (1, 0, 4)):
        feeds = {"q": floats(batch, heads, rows, size),
                 "k": floats(batch, key_heads, keys, size),
                 "v": floats(batch, key_heads, keys, value_size)}
        y, expected = (compiled[t](feeds)["y"] for t in ("host", "reference"))
        np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("scores", [0, 1e-20, 1, 1e4])
@pytest.mark.parametrize("values", [0, 1e-39, 1e30])
def test_adversarial_values(scores, values):
    """Scores that are all equal, and ones of which one takes all."""
    make = attention(6, 2, 64, 64, ", causal", transposed=True)
    feeds = {"q": floats(1, 6, 9, 64) * np.float32(scores),
             "k": floats(1, 2, 70, 64),
             "v": floats(1, 2, 70, 64) * np.float32(values)}
    y, expected = (compiled(feeds)["y"] for compiled in (
        make().compile(), make().compile("reference", opt_level=0)))
    assert np.all(np.isfinite(y))
    largest = np.abs(feeds["v"]).max()
    # A score of thousands has an error of 1e-3.
    bound = 1e-2 if scores > 1 else 2e-5
    assert np.all(np.abs(y - expected) <= bound * largest + 1e-43)


def attention_of_rows(element, size):
    """Queries, keys, values and the result are [B, S, heads, D]."""
    def turn(name, of, before, after):
        return (f"%{name} = llmc.transpose %{of} {{perm = array<i64: 0, 2, 1, 3>"
                f"}} : ({before}) -> {after}\n")

    rows, heads = {}, {}
    for name, count in (("q", 6), ("k", 3), ("v", 3), ("y", 6)):
        rows[name] = f"tensor<?x?x{count}x{size}x{element}>"
        heads[name] = f"tensor<?x{count}x?x{size}x{element}>"
    arguments = ", ".join(
        f'%{n}: {rows[n]} {{llmc.name = "{n}", llmc.dims = ["b", "{d}", "", ""]}}'
        for n, d in (("q", "s"), ("k", "t"), ("v", "t")))
    body = "".join(turn(f"{n}h", n, rows[n], heads[n]) for n in "qkv")
    body += (f"%a = llmc.attention %qh, %kh, %vh {{scale = 0.3 : f32}} : "
             f"({heads['q']}, {heads['k']}, {heads['v']}) -> {heads['y']}\n")
    body += turn("y", "a", heads["y"], rows["y"])
    body += f"return %y : {rows['y']}"
    return module({}, body, arguments, rows["y"])


@pytest.mark.parametrize("element,size", [("f32", 32), ("f32", 5), ("f16", 64)])
def test_rows_are_read_where_linears_left_them(element, size):
    claimed = attention_of_rows(element, size)
    claimed.run("llmc-claim-kernels")
    assert "llmc.transpose" not in claimed.ops()
    compiled = attention_of_rows(element, size).compile()
    reference = attention_of_rows("f32", size).compile("reference", opt_level=0)
    for batch, queries, keys in ((2, 1, 1), (1, 7, 130), (2, 70, 70)):
        feeds = {"q": floats(batch, queries, 6, size),
                 "k": floats(batch, keys, 3, size),
                 "v": floats(batch, keys, 3, size)}
        tolerance = 2e-5
        if element == "f16":
            feeds = {n: value.astype(np.float16) for n, value in feeds.items()}
            # The kernel computes in f32 and rounds the result.
            tolerance += 2**-11
        y = compiled(feeds)["y"].astype(np.float32)
        expected = reference({n: value.astype(np.float32)
                              for n, value in feeds.items()})["y"]
        np.testing.assert_allclose(y, expected, rtol=tolerance, atol=1e-5)


@pytest.mark.parametrize("shape,dims,make_mask", [
    ("?x1x?x?", ["b", "", "s", "t"], lambda b, h, s, t: (b, 1, s, t)),
    ("1x1x?x?", ["", "", "s", "t"], lambda b, h, s, t: (1, 1, s, t)),
    ("?x6x1x?", ["b", "", "", "t"], lambda b, h, s, t: (b, h, 1, t)),
    ("1x1x?x1", ["", "", "s", ""], lambda b, h, s, t: (1, 1, s, 1)),
])
def test_attention_masks(shape, dims, make_mask):
    """Real masks, causal ones, and rows of which all keys are excluded."""
    make = attention(6, 2, 32, 32, mask=(shape, str(dims).replace("'", '"')))
    assert make().run("llmc-claim-kernels").notices == []
    compiled = {"host": make().compile(),
                "reference": make().compile("reference", opt_level=0)}
    for batch, rows, keys in ((2, 1, 40), (2, 90, 90), (1, 150, 300)):
        wanted = make_mask(batch, 6, rows, keys)
        masks = [floats(*wanted)]
        if wanted[3] > 1:
            far = (np.arange(keys) > np.arange(wanted[2])[:, None]
                   + keys - wanted[2])
            for low in (np.finfo(np.float32).min, -np.inf):
                masks.append(np.broadcast_to(
                    np.where(far, np.float32(low), 0), wanted).copy())
                masks.append(masks[-1].copy())
                masks[-1][..., 0, :] = low
                masks[-1][..., :keys // 2] = low
        for mask in masks:
            feeds = {"q": floats(batch, 6, rows, 32),
                     "k": floats(batch, 2, keys, 32),
                     "v": floats(batch, 2, keys, 32), "m": mask}
            y, expected = (compiled[t](feeds)["y"]
                           for t in ("host", "reference"))
            np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("shape,dims,make_mask", [
    ("?x1x?x?", ["b", "", "s", "t"], lambda b, h, s, t: (b, 1, s, t)),
    ("?x1x1x?", ["b", "", "", "t"], lambda b, h, s, t: (b, 1, 1, t)),
    ("?x?", ["s", "t"], lambda b, h, s, t: (s, t)),
    ("?x6x?x1", ["b", "", "s", ""], lambda b, h, s, t: (b, h, s, 1)),
])
@pytest.mark.parametrize("kind", ["i1", "f32"])
def test_masks_that_broadcast(shape, dims, make_mask, kind):
    """Masks of any rank, and such that choose keys: padding of a batch, rows
    without a key, odd numbers of keys."""
    make = attention(6, 2, 32, 32, mask=(shape, str(dims).replace("'", '"')),
                     mask_type=kind)
    assert make().run("llmc-claim-kernels").notices == []
    compiled = {"host": make().compile(),
                "reference": make().compile("reference", opt_level=0)}
    for batch, rows, keys in ((2, 1, 41), (3, 90, 90), (1, 20, 700)):
        wanted = make_mask(batch, 6, rows, keys)
        mask = floats(*wanted) > 0
        mask[0] = False
        if wanted[-1] > 1:
            mask[..., keys // 3:keys // 2] = False
        feeds = {"q": floats(batch, 6, rows, 32),
                 "k": floats(batch, 2, keys, 32),
                 "v": floats(batch, 2, keys, 32),
                 "m": mask if kind == "i1" else mask.astype(np.float32)}
        y, expected = (compiled[t](feeds)["y"] for t in ("host", "reference"))
        np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("shape,dims", [("?x1x?x?", '["b", "", "s", "t"]'),
                                        ("?x6x?x1", '["b", "", "s", ""]')])
def test_half_precision(shape, dims):
    """Everything in f16, the mask too, against doubles."""
    make = attention(6, 2, 40, 24, ", softcap = 2.0 : f32", mask=(shape, dims),
                     element="f16")
    assert make().run("llmc-claim-kernels").notices == []
    compiled = make().compile()
    for batch, rows, keys in ((2, 1, 41), (1, 20, 700)):
        wanted = tuple(size if given == "?" else int(given) for given, size in
                       zip(shape.split("x"), (batch, 6, rows, keys)))
        mask = floats(*wanted).astype(np.float16)
        if wanted[-1] > 1:
            mask[..., keys // 3:keys // 2] = np.finfo(np.float16).min
            mask[..., 0] = -np.inf
        feeds = {"q": floats(batch, 6, rows, 40), "k": floats(batch, 2, keys, 40),
                 "v": floats(batch, 2, keys, 24), "m": mask}
        feeds = {name: value.astype(np.float16) for name, value in feeds.items()}
        q, k, v, mask = (value.astype(np.float64) for value in feeds.values())
        k, v = k.repeat(3, axis=1), v.repeat(3, axis=1)
        scores = 2 * np.tanh(q @ k.swapaxes(2, 3) * np.float32(0.3) / 2) + mask
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        y = weights / weights.sum(-1, keepdims=True) @ v
        np.testing.assert_allclose(compiled(feeds)["y"].astype(np.float64), y,
                                   rtol=2**-11 + 2e-5, atol=1e-5)


def test_a_repeated_mask_is_read_once():
    """An expanded mask needs no memory for its copies."""
    q = "tensor<?x4x?x16xf32>"
    module = llmc.Module.parse(f"""
func.func @main(
    %q: {q} {{llmc.name = "q", llmc.dims = ["b", "", "s", ""]}},
    %m: tensor<?x1x1x?xi1> {{llmc.name = "m", llmc.dims = ["b", "", "", "s"]}})
    -> ({q} {{llmc.name = "y"}}) {{
  %b = llmc.shape %q {{start = 0 : i64, end = 1 : i64}} : ({q}) -> tensor<1xi64>
  %s = llmc.shape %q {{start = 2 : i64, end = 3 : i64}} : ({q}) -> tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %t = llmc.concat %b, %one, %s, %s {{axis = 0 : i64}}
     : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %e = llmc.expand %m, %t : (tensor<?x1x1x?xi1>, tensor<4xi64>) -> tensor<?x1x?x?xi1>
  %y = llmc.attention %q, %q, %q, %e {{scale = 1.0 : f32}}
     : ({q}, {q}, {q}, tensor<?x1x?x?xi1>) -> {q}
  return %y : {q}
}}""")
    assert module.run("llmc-claim-kernels").notices == []
    assert module.ops()["llmc.launch"] == 1
    assert "llmc.expand" not in module.ops()


def test_a_query_does_not_depend_on_others():
    compiled = attention(6, 2, 32, 32, ", causal")().compile()
    feeds = {"q": floats(1, 6, 150, 32), "k": floats(1, 2, 150, 32),
             "v": floats(1, 2, 150, 32)}
    everything = compiled(feeds)["y"]
    for row in (0, 63, 64, 149):
        one = compiled({"q": feeds["q"][:, :, row:row + 1],
                        "k": feeds["k"][:, :, :row + 1],
                        "v": feeds["v"][:, :, :row + 1]})["y"]
        np.testing.assert_array_equal(one[:, :, 0], everything[:, :, row])
