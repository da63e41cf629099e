#!/usr/bin/env python3
"""A Llama as ONNX Runtime runs it best, made from a float model.

    python onnxruntime_llama.py FLOAT_DIR OUT_DIR --weights FORMAT

FORMAT is f32, bf16, int4-BLOCK or int2-BLOCK (MatMulNBits with accuracy level
4, which computes in int8) or int8 (DynamicQuantizeMatMul, a scale per channel).
The graph is that of the model builder of onnxruntime-genai:
GroupQueryAttention with the rotary embedding inside and a cache that is
written in place, fused norms, and logits of the last token only. A
genai_config.json is beside it.
"""

import argparse
import json
import pathlib
import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper

import external_data
from float_model import FloatModel, common
from quantized import int8_channels, int_blocks

Graph, Weight = common.Graph, common.Weight
MICROSOFT = "com.microsoft"


class Builder:
    def __init__(self, source, weights):
        self.source, self.c, self.format = source, source.config, weights
        self.g = Graph()
        self.layers = self.c["num_hidden_layers"]
        self.arrays = {}

    def initializer(self, name, array):
        self.arrays[name] = array
        return name

    def node(self, op, inputs, outputs, domain="", **attributes):
        self.g.nodes.append(helper.make_node(
            op, inputs, outputs, name=f"node_{outputs[0]}", domain=domain,
            **attributes))
        return outputs[0]

    def linear(self, x, name, output=None):
        output = output or name
        weight = self.source.linear(name)
        rows, columns = weight.shape
        if self.format == "f32":
            w = f"{name}.weight"
            if name == "lm_head" and self.source.tied:
                w = self.node("Transpose", ["model.embed_tokens.weight"],
                              ["lm_head.weight_t"], perm=[1, 0])
            else:
                self.initializer(w, weight.T)
            return self.node("MatMul", [x, w], [output])
        if self.format == "bf16":
            # Not for ONNX Runtime, which would keep floats; OpenVINO knows it.
            w = self.initializer(f"{name}.weight",
                                 weight.T.astype(ml_dtypes.bfloat16))
            w = self.node("Cast", [w], [f"{w}.f32"], to=TensorProto.FLOAT)
            return self.node("MatMul", [x, w], [output])
        if self.format == "int8":
            codes, scales = int8_channels(weight)
            return self.node("DynamicQuantizeMatMul", [
                x, self.initializer(f"{name}.codes", codes.T),
                self.initializer(f"{name}.scales", scales)], [output],
                MICROSOFT)
        bits, block = map(int, self.format.removeprefix("int").split("-"))
        codes, scales = int_blocks(weight, bits, block)
        return self.node("MatMulNBits", [
            x, self.initializer(f"{name}.codes", codes),
            self.initializer(f"{name}.scales", scales.reshape(-1))], [output],
            MICROSOFT, K=columns, N=rows, bits=bits, block_size=block,
            accuracy_level=4)

    def norm(self, hidden, delta, name):
        """The norm of hidden + delta, and that sum."""
        gain = self.initializer(f"{name}.weight", self.source[f"{name}.weight"])
        eps = self.c["rms_norm_eps"]
        if delta is None:
            return self.node("SimplifiedLayerNormalization", [hidden, gain],
                             [name], axis=-1, epsilon=eps,
                             stash_type=1), hidden
        self.node("SkipSimplifiedLayerNormalization", [hidden, delta, gain],
                  [name, "", "", f"{name}.sum"], MICROSOFT, epsilon=eps)
        return name, f"{name}.sum"

    def rope_tables(self):
        size = self.c["head_dim"]
        inverse = self.c["rope_theta"] ** -(np.arange(0, size, 2) / size)
        angles = np.outer(np.arange(self.c["max_position_embeddings"]),
                          inverse)
        return (self.initializer("cos_cache", np.cos(angles)),
                self.initializer("sin_cache", np.sin(angles)))

    def attention(self, x, layer):
        scope = f"model.layers.{layer}.self_attn"
        q, k, v = (self.linear(x, f"{scope}.{n}_proj") for n in "qkv")
        self.node("GroupQueryAttention", [
            q, k, v, f"past_key_values.{layer}.key",
            f"past_key_values.{layer}.value", "last_position",
            "total_length", *self.tables],
            [f"{scope}.attention", f"present.{layer}.key",
             f"present.{layer}.value"], MICROSOFT,
            num_heads=self.c["num_attention_heads"],
            kv_num_heads=self.c["num_key_value_heads"], do_rotary=1,
            rotary_interleaved=0, scale=self.c["head_dim"]**-0.5)
        return self.linear(f"{scope}.attention", f"{scope}.o_proj")

    def gated_mlp(self, x, scope):
        gate = self.linear(x, f"{scope}.gate_proj")
        up = self.linear(x, f"{scope}.up_proj")
        self.node("Sigmoid", [gate], [f"{scope}.sigmoid"])
        self.node("Mul", [gate, f"{scope}.sigmoid"], [f"{scope}.silu"])
        self.node("Mul", [f"{scope}.silu", up], [f"{scope}.gated"])
        return self.linear(f"{scope}.gated", f"{scope}.down_proj")

    def build(self):
        g = self.g
        length = g.op("ReduceSum", "attention_mask", g.ints(1),
                      name="lengths", keepdims=1)
        last = g.op("Sub", length, g.ints(1), name="last_position_int64")
        self.node("Cast", [last], ["last_position"], to=TensorProto.INT32)
        total = g.op("Gather", g.op("Shape", "attention_mask", name="shape"),
                     g.int_scalar(1), name="total_int64", axis=0)
        self.node("Cast", [total], ["total_length"], to=TensorProto.INT32)
        self.tables = self.rope_tables()
        embedding = self.initializer("model.embed_tokens.weight",
                                     self.source["model.embed_tokens.weight"])
        hidden = g.op("Gather", embedding, "input_ids", name="embedding")
        delta = None
        for i in range(self.layers):
            scope = f"model.layers.{i}"
            x, hidden = self.norm(hidden, delta, f"{scope}.input_layernorm")
            delta = self.attention(x, i)
            x, hidden = self.norm(hidden, delta,
                                  f"{scope}.post_attention_layernorm")
            delta = self.gated_mlp(x, f"{scope}.mlp")
        x, _ = self.norm(hidden, delta, "model.norm")
        # What genai's builder calls prune_lm_head.
        x = g.op("Gather", x, g.ints(-1), name="last_token", axis=1)
        self.linear(x, "lm_head", "logits")
        return self.model()

    def model(self):
        c = self.c

        def value(name, kind, *shape):
            return helper.make_tensor_value_info(name, kind, shape)

        def cache(prefix, length):
            return [value(f"{prefix}.{i}.{part}", TensorProto.FLOAT,
                          "batch_size", c["num_key_value_heads"], length,
                          c["head_dim"])
                    for i in range(self.layers) for part in ("key", "value")]

        inputs = [value("input_ids", TensorProto.INT64, "batch_size",
                        "sequence_length"),
                  value("attention_mask", TensorProto.INT64, "batch_size",
                        "total_sequence_length"),
                  *cache("past_key_values", "past_sequence_length")]
        outputs = [value("logits", TensorProto.FLOAT, "batch_size", 1,
                         c["vocab_size"]),
                   *cache("present", "total_sequence_length")]
        model = self.g.model("main_graph", inputs, outputs, 21, {})
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
        return model


def genai_config(c):
    names = {"past_key_names": "past_key_values.%d.key",
             "past_value_names": "past_key_values.%d.value"}
    return {
        "model": {
            "type": "llama", "bos_token_id": 1, "eos_token_id": 2,
            "pad_token_id": 0, "vocab_size": c["vocab_size"],
            "context_length": c["max_position_embeddings"],
            "decoder": {
                "filename": "model.onnx",
                "session_options": {"provider_options": []},
                "head_size": c["head_dim"], "hidden_size": c["hidden_size"],
                "num_attention_heads": c["num_attention_heads"],
                "num_hidden_layers": c["num_hidden_layers"],
                "num_key_value_heads": c["num_key_value_heads"],
                "inputs": {"input_ids": "input_ids",
                           "attention_mask": "attention_mask", **names},
                "outputs": {"logits": "logits",
                            "present_key_names": "present.%d.key",
                            "present_value_names": "present.%d.value"}}},
        "search": {"do_sample": False, "past_present_share_buffer": True,
                   "max_length": c["max_position_embeddings"]}}


def write(source, weights, folder):
    builder = Builder(source, weights)
    external_data.write(builder.build(), builder.arrays,
                        folder / "model.onnx")
    (folder / "genai_config.json").write_text(
        json.dumps(genai_config(source.config), indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("float_dir", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--weights", required=True)
    args = parser.parse_args()
    source = FloatModel(args.float_dir)
    here = pathlib.Path(__file__)
    key = source.key(here, *map(here.with_name, (
        "quantized.py", "external_data.py", "float_model.py")),
        options=args.weights)
    if common.up_to_date(args.out_dir, key):
        return 0
    with common.atomic_output(args.out_dir, key) as work:
        write(source, args.weights, work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
