"""llmc-quantize-gptq against a reference in numpy that follows the paper."""

import numpy as np
import pytest

import llmc
from calibration import output_error, read, statistics, stored
from test_clip_search import grids
from test_quantize_rtn import as_dense, dequantize, make_module, resources


def damp(gram, damping):
    """The mean is that of columns that are not always 0."""
    dead = gram.diagonal() == 0
    mean = gram.diagonal()[~dead].mean()
    return gram + np.diag((dead + damping) * mean)


def gptq(weight, gram, bits, block, symmetric, act_order, damping):
    """Algorithm 1 of arXiv 2210.17323, a column at a time, in f64."""
    weight = weight.astype("f8").copy()
    columns = weight.shape[1]
    dead = gram.diagonal() == 0
    damped = damp(gram, damping)
    weight[:, dead] = 0
    _, scales, zeros = grids(weight.astype("f4"), damped.diagonal(), bits,
                             block, symmetric)
    order = np.arange(columns)
    if act_order:
        order = np.argsort(-gram.diagonal(), kind="stable")
    inverse = np.linalg.inv(damped[np.ix_(order, order)])
    upper = np.linalg.cholesky(inverse).T
    codes = np.zeros(weight.shape, np.uint8)
    for i, column in enumerate(order):
        scale, zero = scales[:, column // block], zeros[:, column // block]
        code = np.clip(np.rint(weight[:, column] / scale + zero), 0,
                       2**bits - 1)
        error = (weight[:, column] - (code - zero) * scale) / upper[i, i]
        weight[:, order[i + 1:]] -= np.outer(error, upper[i, i + 1:])
        codes[:, column] = code
    return codes


CASES = [
    # columns, bits, block, symmetric, act-order, transposed, dtype
    (96, 4, 32, False, True, True, "float32"),
    (96, 3, 32, True, True, False, "float32"),
    (300, 4, 64, False, False, True, "float32"),  # more than a batch, padded
    (64, 2, 16, False, True, False, "float16"),
]


def quantize(tmp_path, case, sweeps, damping=0.01, rows=40):
    columns, bits, block, symmetric, act_order, transposed, dtype = case
    rng = np.random.default_rng(columns)
    weight = rng.standard_normal((rows, columns)).astype(dtype)
    seen = statistics.make_rows(columns, count=2 * columns)
    seen[:, 5] = 0  # never used: its weights do not matter
    module = make_module(weight, transposed)
    gram = read(module, tmp_path, seen)
    report = module.run(
        f"llmc-quantize-gptq{{bits={bits} block={block} damping={damping} "
        f"symmetric={str(symmetric).lower()} sweeps={sweeps} "
        f"act-order={str(act_order).lower()}}}")
    blocks = -(-columns // block)
    made = stored(resources(module, tmp_path / "m.mlir"), rows, blocks, bits,
                  dtype)
    return weight.astype("f4"), gram, made, report.weights[0], module


@pytest.mark.parametrize("case", CASES)
def test_gptq_follows_the_paper(tmp_path, case):
    columns, bits, block, symmetric, act_order, _, dtype = case
    weight, gram, (codes, scales, zeros), entry, module = quantize(
        tmp_path, case, sweeps=0)
    got = codes.reshape(len(codes), -1)[:, :columns]
    if dtype == "float32":
        expected = gptq(weight, gram, bits, block, symmetric, act_order, 0.01)
        assert np.mean(got == expected) > 0.995
    difference = dequantize(codes, scales, zeros, columns) - weight
    relative = np.sqrt(output_error(difference, gram)
                       / output_error(weight, gram))
    assert entry["output_error"] == pytest.approx(relative, rel=1e-3)
    assert entry["largest_error"] == pytest.approx(abs(difference).max(),
                                                   rel=1e-3)
    # Rounding to nearest is worse.
    module = make_module(weight, False)
    module.run(f"llmc-quantize-rtn{{bits={bits} block={block} "
               f"symmetric={str(symmetric).lower()}}}")
    nearest = stored(resources(module, tmp_path / "n.mlir"), len(codes),
                     codes.shape[1], bits)
    assert output_error(difference, gram) < 0.9 * output_error(
        dequantize(*nearest, columns) - weight, gram)


@pytest.mark.parametrize("case", CASES)
def test_sweeps_lower_the_error(tmp_path, case):
    columns, bits, block, symmetric, *_ = case
    errors = [quantize(tmp_path, case, sweeps)[3]["output_error"]
              for sweeps in (0, 1, 4)]
    assert errors[0] > 1.01 * errors[1] > errors[2]

    weight, gram, (codes, scales, zeros), *_ = quantize(tmp_path, case, 100)
    damped = damp(gram, 0.01)
    used = np.where(gram.diagonal() == 0, 0, weight)
    difference = used - dequantize(codes, scales, zeros, columns)
    gradient = difference @ damped
    # No step of one integer, up or down, lowers the error.
    step = np.repeat(scales, block, axis=1)[:, :columns].astype("f8")
    codes = codes.reshape(len(codes), -1)[:, :columns].astype(int)
    for change in (1, -1):
        gain = 2 * change * step * gradient - step**2 * damped.diagonal()
        allowed = (codes + change >= 0) & (codes + change < 2**bits)
        assert np.all(gain[allowed] < 1e-3 * np.max(step**2)
                      * damped.diagonal().max())


def test_damping_regularizes(tmp_path):
    """With much of it every column counts the same: GPTQ is rounding to
    nearest in the grids found."""
    case = (64, 4, 16, False, True, False, "float32")
    weight, gram, made, *_ = quantize(tmp_path, case, 0, damping=1e6)
    _, scales, zeros = grids(np.where(gram.diagonal() == 0, 0, weight),
                             np.ones(64), 4, 16, False)
    codes = np.rint(weight.reshape(40, 4, 16) / scales[..., None]) \
        + zeros[..., None]
    expected = np.clip(codes, 0, 15).reshape(40, 64)
    used = gram.diagonal() != 0
    assert np.mean(made[0].reshape(40, 64)[:, used] == expected[:, used]) > 0.99


def test_same_bytes_twice(tmp_path):
    first = quantize(tmp_path, CASES[0], 4)[2]
    second = quantize(tmp_path, CASES[0], 4)[2]
    assert all(np.array_equal(a, b) for a, b in zip(first, second))


def test_weights_that_stay(tmp_path):
    weight = np.ones((8, 64), np.float32)
    with pytest.raises(llmc.Error, match="no statistics of its input; run "
                       "llmc-calibrate first"):
        make_module(weight, False).run("llmc-quantize-gptq{strict}")
    # Fewer rows than columns, and nothing on the diagonal.
    module = make_module(weight, False)
    read(module, tmp_path, statistics.make_rows(64, count=20))
    with pytest.raises(llmc.Error, match="is not positive definite; calibrate "
                       "with more tokens or raise damping"):
        module.run("llmc-quantize-gptq{strict damping=0}")
    assert module.run("llmc-quantize-gptq{strict}").weights


def test_embedding_alone(tmp_path):
    """Nothing is known of it and nothing makes up for it: the nearest integers
    of the best grids."""
    weight = np.random.default_rng(2).standard_t(4, (40, 64)).astype("f4")
    module = llmc.Module.parse(f"""
      llmc.param @w = {as_dense(weight)}
      func.func @main(%ids: tensor<?xi64> {{llmc.name = "ids"}})
          -> (tensor<?x64xf32> {{llmc.name = "y"}}) {{
        %w = llmc.weight @w : tensor<40x64xf32>
        %y = llmc.embedding %ids, %w
           : (tensor<?xi64>, tensor<40x64xf32>) -> tensor<?x64xf32>
        return %y : tensor<?x64xf32>
      }}""")
    assert module.run("llmc-quantize-gptq").weights == []
    report = module.run("llmc-quantize-gptq{bits=3 block=32 what=all strict}")
    assert report.notices == []
    errors, _, _ = grids(weight, np.ones(64), 3, 32, False)
    decoded = dequantize(*stored(resources(module, tmp_path / "m.mlir"), 40, 2,
                                 3), 64)
    assert np.sum((decoded - weight)**2.0) == pytest.approx(errors.sum(),
                                                            rel=1e-5)
