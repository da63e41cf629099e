"""Attention that appends to its cache, in every format, against numpy."""

import json
import math

import numpy as np
import pytest

import llmc
from amx import FEATURES
from kernels import floats, text, to_bf16

# Whether this machine multiplies pairs of bf16.
HAS_PAIRS = bool({"avx512_bf16", "bf16", "amx_bf16"} & FEATURES)
SCALE = np.float32(0.3)
EPSILON = np.float32(1e-3)
MODELS = {  # heads, key heads, size, rotated, interleaved, norm of each head
    "halves": (6, 2, 64, 64, False, ""),
    "pairs": (4, 4, 24, 16, True, ""),
    "part": (2, 1, 40, 24, False, ""),
    "none": (8, 1, 32, 0, False, ""),
    "normed halves": (6, 2, 64, 64, False, "rms"),
    "normed pairs": (4, 2, 32, 16, True, "layer"),
    "normed none": (3, 1, 20, 0, False, "rms"),
}


def norm_parameters(size):
    """Scale and bias of queries, then of keys."""
    generator = np.random.default_rng(size)
    return generator.uniform(0.5, 2, (2, 2, size)).astype(np.float32)


def normalize(name, norm, size, operand, kind):
    """Ops of %NAMEn."""
    row = f"tensor<{size}xf32>"
    operands = [f"%{name}scale"] + [f"%{name}bias"] * (norm == "layer")
    axis = "axis = 3 : i64, " * (norm == "layer")
    return [f"{weight} = llmc.weight @{weight[1:]} : {row}"
            for weight in operands] + [
        f"%{name}n = llmc.{norm}_norm {', '.join([operand] + operands)} {{{axis}"
        f"epsilon = {EPSILON} : f32}} : "
        f"({', '.join([kind] + [row] * len(operands))}) -> {kind}"]


def model(heads, key_heads, size, rotated, interleaved, norm, cache="f32",
          in_place=True, kind="f32"):
    """A decoder that is attention alone, as ONNX has it."""
    table = f"tensor<1x?x{max(rotated, 2) // 2}xf32>"
    past = f"tensor<?x{key_heads}x?x{size}xf32>"
    arguments = ", ".join(
        f'%{name}: {kind} {{llmc.name = "{label}", llmc.dims = {dims}}}'
        for name, label, kind, dims in (
            ("q", "inputs_embeds", f"tensor<?x?x{heads * size}xf32>",
             '["b", "s", ""]'),
            ("k", "k", f"tensor<?x?x{key_heads * size}xf32>", '["b", "s", ""]'),
            ("v", "v", f"tensor<?x?x{key_heads * size}xf32>", '["b", "s", ""]'),
            ("cos", "cos", table, '["", "s", ""]'),
            ("sin", "sin", table, '["", "s", ""]'),
            ("pk", "past.k", past, '["b", "", "p", ""]'),
            ("pv", "past.v", past, '["b", "", "p", ""]')))
    lines, last = [], []
    for name, count in (("q", heads), ("k", key_heads), ("v", key_heads)):
        split = f"tensor<?x?x{count}x{size}xf32>"
        turned = f"tensor<?x{count}x?x{size}xf32>"
        lines += [
            f"%{name}s = llmc.constant dense<[0, 0, {count}, {size}]> : "
            "tensor<4xi64>",
            f"%{name}r = llmc.reshape %{name}, %{name}s : (tensor<?x?x"
            f"{count * size}xf32>, tensor<4xi64>) -> {split}"]
        rows = f"%{name}r"
        if norm == "rms" and name != "v":  # where Qwen3 has it
            lines += normalize(name, norm, size, rows, split)
            rows = f"%{name}n"
        lines.append(f"%{name}t = llmc.transpose {rows} {{perm = array<i64: 0, "
                     f"2, 1, 3>}} : ({split}) -> {turned}")
        rows = f"%{name}t"
        if norm == "layer" and name != "v":
            lines += normalize(name, norm, size, rows, turned)
            rows = f"%{name}n"
        if name != "v" and rotated:
            flag = "{interleaved} " if interleaved else ""
            lines.append(f"%{name}o = llmc.rope {rows}, %cos, %sin {flag}: "
                         f"({turned}, {table}, {table}) -> {turned}")
            rows = f"%{name}o"
        last.append(rows)
    q, k, v = last
    turned = f"tensor<?x{heads}x?x{size}xf32>"
    result = f"tensor<?x?x{heads}x{size}xf32>"
    lines += [
        f"%ck = llmc.concat %pk, {k} {{axis = 2 : i64}} : ({past}, {past}) -> "
        f"{past}",
        f"%cv = llmc.concat %pv, {v} {{axis = 2 : i64}} : ({past}, {past}) -> "
        f"{past}",
        f"%a = llmc.attention {q}, %ck, %cv {{causal, scale = {SCALE} : f32}} "
        f": ({turned}, {past}, {past}) -> {turned}",
        f"%y = llmc.transpose %a {{perm = array<i64: 0, 2, 1, 3>}} : ({turned})"
        f" -> {result}",
        f"return %y, %ck, %cv : {result}, {past}, {past}"]
    body = "\n".join(lines)
    arguments, body, past, result = (
        part.replace("xf32>", f"x{kind}>")
        for part in (arguments, body, past, result))
    parameters = "\n".join(
        f"llmc.param @{name}{kind} = {text(value)}"
        for name, values in zip("qk", norm_parameters(size))
        for kind, value in zip(("scale", "bias"), values)) if norm else ""
    module = llmc.Module.parse(f"""
{parameters}
func.func @main({arguments}) -> ({result} {{llmc.name = "y"}},
    {past} {{llmc.name = "present.k"}}, {past} {{llmc.name = "present.v"}}) {{
{body}
}}""")
    if cache != "f32":
        groups = f" group={group(size)} rotate={str(not norm).lower()}"
        module.run(f"llmc-quantize-kv-cache{{format={cache}"
                   f"{groups if cache == 'int4' else ''}}}")
    if in_place:
        module.run("llmc-kv-cache-in-place")
    return module


def inputs(batch, rows, heads, key_heads, size, rotated, interleaved, norm,
           cache="f32"):
    angles = floats(1, rows, max(rotated, 2) // 2)
    tables = {"cos": np.cos(angles), "sin": np.sin(angles)}
    q, k, v = (floats(batch, rows, count * size)
               for count in (heads, key_heads, key_heads))
    # Sums are exact in any order, so all round to the same cache.
    if norm or cache == "int4":
        q, k = np.rint(q * 2) / 2, np.rint(k * 2) / 2
    if cache == "int4":  # those of rotations: quarters of a turn
        quarters = np.rint(angles * 2).astype(int) % 4
        tables = {name: np.array(values, np.float32)[quarters] for name, values
                  in (("cos", (1, 0, -1, 0)), ("sin", (0, 1, 0, -1)))}
    return {"inputs_embeds": q, "k": k, "v": v} | tables


def is_kernel(size, cache):
    """Whether kernels read the cache as it is."""
    return cache != "int4" or (size % 32 == 0 and group(size) % 16 == 0)


def part(feeds, begin, end):
    return {name: np.ascontiguousarray(value[:, begin:end])
            for name, value in feeds.items()}


def split(x, count, size):
    return x.reshape(*x.shape[:2], count, size).transpose(0, 2, 1, 3)


def normalized(x, norm, scale, bias):
    if norm == "layer":
        x = x - x.mean(-1, keepdims=True)
    root = np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
    y = x * (np.float32(1) / root) * scale
    return y + bias if norm == "layer" else y


def rotate(x, cos, sin, rotated, interleaved):
    x = x.copy()
    if rotated:
        halves = ((slice(0, rotated, 2), slice(1, rotated, 2)) if interleaved
                  else (slice(rotated // 2), slice(rotated // 2, rotated)))
        a, b = (x[..., half].copy() for half in halves)
        x[..., halves[0]] = a * cos - b * sin
        x[..., halves[1]] = b * cos + a * sin
    return x


def rounded(x):
    """To multiples of a scale for each row, in f32."""
    largest = np.abs(x).max(-1, keepdims=True)
    inverse = np.float32(127) / np.maximum(largest, np.float32(2**-120))
    return np.rint(x * inverse) * (largest / np.float32(127))


def group(size):
    """What divides a row, and is what kernels want if that does."""
    return next(n for n in (32, 16, 8, 4) if size % n == 0)


def hadamard(size):
    """Sylvester's matrix in blocks, with a power of 2 for the root."""
    block = size & -size
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < block:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    root = 2.0 ** -math.ceil(math.log2(block) / 2)
    return np.kron(np.eye(size // block), matrix * root).astype(np.float32)


def grouped(x):
    """To 16 numbers from the least one to the largest one of each group."""
    groups = x.reshape(*x.shape[:3], -1, group(x.shape[3]))
    low = groups.min(-1, keepdims=True).astype(np.float16).astype(np.float32)
    span = np.maximum(groups.max(-1, keepdims=True) - low, 0)
    step = (span / np.float32(15)).astype(np.float16).astype(np.float32)
    inverse = np.float32(1) / np.maximum(step, np.float32(2**-24))
    codes = np.clip(np.rint((groups - low) * inverse), 0, 15)
    return (codes * step + low).reshape(x.shape)


def expected(feeds, heads, key_heads, size, rotated, interleaved, norm, cache,
             rounds_queries, in_pairs=False):
    q, k, v = (split(feeds[name], count, size) for name, count in
               (("inputs_embeds", heads), ("k", key_heads), ("v", key_heads)))
    if norm:
        q, k = (normalized(x, norm, *parameters)
                for x, parameters in zip((q, k), norm_parameters(size)))
    q, k = (rotate(x, feeds["cos"], feeds["sin"], rotated, interleaved)
            for x in (q, k))
    if cache == "int4":
        if not norm:
            matrix = hadamard(size)
            q, k = q @ matrix / (matrix @ matrix)[0, 0], k @ matrix
        k, v = grouped(k), grouped(v)
    q = q * SCALE
    if cache == "f16":
        k, v = (x.astype(np.float16).astype(np.float32) for x in (k, v))
    elif cache == "bf16":
        k, v = to_bf16(k), to_bf16(v)
    elif cache == "int8":
        k, v = rounded(k), rounded(v)
    if cache.startswith("int") and rounds_queries and is_kernel(size, cache):
        q = rounded(q)
    elif in_pairs:
        q, k = (to_bf16(x.astype(np.float32)) for x in (q, k))
    if in_pairs:
        v = to_bf16(v.astype(np.float32))
    k, v = (x.astype(np.float64).repeat(heads // key_heads, axis=1)
            for x in (k, v))
    scores = q.astype(np.float64) @ k.swapaxes(2, 3)
    rows = np.arange(scores.shape[2])
    scores[..., rows > rows[:, None]] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ v).transpose(0, 2, 1, 3)


def in_steps(session, feeds, lengths):
    begin, results = 0, []
    for length in lengths:
        results.append(session.run(part(feeds, begin, begin + length))["y"])
        begin += length
    return np.concatenate(results, axis=1)


CACHES = ["f32", "f16", "int8", "int4"]


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("name", MODELS)
def test_one_kernel(name, cache):
    """From what linears leave to what the next one reads, and the cache."""
    module = model(*MODELS[name], cache)
    notices = module.run("llmc-claim-kernels").notices
    if not is_kernel(MODELS[name][2], cache):
        assert any("makes floats of the whole cache" in n for n in notices)
        return
    assert notices == []
    ops = module.ops()
    assert ops["llmc.launch"] == 1
    left = {"llmc.rope", "llmc.transpose", "llmc.tensor_scatter", "llmc.prefix",
            "llmc.concat", "llmc.round", "llmc.attention", "llmc.rms_norm",
            "llmc.layer_norm", "llmc.linear", "llmc.cast"}
    assert not left & set(ops)


@pytest.mark.parametrize("target", ["host", "reference"])
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("name", MODELS)
def test_cache(name, cache, target, tmp_path):
    spec = MODELS[name]
    model(*spec, cache, in_place=False).compile_artifact(
        tmp_path / "out.llmc", target, opt_level=2 if target == "host" else 0)
    artifact = llmc.Artifact(tmp_path / "out.llmc")
    lengths = (600, 1, 3, 1) if name == "halves" else (70, 1, 3, 1)
    feeds = inputs(2, sum(lengths), *spec, cache)
    y = in_steps(artifact.session(capacity=64, threads=2), feeds, lengths)
    wanted = expected(feeds, *spec, cache, target == "host")
    np.testing.assert_allclose(y, wanted, rtol=2e-5, atol=5e-6)
    if target == "host":
        # The same bits however rows come: in chunks of any size, alone, and
        # on any number of threads.
        for threads, lengths in ((1, (sum(lengths),)), (2, (66, 8) + (1,) * 5)):
            session = artifact.session(threads=threads)
            np.testing.assert_array_equal(
                in_steps(session, feeds, lengths), y[:, :sum(lengths)])
        alone = {key: value if key in ("cos", "sin") else value[1:]
                 for key, value in feeds.items()}
        np.testing.assert_array_equal(
            in_steps(artifact.session(), alone, (y.shape[1],)), y[1:])


@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64"])
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("name", ["halves", "pairs"])
def test_smaller_processors(name, cache, cpu, tmp_path):
    """Without AVX-512, and without instructions for f16 and bytes."""
    spec = MODELS[name]
    model(*spec, cache, in_place=False).compile_artifact(tmp_path / "out.llmc",
                                                         f"cpu:{cpu}")
    feeds = inputs(1, 75, *spec, cache)
    y = in_steps(llmc.Artifact(tmp_path / "out.llmc").session(), feeds,
                 (70, 1, 4))
    np.testing.assert_allclose(y, expected(feeds, *spec, cache, True),
                               rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize("cpu", ["host", "cpu:x86-64-v3", "cpu:x86-64"])
@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("name", ["halves", "pairs"])
def test_narrow_activations(name, kind, cpu, tmp_path):
    """A model in half precision, whose results are rounded once."""
    spec = MODELS[name]
    module = model(*spec, kind=kind)
    assert module.run("llmc-claim-kernels").notices == []
    assert module.ops()["llmc.launch"] == 1
    assert not {"llmc.rope", "llmc.tensor_scatter"} & set(module.ops())
    model(*spec, in_place=False, kind=kind).compile_artifact(
        tmp_path / "out.llmc", cpu)
    session = llmc.Artifact(tmp_path / "out.llmc").session
    dtype = (np.float16 if kind == "f16"
             else pytest.importorskip("ml_dtypes").bfloat16)
    stored = {key: value.astype(dtype)
              for key, value in inputs(2, 75, *spec).items()}
    y = in_steps(session(), stored, (70, 1, 3, 1))
    np.testing.assert_array_equal(y, in_steps(session(), stored, (75,)))
    feeds = {key: value.astype(np.float32) for key, value in stored.items()}
    in_pairs = kind == "bf16" and cpu == "host" and HAS_PAIRS
    np.testing.assert_allclose(
        y.astype(np.float32), expected(feeds, *spec, kind, False, in_pairs),
        atol=2**-7 * np.abs(feeds["v"]).max() if in_pairs else 1e-5,
        rtol=1e-5 + {"f16": 2**-11, "bf16": 2**-8}[kind])


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("name", ["halves", "part", "none", "normed pairs"])
def test_bf16_attention(name, cache, tmp_path):
    """Over a cache in any format. Weights are rounded, relative to what the
    largest score was then; test_cpu_bf16_attention.py has a closer bound."""
    spec = MODELS[name]
    module = model(*spec, cache)
    module.run("llmc-cast-attention")
    if is_kernel(spec[2], cache):
        assert module.run("llmc-claim-kernels").notices == []
        assert module.ops()["llmc.launch"] == 1
        assert not {"llmc.cast", "llmc.attention"} & set(module.ops())
    module = model(*spec, cache, in_place=False)
    module.run("llmc-cast-attention")
    module.compile_artifact(tmp_path / "out.llmc")
    artifact = llmc.Artifact(tmp_path / "out.llmc")
    lengths = (600, 1, 3, 1) if name == "halves" else (70, 1, 3, 1)
    feeds = inputs(2, sum(lengths), *spec, cache)
    y = in_steps(artifact.session(threads=2), feeds, lengths)
    np.testing.assert_allclose(y, expected(feeds, *spec, cache, True, HAS_PAIRS),
                               atol=2**-7 * np.abs(feeds["v"]).max(), rtol=2**-8)
    if is_kernel(spec[2], cache):
        np.testing.assert_array_equal(
            in_steps(artifact.session(threads=1), feeds, (sum(lengths),)), y)


@pytest.mark.parametrize("size", [32, 64, 96, 128, 256])
@pytest.mark.parametrize("cpu", ["host", "cpu:x86-64-v3"])
def test_sizes_of_four_bits(size, cpu, tmp_path):
    """Rows of less than a vector of words, of one, and of more."""
    spec = (2, 1, size, size, False, "")
    model(*spec, "int4", in_place=False).compile_artifact(
        tmp_path / "out.llmc", cpu)
    feeds = inputs(1, 90, *spec, "int4")
    y = in_steps(llmc.Artifact(tmp_path / "out.llmc").session(), feeds,
                 (85, 1, 4))
    np.testing.assert_allclose(y, expected(feeds, *spec, "int4", True),
                               rtol=2e-5, atol=5e-6)


def test_four_bits_in_onnx(tmp_path):
    """ONNX Runtime reads and writes the same cache, in steps, and the kernel is
    found in the model that is read back."""
    onnxruntime = pytest.importorskip("onnxruntime")
    spec = MODELS["halves"]
    heads, size = spec[1:3]
    path = tmp_path / "small.onnx"
    model(*spec, "int4", in_place=False).export_onnx(path)
    session = onnxruntime.InferenceSession(str(path))
    feeds = inputs(1, 40, *spec, "int4")
    types = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}
    cache = {value.name: np.zeros((1, heads, 0, value.shape[3]),
                                  types[value.type])
             for value in session.get_inputs() if "past" in value.name}
    row = sum(value.itemsize * value.shape[3] for name, value in cache.items()
              if ".k" in name)
    assert len(cache) == 6 and row == 40  # bytes: 5 bits for each of 64 numbers
    names = [value.name for value in session.get_outputs()]
    results = []
    for begin, end in ((0, 30), (30, 31), (31, 40)):
        made = dict(zip(names, session.run(
            names, part(feeds, begin, end) | cache)))
        results.append(made["y"])
        cache = {name: made[name.replace("past", "present")] for name in cache}
        assert all(value.shape[2] == end for value in cache.values())
    np.testing.assert_allclose(np.concatenate(results, axis=1),
                               expected(feeds, *spec, "int4", False),
                               rtol=2e-5, atol=5e-6)
    again = llmc.Module.load(path)
    again.run("llmc-lift,llmc-kv-cache-in-place,llmc-claim-kernels")
    assert 'keys = "int4"' in str(again) and 'values = "int4"' in str(again)


def test_option_of_compress():
    module = model(*MODELS["halves"], in_place=False)
    with pytest.raises(llmc.Error, match="f32, f16, int8 or int4, not 'int3'"):
        module.compress(kv_cache="int3")
    module.compress(kv_cache="int4")
    assert '"past.k.min"' in str(module) and "tensor<?x2x?x32xui8>" in \
        str(module)


def test_bytes_of_four_bits(tmp_path):
    """A row of 64 numbers takes 40 bytes: 5 bits for each."""
    model(*MODELS["halves"], "int4", in_place=False).compile_artifact(
        tmp_path / "out.llmc")
    manifest = json.loads((tmp_path / "out.llmc" / "manifest.json").read_text())
    sizes = {"uint8": 1, "float16": 2}
    row = sum(sizes[state["dtype"]] * state["shape"][3]
              for state in manifest["states"] if ".k" in state["name"])
    assert row == 40


@pytest.mark.parametrize("cache", ["f16", "int8", "int4"])
def test_extreme_rows(cache, tmp_path):
    """Zeros, denormals and large numbers."""
    spec = MODELS["halves"]
    model(*spec, cache, in_place=False).compile_artifact(tmp_path / "out.llmc")
    feeds = inputs(1, 40, *spec, cache)
    feeds["k"][:, 3] = 0
    feeds["v"][:, 4] = 0
    feeds["k"][:, 5] = 1e-40
    feeds["v"][:, 6] = 1e-30
    feeds["v"][:, 7] *= 1e4
    feeds["inputs_embeds"][:, 8] = 0
    session = llmc.Artifact(tmp_path / "out.llmc").session()
    wanted = expected(feeds, *spec, cache, True)
    np.testing.assert_allclose(session.run(feeds)["y"], wanted, rtol=2e-5,
                               atol=2e-5)


def test_a_full_cache_is_an_error():
    """Nothing is written behind a buffer that is too small."""
    spec = MODELS["halves"]
    compiled = model(*spec).compile()
    feeds = inputs(1, 8, *spec)
    feeds |= {"past.k": np.zeros((1, 2, 10, 64), np.float32),
              "past.v": np.zeros((1, 2, 10, 64), np.float32),
              "past_length": np.array(3)}
    with pytest.raises(llmc.Error, match="out of range|index"):
        compiled(feeds)


def test_other_readers_keep_the_old_cache():
    """A cache that something else reads too is copied before it is updated."""
    size = "tensor<?x2x?x16xf32>"
    text = f"""
func.func @main(
    %q: {size} {{llmc.name = "q", llmc.dims = ["b", "", "s", ""]}},
    %k: {size} {{llmc.name = "k", llmc.dims = ["b", "", "c", ""]}},
    %v: {size} {{llmc.name = "v", llmc.dims = ["b", "", "c", ""]}},
    %past: tensor<i64> {{llmc.name = "past", llmc.size}})
    -> ({size} {{llmc.name = "y"}}, {size} {{llmc.name = "old"}},
        {size} {{llmc.name = "new"}}) {{
  %shape = llmc.shape %q {{start = 2 : i64, end = 3 : i64}} : ({size}) -> tensor<1xi64>
  %rows = llmc.squeeze %shape {{axes = array<i64: 0>}} : (tensor<1xi64>) -> tensor<i64>
  %length = llmc.add %past, %rows : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %k1 = llmc.tensor_scatter %k, %q, %past {{axis = 2 : i64}} : ({size}, {size}, tensor<i64>) -> {size}
  %v1 = llmc.tensor_scatter %v, %q, %past {{axis = 2 : i64}} : ({size}, {size}, tensor<i64>) -> {size}
  %keys = llmc.prefix %k1, %length {{axis = 2 : i64}} : ({size}, tensor<i64>) -> {size}
  %values = llmc.prefix %v1, %length {{axis = 2 : i64}} : ({size}, tensor<i64>) -> {size}
  %y = llmc.attention %q, %keys, %values {{scale = 1.0 : f32}} : ({size}, {size}, {size}) -> {size}
  %old = llmc.neg %k : ({size}) -> {size}
  return %y, %old, %k1 : {size}, {size}, {size}
}}"""
    module = llmc.Module.parse(text)
    module.run("llmc-claim-kernels")
    assert module.ops()["llmc.launch"] == 1
    feeds = {"q": floats(1, 2, 3, 16), "k": floats(1, 2, 9, 16),
             "v": floats(1, 2, 9, 16), "past": np.array(4)}
    before = feeds["k"].copy()
    results = {target: llmc.Module.parse(text).compile(target)(feeds)
               for target in ("host", "reference")}
    np.testing.assert_array_equal(results["host"]["old"], -before)
    wanted = before.copy()
    wanted[:, :, 4:7] = feeds["q"]
    np.testing.assert_array_equal(results["host"]["new"], wanted)
    np.testing.assert_allclose(results["host"]["y"], results["reference"]["y"],
                               rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("other, is_said", [("c", False), ("d", True)])
def test_integers_of_other_lengths(other, is_said):
    """Keys in 8 bits whose values may have another length are left, which is
    said."""
    size, row = "tensor<?x2x?x16x", "tensor<?x2x?x1xf32>"
    module = llmc.Module.parse(f"""
func.func @main(
    %q: {size}f32> {{llmc.name = "q", llmc.dims = ["b", "", "s", ""]}},
    %k: {size}i8> {{llmc.name = "k", llmc.dims = ["b", "", "c", ""]}},
    %s: {row} {{llmc.name = "s", llmc.dims = ["b", "", "c", ""]}},
    %v: {size}f32> {{llmc.name = "v", llmc.dims = ["b", "", "{other}", ""]}})
    -> ({size}f32> {{llmc.name = "y"}}) {{
  %c = llmc.cast %k {{to = f32}} : ({size}i8>) -> {size}f32>
  %keys = llmc.mul %c, %s : ({size}f32>, {row}) -> {size}f32>
  %y = llmc.attention %q, %keys, %v {{scale = 1.0 : f32}} : ({size}f32>, {size}f32>, {size}f32>) -> {size}f32>
  return %y : {size}f32>
}}""")
    notices = module.run("llmc-claim-kernels").notices
    assert any("have one length" in line for line in notices) == is_said
    assert bool(notices) == is_said
    assert module.ops()["llmc.launch"] == 1


@pytest.mark.parametrize("name", ["llama-kv-op18", "llama-kv-op23",
                                  "gpt2-kv-op18", "gpt_neox-kv-op18",
                                  "qwen3-kv-op18"])
@pytest.mark.parametrize("cache", ["f32", "int8"])
def test_exported_models(name, cache, shared):
    """Every layer of what exporters write appends in its kernel."""
    path = shared / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    module = llmc.Module.load(path)
    module.lift()
    if cache != "f32":
        module.run(f"llmc-quantize-kv-cache{{format={cache}}}")
    module.run("llmc-kv-cache-in-place,llmc-claim-kernels")
    assert not {"llmc.attention", "llmc.tensor_scatter"} & set(module.ops())
    assert 'kind "norm"' not in str(module)
