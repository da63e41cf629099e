"""Attention and rotary embedding of com.microsoft."""

import numpy as np
import pytest
from contrib import (INT8, check, floats, integers, make_model, packed, refuse,
                     rng, run, scale)

import llmc

onnx = pytest.importorskip("onnx")


def tables(length, half):
    angles = np.arange(length)[:, None] / 100.0 ** (np.arange(half) / half)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("ids", ["offset", "tokens"])
@pytest.mark.parametrize("rank", [3, 4])
def test_rotary(tmp_path, rank, ids, interleaved):
    cos, sin = tables(20, 4)
    x = floats(2, 5, 24) if rank == 3 else floats(2, 3, 5, 8)
    check(tmp_path, "RotaryEmbedding",
          {"x": x, "ids": np.array([7]) if ids == "offset"
           else rng.integers(0, 20, (2, 5)), "cos": cos, "sin": sin},
          ("cos", "sin"), interleaved=interleaved,
          dims={"ids": [1] if ids == "offset" else ["batch", "sequence"],
                **({"x": ["batch", 3, "sequence", 8]} if rank == 4 else {})})


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_of_a_part_of_the_head(tmp_path, interleaved):
    cos, sin = tables(20, 2)
    check(tmp_path, "RotaryEmbedding",
          {"x": floats(2, 5, 24), "ids": rng.integers(0, 20, (2, 5)),
           "cos": cos, "sin": sin},
          ("cos", "sin"), num_heads=3, rotary_embedding_dim=4,
          interleaved=interleaved)


def test_rotary_refuses(tmp_path):
    cos, sin = tables(20, 4)
    inputs = {"x": floats(2, 5, 24), "ids": rng.integers(0, 20, (2, 5)),
              "cos": cos, "sin": sin}
    refuse(tmp_path, "is_packed_batching = 1 is not supported",
           "RotaryEmbedding", inputs, ("cos", "sin"), is_packed_batching=1)
    refuse(tmp_path, "no multiple of the number of heads, 5",
           "RotaryEmbedding", inputs, ("cos", "sin"), num_heads=5)


GQA = {
    "plain": {},
    "packed": {"packed": True},
    "past": {"past": 6},
    "packed-past-rope": {"packed": True, "past": 6, "rope": True},
    "rope": {"rope": True},
    "rope-interleaved": {"rope": True, "past": 3,
                         "attributes": {"rotary_interleaved": 1}},
    "rope-partial": {"rope": True, "size": 32, "rotary": 16},
    "rope-positions": {"rope": True, "positions": True},
    "window": {"past": 6, "attributes": {"local_window_size": 4}},
    "window-first": {"length": 7, "attributes": {"local_window_size": 3}},
    "softcap": {"past": 6, "attributes": {"softcap": 5.0, "scale": 0.3}},
    "bias": {"past": 6, "bias": (1, 4)},
    "bias-per-sequence": {"batch": 2, "bias": (2, 1)},
    "batch": {"batch": 2, "rope": True},
    "one-token": {"batch": 2, "past": 6, "length": 1, "rope": True,
                  "packed": True},
    "heads-of-24": {"size": 24, "past": 2},
    "smooth": {"past": 6, "attributes": {"smooth_softmax": 1}},
    "smooth-off": {"past": 6, "attributes": {"smooth_softmax": 0}},
    "smooth-softcap": {"attributes": {"smooth_softmax": 1, "softcap": 5.0}},
    "sink": {"past": 6, "sink": True},
    "sink-window-bias": {"past": 6, "sink": True, "bias": (1, 4),
                         "attributes": {"local_window_size": 4}},
    "bidirectional": {"batch": 2, "attributes": {"causal": 0}},
    "defaults": {"attributes": {"k_quant_type": "NONE", "qk_output": 0,
                                "kv_cache_bit_width": 0, "causal": 1,
                                "sliding_window_cache": 0}},
    "mqa": {"kv_heads": 1, "past": 2},
}


def gqa_inputs(batch=1, length=5, past=None, size=16, heads=4, kv_heads=2,
               packed=False, rope=False, rotary=None, positions=False,
               bias=None, sink=False, attributes=()):
    make = lambda n: floats(batch, length, n * size)  # noqa: E731
    total = (past or 0) + length
    query, key, value = make(heads), make(kv_heads), make(kv_heads)
    if packed:
        query, key, value = np.concatenate([query, key, value], 2), None, None
    cache = lambda: None if past is None else floats(  # noqa: E731
        batch, kv_heads, past, size)
    cos, sin = tables(32, (rotary or size) // 2) if rope else (None, None)
    return {
        "query": query, "key": key, "value": value, "past_key": cache(),
        "past_value": cache(),
        "seqlens_k": np.full(batch, total - 1, np.int32),
        "total": np.array(total, np.int32), "cos": cos, "sin": sin,
        "positions": np.arange(3, 3 + length)[None].repeat(batch, 0)
        if positions else None,
        "bias": floats(*bias, length, total) if bias else None,
        "sink": floats(heads) if sink else None}


def gqa_dims(inputs, kv_heads=2):
    size = inputs["past_key"].shape[3] if inputs["past_key"] is not None else 0
    cache = ["batch", kv_heads, "past", size]
    return {"past_key": cache, "past_value": cache}


@pytest.mark.parametrize("name", GQA)
def test_group_query_attention(tmp_path, name):
    form = dict(GQA[name])
    inputs = gqa_inputs(**form)
    kv_heads = form.get("kv_heads", 2)
    check(tmp_path, "GroupQueryAttention", inputs, ("cos", "sin"), outputs=3,
          dims=gqa_dims(inputs, kv_heads), num_heads=4, kv_num_heads=kv_heads,
          do_rotary=int(form.get("rope", False)),
          **form.get("attributes", {}))


def test_group_query_attention_with_normalized_heads(tmp_path):
    """Queries and keys normalized before they are rotated, as Qwen3 does; on
    the CPU ONNX Runtime refuses this, but not with norms in front."""
    inputs = gqa_inputs(past=3, rope=True)
    weights = {"q_norm": floats(16), "k_norm": floats(16)}

    def norm(x, weight):
        heads = x.reshape(*x.shape[:2], -1, 16).astype(np.float64)
        scaled = heads / np.sqrt((heads**2).mean(-1, keepdims=True) + 1e-5)
        return (scaled * weight).astype(np.float32).reshape(x.shape)

    common = {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1, "outputs": 3}
    normed = {**inputs, "query": norm(inputs["query"], weights["q_norm"]),
              "key": norm(inputs["key"], weights["k_norm"])}
    want = run(make_model("GroupQueryAttention", normed, ("cos", "sin"),
                          **common), normed)
    check(tmp_path, "GroupQueryAttention",
          {**inputs, "k_scale": None, "v_scale": None, **weights},
          ("cos", "sin"), dims=gqa_dims(inputs), qk_norm_epsilon=1e-5,
          reference=dict(enumerate(want.values())), **common)


def test_group_query_attention_refuses_uneven_caches(tmp_path):
    """Sequences of different lengths in one cache would need their new rows in
    different places."""
    inputs = gqa_inputs(batch=2, length=1, past=6)
    onnx.save(make_model("GroupQueryAttention", inputs, outputs=3,
                         dims=gqa_dims(inputs), num_heads=4, kv_num_heads=2),
              tmp_path / "in.onnx")
    compiled = llmc.compile(tmp_path / "in.onnx", opt_level=0)
    feeds = {n: v for n, v in inputs.items() if v is not None}
    compiled(feeds)
    with pytest.raises(llmc.Error, match="index is outside"):
        compiled({**feeds, "seqlens_k": np.array([4, 6], np.int32)})


@pytest.mark.parametrize("message,inputs,attributes", [
    ("k_quant_type = 'PER_TENSOR' is not supported", {},
     {"k_quant_type": "PER_TENSOR"}),
    ("qk_output = 1 is not supported", {}, {"qk_output": 1}),
    ("sliding_window_cache = 1 is not supported", {},
     {"sliding_window_cache": 1, "local_window_size": 2}),
    (r"\(k_scale\) is not supported",
     {"sink": None, "k_scale": np.ones(1, np.float32)}, {}),
    ("must be a multiple of kv_num_heads", {}, {"kv_num_heads": 3}),
    ("needs both key and value", {"value": None}, {}),
    ("do_rotary needs cos_cache", {}, {"do_rotary": 1})])
def test_group_query_attention_refuses(tmp_path, message, inputs, attributes):
    refuse(tmp_path, message, "GroupQueryAttention",
           {**gqa_inputs(), **inputs}, outputs=3,
           **{"num_heads": 4, "kv_num_heads": 2, **attributes})


MHA = {
    "self": {},
    "bias": {"bias": True},
    "cross": {"keys": 7},
    "cross-bias": {"keys": 7, "bias": True},
    "cached-cross": {"keys": 7, "cached": True},
    "cached-cross-bias": {"keys": 7, "cached": True, "bias": True},
    "value-size": {"value_size": 12},
    "lengths": {"mask": "lengths"},
    "keys-mask": {"mask": "keys"},
    "past-mask": {"mask": "total", "past": 4},
    "rows-mask": {"mask": "rows", "past": 4},
    "mask-filter": {"mask": "keys", "attributes": {"mask_filter_value": -50.0}},
    "attention-bias": {"attention_bias": (2, 3)},
    "attention-bias-for-all": {"attention_bias": (1, 1), "past": 4},
    "past": {"past": 4},
    "past-bias": {"past": 4, "bias": True},
    "causal": {"past": 4, "attributes": {"unidirectional": 1}},
    "causal-self": {"attributes": {"unidirectional": 1}},
    "scale": {"attributes": {"scale": 0.2}},
}


def attention_mask(kind, batch, length, past):
    total = past + length
    keep = np.arange(total) < np.array([[total - 2], [total]])
    return {
        "": None, "lengths": np.array([total - 2, total]), "keys": keep,
        "total": keep,
        "rows": keep[:, None].repeat(length, 1) & (rng.random(
            (batch, length, total)) < 0.7) | (np.arange(total) == 0),
        "ranges": np.array([total - 1, total, 2, 1]),
    }[kind]


@pytest.mark.parametrize("name", MHA)
def test_multi_head_attention(tmp_path, name, batch=2, length=5, heads=3,
                              size=8):
    form = MHA[name]
    keys, past = form.get("keys", length), form.get("past", 0)
    value_size = form.get("value_size", size)
    key, value = floats(batch, keys, heads * size), floats(batch, keys,
                                                           heads * value_size)
    if form.get("cached"):
        key, value = (x.reshape(batch, keys, heads, -1).swapaxes(1, 2).copy()
                      for x in (key, value))
    mask = attention_mask(form.get("mask", ""), batch, keys, past)
    cache = lambda n: floats(batch, heads, past, n) if past else None  # noqa
    biases = form.get("attention_bias")
    check(tmp_path, "MultiHeadAttention",
          {"query": floats(batch, length, heads * size), "key": key,
           "value": value,
           "bias": floats(heads * (2 * size + value_size))
           if form.get("bias") else None,
           "mask": None if mask is None else mask.astype(np.int32),
           "attention_bias": floats(*biases, length, past + keys)
           if biases else None,
           "past_key": cache(size), "past_value": cache(value_size)},
          outputs=3 if past else 1, num_heads=heads,
          dims={"query": ["batch", "sequence", heads * size],
                "mask": ["batch", "m1", "m2"][:0 if mask is None
                                              else mask.ndim],
                **({n: ["batch", heads, "keys", size] for n in
                    ("key", "value")} if form.get("cached") else {}),
                **{n: ["batch", heads, "past", size] for n in
                   ("past_key", "past_value")}},
          **form.get("attributes", {}))


def softmax_attention(q, k, v):
    """[batch, sequence, heads, size] each."""
    scores = np.einsum("bshd,bthd->bhst", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bhst,bthd->bshd", weights, v).reshape(
        *q.shape[:2], -1).astype(np.float32)


@pytest.mark.parametrize("packed", ["qkv", "kv"])
def test_multi_head_attention_of_packed_inputs(tmp_path, packed):
    """ONNX Runtime has these forms on GPUs only."""
    q, k, v = (floats(2, 5, 3, 8) for _ in range(3))
    inputs = {"query": np.stack([q, k, v], 3)} if packed == "qkv" else {
        "query": q.reshape(2, 5, 24), "key": np.stack([k, v], 3)}
    static = {"query": ["batch", "sequence", 3, 3, 8], "key": [
        "batch", "keys", 3, 2, 8]} if packed == "qkv" else {
        "query": ["batch", "sequence", 24], "key": ["batch", "keys", 3, 2, 8]}
    check(tmp_path, "MultiHeadAttention", inputs, num_heads=3, dims=static,
          reference={0: softmax_attention(q, k, v)})


@pytest.mark.parametrize("message,inputs,outputs", [
    (r"\(past_sequence_length\) is not supported",
     {"past_sequence_length": np.array([3], np.int32)}, 1),
    (r"\(cache_indirection\) is not supported",
     {"past_sequence_length": None,
      "cache_indirection": np.zeros((2, 1, 9), np.int32)}, 1),
    ("a mask of 4 dimensions", {"mask": np.ones((2, 1, 5, 5), np.int32)}, 1),
    ("must hold one length for each sequence",
     {"mask": np.ones(8, np.int32)}, 1),
    (r"output 3 \('out3'\) is not supported", {}, (0, 3))])
def test_multi_head_attention_refuses(tmp_path, message, inputs, outputs):
    x = floats(2, 5, 24)
    refuse(tmp_path, message, "MultiHeadAttention",
           {**dict.fromkeys(("query", "key", "value"), x), "bias": None,
            "mask": None, "attention_bias": None, "past_key": None,
            "past_value": None, **inputs}, outputs=outputs, num_heads=3)


ATTENTION = {
    "self": {},
    "no-bias": {"bias": False},
    "no-bias": {"bias": False},
    "causal": {"attributes": {"unidirectional": 1}},
    "past": {"past": 4, "attributes": {"unidirectional": 1}},
    "lengths": {"mask": "lengths"},
    "ranges": {"mask": "ranges"},
    "keys-mask": {"mask": "keys", "past": 4},
    "rows-mask": {"mask": "rows"},
    "attention-bias": {"attention_bias": True},
    "scale": {"attributes": {"scale": 0.2}},
    "sizes": {"attributes": {"qkv_hidden_sizes": [24, 24, 12]}},
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(tmp_path, name, batch=2, length=5, heads=3, size=8):
    form = ATTENTION[name]
    attributes = form.get("attributes", {})
    columns = sum(attributes.get("qkv_hidden_sizes", [heads * size] * 3))
    past = form.get("past", 0)
    mask = attention_mask(form.get("mask", ""), batch, length, past)
    inputs = {
        "x": floats(batch, length, 16), "weight": floats(16, columns) * 0.3,
        "bias": floats(columns), "mask": None if mask is None else mask.astype(np.int32),
        "past": floats(2, batch, heads, past, size) if past else None,
        "attention_bias": floats(1, heads, length, past + length)
        if form.get("attention_bias") else None}
    reference = None
    if not form.get("bias", True):
        # ONNX Runtime 1.31 reads the bias that is not there, and crashes.
        inputs["bias"] = np.zeros_like(inputs["bias"])
        want = run(make_model("Attention", inputs, num_heads=heads), inputs)
        inputs["bias"], reference = None, {0: want["out0"]}
    check(tmp_path, "Attention", inputs, ("weight", "bias"),
          outputs=2 if past else 1, num_heads=heads, reference=reference,
          dims={"x": [batch, "sequence", 16],
                "mask": [len(mask), "m1", "m2"][:mask.ndim]
                if mask is not None else [],
                "past": [2, batch, heads, "past", size]},
          **attributes)


@pytest.mark.parametrize("mask,past", [("", 0), ("lengths", 0), ("", 4)])
@pytest.mark.parametrize("dtype", INT8)
def test_qattention(tmp_path, dtype, mask, past, batch=2, length=5, heads=3,
                    size=8):
    keep = attention_mask(mask, batch, length, past)
    hidden = heads * size
    check(tmp_path, "QAttention",
          {"x": integers(np.uint8, batch, length, 16),
           "weight": integers(dtype, 16, 3 * hidden), "bias": floats(3 * hidden),
           "x_scale": scale(0.01), "w_scale": scale(0.006),
           "mask": None if keep is None else keep.astype(np.int32),
           "x_zero": np.array(128, np.uint8), "w_zero": np.array(3, dtype),
           "past": floats(2, batch, heads, past, size) if past else None},
          ("weight", "bias", "x_scale", "w_scale", "x_zero", "w_zero"),
          outputs=2 if past else 1, num_heads=heads, unidirectional=bool(past),
          dims={"x": [batch, "sequence", 16], "mask": [batch],
                "past": [2, batch, heads, "past", size]})


@pytest.mark.parametrize("message,change", [
    ("do_rotary = 1 is not supported", {"do_rotary": 1}),
    ("past_present_share_buffer = 1 is not supported",
     {"past_present_share_buffer": 1}),
    ("the weight has 72 columns, which are not those of queries",
     {"qkv_hidden_sizes": [24, 24, 12]})])
def test_attention_refuses(tmp_path, message, change):
    refuse(tmp_path, message, "Attention",
           {"x": floats(2, 5, 16), "weight": floats(16, 72)}, ("weight",),
           num_heads=3, **change)
