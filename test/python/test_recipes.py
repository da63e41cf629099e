"""Recipes: each that is shipped on a small model, and what goes wrong."""

import json
import subprocess

import numpy as np
import pytest
from conftest import ROOT, SHARED

import llmc
from llmc import recipes
from llmc.cli import main

onnxruntime = pytest.importorskip("onnxruntime")

GROUP = {"group": 32}
# The model, settings, how many times smaller it gets at least, and how much
# what it computes resembles what the original does; weights of noise show
# errors that those of trained models do not.
SHIPPED = {
    "int8": ("llama-kv-op18", GROUP, 3, 0.999),
    "int8-smooth": ("llama-kv-op18", GROUP, 3, 0.999),
    "rtn-4bit": ("llama-kv-op18", GROUP, 5, 0.95),
    "rtn-4bit-cache-f16": ("llama-kv-op18", GROUP, 5, 0.95),
    "awq-gptq-4bit": ("llama-kv-op18", GROUP, 5, 0.95),
    "awq-gptq-3bit": ("llama-kv-op18", GROUP, 5, 0.9),
    "gptq-4bit-small": ("llama-kv-op18", GROUP, 5.5, 0.95),
    "kmeans-4bit": ("llama-kv-op18", GROUP, 5, 0.95),
    "bf16": ("llama-kv-op18", {}, 1.9, 0.999),
    "prune-2of4-4bit": ("llama-kv-op18", GROUP, 6, 0.6),
    "prune-half": ("llama-kv-op18", {}, 1.3, 0.7),
    "prune-half-probed": ("llama-kv-op18", {}, 1.3, 0.7),
    "neurons-4bit": ("llama-kv-op18", {**GROUP, "multiple": 16}, 5, 0.7),
    "layers": ("llama-kv-op18", {"ratio": 0.5, "keep-last": 0}, 1.3, 0.5),
    "slice": ("llama-kv-op18", {"ratio": 0.25}, 1.25, 0.7),
    "vocabulary-4bit": ("bert-op18", {**GROUP, "also": "0,1", "unknown": 0,
                                      "keep": 128}, 5, 0.95),
}
# The text calibration sees has the first half of the tokens.
TOKENS = 256


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A text, beside the tokenizer of a vocabulary as large as the zoo's."""
    import tokenizers
    from tokenizers import models, pre_tokenizers
    folder = tmp_path_factory.mktemp("text")
    words = tokenizers.Tokenizer(models.WordLevel(
        {f"w{i}": i for i in range(TOKENS)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(folder / "tokenizer.json"))
    ids = np.random.default_rng(3).integers(0, TOKENS // 2, 600)
    (folder / "text.txt").write_text(" ".join(f"w{i}" for i in ids))
    return folder / "text.txt"


def zoo(name):
    path = SHARED / "zoo" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    return path


def compress(capsys, model, out, recipe, *arguments, status=0):
    capsys.readouterr()
    assert main([str(a) for a in ("compress", model, "-o", out, "--recipe",
                                  recipe, "--json", *arguments)]) == status
    printed, err = capsys.readouterr()
    return err if status else json.loads(printed)


def with_text(text):
    return ["--calibration", text, "--tokenizer",
            text.with_name("tokenizer.json"), "--samples", 8,
            "--sample-length", 24]


def run_onnx(path, ids):
    """The first output."""
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16,
             "tensor(int64)": np.int64}
    feeds = {}
    for value in session.get_inputs():
        shape = [{"batch": len(ids), "sequence": ids.shape[1]}.get(
            d, 0 if isinstance(d, str) else d) for d in value.shape]
        feeds[value.name] = np.zeros(shape, types[value.type])
    feeds["input_ids"] = ids
    if "attention_mask" in feeds:
        feeds["attention_mask"] = np.ones_like(ids)
    return session.run(None, feeds)[0]


@pytest.mark.parametrize("name", recipes.names())
def test_shipped(name, capsys, tmp_path, text):
    model, settings, ratio, likeness = SHIPPED[name]
    model, out = zoo(model), tmp_path / "small.onnx"
    arguments = [f"--set={key}={value}" for key, value in settings.items()]
    if recipes.Recipe(name).needs_samples:
        arguments += with_text(text)
    result = compress(capsys, model, out, name, *arguments)
    assert result["recipe"] == name
    assert result["param_bytes_before"] / result["param_bytes_after"] > ratio
    ids = np.random.default_rng(4).integers(2, TOKENS // 2, (2, 20))
    expected, got = run_onnx(model, ids), run_onnx(out, ids)
    # Tokens that are gone have -inf.
    finite = np.isfinite(got)
    assert np.corrcoef(got[finite], expected[finite])[0, 1] > likeness


def test_every_recipe_is_tested():
    assert set(recipes.names()) == set(SHIPPED)
    assert {file.stem for file in (ROOT / "recipes").glob("*.yaml")} == set(
        SHIPPED)


@pytest.mark.parametrize("name", recipes.names())
def test_pipeline_is_one_of_llmc_opt(name, capsys, tmp_path):
    """What is printed is parsed, down to the file of samples that is not
    there."""
    tool = ROOT / "build" / "bin" / "llmc-opt"
    if not tool.is_file():
        pytest.skip(f"there is no {tool}")
    without_group = ("bf16", "prune-half", "prune-half-probed", "layers",
                     "slice")
    assert main(["recipes", name] if name in without_group else
                ["recipes", name, "--set=group=16"]) == 0
    pipeline = capsys.readouterr().out.strip()
    done = subprocess.run(
        [tool, f"--pass-pipeline=builtin.module({pipeline})",
         "--dump-pass-pipeline", "-o", "/dev/null"], input="", text=True,
        capture_output=True)
    passes = [part for part in ("calibrate", "quantize-rtn", "quantize-gptq",
                                "cast-weights", "prune-alps", "prune-layers")
              if part in pipeline]
    assert passes and all(f"llmc-{part}{{" in done.stderr for part in passes)
    assert "block=16" in done.stderr or "block" not in pipeline


def test_list(capsys):
    assert main(["recipes", "--json"]) == 0
    listed = {entry["name"]: entry
              for entry in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(SHIPPED)
    assert all(entry["description"] for entry in listed.values())
    assert listed["awq-gptq-4bit"]["options"] == {
        "samples": None, "bits": "4", "group": "64", "head-bits": "4"}
    assert main(["recipes"]) == 0
    assert "needs a text; options bits=4, group=64, head-bits=4" in " ".join(
        capsys.readouterr().out.split())


def test_same_as_its_passes(tmp_path):
    """A file's recipe, from Python, is the pipeline that it stands for."""
    (tmp_path / "mine.yaml").write_text("""
options: {group: 64, skip: }
passes:
  - llmc-lift
  - llmc-quantize-rtn: {bits: 8, block: $group, skip: $skip}
""")
    done = []
    for run in (
            lambda module: module.run_recipe(
                tmp_path / "mine.yaml", {"group": 32, "skip": "q_proj|embed"}),
            lambda module: module.run(
                "llmc-lift,llmc-quantize-rtn{bits=8 block=32 "
                "skip=q_proj|embed}")):
        module = llmc.Module.load(zoo("llama-kv-op18"))
        report = run(module)
        assert len(report.weights) > 5
        done.append((report.weights, report.notices, module.weights()))
    assert done[0] == done[1]


def test_errors(capsys, tmp_path, text):
    out, model = tmp_path / "small.onnx", zoo("llama-kv-op18")
    (tmp_path / "wrong.yaml").write_text("passes:\n  - llmc-quantise: {a: 1}\n")
    for recipe, arguments, message in [
            ("int9", [], "there is no recipe 'int9'; `llmc recipes` lists"),
            ("none.yaml", [], "there is no recipe 'none.yaml'"),
            (tmp_path / "wrong.yaml", [],
             "wrong.yaml:2:5: there is no pass 'llmc-quantise'"),
            ("int8", ["--bits", 4], "--bits and --recipe exclude each other"),
            ("int8", ["--kv-cache", "f16"], "--kv-cache and --recipe"),
            ("int8", ["--set", "bits"], "--set takes NAME=VALUE, not 'bits'"),
            ("int8", ["--set", "bits=4"], "there is no option 'bits' to set; "
                                          "the recipe has group"),
            ("int8", ["--set", "group=x"], "does not take 'block=x'"),
            ("int8", with_text(text), "does not ask for a text"),
            ("layers", [], "name one with --calibration")]:
        assert message in compress(capsys, model, out, recipe, *arguments,
                                   status=1)
    assert not out.exists()
    assert main(["compress", str(model), "-o", str(out), "--set", "a=b"]) == 1
    assert main(["recipes", "--set", "a=b"]) == 1
    assert "name it" in capsys.readouterr().err
    module = llmc.Module.load(model)
    with pytest.raises(llmc.Error, match="needs tokens"):
        module.run_recipe("layers")
    with pytest.raises(llmc.Error, match="needs no tokens"):
        module.run_recipe("int8", tokens=[1, 2])
