"""llmc-window-attention against masked attention in numpy, through the cache."""

import attention_statistics
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from test_group_heads import IN, SIZE, Attention

import llmc


def onnx_run(module, path):
    onnxruntime = pytest.importorskip("onnxruntime")
    module.export_onnx(path)
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds)))


@pytest.mark.parametrize("target", ["reference", "host", "onnx"])
@pytest.mark.parametrize("window, sinks", [(3, 2), (3, 0), (1, 4), (12, 4)])
def test_attention(target, window, sinks, tmp_path):
    model = Attention(4, 2)
    module = model.module()
    report = module.run(
        f"llmc-window-attention{{window={window} sinks={sinks} strict}}")
    entry, = report.weights
    assert (entry["window"], entry["sinks"]) == (window, sinks)
    run = (onnx_run(module, tmp_path / "m.onnx") if target == "onnx"
           else module.compile(target, opt_level=2 if target == "host" else 0))
    expected = model.run(model.inputs(), window, sinks)
    # At once; in two parts; and then token by token.
    for lengths in ([12], [7, 5], [8, 1, 1, 1, 1]):
        np.testing.assert_allclose(
            model.through_cache(run, lengths), expected,
            atol=5e-6 * max(4, np.abs(expected).max()))
    whole = model.run(model.inputs())
    assert (np.abs(whole - expected).max() > 0.1) == (window < 12)


@pytest.mark.parametrize("sinks", [0, 4])
def test_a_kernel_computes_it(sinks, tmp_path):
    module = Attention(4, 2).module()
    module.run(f"llmc-window-attention{{window=3 sinks={sinks}}}")
    module.run("llmc-claim-kernels")
    module.save(tmp_path / "m.mlir")
    assert "= llmc.attention " not in (tmp_path / "m.mlir").read_text()


@pytest.mark.parametrize("sinks", [0, 4])
def test_one_layer_of_the_zoo(sinks, compare, shared):
    """A window of the second layer leaves what the caches keep; a window as
    long as the text leaves all."""
    name = "llama-kv-op18"
    feeds, _ = next(iter(compare.cases(shared / "zoo" / f"{name}.npz")))

    def run(pipeline):
        module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
        module.lift()
        report = module.run(pipeline)
        assert [w.get("attention") for w in report.weights] == [1]
        return module.compile("reference", opt_level=0)(feeds)

    window = f"llmc-window-attention{{sinks={sinks} layers=1 strict window="
    whole, near = run(window + "4096}"), run(window + "1}")
    module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
    expected = module.compile("reference", opt_level=0)(feeds)
    for output in expected:
        np.testing.assert_allclose(whole[output], expected[output], atol=1e-5)
        if output != "logits":
            np.testing.assert_allclose(near[output], expected[output],
                                       atol=1e-5)
    assert np.abs(near["logits"] - expected["logits"]).max() > 1e-3


def probabilities(model, x):
    """[samples, heads, length, length]"""
    def split(name):
        y = x @ getattr(model, name).T + model.biases[name]
        return model.rotate(y.reshape(*x.shape[:2], -1, SIZE)
                            .transpose(0, 2, 1, 3))
    q, k = split("q"), split("k").repeat(model.heads // model.groups, axis=1)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(SIZE)
    i, j = np.indices(scores.shape[-2:])
    scores[..., j > i] = -np.inf
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


LENGTH = 90


@pytest.fixture
def long_model():
    """Sharper probabilities, over more positions."""
    model = Attention(4, 2)
    angles = np.random.default_rng(2).uniform(
        0, 0.3, size=(1, LENGTH, SIZE // 2)).cumsum(axis=1)
    model.cos, model.sin = np.cos(angles), np.sin(angles)
    model.q, model.biases["q"] = 3 * model.q, 3 * model.biases["q"]
    return model


def test_masses_are_measured(long_model, tmp_path):
    model = long_model
    module = model.module()
    x = np.random.default_rng(5).normal(size=(3, LENGTH, IN))
    past = np.zeros([3, model.groups, 0, SIZE])
    samples = {"x": x, "past.key": past, "past.value": past,
               "cos": model.cos.repeat(3, axis=0),
               "sin": model.sin.repeat(3, axis=0)}
    samples = {name: v.astype("f4") for name, v in samples.items()}
    save_file(samples, tmp_path / "samples")
    module.run(f"llmc-calibrate{{inputs={tmp_path}/samples "
               f"attention-samples=2 output={tmp_path}/statistics}}")
    got = load_file(tmp_path / "statistics")["q.attention"]
    mass = attention_statistics.gather(probabilities(model, x[:2]))
    np.testing.assert_allclose(got, mass, atol=1e-5)
    np.testing.assert_allclose(got.sum(axis=(1, 2)), 1, atol=1e-5)

    # The least window that has as much, of all heads or each.
    for each, mean in (("false", np.mean), ("true", np.min)):
        inside = {w: mean(1 - mass[:, 2:, w // 16:].sum(axis=(1, 2))
                          * LENGTH / (LENGTH - w - 2)) for w in range(16, 88, 16)}
        for part in (0.5, 0.8):
            copy = model.module()
            copy.run(f"llmc-read-statistics{{file={tmp_path}/statistics}}")
            entry, = copy.run(f"llmc-window-attention{{mass={part} round=16 "
                              f"sinks=2 each-head={each} strict}}").weights
            window = min(w for w in inside if inside[w] >= part)
            assert entry["window"] == window
            assert entry["mass"] == pytest.approx(inside[window], abs=1e-4)
