#!/usr/bin/env python3
"""Random weights in the shape of TinyLlama-1.1B, as an fp32 ONNX model.

    python benchmarks/models/tinyllama.py OUT_DIR [--layers N]

The graph is that of utils/models/smollm2.py, PyTorch's export of Hugging Face's
Llama, with a head of its own. The weights are Gaussian with a standard
deviation of 1/sqrt(in), from a fixed seed for each tensor. A second run does
nothing.
"""

import argparse
import json
import pathlib
import sys
import zlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "utils" / "models"))

import common  # noqa: E402
import smollm2  # noqa: E402
from common import Weight  # noqa: E402

SEED = 20240111


def config(layers):
    return smollm2.Config(
        layers=layers, hidden=2048, ffn=5632, heads=32, kv_heads=4,
        head_dim=64, vocab=32000, context=2048, rope_theta=10000.0, eps=1e-5,
        bos=1, eos=2, pad=0, chat_template="")


class Decoder(smollm2.Decoder):
    METADATA = {"source": "random weights in the shape of TinyLlama-1.1B"}

    def logits(self, normed):
        self.g.op("MatMul", normed, self.weight("lm_head.weight"),
                  name="logits")


def gaussian(name, shape, fan_in):
    """A seed for each tensor, so that no tensor depends on another's size."""
    def make():
        random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        values = random.standard_normal(shape, dtype=np.float32)
        values *= np.float32(fan_in**-0.5)
        return values

    return Weight(shape, make)


def weights(c):
    table = {}

    def linear(name, inputs, outputs):
        name = f"{name}.weight"
        table[name] = gaussian(name, (inputs, outputs), inputs)

    def norm(name):
        table[f"{name}.weight"] = Weight(
            (c.hidden,), lambda: np.ones(c.hidden, np.float32))

    embedding = "model.embed_tokens.weight"
    table[embedding] = gaussian(embedding, (c.vocab, c.hidden), c.hidden)
    query, kv = c.heads * c.head_dim, c.kv_heads * c.head_dim
    for i in range(c.layers):
        layer = f"model.layers.{i}"
        norm(f"{layer}.input_layernorm")
        linear(f"{layer}.self_attn.q_proj", c.hidden, query)
        linear(f"{layer}.self_attn.k_proj", c.hidden, kv)
        linear(f"{layer}.self_attn.v_proj", c.hidden, kv)
        linear(f"{layer}.self_attn.o_proj", query, c.hidden)
        norm(f"{layer}.post_attention_layernorm")
        linear(f"{layer}.mlp.gate_proj", c.hidden, c.ffn)
        linear(f"{layer}.mlp.up_proj", c.hidden, c.ffn)
        linear(f"{layer}.mlp.down_proj", c.ffn, c.hidden)
    norm("model.norm")
    linear("lm_head", c.hidden, c.vocab)
    return table


def write(c, folder):
    """model.onnx, its data and config.json."""
    decoder = Decoder(c, weights(c))
    model = decoder.build()
    common.write_model(model, decoder.g.weights, folder / "model.onnx",
                       external=True)
    described = {**c.json(), "tie_word_embeddings": False}
    del described["chat_template"]
    (folder / "config.json").write_text(
        json.dumps(described, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=22)
    args = parser.parse_args()
    sources = [pathlib.Path(__file__), *(
        ROOT / "utils" / "models" / name
        for name in ("smollm2.py", "torch_patterns.py", "common.py"))]
    key = common.fingerprint(*sources) + f"-{args.layers}"
    if common.up_to_date(args.out_dir, key):
        return 0
    with common.atomic_output(args.out_dir, key) as work:
        write(config(args.layers), work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
