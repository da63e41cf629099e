"""Folders that onnxruntime-genai loads: a model, its tokenizer, and
genai_config.json, which says what genai has to know of both."""

import json
import os
import pathlib
import re
import shutil

from ._errors import Error

# What may lie beside a model for its text, besides tokenizer.json.
_TEXT_FILES = ("tokenizer_config.json", "special_tokens_map.json",
               "added_tokens.json", "vocab.json", "merges.txt",
               "tokenizer.model", "chat_template.jinja")
_PLAIN_INPUTS = ("input_ids", "attention_mask", "position_ids")


def _read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise Error(f"'{path}' is not JSON: {problem}") from None


def _config(folder):
    """What the files beside the model say of it. generation_config.json knows
    all tokens that end a text."""
    path = folder / "config.json"
    if not path.is_file():
        raise Error(f"there is no '{path}': genai has to know the model's heads "
                    "and the token that ends a text; put the model's "
                    "config.json beside its tokenizer")
    config = _read_json(path)
    config.update(config.pop("text_config", None) or {})
    generation = folder / "generation_config.json"
    if generation.is_file():
        config.update({name: value for name, value in
                       _read_json(generation).items()
                       if name.endswith("_token_id") and value is not None})
    return config


def _first(config, *names):
    """The value of the first of the names, which models call the same by."""
    for name in names:
        if config.get(name) is not None:
            return config[name]
    raise Error(f"config.json has no {' or '.join(names)}, which genai has to "
                "know")


def _cache_pattern(specs, kind, part):
    """The name of the keys or values of a layer's cache with %d for its number,
    and the tensors by numbers."""
    patterns = {}
    for spec in specs:
        match = re.fullmatch(r"(\D*)(\d+)(\D*)", spec.name)
        said = spec.name.replace("past_key_values", "")
        if match and len(spec.shape) == 4 and part in said:
            pattern = f"{match[1]}%d{match[3]}"
            patterns.setdefault(pattern, {})[int(match[2])] = spec
    if len(patterns) != 1:
        found = ", ".join(sorted(patterns)) or "none"
        raise Error(
            f"there are no {kind} for one {part} of each layer, such as "
            f"'past_key_values.0.{part}' and 'present.0.{part}' [batch, heads, "
            f"length, head size]; found: {found}. Export the model with a KV "
            "cache (use_cache, or a task with past), and compress it without "
            "--kv-cache int8 or int4")
    (pattern, layers), = patterns.items()
    if sorted(layers) != list(range(len(layers))):
        raise Error(f"the layers of '{pattern}' are {sorted(layers)}, and genai "
                    "counts from 0 without gaps")
    return pattern, layers


def _decoder(inputs, outputs, config):
    names = {spec.name: spec for spec in inputs}
    logits = [spec for spec in outputs if spec.name == "logits"]
    if "input_ids" not in names or not logits:
        raise Error("genai runs language models: one has an input 'input_ids' "
                    "and an output 'logits'")
    keys, layers = _cache_pattern(inputs, "inputs", "key")
    values, _ = _cache_pattern(inputs, "inputs", "value")
    for name in names:
        if name not in _PLAIN_INPUTS and not any(
                name == pattern % layer for pattern in (keys, values)
                for layer in layers):
            raise Error(f"genai has nothing for the input '{name}'; it knows "
                        f"{', '.join(_PLAIN_INPUTS)} and the KV cache")
    _, heads, _, size = layers[0].shape
    hidden = _first(config, "hidden_size", "n_embd", "d_model")
    decoder = {
        "session_options": {"provider_options": []},
        "filename": "model.onnx",
        "head_size": size,
        "hidden_size": hidden,
        "num_attention_heads": _first(config, "num_attention_heads", "n_head",
                                      "num_heads"),
        "num_key_value_heads": heads,
        "num_hidden_layers": len(layers),
        "inputs": {**{name: name for name in _PLAIN_INPUTS if name in names},
                   "past_key_names": keys, "past_value_names": values},
        "outputs": {
            "logits": "logits",
            "present_key_names": _cache_pattern(outputs, "outputs", "key")[0],
            "present_value_names":
                _cache_pattern(outputs, "outputs", "value")[0]}}
    return decoder, logits[0].shape[-1]


def genai_config(inputs, outputs, config):
    """The contents of genai_config.json for a model with these inputs and
    outputs, whose config.json is `config`."""
    decoder, vocabulary = _decoder(inputs, outputs, config)
    context = _first(config, "max_position_embeddings", "n_positions", "n_ctx",
                     "max_seq_len", "seq_length")
    end = _first(config, "eos_token_id")
    first_end = end[0] if isinstance(end, list) else end
    pad = config.get("pad_token_id")
    model = {"type": "decoder", "vocab_size": vocabulary,
             "context_length": context, "eos_token_id": end,
             "pad_token_id": first_end if pad is None else pad,
             "decoder": decoder}
    if config.get("bos_token_id") is not None:
        model["bos_token_id"] = config["bos_token_id"]
    # The cache grows by concatenation: past and present are not one buffer.
    search = {"do_sample": False, "max_length": context,
              "past_present_share_buffer": False}
    return {"model": model, "search": search}


def _write_tokenizer(source, folder, config):
    """The tokenizer's files; genai wants to know a class for it, and the chat
    template where it looks for one."""
    for name in ("tokenizer.json", *_TEXT_FILES):
        file = source / name
        if file.is_file() and not (folder / name).exists():
            shutil.copyfile(file, folder / name)
    target = folder / "tokenizer_config.json"
    if not target.exists():
        facts = {"tokenizer_class": "PreTrainedTokenizerFast"}
        for name in ("chat_template", "bos_token", "eos_token"):
            if config.get(name):
                facts[name] = config[name]
        target.write_text(json.dumps(facts, indent=2) + "\n")


def export_genai(model, folder, tokenizer=None, backends=("cpu",)):
    """Writes the model at the path `model` with all that onnxruntime-genai needs
    into `folder`, which must be new or empty. The tokenizer and configuration
    come from beside the model, or from beside `tokenizer`; `backends` are those
    of Module.load. Returns lines about what ONNX Runtime has no kernels for."""
    from .compiler import Module
    from .text import find_tokenizer
    source = find_tokenizer(model, tokenizer).parent
    config = _config(source)
    folder = pathlib.Path(os.fspath(folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Error(f"'{folder}' is there and not an empty folder")
    module = Module.load(model, backends)
    module.run("llmc-lift,llmc-keep-last-logits{last-only},llmc-infer-shapes")
    description = genai_config(module.inputs, module.outputs, config)
    folder.mkdir(parents=True, exist_ok=True)
    notices = module.export_onnx(folder / "model.onnx")
    _write_tokenizer(source, folder, config)
    (folder / "genai_config.json").write_text(
        json.dumps(description, indent=2) + "\n")
    return notices
