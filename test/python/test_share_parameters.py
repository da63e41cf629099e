"""llmc-share-parameters finds what exporters wrote twice, and models compute
what they did."""

import numpy as np
import pytest

import llmc

# Exporters of TorchScript write the tied head of these as a transpose.
MODELS = {"gpt2-op17-ts": ("m.transformer.wte.weight", True),
          "t5-op17-ts": ("m.shared.weight", True),
          "albert-op18": ("val_57", False)}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_zoo(name, compare, shared, tmp_path):
    source = shared / "zoo" / f"{name}.onnx"
    module = llmc.Module.load(source)
    module.lift()
    report = module.run("llmc-share-parameters{skip=^val_65$}")
    kept, transposed = MODELS[name]
    assert kept in {entry["shared_with"] for entry in report.weights}
    assert all(entry["transposed"] == str(transposed).lower()
               and entry["relative_error"] == 0 for entry in report.weights)
    assert "val_65" not in {entry["param"] for entry in report.weights}
    saved = sum(entry["bytes_before"] for entry in report.weights)
    assert saved >= 65536
    module.export_onnx(tmp_path / "shared.onnx")
    assert (source.stat().st_size - (tmp_path / "shared.onnx").stat().st_size
            > 0.9 * saved)
    # Nothing is left to share.
    assert not module.run("llmc-share-parameters{skip=^val_65$}").weights
    compiled = llmc.compile(module, opt_level=0)
    for feeds, outputs in compare.cases(source.with_suffix(".npz")):
        assert compare.worst_error(feeds, outputs, compiled(feeds)) < 1e-3


def test_tolerance(tmp_path):
    """Weights as near as that become one, the first."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal((40, 70)).astype("f4")
    second = (first + 0.02 * rng.standard_normal(first.shape)).astype("f4")
    error = np.linalg.norm(first - second) / np.linalg.norm(second)
    text = lambda w: ("dense<\"0x" + w.tobytes().hex().upper() + '"> : tensor<'
                      + "x".join(map(str, w.shape)) + "xf32>")

    def make():
        return llmc.Module.parse(f"""
          llmc.param @a = {text(first)}
          llmc.param @b = {text(second.T.copy())}
          func.func @main(%x: tensor<?x70xf32> {{llmc.name = "x"}})
              -> (tensor<?x40xf32> {{llmc.name = "a"}},
                  tensor<?x40xf32> {{llmc.name = "b"}}) {{
            %a = llmc.weight @a : tensor<40x70xf32>
            %s = llmc.weight @b : tensor<70x40xf32>
            %b = llmc.transpose %s {{perm = array<i64: 1, 0>}}
               : (tensor<70x40xf32>) -> tensor<40x70xf32>
            %0 = llmc.linear %x, %a : (tensor<?x70xf32>, tensor<40x70xf32>)
               -> tensor<?x40xf32>
            %1 = llmc.linear %x, %b : (tensor<?x70xf32>, tensor<40x70xf32>)
               -> tensor<?x40xf32>
            return %0, %1 : tensor<?x40xf32>, tensor<?x40xf32>
          }}""")

    below = f"llmc-share-parameters{{tolerance={0.99 * error}}}"
    assert not make().run(below).weights
    module = make()
    entry, = module.run(
        f"llmc-share-parameters{{tolerance={1.01 * error}}}").weights
    assert entry["shared_with"] == "a" and entry["transposed"] == "true"
    assert entry["relative_error"] == pytest.approx(error, rel=1e-4)
    outputs = llmc.compile(module, opt_level=0)({"x": np.eye(70, dtype="f4")})
    np.testing.assert_array_equal(outputs["b"].T, first)
