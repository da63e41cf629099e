"""Checks of the SmolLM2 model that smollm2.py wrote.

The reference is a forward pass in numpy over the GGUF file itself: original
weights in their original order, rotary embedding on neighbouring pairs, no
rescaling. It shares nothing with the ONNX graph but the checkpoint, so that
agreement checks the reordering, the rescaling and the graph in one go."""

import numpy as np

import common

TOLERANCE = 1e-4

TEXT = ("The Eiffel Tower, completed in 1889, stands 330 metres tall on the "
        "Champ de Mars in Paris. It was built by Gustave Eiffel's company")

# Byte-level BPE gives text back as it was, whatever it is.
ROUND_TRIPS = (
    TEXT,
    "  two  spaces\tand tabs\n\nnew lines \n",
    "naïve café, Größe, Привет, 東京, 🙂",
    "x = [i**2 for i in range(1024)]  # don't",
    "<|im_start|>user\nHello!<|im_end|>\n",
)


def reference_logits(checkpoint, tokens):
    """float64 logits [tokens, vocab] of one sequence without a cache."""
    c = checkpoint.config
    count, half = len(tokens), c.head_dim // 2

    def matrix(name):
        return checkpoint[name].astype(np.float64).T

    def norm(x, name):
        mean = np.mean(x * x, axis=-1, keepdims=True)
        return x / np.sqrt(mean + c.eps) * checkpoint[name]

    frequency = c.rope_theta**(-np.arange(half) * 2.0 / c.head_dim)
    # The model computes these angles in float32; so must the reference, or
    # the comparison would measure that instead.
    angle = np.outer(np.arange(count, dtype=np.float32),
                     frequency.astype(np.float32)).astype(np.float64)
    cos, sin = np.cos(angle), np.sin(angle)

    def heads(x, number):
        return x.reshape(count, number, c.head_dim).transpose(1, 0, 2)

    def rope(x):
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = np.empty_like(x)
        turned[..., 0::2] = even * cos - odd * sin
        turned[..., 1::2] = odd * cos + even * sin
        return turned

    embedding = checkpoint["token_embd.weight"].astype(np.float64)
    hidden = embedding[tokens]
    future = np.triu(np.full((count, count), -np.inf), 1)
    for i in range(c.layers):
        block = f"blk.{i}"
        x = norm(hidden, f"{block}.attn_norm.weight")
        q = rope(heads(x @ matrix(f"{block}.attn_q.weight"), c.heads))
        k = rope(heads(x @ matrix(f"{block}.attn_k.weight"), c.kv_heads))
        v = heads(x @ matrix(f"{block}.attn_v.weight"), c.kv_heads)
        k = np.repeat(k, c.heads // c.kv_heads, axis=0)
        v = np.repeat(v, c.heads // c.kv_heads, axis=0)
        scores = q @ k.swapaxes(1, 2) / np.sqrt(c.head_dim) + future
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        x = (scores @ v).transpose(1, 0, 2).reshape(count, c.hidden)
        hidden = hidden + x @ matrix(f"{block}.attn_output.weight")
        x = norm(hidden, f"{block}.ffn_norm.weight")
        gate = x @ matrix(f"{block}.ffn_gate.weight")
        gate = gate / (1.0 + np.exp(-gate))
        x = gate * (x @ matrix(f"{block}.ffn_up.weight"))
        hidden = hidden + x @ matrix(f"{block}.ffn_down.weight")
    return norm(hidden, "output_norm.weight") @ embedding.T


class Session:
    """The written model with the cache carried along."""

    def __init__(self, path, config):
        self.run = common.runner(path)
        self.config = config

    def empty_cache(self, batch):
        shape = (batch, self.config.kv_heads, 0, self.config.head_dim)
        return {
            f"past_key_values.{i}.{part}": np.zeros(shape, np.float32)
            for i in range(self.config.layers) for part in ("key", "value")
        }

    def step(self, tokens, cache, mask=None, positions=None):
        """Logits of `tokens` [batch, new] and the cache after them."""
        tokens = np.asarray(tokens, np.int64)
        past = next(iter(cache.values())).shape[2]
        if mask is None:
            mask = np.ones((len(tokens), past + tokens.shape[1]), np.int64)
        if positions is None:
            positions = np.broadcast_to(
                np.arange(past, past + tokens.shape[1]), tokens.shape)
        outputs = self.run({
            "input_ids": tokens, "attention_mask": mask,
            "position_ids": np.ascontiguousarray(positions, np.int64),
            **cache})
        logits = outputs.pop("logits")
        return logits, {
            name.replace("present", "past_key_values"): value
            for name, value in outputs.items()}


def check(checkpoint, out_dir):
    """Prints one line per check; returns the process's exit status."""
    import tokenizers
    report = common.Report()
    tokenizer = tokenizers.Tokenizer.from_file(str(out_dir /
                                                   "tokenizer.json"))
    lost = [text for text in ROUND_TRIPS if tokenizer.decode(
        tokenizer.encode(text).ids, skip_special_tokens=False) != text]
    report.line(f"tokenizer gives {len(ROUND_TRIPS)} texts back{lost or ''}",
                not lost)
    special = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    report.line("special tokens are single tokens",
                all(tokenizer.encode(text).ids == [i]
                    for text, i in special.items()))

    tokens = tokenizer.encode(TEXT).ids
    want = reference_logits(checkpoint, tokens)
    session = Session(out_dir / "model.onnx", checkpoint.config)

    def compare(what, got, want):
        report.compare(f"logits, {what}", got, want, TOLERANCE)

    got, _ = session.step([tokens], session.empty_cache(1))
    compare(f"{len(tokens)} tokens at once", got[0], want)

    split = len(tokens) // 2
    first, cache = session.step([tokens[:split]], session.empty_cache(1))
    rows = [first[0]]
    for token in tokens[split:]:
        row, cache = session.step([[token]], cache)
        rows.append(row[0])
    compare("half at once, then one by one", np.concatenate(rows), want)

    # A batch of two whose first sequence is shorter and padded on the left.
    pad = 5
    batch = np.array([[checkpoint.config.pad] * pad + tokens[:-pad], tokens])
    mask = np.ones(batch.shape, np.int64)
    mask[0, :pad] = 0
    positions = np.maximum(np.cumsum(mask, axis=1) - 1, 0)
    got, _ = session.step(batch, session.empty_cache(2), mask, positions)
    compare("padded sequence of a batch", got[0, pad:], want[:-pad])
    compare("its whole neighbour", got[1], want)
    return report.status()
