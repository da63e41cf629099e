"""llmc-window-attention against masked attention in numpy, through the cache."""

import numpy as np
import pytest
from test_group_heads import Attention

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
           else module.compile(target))
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
