"""The tokenizer of SmolLM2 in the format of Hugging Face's `tokenizers`.

GGUF stores a byte-level BPE as lists of tokens, token types and merges plus
the name of a pre-tokenizer; `smollm` means: single digits apart, then GPT-2's
word splitting on bytes."""

import json

CONTROL_TOKEN = 3


def contents(reader, key):
    return reader.get_field(f"tokenizer.ggml.{key}").contents()


def write(reader, path):
    if contents(reader, "model") != "gpt2" or contents(reader,
                                                       "pre") != "smollm":
        raise SystemExit("error: the GGUF file's tokenizer is not a byte-level "
                         "BPE with the pre-tokenizer smollm")
    tokens = contents(reader, "tokens")
    types = contents(reader, "token_type")
    special = [i for i, kind in enumerate(types) if kind == CONTROL_TOKEN]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False,
                  "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": tokens[i], "single_word": False,
             "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i in special
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True},
                              byte_level],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [merge.split(" ")
                       for merge in contents(reader, "merges")],
        },
    }
    path.write_text(json.dumps(tokenizer, ensure_ascii=False),
                    encoding="utf-8")
