"""What calls of a compiled model work in: one block, kept between calls."""

import threading

import numpy as np
import pytest

import llmc
from kernels import floats, module

BODY = """
    %v = llmc.weight @v : tensor<64x16xf32>
    %w = llmc.weight @w : tensor<16x64xf32>
    %p = llmc.linear %x, %v : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
    %q = llmc.relu %p : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %r = llmc.exp %q : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = llmc.linear %r, %w : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>"""


@pytest.fixture(params=["host", "reference"])
def model(request, tmp_path):
    """An artifact, and what it computes."""
    params = {"v": floats(64, 16), "w": floats(16, 64)}
    path = tmp_path / "model.llmc"
    module(params, BODY, '%x: tensor<?x16xf32> {llmc.name = "x", '
           'llmc.dims = ["n", ""]}', "tensor<?x16xf32>").compile_artifact(
               path, target=request.param)
    v, w = (params[name].astype(np.float64) for name in "vw")
    return llmc.Artifact(path), lambda x: np.exp(np.maximum(x @ v.T, 0)) @ w.T


def check(run, oracle, count):
    x = floats(count, 16)
    want = oracle(x)
    got = run({"x": x})["y"]
    np.testing.assert_allclose(got, want, rtol=1e-4,
                               atol=1e-5 * np.abs(want).max(initial=1))


def test_larger_and_smaller_calls(model):
    artifact, oracle = model
    session = artifact.session()
    for count in (3, 500, 1, 0, 501, 2000, 7):
        check(session.run, oracle, count)


@pytest.mark.parametrize("target", ["host", "reference"])
def test_no_memory(target, tmp_path):
    """2^50 bytes for n x n products: more than can be mapped."""
    body = """
    %t = llmc.transpose %x {perm = array<i64: 1, 0>} : (tensor<?x1xf32>) -> tensor<1x?xf32>
    %p = llmc.matmul %x, %t : (tensor<?x1xf32>, tensor<1x?xf32>) -> tensor<?x?xf32>
    %y = llmc.matmul %p, %x : (tensor<?x?xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>"""
    argument = '%x: tensor<?x1xf32> {llmc.name = "x", llmc.dims = ["n", ""]}'
    def make():
        return module({}, body, argument, "tensor<?x1xf32>")

    make().compile_artifact(tmp_path / "model.llmc", target=target)
    for run in (llmc.Artifact(tmp_path / "model.llmc").session().run,
                make().compile(target)):
        with pytest.raises(llmc.Error, match="no memory"):
            run({"x": np.ones((1 << 24, 1), np.float32)})
        check(lambda inputs: run({"x": inputs["x"][:, :1]}),
              lambda x: x[:, :1] @ (x[:, :1].T @ x[:, :1]), 3)


def test_calls_at_the_same_time(model):
    """Sessions share the module, not what it works in."""
    artifact, oracle = model
    failures = []

    def work(seed):
        session = artifact.session(threads=1)
        for count in np.random.default_rng(seed).integers(1, 400, 60):
            try:
                check(session.run, oracle, int(count))
            except AssertionError as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
