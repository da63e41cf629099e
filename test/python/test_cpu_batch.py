"""Batches that threads run in parts, each through the whole model."""

import numpy as np
import pytest

import llmc
from kernels import floats, module, rng

TOKENS, WIDTH = 50, 32

# An embedding, attention between the tokens of a row that a mask has, an MLP,
# and the mean over tokens: two results.
BODY = """
    %table = llmc.weight @table : tensor<50x32xf32>
    %w = llmc.weight @w : tensor<32x32xf32>
    %up = llmc.weight @up : tensor<64x32xf32>
    %down = llmc.weight @down : tensor<32x64xf32>
    %scale = llmc.weight @scale : tensor<32xf32>
    %heads = llmc.constant dense<[0, 0, 2, 16]> : tensor<4xi64>
    %join = llmc.constant dense<[0, 0, 32]> : tensor<3xi64>
    %x = llmc.embedding %ids, %table : (tensor<?x?xi64>, tensor<50x32xf32>) -> tensor<?x?x32xf32>
    %n = llmc.rms_norm %x, %scale {epsilon = 1.0e-6 : f32} : (tensor<?x?x32xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
    %l = llmc.linear %n, %w : (tensor<?x?x32xf32>, tensor<32x32xf32>) -> tensor<?x?x32xf32>
    %h = llmc.reshape %l, %heads : (tensor<?x?x32xf32>, tensor<4xi64>) -> tensor<?x?x2x16xf32>
    %q = llmc.transpose %h {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x16xf32>) -> tensor<?x2x?x16xf32>
    %b = llmc.cast %mask {to = i1} : (tensor<?x?xi64>) -> tensor<?x?xi1>
    %m = llmc.unsqueeze %b {axes = array<i64: 1, 2>} : (tensor<?x?xi1>) -> tensor<?x1x1x?xi1>
    %a = llmc.attention %q, %q, %q, %m {scale = 0.25 : f32} : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x1x1x?xi1>) -> tensor<?x2x?x16xf32>
    %t = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x16xf32>) -> tensor<?x?x2x16xf32>
    %j = llmc.reshape %t, %join : (tensor<?x?x2x16xf32>, tensor<3xi64>) -> tensor<?x?x32xf32>
    %u = llmc.linear %j, %up : (tensor<?x?x32xf32>, tensor<64x32xf32>) -> tensor<?x?x64xf32>
    %g = llmc.gelu %u : (tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
    %d = llmc.linear %g, %down : (tensor<?x?x64xf32>, tensor<32x64xf32>) -> tensor<?x?x32xf32>
    %y = llmc.add %d, %x : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
    %z = llmc.reduce mean %y {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x32xf32>) -> tensor<?x32xf32>
    return %y, %z : tensor<?x?x32xf32>, tensor<?x32xf32>"""

INPUT = '%{0}: tensor<?x?xi64> {{llmc.name = "{0}", llmc.dims = ["n", "s"]}}'


def make():
    params = {"table": floats(TOKENS, WIDTH), "w": floats(WIDTH, WIDTH),
              "up": floats(64, WIDTH), "down": floats(WIDTH, 64),
              "scale": floats(WIDTH)}
    return module(params, BODY, ", ".join(map(INPUT.format, ("ids", "mask"))),
                  'tensor<?x?x32xf32> {llmc.name = "x"}, tensor<?x32xf32>')


@pytest.fixture(scope="module", params=["host", "reference"])
def artifact(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("batch") / "model.llmc"
    make().compile_artifact(path, target=request.param)
    return llmc.Artifact(path)


def feeds(count, length):
    mask = (rng.random((count, length)) < 0.8).astype(np.int64)
    return {"ids": rng.integers(0, TOKENS, (count, length)), "mask": mask}


def test_inputs_are_found():
    made = make()
    made.run("llmc-find-batch")
    assert str(made).count("llmc.batch") == 2


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count,length", [
    (1, 300), (2, 300), (7, 256), (16, 128), (17, 100), (33, 64), (600, 1),
    (1000, 3), (5, 8), (0, 16)])
def test_rows_are_what_they_are_alone(artifact, count, length, threads):
    whole = feeds(count, length)
    got = artifact.session(threads=threads).run(whole)
    alone = artifact.session(threads=1)
    for i in range(0, count, max(count // 20, 1)):
        want = alone.run({name: value[i:i + 1] for name, value in whole.items()})
        for name in ("x", "y"):
            np.testing.assert_array_equal(got[name][i], want[name][0])
    assert got["x"].shape == (count, length, WIDTH)
    assert got["y"].shape == (count, WIDTH)


def test_errors_in_a_part(artifact):
    wrong = feeds(16, 128)
    wrong["ids"][13, 100] = TOKENS
    with pytest.raises(llmc.Error, match="out of range"):
        artifact.session(threads=2).run(wrong)
    right = feeds(16, 128)
    artifact.session(threads=2).run(right)
