"""benchmarks/: its arithmetic, its protocol and the models made for peers."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS / "models")]

from suite import comparisons, kernels, report, results  # noqa: E402
from suite.comparisons import Comparison, Contender, Measure  # noqa: E402
from suite.formats import FORMATS  # noqa: E402
from suite.protocol import Failed, Worker, one_line  # noqa: E402
from suite.recipes import Recipe  # noqa: E402
from suite.rounds import Series, alternate, geometric_mean  # noqa: E402

FAKE = f"""
import os, signal, sys
sys.path.insert(0, {str(BENCHMARKS / "workers")!r})
import serve

class Fake:
    def __init__(self, spec):
        print("a banner on stdout")
        os.write(1, b"and one from C\\n")
        if spec.get("die"):
            sys.exit("no such model")
        if spec.get("raise"):
            raise ValueError("two\\nlines")
        self.facts = {{"threads": spec["threads"]}}

    def decode(self, tokens):
        return serve.speed(tokens, 0.5)

    def crash(self):
        os.kill(os.getpid(), signal.SIGILL)

    def hang(self):
        import time
        time.sleep(60)

serve.main(Fake)
"""


@pytest.fixture
def start(tmp_path):
    """Starts fake workers, and ends them."""
    script, workers = tmp_path / "fake.py", []
    script.write_text(FAKE)

    def make(timeout=60, **specification):
        workers.append(Worker([sys.executable, str(script)],
                              {"threads": 3, **specification},
                              timeout=timeout))
        return workers[-1]

    yield make
    for worker in workers:
        worker.close()


def test_worker_answers_and_survives_its_errors(start):
    worker = start()
    assert worker.facts["threads"] == 3 and worker.facts["load_seconds"] >= 0
    assert worker.call("decode", tokens=8)["value"] == 16
    with pytest.raises(Failed, match="TypeError"):
        worker.call("decode", wrong=1)
    assert worker.call("decode", tokens=4)["value"] == 8


@pytest.mark.parametrize("specification,message", [
    ({"die": True}, "ended with status 1: no such model"),
    ({"raise": True}, "^ValueError: two lines$")])
def test_worker_that_cannot_load_says_why(start, specification, message):
    with pytest.raises(Failed, match=message):
        start(**specification)


def test_worker_that_crashes_names_the_signal_each_time(start):
    worker = start()
    for _ in range(2):
        with pytest.raises(Failed, match="killed by SIGILL"):
            worker.call("crash")


def test_worker_that_hangs_is_given_up(start):
    worker = start()
    worker.timeout = 0.2
    with pytest.raises(Failed, match="no answer"):
        worker.call("hang")


class Scripted:
    """A worker that plays back values; an exception is raised."""

    def __init__(self, name, log, values):
        self.name, self.log, self.values = name, log, list(values)

    def call(self, call, **arguments):
        self.log.append((self.name, call, *arguments.values()))
        value = self.values.pop(0)
        if isinstance(value, Exception):
            raise value
        return {"value": value}


def test_rounds_alternate_and_drop_the_warm_up():
    log, marks = [], []
    series = alternate(
        {"a": Scripted("a", log, [100, 1, 5, 3]),
         "b": Scripted("b", log, [100, 2, Failed("gone"), 9])},
        {"m": ("decode", {"tokens": 7})}, rounds=3, pause=0,
        before_round=lambda: marks.append(len(log)), others=lambda: 0.25)
    assert [entry[0] for entry in log] == ["b", "a", "a", "b", "b", "a", "a"]
    assert log[0] == ("b", "decode", 7) and marks == [2, 4, 6]
    assert series["a", "m"].samples == [1, 5, 3]
    assert series["a", "m"].median == 3
    assert series["a", "m"].others == [0.25] * 3
    assert series["b", "m"].reason == "gone"
    assert series["b", "m"].median is None


def test_failed_measure_leaves_the_others():
    series = alternate(
        {"a": Scripted("a", [], [Failed("no"), 7, 8])},
        {"x": ("decode", {}), "y": ("prompt", {})}, rounds=1, pause=0)
    assert series["a", "x"].reason == "no"
    assert series["a", "y"].samples == [8]


DECODE = Measure("decode 16", "decode", (("tokens", 16),), 1.2)
RUN = Measure("M=1", "run", (), 2.0)
CONTENDERS = tuple(Contender(*c) for c in (
    ("llmc", "int4"), ("llama.cpp", "Q4_0"), ("ONNX Runtime", "int4-32")))


def rows(measure, *medians, **more):
    """The rows of a comparison of CONTENDERS; a text is a reason."""
    comparison = Comparison("X", "T", CONTENDERS, (measure,))
    series = {
        (c.name, measure.name):
            Series(reason=m) if isinstance(m, str) else Series([m])
        for c, m in zip(CONTENDERS, medians)}
    recipes = {c.name: Recipe([], {}, 500_000_000) for c in CONTENDERS}
    limits = {"read_gb_per_s": 20.0, "fp32_gop_per_s": 200.0}
    return results.rows(comparison, series, recipes, limits, **more)


@pytest.mark.parametrize("measure,medians,best,ratio,met", [
    (DECODE, (30, 20, 25), "ONNX Runtime int4-32", 1.2, True),
    (DECODE, (29, 20, 25), "ONNX Runtime int4-32", 1.16, False),
    (RUN, (1.0, 4.0, 3.0), "ONNX Runtime int4-32", 3.0, True),
    (RUN, (1.0, 1.5, "why"), "llama.cpp Q4_0", 1.5, False),
    (DECODE, ("why", 20, 25), "ONNX Runtime int4-32", None, False),
    (DECODE, (30, "a", "b"), None, None, False)])
def test_ratio_is_that_of_speeds_to_the_best_peer(measure, medians, best,
                                                  ratio, met):
    row, = rows(measure, *medians)
    assert row["best_peer"] == best and row["met"] == met
    assert row["ratio"] == (ratio and pytest.approx(ratio))


def test_roofline():
    row, = rows(DECODE, 30, 20, 25)
    assert row["entries"][0]["gb_per_s"] == pytest.approx(15)
    assert row["entries"][0]["bandwidth_share"] == pytest.approx(0.75)
    row, = rows(dataclasses.replace(DECODE, call="prompt"), 50, 20, 25,
                operations=2_000_000_000)
    assert row["entries"][0]["gop_per_s"] == pytest.approx(100)
    assert row["entries"][0]["fp32_share"] == pytest.approx(0.5)


def test_group_is_the_geometric_mean_and_missing_members_count():
    member = dataclasses.replace(RUN, group="all", target=1.0)
    complete = [*rows(member, 1.0, 2.0, 2.0), *rows(member, 1.0, 8.0, 9.0)]
    row, = results.summarized(complete)
    assert row["ratio"] == pytest.approx(4) and row["met"]
    assert row["workload"] == "X, mean of 2 of 2 models"
    row, = results.summarized(complete + rows(member, "why", 1.0, 1.0))
    assert row["ratio"] == pytest.approx(4) and not row["met"]
    row, = results.summarized(complete + rows(member, 1.0, "a", "b"))
    assert row["ratio"] == pytest.approx(4) and row["met"]
    assert row["workload"] == "X, mean of 2 of 3 models"
    assert geometric_mean([]) is None


def test_report_shows_reasons_and_columns_line_up():
    data = {"machine": {"processor": "P", "cores": 2, "features": ["avx2"]},
            "threads": 2, "rounds": 3, "limits": {},
            "rows": rows(DECODE, 30.0, "does not load", 123.4),
            "preparation": {"X: llmc": {"notices": ["no kernel for y"],
                            "steps": [{"command": "llmc compile",
                                       "seconds": 1.0, "peak_bytes": 2e6}]}}}
    text = report.markdown(data)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines[:3]}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "X, decode 16", "tokens/s", "30.0", "- [1]", "123",
        "ONNX Runtime int4-32", "0.24", "1.20", "no"]
    assert "[1] llama.cpp Q4_0: does not load" in text
    assert "X: llmc: no kernel for y" in text


def kernel(name, **values):
    return {"run_type": "iteration", "run_name": name + "/real_time",
            "name": name, **values}


def test_kernels_are_medians_of_their_repetitions():
    data = {"context": {"threads": "2", "read_gb_per_s": "30",
                        "fp32_gop_per_s": "200", "int8_gop_per_s": "800",
                        "others": 0.2},
            "benchmarks": [
                *(kernel("a", **{"real_time": t, "GB/s": 8 / t, "GOP/s": 4 / t,
                                 "roofline": 1 / t, "label": "of bandwidth"})
                  for t in (4.0, 2.0, 90.0)),
                {"run_type": "aggregate", "run_name": "a", "real_time": 32},
                kernel("b", error_occurred=True, error_message="no kernel")]}
    a, b = kernels.rows(data)
    assert (a["real_time"], a["GB/s"], a["GOP/s"]) == (4, 2, 1)
    assert b == {"name": "b", "reason": "no kernel"}
    text = kernels.markdown(data)
    assert "used 20% of the machine. That is too much" in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]]
             for line in text.splitlines() if line.startswith("|")]
    assert lines[2:] == [["a", "4", "", "2", "1", "25%", "of bandwidth"],
                         ["b", "-", "", "", "", "", "no kernel"]]


@pytest.mark.parametrize("a,b,want", [
    ([1, 2, 3, 4], [10, 20, 30, 1000], 1), ([1, 2, 3], [3, 2, 1], -1),
    # 1 - 6 (1 + 1) / (4 (16 - 1)), and with ties 1.5, 1.5, 3.
    ([1, 2, 3, 4], [2, 1, 3, 4], 0.8), ([5, 5, 7], [1, 2, 3], 0.8660254),
    ([1, 1, 1], [1, 2, 3], None)])
def test_spearman(a, b, want):
    assert kernels.spearman(a, b) == (want and pytest.approx(want))


def test_costs_are_ranked_within_m_and_over_formats():
    """Against the fastest repetition."""
    rows = [{"name": f"linear/{shape}/{format}/M:{m}", "predicted": predicted,
             "fastest": fastest} for shape, format, m, predicted, fastest in [
                 ("2x3", "f32", 1, 9, 30), ("2x3", "int4", 1, 5, 20),
                 ("2x3", "int2", 1, 3, 10), ("4x5", "f32", 1, 20, 5),
                 ("2x3", "f32", 16, 50, 100)]]
    rows += [{"name": "linear/2x3/f32/M:1/cached", "fastest": 1.0},
             {"name": "attention/9x3x64/keys:512/queries:1", "predicted": 60,
              "fastest": 200},
             {"name": "linear/2x3/nf4/M:1", "reason": "why"}]
    got = {name: (count, rho and round(rho, 3))
           for name, count, rho in kernels.correlations(rows)}
    assert got == {
        "all kernels": (6, 0.657), "linears": (5, 0.4),
        "linears, M = 1": (4, -0.2), "formats of linear 2x3, M = 1": (3, 1.0)}


def test_kernels_run(tmp_path):
    """Bytes and operations of a few, against what the shapes say."""
    program = BENCHMARKS.parent / "build" / "bin" / kernels.PROGRAM
    if not program.is_file():
        pytest.skip(f"{program} is not built")
    with pytest.raises(Failed, match="no kernel matches 'nothing'"):
        kernels.measure(program, tmp_path / "k.json", 1, 1, "nothing")
    kernels.measure(program, tmp_path / "k.json", 1, 1,
                    "linear/576x1536/(f32|int4-g32-a8)/M:4/|keys:512/queries:1/")
    n, k, x, y = 1536, 576, 4 * 576, 4 * 1536
    want = {"linear/576x1536/f32/M:4": (4 * (n * k + x + y), 8 * n * k),
            # Scales in 16 bits.
            "linear/576x1536/int4-g32-a8/M:4":
                (n * k / 2 + 2 * n * k / 32 + 4 * (x + y), 8 * n * k)}
    for heads, key_heads in ((32, 4), (9, 3)):
        for kind in ("", "-bf16"):
            want[f"attention/{heads}x{key_heads}x64{kind}/keys:512/queries:1"] = (
                4 * 64 * (2 * 512 * key_heads + 2 * heads),
                4 * 512 * 64 * heads)
    got = {row["name"]: row for row in
           kernels.rows(json.loads((tmp_path / "k.json").read_text()))}
    assert got.keys() == want.keys()
    for name, (nbytes, operations) in want.items():
        seconds = got[name]["real_time"] * 1e-6
        assert got[name]["GB/s"] * seconds == pytest.approx(nbytes * 1e-9)
        assert got[name]["GOP/s"] * seconds == pytest.approx(operations * 1e-9)
        assert got[name]["roofline"] > 0 and got[name]["predicted"] > 0


def test_every_comparison_can_be_looked_up():
    table = comparisons.table(["one", "two"])
    assert len({c.name for c in table}) == len(table)
    for comparison in table:
        first, *peers = comparison.contenders
        assert first.peer == "llmc" and first.format in FORMATS
        assert peers and {c.peer for c in peers} <= set(comparisons.PEERS)


def test_every_format_is_measured():
    assert FORMATS.keys() == {c.contenders[0].format
                              for c in comparisons.table(["one"])}


@pytest.mark.parametrize("options,message", [
    (["--report"], "error: there is no .*results.json: measure first"),
    (["--kernels", "--report"], "error: there is no .*kernels.json"),
    (["--kernels", "--rounds", "0"], "--rounds: must be at least 1"),
])
def test_refuses_in_a_sentence(tmp_path, options, message):
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), "--out",
         str(tmp_path / "out"), *options], capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert re.search(message, done.stderr), done.stderr


def test_one_line():
    assert one_line("a\n  b") == "a b"
    assert len(one_line("x" * 1000)) == 300


# Models made for peers --------------------------------------------------------


@pytest.mark.parametrize("bits,block", [(4, 32), (4, 128), (2, 64)])
def test_matmulnbits_packing_is_onnx_runtimes(bits, block):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper
    from quantized import int_blocks
    random = np.random.default_rng(0)
    # Values of the grid, so that codes and scales are known to be exact.
    middle = 1 << bits - 1
    steps = random.integers(1, 9, (24, 256 // block, 1)) / 8
    codes = random.integers(0, 2 * middle, (24, 256 // block, block))
    codes[..., 5] = 0
    weight = ((codes - middle) * steps).reshape(24, 256).astype(np.float32)
    packed, scales = int_blocks(weight, bits, block)
    node = helper.make_node(
        "MatMulNBits", ["x", "codes", "scales"], ["y"],
        domain="com.microsoft", K=256, N=24, bits=bits, block_size=block)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 256])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 24])],
        [onnx.numpy_helper.from_array(packed, "codes"),
         onnx.numpy_helper.from_array(scales.reshape(-1), "scales")])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
    x = random.standard_normal((3, 256), np.float32)
    got, = onnxruntime.InferenceSession(
        model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(got, x @ weight.T, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A float model in TinyLlama's form, tiny."""
    for package in ("onnx", "onnxruntime", "gguf"):
        pytest.importorskip(package)
    import tinyllama
    from float_model import FloatModel
    folder = tmp_path_factory.mktemp("toy")
    tinyllama.write(dataclasses.replace(
        tinyllama.config(2), hidden=64, ffn=128, heads=4, kv_heads=2,
        head_dim=16, vocab=96, context=32), folder)
    return FloatModel(folder)


def last_logits(path, ids, more):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    # Without VNNI, products of bytes with and without sign would saturate.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(path, options)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), **more}
    for value in session.get_inputs():
        if value.name.startswith("past_key_values."):
            feeds[value.name] = np.zeros(
                (1, value.shape[1], 0, value.shape[3]), np.float32)
    return session.run(["logits"], feeds)[0][0, -1]


@pytest.mark.parametrize("weights,tolerance", [
    ("f32", 1e-5), ("bf16", 0.02), ("int8", 0.05), ("int4-32", 0.5)])
def test_graph_for_onnx_runtime_computes_the_exporters(
        toy, tmp_path, weights, tolerance):
    import onnxruntime_llama
    ids = np.arange(5, 25)[None]
    want = last_logits(toy.folder / "model.onnx", ids,
                       {"position_ids": np.arange(20)[None]})
    onnxruntime_llama.write(toy, weights, tmp_path)
    got = last_logits(tmp_path / "model.onnx", ids, {})
    assert np.linalg.norm(got - want) <= tolerance * np.linalg.norm(want)


def test_gguf_has_the_weights_in_llamacpps_order(toy, tmp_path):
    import gguf
    import gguf_llama
    import smollm2
    gguf_llama.write(toy, tmp_path / "model.gguf", "F32")
    tensors = {t.name: t for t in
               gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    assert len(tensors) == 3 + 2 * 9
    # The function that reads what llama.cpp's own converter wrote.
    q = smollm2.half_rotation_rows(tensors["blk.1.attn_q.weight"].data, 4)
    np.testing.assert_array_equal(
        q, toy.linear("model.layers.1.self_attn.q_proj"))
    np.testing.assert_array_equal(tensors["output.weight"].data,
                                  toy.linear("lm_head"))
