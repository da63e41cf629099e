"""Models of the zoo whose batch threads run in parts: a row of a large batch is
what it is in a small one."""

import numpy as np
import pytest

import llmc
from conftest import SHARED

NAMES = sorted(path.stem for path in SHARED.glob("zoo/*.onnx"))
# Those that count positions of the batch; beside them, those with states (-kv-).
WHOLE = {"bert-op17-ts", "gpt2-op17-ts", "llama-op17-ts", "opt-op17-ts",
         "t5-op17-ts", "whisper-decoder-op18"}
# One of each kind; --whole-zoo runs all that are split.
MODELS = ["albert-op18", "bert-op23", "gemma2-op18", "gpt2-op18", "llama-op18",
          "lstm-op18", "mixtral-batched_mm-op18", "modernbert-op18",
          "opt-op18", "resnet-op18", "vit-op18", "whisper-encoder-op18"]
ROWS = 512  # of which two threads get parts


def is_split(name):
    return name not in WHOLE and "-kv-" not in name


def pytest_generate_tests(metafunc):
    if "model" in metafunc.fixturenames:
        whole = metafunc.config.getoption("--whole-zoo")
        metafunc.parametrize("model", filter(is_split, NAMES) if whole
                             else MODELS)


def load(path):
    module = llmc.Module.load(path)
    module.lift()
    return module


def enlarge(feeds, rng):
    """The feeds with a batch that is large enough, of rows that differ."""
    first = next(iter(feeds.values()))
    rows = first.shape[1:] if first.dtype.kind == "i" else first.shape[1:-1]
    count = 2 * -(-ROWS // (2 * int(np.prod(rows))))
    large = {}
    for name, value in feeds.items():
        value = np.resize(value, (count, *value.shape[1:]))
        if value.dtype.kind == "f":
            value = value + rng.standard_normal(value.shape, value.dtype)
        elif name == "input_ids":
            value = rng.permuted(value, axis=0)
        large[name] = value
    return large


@pytest.mark.parametrize("name", NAMES)
def test_which_batches_are_split(name, shared):
    module = load(shared / "zoo" / f"{name}.onnx")
    module.run("llmc-find-batch")
    assert ("llmc.batch" in str(module)) == is_split(name)


def test_rows_of_a_large_batch(model, shared, compare, tmp_path):
    path = shared / "zoo" / f"{model}.onnx"
    load(path).compile_artifact(tmp_path / "model.llmc")
    artifact = llmc.Artifact(tmp_path / "model.llmc")
    # How many logits there are is said by an element of this input.
    names = {spec.name for spec in artifact.inputs}
    code = (tmp_path / "model.llmc/module.so").read_bytes()
    assert (b"main_part" in code) == ("logits_to_keep" not in names)
    feeds, _ = list(compare.cases(path.with_suffix(".npz")))[-1]
    feeds = enlarge(feeds, np.random.default_rng(7))
    count = len(next(iter(feeds.values())))
    more = {name: np.int64(0) for name in names - set(feeds)}
    got = artifact.session(threads=2).run({**feeds, **more})
    for row in (0, 1, count // 2, count - 1):
        want = artifact.session(threads=1).run(
            {**{k: v[row:row + 1] for k, v in feeds.items()}, **more})
        for output, value in want.items():
            np.testing.assert_array_equal(got[output][row], value[0])
