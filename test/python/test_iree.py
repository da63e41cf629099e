"""llmc-lower-to-portable, compiled and run by IREE, against the frameworks'
outputs; see docs/portable-output.md."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import llmc

runtime = pytest.importorskip("iree.runtime")
pytest.importorskip("iree.compiler")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "bin"
IREE_COMPILE = pathlib.Path(sys.executable).with_name("iree-compile")
# One of each kind; --whole-zoo runs all.
MODELS = ("albert-op18", "bert-op23", "gemma2-op18", "gpt2-kv-op18",
          "gpt2-op17-ts", "llama-kv-op23", "llama-op18", "lstm-op18",
          "mixtral-batched_mm-op18", "resnet-op18", "t5-op17-ts", "vit-op18",
          "whisper-encoder-op18")


def pytest_generate_tests(metafunc):
    if "model" not in metafunc.fixturenames:
        return
    names = MODELS
    if metafunc.config.getoption("--whole-zoo"):
        from conftest import SHARED
        names = sorted(p.stem for p in (SHARED / "zoo").glob("*.onnx"))
    metafunc.parametrize("model", names)


def check(command):
    done = subprocess.run([str(part) for part in command],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    return done


def compile_with_iree(portable, *flags):
    """IREE's main of a file that llmc-lower-to-portable wrote."""
    assert "llmc." not in portable.read_text()
    compiled = portable.with_suffix(".vmfb")
    check([IREE_COMPILE, portable, "--iree-hal-target-backends=llvm-cpu",
           "--iree-llvmcpu-target-cpu=host", *flags, "-o", compiled])
    return runtime.load_vm_flatbuffer_file(str(compiled),
                                           driver="local-task").main


def load(path, folder, passes=("--llmc-lift",), flags=()):
    """What compare.py calls a runner, by way of documented command lines."""
    model = folder / "model.mlirbc"
    check([BIN / "llmc-translate", path, "-o", model])
    portable = folder / "portable.mlir"
    check([BIN / "llmc-opt", model, *passes, "--llmc-lower-to-portable",
           "-o", portable])
    main = compile_with_iree(portable, *flags)
    module = llmc.Module.load(path)
    inputs = [spec.name for spec in module.inputs]
    outputs = [spec.name for spec in module.outputs]

    def run(feeds):
        results = main(*(np.ascontiguousarray(feeds[name])
                         for name in inputs))
        if not isinstance(results, (tuple, list)):
            results = [results]
        assert len(results) == len(outputs)
        return {name: result.to_host()
                for name, result in zip(outputs, results)}

    return run


def test_zoo(model, shared, compare, tmp_path):
    path = shared / "zoo" / f"{model}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    run = load(path, tmp_path)
    for feeds, expected in compare.cases(path.with_suffix(".npz")):
        assert compare.worst_error(feeds, expected, run(feeds)) <= 1e-3


def test_compressed(shared, tmp_path):
    """Packed weights: unpacked in IREE as in llmc's own reference lowering,
    which test_quantize_rtn.py compares with numpy."""
    path = shared / "zoo" / "llama-op18.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    passes = ("--llmc-lift", "--llmc-quantize-rtn=bits=4 block=32")
    run = load(path, tmp_path, passes, ["--iree-opt-const-eval=false"])
    module = llmc.Module.load(path)
    module.lift()
    module.compress(bits=4, group=32, scales="float32", activations="float")
    reference = module.compile("reference", opt_level=0)
    ids = np.random.default_rng(1).integers(0, 256, (1, 12))
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    got, want = run(feeds)["logits"], reference(feeds)["logits"]
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


def test_run_time_checks_are_asserts(tmp_path):
    """Sizes that do not fit are an error in IREE as well."""
    source = tmp_path / "sizes.mlir"
    source.write_text("""
      func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
        %z = llmc.add %x, %y
           : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
        return %z : tensor<?xf32>
      }""")
    portable = tmp_path / "portable.mlir"
    check([BIN / "llmc-opt", source, "--llmc-lower-to-portable", "-o",
           portable])
    main = compile_with_iree(portable)
    x = np.float32([1, 2, 3])
    np.testing.assert_array_equal(main(x, x[:1]).to_host(), x + 1)
    with pytest.raises(Exception, match="llmc: sizes do not fit"):
        main(x, x[:2])
