"""llmc-calibrate against ONNX Runtime's values of the same tensors."""

import json
import types

import make_statistics as fixtures
import numpy as np
import onnx
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import llmc

onnxruntime = pytest.importorskip("onnxruntime")
SAMPLES, LENGTH = 3, 24
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64,
         "tensor(float16)": np.float16, "tensor(bool)": np.bool_}


def find_model(shared, name):
    """The path of a model of the zoo."""
    path = shared / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    return path


def make_samples(session):
    """A tensor for each input, by its name; the first dimension counts."""
    random = np.random.default_rng(3)
    samples = {}
    for value in session.get_inputs():
        if value.name == "input_ids":
            data = random.integers(0, 256, (SAMPLES, LENGTH))
        elif value.name == "attention_mask":
            data = np.ones((SAMPLES, LENGTH))
        elif value.name == "position_ids":
            data = np.tile(np.arange(LENGTH), (SAMPLES, 1))
        else:
            shape = [0 if isinstance(d, str) and "past" in d else
                     LENGTH if isinstance(d, str) else d
                     for d in value.shape]
            data = np.zeros([SAMPLES, *shape[1:]])
        samples[value.name] = data.astype(TYPES[value.type])
    return samples


def find_inputs(model):
    """The tensor that each matrix of the graph is multiplied by."""
    producers = {name: node for node in model.graph.node
                 for name in node.output}
    weights = {value.name for value in model.graph.initializer}
    inputs = {}
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "Gemm"):
            continue
        name = node.input[1]
        while name not in weights and name in producers and \
                producers[name].op_type in ("Transpose", "Cast"):
            name = producers[name].input[0]
        if name in weights:
            inputs.setdefault(name, []).append(node.input[0])
    return inputs


def expected_rows(path, samples):
    """The rows that each weight is multiplied by, by its name."""
    model = onnx.load(path)
    inputs = find_inputs(model)
    names = {name for values in inputs.values() for name in values}
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    runs = [dict(zip(names, session.run(list(names), {
        name: values[i:i + 1] for name, values in samples.items()})))
        for i in range(SAMPLES)]
    return {param: np.concatenate([
        run[name].reshape(-1, run[name].shape[-1])
        for run in runs for name in values])
        for param, values in inputs.items()}


def read_statistics(path):
    with safe_open(path, "np") as file:
        metadata = {key: json.loads(value) for key, value
                    in file.metadata().items() if key != "format"}
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    return tensors, metadata


@pytest.mark.parametrize("name", [
    "llama-kv-op18", "gpt2-op18", "bert-op18", "qwen2-op18", "albert-op18",
    "llama-op17-ts", "phi-op18", "gemma2-op18"])
def test_statistics(name, shared, tmp_path):
    path = find_model(shared, name)
    samples = make_samples(onnxruntime.InferenceSession(str(path)))
    save_file(samples, tmp_path / "samples")
    module = llmc.Module.load(path)
    module.lift()
    module.run(f"llmc-calibrate{{inputs={tmp_path}/samples "
               f"output={tmp_path}/statistics}}")
    linears = [w for w in module.weights() if w["op"] == "linear"]
    tensors, metadata = read_statistics(tmp_path / "statistics")
    assert len({w["name"] for w in linears}) \
        == len(metadata["rows"]) + len(metadata["shared"])

    expected = expected_rows(path, samples)
    checked = 0
    for param in [*metadata["rows"], *metadata["shared"]]:
        if param not in expected:
            continue
        first = metadata["shared"].get(param, param)
        rows = expected[param]
        assert metadata["rows"][first] == len(rows)
        for key, value in fixtures.gather(rows).items():
            np.testing.assert_allclose(
                tensors[f"{first}.{key}"], value, rtol=2e-4,
                atol=2e-4 * abs(value).max(), err_msg=f"{param}.{key}")
        checked += 1
    assert checked >= min(4, len(linears))
    counts = [value for key, value in tensors.items()
              if key.endswith(".counts")]
    ids = np.bincount(samples["input_ids"].ravel().astype(int))
    assert any(np.array_equal(value[:len(ids)], ids) and
               value.sum() == ids.sum() for value in counts)
    assert sum(block["count"] for block in metadata["blocks"])


def outputs_of(module, samples):
    compiled = module.compile("reference", opt_level=0)
    return compiled({name: values[:1] for name, values in samples.items()})


@pytest.mark.parametrize("name", ["llama-kv-op18", "gpt2-op18", "bert-op18"])
def test_blocks_are_put_back(name, shared, tmp_path):
    """Passes on each block alone make of the model what they make of it at
    once, as long as they ask for no data."""
    path = find_model(shared, name)
    samples = make_samples(onnxruntime.InferenceSession(str(path)))
    save_file(samples, tmp_path / "samples")
    rounding = "llmc-quantize-rtn{bits=4 block=16 what=linear}"
    results = []
    for pipeline in (f"llmc-calibrate{{inputs={tmp_path}/samples "
                     f"then={{{rounding}}}}},{rounding}", rounding):
        module = llmc.Module.load(path)
        module.lift()
        module.run(pipeline)
        weights = {w["name"]: w["format"] for w in module.weights()}
        specs = [(spec.name, spec.dtype, spec.shape)
                 for spec in [*module.inputs, *module.outputs]]
        results.append((weights, specs, outputs_of(module, samples)))
    (weights, specs, values), expected = results
    assert (weights, specs) == expected[:2]
    assert sum("4" in kind for kind in weights.values()) >= 8, weights
    for key, value in expected[2].items():
        np.testing.assert_allclose(values[key], value, rtol=1e-4, atol=1e-5)


def divergence(logits, others):
    """The mean of sum(p log(p / q)) over the rows of logits."""
    def log_softmax(values):
        values = values.astype(np.float64)
        values = values - values.max(-1, keepdims=True)
        return values - np.log(np.exp(values).sum(-1, keepdims=True))
    p, q = log_softmax(logits), log_softmax(others)
    return (np.exp(p) * (p - q)).sum(-1).mean()


@pytest.mark.parametrize("name", ["llama-kv-op18", "gpt2-op18"])
def test_probes(name, shared, tmp_path):
    """ONNX Runtime runs the model with one weight rounded."""
    path = find_model(shared, name)
    session = onnxruntime.InferenceSession(str(path))
    samples = make_samples(session)
    save_file(samples, tmp_path / "samples")
    rounding = "llmc-quantize-rtn{{bits=3 block=16 what=all {}}}"
    module = llmc.Module.load(path)
    module.lift()
    weights = module.weights()
    module.run(f"llmc-calibrate{{inputs={tmp_path}/samples "
               f"output={tmp_path}/statistics probe-samples=2 "
               f"probe={{{rounding.format('')}}}}}")
    tensors, metadata = read_statistics(tmp_path / "statistics")
    probes = metadata["probes"]
    params = {w["name"] for w in weights}
    assert {probe["param"] for probe in probes} == params
    assert module.weights() == weights

    # Errors of weights alone do not count by what those of outputs cost.
    allocate = ("llmc-allocate-bits{budget=100000000 block=16 "
                "weighting=none}")
    fresh = llmc.Module.load(path)
    fresh.lift()
    assert module.run(allocate).weights == fresh.run(allocate).weights

    def logits(session):
        return np.concatenate([session.run(["logits"], {
            key: values[i:i + 1] for key, values in samples.items()})[0][0]
            for i in range(2)])

    expected, checked = logits(session), 0
    uses = [probe["param"] for probe in probes]
    for probe in probes[::3]:
        if uses.count(probe["param"]) > 1:
            continue  # A tied weight is probed in one of its places.
        others = "|".join(f"^{param}$" for param in params
                          if param != probe["param"]).replace(".", "[.]")
        rounded = llmc.Module.load(path)
        rounded.lift()
        rounded.run(rounding.format(f"skip={{{others}}}"))
        rounded.save(tmp_path / "rounded.onnx")
        value = divergence(expected, logits(onnxruntime.InferenceSession(
            str(tmp_path / "rounded.onnx"))))
        assert probe["divergence"] == pytest.approx(value, rel=0.02, abs=1e-7)
        checked += 1
    assert checked >= 3


def test_errors(shared, tmp_path):
    path = find_model(shared, "llama-kv-op18")
    samples = make_samples(onnxruntime.InferenceSession(str(path)))

    def calibrate(changes, options=""):
        save_file({**samples, **changes}, tmp_path / "samples")
        module = llmc.Module.load(path)
        module.lift()
        module.run(f"llmc-calibrate{{inputs={tmp_path}/samples {options}}}")

    ids = samples["input_ids"]
    for changes, message in [
            ({"input_ids": ids.astype(np.int32)}, "the model takes I64"),
            ({"input_ids": ids[0]}, "it has rank 1"),
            ({"input_ids": ids[:0]}, "it has 0 samples"),
            ({"attention_mask": ids[:1]}, "the first input has 3"),
            ({"input_ids": ids + 4096}, "an index is outside")]:
        with pytest.raises(llmc.Error, match=message):
            calibrate(changes)
    with pytest.raises(llmc.Error, match="then is no pass pipeline"):
        calibrate({}, "then=no-such-pass")
    with pytest.raises(llmc.Error, match="probe is no pass pipeline"):
        calibrate({}, "probe=no-such-pass")
    with pytest.raises(llmc.Error, match="probe-samples is 4 and there are 3"):
        calibrate({}, "probe=llmc-quantize-rtn probe-samples=4")
    with pytest.raises(llmc.Error, match="probe is for the model as it is"):
        calibrate({}, "probe=llmc-quantize-rtn then=llmc-quantize-rtn")
    with pytest.raises(llmc.Error, match="are padded to 72"):
        calibrate({}, "then={llmc-quantize-rtn{bits=4 block=24 strict=true}}")


def test_module_calibrate(shared, tmp_path):
    """Windows of a text, and inputs that the package fills in itself."""
    path = find_model(shared, "llama-kv-op18")
    tokens = np.random.default_rng(1).integers(0, 256, 100)
    module = llmc.Module.load(path)
    module.lift()
    module.calibrate(tokens, samples=3, length=20,
                     output=tmp_path / "statistics")
    tensors, metadata = read_statistics(tmp_path / "statistics")
    assert set(metadata["rows"].values()) == {60}
    seen = np.concatenate([tokens[:20], tokens[40:60], tokens[80:]])
    counts = [v for k, v in tensors.items() if k.endswith(".counts")]
    assert np.array_equal(counts[0], np.bincount(seen, minlength=256))
    with pytest.raises(llmc.Error, match="has 100 tokens, a sample needs 101"):
        module.calibrate(tokens, length=101)


def test_budget_without_logits(shared):
    """Nothing can be probed then, which is said, and an error when strict."""
    path = find_model(shared, "bert-op18")
    tokens = np.random.default_rng(1).integers(0, 256, 100)
    options = {"budget": 200000, "group": 16, "tokens": tokens, "samples": 2,
               "sample_length": 20}
    module = llmc.Module.load(path)
    module.lift()
    report = module.compress(**options)
    assert any("no output named logits" in line for line in report.notices)
    assert sum(param["bytes"] for param in module.params()) <= 200000
    module = llmc.Module.load(path)
    module.lift()
    with pytest.raises(llmc.Error, match="no output named logits"):
        module.compress(strict=True, **options)


@pytest.mark.parametrize("output, ends", [
    ("logits", [[], []]), ("embedding", [[7], [8, 8]])])
def test_samples_of_encoders_have_ends(output, ends, tmp_path):
    """A model without logits reads the special tokens of its tokenizer around
    each sample; others read the text alone."""
    tokenizers = pytest.importorskip("tokenizers")
    from llmc import _cli_compress
    from llmc.calibrate import windows
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(
        {**{f"w{i}": i for i in range(7)}, "[C]": 7, "[S]": 8, "a": 9},
        unk_token="[S]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        single="[C] $A [S] [S]", special_tokens=[("[C]", 7), ("[S]", 8)])
    words.save(str(tmp_path / "tokenizer.json"))
    tokens = [i % 7 for i in range(100)]
    (tmp_path / "text").write_text(" ".join(f"w{i}" for i in tokens))
    args = types.SimpleNamespace(
        calibration=tmp_path / "text", samples=5, sample_length=11,
        tokenizer=tmp_path / "tokenizer.json")
    module = types.SimpleNamespace(
        outputs=[types.SimpleNamespace(name=output)])
    given, facts = _cli_compress._calibration(
        args, module, tmp_path / "model.onnx")
    samples = windows(given, 5, 11)
    assert facts["tokens"] == 100 and samples.shape == (5, 11)
    inner = 11 - len(ends[0]) - len(ends[1])
    for i, row in enumerate(samples.tolist()):
        first = (100 - inner) * i // 4
        assert row == ends[0] + tokens[first:first + inner] + ends[1]


def test_samples_need_room():
    from llmc.calibrate import windows
    with pytest.raises(llmc.Error, match="no room for text between the 3"):
        windows(range(100), 4, 3, ([7], [8, 8]))


def test_sparsity_by_probes(shared, tmp_path):
    """Weights that were probed by pruning them lose parts of their own, half of
    all together."""
    path = find_model(shared, "llama-kv-op18")
    samples = make_samples(onnxruntime.InferenceSession(str(path)))
    save_file(samples, tmp_path / "samples")
    module = llmc.Module.load(path)
    module.lift()
    calibrate = f"llmc-calibrate{{inputs={tmp_path}/samples "
    module.run(calibrate + "probe={llmc-prune-alps{scope=row rounds=6 "
               "store=dense}}},llmc-allocate-sparsity{spread=0.2}")
    report = module.run(calibrate + "reference=true then={llmc-match-outputs,"
                        "llmc-prune-alps{scope=row store=dense}}}")
    pruned = [entry for entry in report.weights
              if entry["pass"] == "llmc-prune-alps"]
    zeros = sum(entry["sparsity"] * entry["weights"] for entry in pruned)
    assert abs(zeros / sum(entry["weights"] for entry in pruned) - 0.5) < 0.02
    parts = {round(entry["sparsity"], 1) for entry in pruned}
    assert 0.3 in parts and 0.7 in parts
