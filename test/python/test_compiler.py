"""llmc.Module and llmc.compile: what goes in comes out right, and what is wrong
is one error in words."""

import gc
import threading
import weakref

import numpy as np
import pytest

import llmc

ADD = """
func.func @main(%x: tensor<?x3xf32> {llmc.name = "x", llmc.dims = ["n", ""]},
                %y: tensor<?x3xf32> {llmc.name = "y", llmc.dims = ["n", ""]})
    -> (tensor<?x3xf32> {llmc.name = "sum", llmc.dims = ["n", ""]}) {
  %0 = llmc.add %x, %y
     : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
"""


def identity(mlir_type):
    return f"""
    func.func @main(%x: tensor<?x{mlir_type}> {{llmc.name = "x"}})
        -> (tensor<?x{mlir_type}> {{llmc.name = "y"}}) {{
      %a = llmc.constant dense<[0]> : tensor<1xi64>
      %u = llmc.unsqueeze %x {{axes = array<i64: 0>}}
         : (tensor<?x{mlir_type}>) -> tensor<1x?x{mlir_type}>
      %y = llmc.squeeze %u {{axes = array<i64: 0>}}
         : (tensor<1x?x{mlir_type}>) -> tensor<?x{mlir_type}>
      return %y : tensor<?x{mlir_type}>
    }}"""


@pytest.fixture(scope="module")
def add():
    return llmc.compile(llmc.Module.parse(ADD))


@pytest.fixture(params=["memory", "artifact"])
def build(request, tmp_path):
    """Makes what runs a model: in this process, or from a file."""
    def make(text):
        made = llmc.Module.parse(text)
        if request.param == "memory":
            return llmc.compile(made)
        made.compile_artifact(tmp_path / "model.llmc")
        return llmc.Artifact(tmp_path / "model.llmc")

    return make


def f32(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_runs_and_describes_itself(add):
    assert [(i.name, i.dtype, i.shape) for i in add.inputs] == [
        ("x", "float32", ("n", 3)), ("y", "float32", ("n", 3))]
    assert [(o.name, o.dtype, o.shape) for o in add.outputs] == [
        ("sum", "float32", ("n", 3))]
    for n in (1, 4, 0):
        out = add({"y": f32(n, 3), "x": f32(n, 3)})
        assert list(out) == ["sum"]
        np.testing.assert_array_equal(out["sum"], 2 * f32(n, 3))


def test_takes_arrays_of_any_layout(build):
    add = build(ADD)
    x = f32(3, 4).T[::2]
    assert not x.flags.c_contiguous
    out = add({"x": x, "y": np.ones((2, 3), np.float32)})
    np.testing.assert_array_equal(out["sum"], x + 1)
    readonly = f32(2, 3)
    readonly.flags.writeable = False
    np.testing.assert_array_equal(
        add({"x": readonly, "y": readonly})["sum"], 2 * readonly)
    # Lists have no type of their own.
    out = add({"x": [[1, 2, 3]], "y": [[0.5, 0.5, 0.5]]})
    np.testing.assert_array_equal(out["sum"], [[1.5, 2.5, 3.5]])


def test_outputs_outlive_the_model(build):
    run = build(ADD)
    out = run({"x": f32(2, 3), "y": f32(2, 3)})["sum"]
    reference = weakref.ref(run)
    del run
    gc.collect()
    assert reference() is None
    np.testing.assert_array_equal(out, 2 * f32(2, 3))
    out[:] = 0  # ours to write


@pytest.mark.parametrize("mlir_type,dtype", [
    ("f64", "float64"), ("f32", "float32"), ("f16", "float16"),
    ("i64", "int64"), ("i32", "int32"), ("i16", "int16"), ("i8", "int8"),
    ("ui64", "uint64"), ("ui32", "uint32"), ("ui16", "uint16"),
    ("ui8", "uint8"), ("i1", "bool"), ("bf16", "bfloat16")])
def test_types(build, mlir_type, dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
        import ml_dtypes  # noqa: F401 (registers the type)
    run = build(identity(mlir_type))
    for x in (np.array([0, 1, 1, 0]).astype(dtype), np.empty(0, dtype)):
        y = run({"x": x})["y"]
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("feeds,message", [
    ({"x": f32(2, 3)}, "no value for the input 'y'"),
    ({"x": f32(2, 3), "y": f32(2, 3), "z": f32(1)},
     "there is no input 'z'; the inputs are 'x', 'y'"),
    ({"x": f32(2, 3), "y": f32(2, 3).astype("f8")},
     "input 'y' has type float64, expected float32"),
    ({"x": f32(2, 3), "y": f32(6)}, "input 'y' has rank 1, expected 2"),
    ({"x": f32(2, 3), "y": f32(2, 4)},
     "input 'y': dimension 1 is 4, expected 3"),
    ({"x": f32(2, 3), "y": f32(3, 3)},
     r"input 'y': dimension 0 is 3, expected 2 \(n\)"),
])
def test_wrong_inputs(add, feeds, message):
    with pytest.raises(llmc.Error, match=message):
        add(feeds)


def test_run_time_error():
    run = llmc.compile(llmc.Module.parse("""
      llmc.param @w = dense<1.0> : tensor<4x2xf32>
      func.func @main(%i: tensor<?xi64> {llmc.name = "ids"})
          -> (tensor<?x2xf32> {llmc.name = "y"}) {
        %w = llmc.weight @w : tensor<4x2xf32>
        %y = llmc.embedding %i, %w
           : (tensor<?xi64>, tensor<4x2xf32>) -> tensor<?x2xf32>
        return %y : tensor<?x2xf32>
      }"""))
    with pytest.raises(llmc.Error, match="index is outside"):
        run({"ids": np.array([0, 4])})
    assert run({"ids": np.array([3])})["y"].tolist() == [[1, 1]]


def test_other_threads_run_meanwhile():
    """The interpreter is free while a model compiles."""
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        module = llmc.Module.parse(ADD)
        before = ticks[0]
        llmc.compile(module)
        assert ticks[0] > before
    finally:
        stop.set()
        thread.join()


def test_many_threads_share_a_model(add):
    wrong = []

    def work(seed):
        x = np.full((seed + 1, 3), seed, np.float32)
        for _ in range(50):
            if not np.array_equal(add({"x": x, "y": x})["sum"], 2 * x):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_compiling_uses_a_module_up():
    module = llmc.Module.parse(ADD)
    llmc.compile(module)
    with pytest.raises(llmc.Error, match="load it again"):
        module.run("canonicalize")
    with pytest.raises(llmc.Error, match="load it again"):
        str(module)


def test_text_and_files(tmp_path):
    module = llmc.Module.parse("""
      llmc.param @big = dense<3.0> : tensor<64x64xf32>
      llmc.param @ids = dense<7> : tensor<3xi64>
      """ + ADD)
    assert "llmc.add" in str(module)
    assert [(p["name"], p["dtype"], p["shape"], p["bytes"])
            for p in module.params()] == [
        ("big", "float32", (64, 64), 16384), ("ids", "int64", (3,), 24)]
    assert module.ops() == {"llmc.add": 1}
    for name in ("m.mlir", "m.mlirbc"):
        module.save(tmp_path / name)
        again = llmc.Module.load(tmp_path / name)
        assert str(again) == str(module)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.mlir", "m.mlirbc"]


def test_weights_are_freed_when_they_are_written(tmp_path):
    values = np.arange(32 * 64, dtype=np.float32).reshape(32, 64)
    text = f"""
      llmc.param @w = dense<{values.tolist()}> : tensor<32x64xf32>
      func.func @main(%x: tensor<?x64xf32> {{llmc.name = "x"}})
          -> (tensor<?x32xf32> {{llmc.name = "y"}}) {{
        %w = llmc.weight @w : tensor<32x64xf32>
        %y = llmc.linear %x, %w
           : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
        return %y : tensor<?x32xf32>
      }}"""
    module = llmc.Module.parse(text)
    module.run("llmc-quantize-rtn{block=32}")
    kept, freed = tmp_path / "kept.onnx", tmp_path / "freed.onnx"
    module.save(kept)
    module.save(freed, free_written=True)
    assert kept.read_bytes() == freed.read_bytes()
    with pytest.raises(llmc.Error, match="the bytes of 'w.q' were freed"):
        module.save(tmp_path / "again.onnx")


def test_pipelines():
    module = llmc.Module.parse(ADD)
    assert module.run("canonicalize,cse").weights == []
    with pytest.raises(llmc.Error, match="no-such-pass"):
        module.run("no-such-pass")
    with pytest.raises(llmc.Error, match="bits is 12"):
        module.run("llmc-quantize-rtn{bits=12}")


@pytest.mark.parametrize("text,message", [
    ("func.func @main(", "<.*|1:"),
    ("func.func @other() { return }", "no function @main"),
    ('llmc.param @w = dense<1> : tensor<1xi64> func.func @main() { '
     '%w = llmc.weight @v : tensor<1xi64> return }', "names 'v'"),
])
def test_bad_text(text, message):
    with pytest.raises(llmc.Error, match=message):
        llmc.Module.parse(text)


def test_bad_files(tmp_path):
    with pytest.raises(llmc.Error, match="named .onnx, .mlir or .mlirbc"):
        llmc.Module.load(tmp_path / "model.pt")
    for name in ("none.onnx", "none.mlir"):
        with pytest.raises(llmc.Error, match="none"):
            llmc.Module.load(tmp_path / name)
    (tmp_path / "bad.onnx").write_bytes(b"not protobuf")
    with pytest.raises(llmc.Error, match="bad.onnx"):
        llmc.Module.load(tmp_path / "bad.onnx")
    with pytest.raises(llmc.Error, match="there is no target 'toaster'"):
        llmc.compile(llmc.Module.parse(ADD), target="toaster")


def test_the_runtime_alone_loads_no_compiler():
    import subprocess
    import sys
    code = ("import llmc, sys; llmc.Artifact, llmc.Session\n"
            "assert 'llmc._llmc' not in sys.modules\n"
            "assert 'MLIR' not in open('/proc/self/maps').read()")
    subprocess.run([sys.executable, "-c", code], check=True,
                   env={"PYTHONPATH": ":".join(sys.path)})


@pytest.mark.parametrize("target", ["host", "reference"])
def test_results_that_are_equal_or_views_of_one(target):
    """Each has a buffer of its own: all are freed."""
    compiled = llmc.Module.parse("""
    func.func @main(%x: tensor<?x4xf32> {llmc.name = "x"})
        -> (tensor<?x4xf32> {llmc.name = "a"}, tensor<?x4xf32> {llmc.name = "b"},
            tensor<?x2x2xf32> {llmc.name = "c"}, tensor<?x4xf32> {llmc.name = "d"}) {
      %a = llmc.exp %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
      %b = llmc.exp %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
      %s = llmc.constant dense<[-1, 2, 2]> : tensor<3xi64>
      %c = llmc.reshape %a, %s
         : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x2xf32>
      return %a, %b, %c, %x
        : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x2x2xf32>, tensor<?x4xf32>
    }""").compile(target)
    x = np.arange(400, dtype=np.float32).reshape(100, 4) / 100
    results = compiled({"x": x})
    assert len({value.ctypes.data for value in results.values()}) == 4
    for name, want in (("a", np.exp(x)), ("b", np.exp(x)),
                       ("c", np.exp(x).reshape(-1, 2, 2)), ("d", x)):
        np.testing.assert_allclose(results[name], want, rtol=1e-6)
