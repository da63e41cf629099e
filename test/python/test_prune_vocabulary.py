"""llmc-prune-vocabulary: tokens that stayed have the logits that they had, the
others none, and ids are those of the tokenizer."""

import numpy as np
import pytest
from conftest import SHARED

import llmc

onnxruntime = pytest.importorskip("onnxruntime")

TOKENS = 256
KEPT = np.unique(np.random.default_rng(3).integers(0, TOKENS, 48))[:32]


def prune(name, tmp_path, options="", kept=KEPT):
    path = SHARED / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    (tmp_path / "tokens").write_text("\n".join(map(str, kept)))
    module = llmc.Module.load(path)
    module.lift()
    module.run(f"llmc-prune-vocabulary{{tokens={tmp_path}/tokens strict "
               f"map={tmp_path}/map {options}}}")
    assert np.array_equal(np.loadtxt(tmp_path / "map", int), kept)
    return path, module


def run_onnx(path, feeds):
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds)))


def make_feeds(compare, name, ids=KEPT):
    """A case of the zoo with these tokens."""
    feeds, _ = next(compare.cases(SHARED / "zoo" / f"{name}.npz"))
    random = np.random.default_rng(4)
    return {**feeds,
            "input_ids": random.choice(ids, feeds["input_ids"].shape)}


@pytest.mark.parametrize("how", ["exported", "reference", "host"])
@pytest.mark.parametrize("name", ["bert-op18", "gemma2-op18", "gpt2-kv-op18",
                                  "llama-kv-op18", "opt-op17-ts", "phi-op18"])
def test_zoo(name, how, compare, tmp_path):
    path, module = prune(name, tmp_path)
    feeds = make_feeds(compare, name)
    expected = run_onnx(path, feeds)
    if how == "exported":
        module.export_onnx(tmp_path / "small.onnx")
        actual = run_onnx(tmp_path / "small.onnx", feeds)
    else:
        actual = module.compile(how, opt_level=0)(feeds)
    assert actual.keys() == expected.keys()
    gone = np.setdiff1d(np.arange(TOKENS), KEPT)
    mask = feeds["attention_mask"].astype(bool)
    for output, want in expected.items():
        got = actual[output]
        assert got.shape == want.shape
        if output == "logits":
            assert np.all(np.isneginf(got[..., gone]))
            got, want = got[..., KEPT], want[..., KEPT]
        if want.ndim == 3 and want.shape[:2] == mask.shape:
            got, want = got[mask], want[mask]
        np.testing.assert_allclose(got, want, atol=1e-4)


@pytest.mark.parametrize("name", ["bert-op18", "llama-op18"])
def test_removed_tokens(name, compare, tmp_path):
    """An error, or the row of the token that stands for unknown ones."""
    path, module = prune(name, tmp_path)
    feeds = make_feeds(compare, name, np.arange(TOKENS))
    with pytest.raises(llmc.Error):
        module.compile("reference", opt_level=0)(feeds)
    unknown = KEPT[5]
    path, module = prune(name, tmp_path, f"unknown={unknown}")
    actual = module.compile("reference", opt_level=0)(feeds)
    ids = feeds["input_ids"]
    feeds["input_ids"] = np.where(np.isin(ids, KEPT), ids, unknown)
    mask = feeds["attention_mask"].astype(bool)
    for output, want in run_onnx(path, feeds).items():
        got = actual[output]
        if output == "logits":
            got, want = got[..., KEPT], want[..., KEPT]
        if want.ndim == 3:
            got, want = got[mask], want[mask]
        np.testing.assert_allclose(got, want, atol=1e-4)


def test_generation(tmp_path):
    """An artifact generates tokens that stayed; only the last logits are
    computed for a prompt."""
    path, module = prune("llama-kv-op18", tmp_path)
    module.compile_artifact(tmp_path / "out.llmc", opt_level=0)
    prompt = [int(t) for t in KEPT[:7]]
    tokens, _ = llmc.Artifact(tmp_path / "out.llmc").session().generate(
        prompt, max_tokens=8, temperature=0)
    for i, token in enumerate(tokens):
        ids = np.array([prompt + tokens[:i]])
        logits = run_onnx(path, {
            "input_ids": ids, "attention_mask": np.ones_like(ids),
            **empty_caches(path)})["logits"][0, -1]
        assert token == KEPT[logits[KEPT].argmax()]
    assert len(tokens) == 8


def empty_caches(path):
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"])
    return {i.name: np.zeros([{"batch": 1, "past": 0}.get(d, d)
                              for d in i.shape], np.float32)
            for i in session.get_inputs() if i.type == "tensor(float)"}


@pytest.mark.parametrize("keep", [0, 16])
def test_counts(keep, tmp_path, shared):
    """The most frequent tokens of what calibration saw, and those named."""
    from safetensors.numpy import save_file
    random = np.random.default_rng(5)
    ids = random.choice(TOKENS, (4, 24), p=np.arange(TOKENS)
                        / np.arange(TOKENS).sum())
    save_file({"input_ids": ids, "attention_mask": np.ones_like(ids)},
              tmp_path / "samples")
    module = llmc.Module.load(shared / "zoo" / "bert-op18.onnx")
    module.lift()
    module.run(f"llmc-calibrate{{inputs={tmp_path}/samples}},"
               f"llmc-prune-vocabulary{{keep={keep} also=0,1 multiple=1 "
               f"map={tmp_path}/map}}")
    counts = np.bincount(ids.reshape(-1), minlength=TOKENS)
    order = np.argsort(-counts, kind="stable")
    seen = order[:keep - 2] if keep else np.nonzero(counts)[0]
    assert np.array_equal(np.loadtxt(tmp_path / "map", int),
                          np.union1d(seen, [0, 1]))
