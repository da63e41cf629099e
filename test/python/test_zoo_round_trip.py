"""Every model of the zoo, lifted and exported, computes what the framework that
it came from computed: read again by llmc, and in ONNX Runtime."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import onnx
import pytest
from conftest import SHARED

import llmc

pytest.importorskip("onnxruntime")
NAMES = sorted(path.stem for path in SHARED.glob("zoo/*.onnx"))
TOLERANCE = 1e-3


def interface(path):
    graph = onnx.load(path, load_external_data=False).graph
    return [[(v.name, v.type.tensor_type.elem_type,
              [d.dim_param or d.dim_value for d in
               v.type.tensor_type.shape.dim]) for v in values]
            for values in (graph.input, graph.output)]


@pytest.fixture(scope="module")
def made(request, shared, tmp_path_factory):
    """For each model that is tested, what yields the path of the exported file
    and the model that llmc compiled from it. Compilation takes nearly all of
    the time, so it runs ahead on every core."""
    folder = tmp_path_factory.mktemp("exported")

    def make(name):
        module = llmc.Module.load(shared / "zoo" / f"{name}.onnx")
        module.lift()
        module.export_onnx(folder / f"{name}.onnx")
        return (folder / f"{name}.onnx",
                llmc.compile(folder / f"{name}.onnx", opt_level=0))

    names = [item.callspec.params["name"] for item in request.session.items
             if item.path == request.path]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {name: pool.submit(make, name) for name in names}


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name, compare, shared, made):
    source = shared / "zoo" / f"{name}.onnx"
    exported, compiled = made[name].result()
    cases = list(compare.cases(source.with_suffix(".npz")))
    assert cases

    def worst(run):
        return max(compare.worst_error(feeds, outputs, run(feeds))
                   for feeds, outputs in cases)

    for original, written in zip(interface(source), interface(exported)):
        # What the original leaves unnamed may come out known.
        assert [v[:2] for v in written] == [v[:2] for v in original]
        for (_, _, want), (_, _, got) in zip(original, written):
            assert len(want) == len(got)
            assert all(w in (0, g) for w, g in zip(want, got))
    assert worst(compiled) <= TOLERANCE
    assert worst(compare.onnxruntime_runner(exported)) <= TOLERANCE
    try:
        assert worst(compare.onnxruntime_runner(source)) <= TOLERANCE
    except Exception as problem:  # no one class of ONNX Runtime's covers them
        if "ONNXRuntimeError" not in str(problem):
            raise
        warnings.warn(f"ONNX Runtime runs {name} only as llmc exports it; the "
                      f"original fails: {str(problem)[:300]}")
