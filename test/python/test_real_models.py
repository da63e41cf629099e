"""SmolLM2 and MiniLM at their real size, against ONNX Runtime."""

import numpy as np
import pytest

import llmc
from llmc.text import Tokenizer

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

LAYERS, KV_HEADS, HEAD_SIZE = 30, 3, 64


class Reference:
    """A language model with a KV cache in ONNX Runtime."""

    def __init__(self, path):
        self.session = ort.InferenceSession(
            str(path), providers=["CPUExecutionProvider"])
        self.names = [value.name for value in self.session.get_outputs()]
        empty = np.zeros((1, KV_HEADS, 0, HEAD_SIZE), np.float32)
        self.past = {value.name: empty for value in self.session.get_inputs()
                     if value.name.startswith("past_key_values.")}
        self.length = 0

    def logits(self, tokens):
        """Appends tokens; their logits, [tokens, vocabulary]."""
        end = self.length + len(tokens)
        outputs = dict(zip(self.names, self.session.run(None, {
            "input_ids": np.array([tokens], np.int64),
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(self.length, end)[None], **self.past})))
        self.past = {name: outputs[name.replace("past_key_values", "present")]
                     for name in self.past}
        self.length = end
        return outputs["logits"][0]


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return Tokenizer(smollm2 / "tokenizer.json")


@pytest.fixture(scope="module")
def tokens(shared, tokenizer):
    """512 tokens of WikiText-2."""
    text = (shared / "data" / "wikitext-2" / "wiki.test.raw").read_text()
    return tokenizer.encode(text[:6000])[:512]


@pytest.fixture(scope="module")
def artifact(smollm2, tmp_path_factory):
    out = tmp_path_factory.mktemp("smollm2") / "float.llmc"
    llmc.Module.load(smollm2 / "model.onnx").compile_artifact(out)
    return llmc.Artifact(out)


def test_smollm2_logits(smollm2, artifact, tokens):
    assert len(tokens) == 512
    want = Reference(smollm2 / "model.onnx").logits(tokens)
    got = artifact.session().logits(tokens)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-3)


def test_smollm2_greedy_continuation(smollm2, artifact, tokenizer):
    prompt = tokenizer.encode("The first people who reached the South Pole")
    reference = Reference(smollm2 / "model.onnx")
    want, row = [], reference.logits(prompt)[-1]
    for _ in range(64):
        want.append(int(row.argmax()))
        row = reference.logits(want[-1:])[-1]
    got, facts = artifact.session().generate(prompt, max_tokens=64,
                                             ignore_eos=True)
    assert got == want
    assert facts["generated_tokens"] == 64


def test_smollm2_unchanged_after_export(smollm2, tokens, tmp_path):
    """Imported and exported, not lifted: the same operations in the same
    order. Lifted: others, and the same function."""
    want = Reference(smollm2 / "model.onnx").logits(tokens[:64])
    for lift, tolerance in ((False, 1e-4), (True, 1e-3)):
        module = llmc.Module.load(smollm2 / "model.onnx")
        if lift:
            module.lift()
        module.export_onnx(tmp_path / "out.onnx")
        got = Reference(tmp_path / "out.onnx").logits(tokens[:64])
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def test_smollm2_rotated(smollm2, tokens, tmp_path):
    """All hidden states are others, logits and perplexity are not."""
    module = llmc.Module.load(smollm2 / "model.onnx")
    report = module.run("llmc-lift,llmc-rotate{strict}")
    assert len(report.weights) == 1 + LAYERS
    module.export_onnx(tmp_path / "out.onnx")
    want, got = (Reference(path).logits(tokens) for path in (
        smollm2 / "model.onnx", tmp_path / "out.onnx"))
    np.testing.assert_allclose(got, want, rtol=0,
                               atol=1e-4 * np.abs(want).max())

    def perplexity(logits):
        rows = logits[:-1].astype("f8")
        rows -= np.log(np.exp(rows).sum(1, keepdims=True))
        return np.exp(-rows[np.arange(len(rows)), tokens[1:]].mean())
    assert perplexity(got) == pytest.approx(perplexity(want), rel=1e-4)


@pytest.mark.parametrize("bits", [4, 8])
def test_smollm2_compressed(smollm2, tokens, tmp_path, bits):
    """The compressed model natively is the exported one in ONNX Runtime, where
    both leave the activations in floats."""
    module = llmc.Module.load(smollm2 / "model.onnx")
    module.lift()
    report = module.compress(bits=bits, group=64, activations="float")
    # Seven linears a layer, and the embedding that is the head too.
    assert len(report.weights) == 7 * LAYERS + 1
    assert report.notices == []
    module.export_onnx(tmp_path / "small.onnx")
    model = onnx.load(tmp_path / "small.onnx")
    nodes = [n for n in model.graph.node if n.op_type == "MatMulNBits"]
    assert len(nodes) == 7 * LAYERS + 1
    assert not any(attribute.name == "accuracy_level"
                   for node in nodes for attribute in node.attribute)
    want = Reference(tmp_path / "small.onnx").logits(tokens[:64])
    module.compile_artifact(tmp_path / "small.llmc")
    got = llmc.Artifact(tmp_path / "small.llmc").session().logits(tokens[:64])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-3)


SENTENCES = [
    "A man is eating food.",
    "The girl is carrying a baby.",
    "Quarterly revenue rose by four percent, the company said on Tuesday, in "
    "line with what analysts had expected.",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "x",
]


def test_minilm_embeddings(minilm):
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(str(minilm / "tokenizer.json"))
    tokenizer.enable_padding()
    batch = tokenizer.encode_batch(SENTENCES)
    feeds = {"input_ids": np.array([e.ids for e in batch]),
             "attention_mask": np.array([e.attention_mask for e in batch]),
             "token_type_ids": np.array([e.type_ids for e in batch])}
    session = ort.InferenceSession(str(minilm / "model.onnx"),
                                   providers=["CPUExecutionProvider"])
    want, = session.run(["sentence_embedding"], feeds)
    got = llmc.compile(minilm / "model.onnx")(feeds)["sentence_embedding"]
    assert got.shape == want.shape == (len(SENTENCES), 384)
    cosines = (got * want).sum(axis=1) / (
        np.linalg.norm(got, axis=1) * np.linalg.norm(want, axis=1))
    assert cosines.min() >= 0.99999
