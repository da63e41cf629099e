"""Checks of the MiniLM model that minilm.py wrote, against a forward pass in
numpy that takes its weights from the safetensors file."""

import math

import numpy as np

import common

TOLERANCE = 1e-4

SENTENCES = (
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby.",
    "Quarterly revenue rose by four percent, the company said on Tuesday, "
    "in line with what analysts had expected.",
)


def reference(checkpoint, tokens):
    """float64 hidden states and sentence embedding of one sentence."""
    c = checkpoint.config
    count, heads = len(tokens), c["num_attention_heads"]

    def matrix(name):
        return checkpoint[name].astype(np.float64)

    def linear(x, scope):
        return x @ matrix(f"{scope}.weight").T + matrix(f"{scope}.bias")

    def norm(x, scope):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True)
                        + c["layer_norm_eps"])
        return x * matrix(f"{scope}.weight") + matrix(f"{scope}.bias")

    erf = np.vectorize(math.erf)
    table = "embeddings.{}_embeddings.weight".format
    hidden = norm(matrix(table("word"))[tokens]
                  + matrix(table("position"))[:count]
                  + matrix(table("token_type"))[0], "embeddings.LayerNorm")
    for i in range(c["num_hidden_layers"]):
        scope = f"encoder.layer.{i}"
        q, k, v = (
            linear(hidden, f"{scope}.attention.self.{n}")
            .reshape(count, heads, -1).transpose(1, 0, 2)
            for n in ("query", "key", "value"))
        scores = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1]))
        scores /= scores.sum(axis=-1, keepdims=True)
        x = (scores @ v).transpose(1, 0, 2).reshape(count, -1)
        hidden = norm(linear(x, f"{scope}.attention.output.dense") + hidden,
                      f"{scope}.attention.output.LayerNorm")
        x = linear(hidden, f"{scope}.intermediate.dense")
        x = 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))
        hidden = norm(linear(x, f"{scope}.output.dense") + hidden,
                      f"{scope}.output.LayerNorm")
    mean = hidden.mean(axis=0)
    return hidden, mean / np.linalg.norm(mean)


def check(checkpoint, out_dir):
    """Prints one line per check; returns the process's exit status."""
    import tokenizers
    report = common.Report()
    tokenizer = tokenizers.Tokenizer.from_file(str(out_dir /
                                                   "tokenizer.json"))
    tokenizer.enable_padding()
    batch = tokenizer.encode_batch(list(SENTENCES))
    feeds = {
        "input_ids": np.array([e.ids for e in batch]),
        "attention_mask": np.array([e.attention_mask for e in batch]),
        "token_type_ids": np.array([e.type_ids for e in batch]),
    }
    run = common.runner(out_dir / "model.onnx")
    outputs = run(feeds)
    embeddings = outputs["sentence_embedding"]
    for row, sentence in enumerate(batch):
        length = sum(sentence.attention_mask)
        hidden, embedding = reference(checkpoint, sentence.ids[:length])
        report.compare(f"sentence {row}, hidden states",
                       outputs["last_hidden_state"][row, :length], hidden,
                       TOLERANCE)
        report.compare(f"sentence {row}, embedding", embeddings[row],
                       embedding, TOLERANCE)
    similar = embeddings[0] @ embeddings[1]
    other = embeddings[0] @ embeddings[2]
    report.line(f"similar sentences have cosine {similar:.3f}, "
                f"different ones {other:.3f}", similar > 0.6 > 0.3 > other)
    return report.status()
