#!/usr/bin/env python3
"""A float model for CTranslate2.

    python ctranslate2_llama.py FLOAT_DIR OUT_DIR --quantization int8
"""

import argparse
import pathlib
import sys

import numpy as np
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, transformer_spec

from float_model import FloatModel, common


def specification(source):
    c = source.config
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        c["num_hidden_layers"], c["num_attention_heads"],
        activation=common_spec.Activation.SWISH, pre_norm=True, ffn_glu=True,
        rms_norm=True, rotary_dim=0, rotary_interleave=False,
        rotary_base=c["rope_theta"], num_heads_kv=c["num_key_value_heads"])
    decoder = spec.decoder

    def linear(target, name):
        target.weight = np.ascontiguousarray(source.linear(name))

    def norm(target, name):
        target.gamma = source[f"{name}.weight"]

    decoder.scale_embeddings = False
    decoder.embeddings.weight = np.array(source["model.embed_tokens.weight"])
    norm(decoder.layer_norm, "model.norm")
    linear(decoder.projection, "lm_head")
    for i, layer in enumerate(decoder.layer):
        scope = f"model.layers.{i}"
        norm(layer.self_attention.layer_norm, f"{scope}.input_layernorm")
        norm(layer.ffn.layer_norm, f"{scope}.post_attention_layernorm")
        parts = [common_spec.LinearSpec() for _ in "qkv"]
        for part, name in zip(parts, "qkv"):
            linear(part, f"{scope}.self_attn.{name}_proj")
        utils.fuse_linear(layer.self_attention.linear[0], parts)
        linear(layer.self_attention.linear[1], f"{scope}.self_attn.o_proj")
        linear(layer.ffn.linear_0, f"{scope}.mlp.gate_proj")
        linear(layer.ffn.linear_0_noact, f"{scope}.mlp.up_proj")
        linear(layer.ffn.linear_1, f"{scope}.mlp.down_proj")
    spec.register_vocabulary([str(i) for i in range(c["vocab_size"])])
    spec.config.bos_token, spec.config.eos_token = "1", "2"
    spec.config.unk_token = "0"
    spec.config.layer_norm_epsilon = c["rms_norm_eps"]
    return spec


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("float_dir", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--quantization", default="int8")
    args = parser.parse_args()
    source = FloatModel(args.float_dir)
    key = source.key(pathlib.Path(__file__), options=args.quantization)
    if common.up_to_date(args.out_dir, key):
        return 0
    spec = specification(source)
    spec.validate()
    spec.optimize(quantization=args.quantization)
    with common.atomic_output(args.out_dir, key) as work:
        spec.save(str(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
