#!/usr/bin/env python3
"""A float model as GGUF for llama.cpp and OpenVINO GenAI, in one of its formats.

    python gguf_llama.py FLOAT_DIR OUT_DIR --format Q4_0

OUT_DIR receives model.gguf. F32 and BF16 are written as they are; the others
are made by llama.cpp's own quantizer from the BF16 file, which is given with
--source. Tokens are numbers here: the vocabulary only has as many entries as
OpenVINO GenAI wants to see.
"""

import argparse
import ctypes
import pathlib
import sys

import gguf
import numpy as np
from gguf import quants

from float_model import FloatModel, common

NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}
PLAIN = ("F32", "BF16")


def interleaved_rows(weight, heads):
    """Rows of q or k from Hugging Face's order, which rotates (i, i + d/2), to
    GGUF's, which rotates neighbours."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(weight.shape)


def tensors(source):
    """(name, function that makes the values, shape) of each tensor."""
    c = source.config
    heads = {"q": c["num_attention_heads"], "k": c["num_key_value_heads"]}

    def norm(name, target):
        return f"{target}.weight", lambda: source[f"{name}.weight"], \
            source[f"{name}.weight"].shape

    def linear(name, target):
        def make():
            weight = np.ascontiguousarray(source.linear(name))
            part = name.rsplit(".", 1)[-1]
            if part in ("q_proj", "k_proj"):
                weight = interleaved_rows(weight, heads[part[0]])
            return weight
        return f"{target}.weight", make, source.linear(name).shape

    embedding = source["model.embed_tokens.weight"]
    yield "token_embd.weight", lambda: embedding, embedding.shape
    for name in source.linears():
        _, _, layer, part = name.split(".", 3)
        yield linear(name, f"blk.{layer}.{NAMES[part]}")
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        yield norm(f"{layer}.input_layernorm", f"blk.{i}.attn_norm")
        yield norm(f"{layer}.post_attention_layernorm", f"blk.{i}.ffn_norm")
    yield norm("model.norm", "output_norm")
    if not source.tied:
        yield linear("lm_head", "output")


def write(source, path, kind):
    c = source.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_rope_dimension_count(c["head_dim"])
    writer.add_rope_freq_base(c["rope_theta"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_vocab_size(c["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType[
        "ALL_F32" if kind == "F32" else f"MOSTLY_{kind}"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_bos_token_id(c["bos_token_id"])
    writer.add_eos_token_id(c["eos_token_id"])
    writer.add_token_list([f"t{i}" for i in range(c["vocab_size"])])
    ends = c["bos_token_id"], c["eos_token_id"]
    writer.add_token_types([
        gguf.TokenType.CONTROL if i in ends else gguf.TokenType.NORMAL
        for i in range(c["vocab_size"])])
    writer.add_token_merges(["t 1"])

    def encode(values):
        wanted = gguf.GGMLQuantizationType[kind if values.ndim > 1 else "F32"]
        return quants.quantize(np.ascontiguousarray(values), wanted), wanted

    table = list(tensors(source))
    for name, _, shape in table:
        wanted = gguf.GGMLQuantizationType[kind if len(shape) > 1 else "F32"]
        width = 4 if wanted.name == "F32" else 2
        writer.add_tensor_info(name, shape, np.dtype(np.float32),
                               int(np.prod(shape)) * width, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, make, _ in table:
        writer.write_tensor_data(encode(make())[0])
    writer.close()


def quantize(source, path, kind):
    import llama_cpp
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    status = llama_cpp.llama_model_quantize(
        str(source).encode(), str(path).encode(), ctypes.byref(parameters))
    if status != 0:
        raise SystemExit(f"error: llama.cpp cannot quantize to {kind}: "
                         f"status {status}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("float_dir", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--format", required=True)
    parser.add_argument("--source", type=pathlib.Path)
    args = parser.parse_args()
    source = FloatModel(args.float_dir)
    key = source.key(pathlib.Path(__file__), options=args.format)
    if common.up_to_date(args.out_dir, key):
        return 0
    with common.atomic_output(args.out_dir, key) as work:
        if args.format in PLAIN:
            write(source, work / "model.gguf", args.format)
        else:
            quantize(args.source, work / "model.gguf", args.format)
    return 0


if __name__ == "__main__":
    sys.exit(main())
