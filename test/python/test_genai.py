"""Folders for onnxruntime-genai: it makes the same tokens of them as llmc."""

import json

import numpy as np
import onnx
import pytest
import toy
from onnx import TensorProto, helper

import llmc
from llmc.cli import main
from llmc.genai import export_genai

pytest.importorskip("tokenizers")


def generate(folder, prompt, count):
    genai = pytest.importorskip("onnxruntime_genai")
    model = genai.Model(str(folder))
    parameters = genai.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + count)
    generator = genai.Generator(model, parameters)
    generator.append_tokens(np.array(prompt, np.int32))
    while not generator.is_done():
        generator.generate_next_token()
    return model, [int(t) for t in generator.get_sequence(0)[len(prompt):]]


def beside(folder, **changes):
    """The files beside a model: of a tokenizer, and a configuration."""
    toy.write_tokenizer(folder)
    config = {"hidden_size": 64, "num_attention_heads": 4, "eos_token_id": 254,
              "max_position_embeddings": 128, **changes}
    (folder / "config.json").write_text(json.dumps(
        {name: value for name, value in config.items() if value is not None}))
    return folder / "tokenizer.json"


@pytest.mark.parametrize("name, bits", [
    ("llama-kv-op18", None), ("llama-kv-op23", 4), ("qwen3-kv-op18", 3),
    ("gpt_neox-kv-op18", 6), ("gpt2-kv-op18", 4)])
def test_tiny_models(name, bits, shared, tmp_path):
    module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
    if bits:
        module.lift()
        module.compress(bits, 32, activations="float")
    module.export_onnx(tmp_path / "model.onnx")
    export_genai(tmp_path / "model.onnx", tmp_path / "genai", beside(tmp_path))
    prompt = [7, 40, 3, 200, 12]
    _, tokens = generate(tmp_path / "genai", prompt, 20)
    llmc.Module.load(tmp_path / "model.onnx").compile_artifact(
        tmp_path / "artifact")
    want, _ = llmc.Artifact(tmp_path / "artifact").session().generate(
        prompt, max_tokens=20)
    # genai leaves out the token that ends a text.
    assert tokens == [t for t in want if t != 254] and len(tokens) >= 5


# Where activations are rounded to 8 bits, kernels differ by enough to choose
# another token of two that are near: in 3 bits there are such ones.
@pytest.mark.parametrize("bits, activations", [(3, "float"), (4, "int8")])
def test_smollm2(bits, activations, smollm2, tmp_path, capfd):
    """By the command; with text, through genai's own tokenizer."""
    genai = pytest.importorskip("onnxruntime_genai")
    small, folder = tmp_path / "small.onnx", tmp_path / "genai"
    assert main(["compress", str(smollm2 / "model.onnx"), "-o", str(small),
                 "--bits", str(bits), "--activations", activations]) == 0
    assert main(["export", str(small), "--genai", str(folder), "--tokenizer",
                 str(smollm2 / "tokenizer.json"), "--json"]) == 0
    capfd.readouterr()
    assert main(["run", str(small), "--prompt", "The capital of France is",
                 "--tokenizer", str(smollm2 / "tokenizer.json"),
                 "--max-tokens", "12", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    tokenizer = genai.Tokenizer(genai.Model(str(folder)))
    prompt = [int(t) for t in tokenizer.encode("The capital of France is")]
    _, tokens = generate(folder, prompt, 12)
    assert tokens == result["tokens"]
    assert tokenizer.decode(np.array(tokens, np.int32)) == result["text"]


def test_config(shared, tmp_path):
    """Everything that genai is told, and which file it comes from."""
    tokenizer = beside(tmp_path, bos_token_id=1, hidden_size=None, n_embd=64,
                       chat_template="{{ messages }}")
    (tmp_path / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [2, 9], "temperature": 0.6}))
    model = shared / "zoo" / "llama-kv-op18.onnx"
    assert main(["export", str(model), "--genai", str(tmp_path / "genai"),
                 "--tokenizer", str(tokenizer)]) == 0
    got = json.loads((tmp_path / "genai" / "genai_config.json").read_text())
    assert got == {
        "model": {
            "type": "decoder", "vocab_size": 256, "context_length": 128,
            "bos_token_id": 1, "eos_token_id": [2, 9], "pad_token_id": 2,
            "decoder": {
                "session_options": {"provider_options": []},
                "filename": "model.onnx", "head_size": 16, "hidden_size": 64,
                "num_attention_heads": 4, "num_key_value_heads": 2,
                "num_hidden_layers": 2,
                "inputs": {"input_ids": "input_ids",
                           "attention_mask": "attention_mask",
                           "past_key_names": "past_key_values.%d.key",
                           "past_value_names": "past_key_values.%d.value"},
                "outputs": {"logits": "logits",
                            "present_key_names": "present.%d.key",
                            "present_value_names": "present.%d.value"}}},
        "search": {"do_sample": False, "max_length": 128,
                   "past_present_share_buffer": False}}
    assert (tmp_path / "genai" / "tokenizer.json").read_bytes() == \
        tokenizer.read_bytes()
    facts = json.loads((tmp_path / "genai" / "tokenizer_config.json").read_text())
    assert facts["chat_template"] == "{{ messages }}"


@pytest.mark.parametrize("name, config, message", [
    ("llama-op18", {}, "no inputs for one key of each layer"),
    ("bert-op18", {}, "an input 'input_ids' and an output 'logits'"),
    ("llama-kv-op18", {"eos_token_id": None}, "config.json has no eos_token_id"),
    ("llama-kv-op18", {"max_position_embeddings": None},
     "config.json has no max_position_embeddings or n_positions")])
def test_refusals(name, config, message, shared, tmp_path):
    tokenizer = beside(tmp_path, **config)
    with pytest.raises(llmc.Error, match=message):
        export_genai(shared / "zoo" / f"{name}.onnx", tmp_path / "genai",
                     tokenizer)
    assert not (tmp_path / "genai").exists()


def cached(path, inputs, outputs):
    """A model of these inputs and outputs that does nothing."""
    value = helper.make_tensor_value_info
    shapes = {"logits": ["b", "s", 8]}
    infos = [[value(name, TensorProto.INT64 if name.endswith("ids") else
                    TensorProto.FLOAT,
                    shapes.get(name, ["b", "s"] if name.endswith("ids")
                               else ["b", 2, "p", 4])) for name in names]
             for names in (inputs, outputs)]
    nodes = [helper.make_node("Identity", [name.replace("present", "past")],
                              [name]) for name in outputs[1:]]
    nodes += [helper.make_node("Cast", ["input_ids"], ["f"], to=1),
              helper.make_node("Unsqueeze", ["f", "two"], ["u"]),
              helper.make_node("Expand", ["u", "shape"], ["logits"])]
    graph = helper.make_graph(nodes, "g", *infos, [
        helper.make_tensor("two", TensorProto.INT64, [1], [2]),
        helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, 8])])
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21)]), path)


@pytest.mark.parametrize("inputs, message", [
    (["past.0.key", "past.0.value", "past.2.key", "past.2.value"],
     r"the layers of 'past.%d.key' are \[0, 2\]"),
    (["past.0.key", "past.0.value", "encoder_ids"],
     "genai has nothing for the input 'encoder_ids'"),
    (["past.0.k", "past.0.v"], "found: none. Export the model with a KV cache")])
def test_other_caches(inputs, message, tmp_path):
    outputs = [name.replace("past", "present") for name in inputs
               if "past" in name]
    cached(tmp_path / "model.onnx", ["input_ids", *inputs], ["logits", *outputs])
    with pytest.raises(llmc.Error, match=message):
        export_genai(tmp_path / "model.onnx", tmp_path / "genai",
                     beside(tmp_path))


def test_missing_files(shared, tmp_path, capsys):
    model = shared / "zoo" / "llama-kv-op18.onnx"
    assert main(["export", str(model), "--genai", str(tmp_path / "genai")]) == 1
    assert "there is no tokenizer" in capsys.readouterr().err
    tokenizer = beside(tmp_path)
    (tmp_path / "config.json").unlink()
    arguments = ["export", str(model), "--tokenizer", str(tokenizer), "--genai"]
    assert main([*arguments, str(tmp_path / "genai")]) == 1
    assert "put the model's config.json beside" in capsys.readouterr().err
    beside(tmp_path)
    assert main([*arguments, str(tmp_path)]) == 1
    assert "is there and not an empty folder" in capsys.readouterr().err
