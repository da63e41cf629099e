"""A language model small enough to compute by hand: the next token depends on
the last one alone. With a tokenizer of words, and a chat template."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WORDS = [f"w{i}" for i in range(60)]
SPECIAL = ["<unk>", "<|start|>", "<|end|>"]
VOCABULARY = SPECIAL + WORDS
HIDDEN = 64
TEMPLATE = ("{% for m in messages %}<|start|> {{ m['content'] }} <|end|> "
            "{% endfor %}{% if add_generation_prompt %}<|start|>{% endif %}")


def weights():
    rng = np.random.default_rng(5)
    embedding = rng.standard_normal((len(VOCABULARY), HIDDEN))
    head = rng.standard_normal((HIDDEN, len(VOCABULARY)))
    return embedding.astype("f4"), (head / 4).astype("f4")


def logits(ids):
    embedding, head = weights()
    return embedding[ids] @ head


def log_probabilities(ids):
    """Of each token but the first."""
    rows = logits(np.asarray(ids))[:-1].astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return rows[np.arange(len(rows)), ids[1:]]


def write(folder, tokenizer=True):
    """model.onnx and what lies beside it; the path of the model."""
    embedding, head = weights()
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Gather", ["embed", "input_ids"], ["x"]),
         helper.make_node("MatMul", ["x", "layers.0.head"], ["logits"])],
        "toy", [value("input_ids", TensorProto.INT64, ["batch", "sequence"])],
        [value("logits", TensorProto.FLOAT,
               ["batch", "sequence", len(VOCABULARY)])],
        [numpy_helper.from_array(embedding, "embed"),
         numpy_helper.from_array(head, "layers.0.head")])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 18)])
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    if tokenizer:
        write_tokenizer(folder)
    return folder / "model.onnx"


def write_tokenizer(folder):
    import tokenizers
    from tokenizers import models, pre_tokenizers
    words = tokenizers.Tokenizer(models.WordLevel(
        {word: i for i, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.add_special_tokens(SPECIAL)
    words.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(
        {"eos_token_id": 2, "max_position_embeddings": 512,
         "chat_template": TEMPLATE}))
