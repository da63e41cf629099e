"""The report of compression: its sums, and the page that is made of it."""

import html.parser
import json
import math
import re
import subprocess

import numpy as np
import onnx
import pytest
import toy
from conftest import ROOT
from onnx import numpy_helper

from llmc import Module, report
from llmc.cli import main

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Checks that elements are closed, and collects cells of tables."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.tables, self.text = [], [], {}, ""
        self.row = self.table = None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.table = self.tables[attributes["id"]] = {}
        elif tag in ("tbody", "tfoot"):
            self.row = self.table[tag] = []
        elif tag == "tr" and self.row is not None:
            self.row.append([])
        elif tag == "td" and self.row is not None:
            self.row[-1].append(attributes.get("data-value", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("tbody", "tfoot"):
            self.row = None

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data
            if self.row and self.open[-1] == "td" and self.row[-1][-1] == "":
                self.row[-1][-1] = data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    toy.write(folder)
    words = np.random.default_rng(3).choice(toy.WORDS, 200)
    (folder / "text.txt").write_text(" ".join(words))
    return folder


@pytest.fixture(scope="module")
def made(folder):
    """The facts and the page of one compression."""
    files = [folder / "report.json", folder / "report.html"]
    text = str(folder / "text.txt")
    assert main(["compress", str(folder / "model.onnx"), "-o",
                 str(folder / "small.onnx"), "--recipe", "awq-gptq-4bit",
                 "--set", "group=16", "--calibration", text, "--samples", "4",
                 "--sample-length", "50", "--evaluate", text, "--context",
                 "64", *(f"--report={file}" for file in files)]) == 0
    return json.loads(files[0].read_text()), files[1].read_text()


def test_sums(made, folder):
    """Bytes are those of the file's tensors."""
    facts, _ = made
    tensors = facts["tensors"]
    for when, file in (("before", "model.onnx"), ("after", "small.onnx")):
        # Integers of 64 bits are shapes that ONNX's ops want.
        stored = sum(numpy_helper.to_array(t).nbytes for t in onnx.load(
            folder / file).graph.initializer
            if t.data_type != onnx.TensorProto.INT64)
        assert facts[f"param_bytes_{when}"] == stored
        assert sum(t[f"bytes_{when}"] for t in tensors) == stored
    assert facts["file_bytes"] == (folder / "small.onnx").stat().st_size
    assert [t["name"] for t in tensors] == ["embed", "layers.0.head"]
    for tensor in tensors:
        assert {p["name"].removeprefix(tensor["name"])
                for p in tensor["stored"]} == {".q", ".scales", ".zeros"}
        assert sum(p["bytes"] for p in tensor["stored"]) == \
            tensor["bytes_after"] < tensor["bytes_before"]


def test_facts(made, folder):
    facts, _ = made
    assert facts["settings"] == {"bits": "4", "group": "16",
                                 "head-bits": "4"}
    assert "llmc-quantize-gptq{bits=4 block=16" in facts["pipeline"]
    calibration = facts["calibration"]
    assert (calibration["tokens"], calibration["samples"],
            calibration["sample_length"]) == (200, 4, 50)
    assert re.fullmatch("[0-9a-f]{64}", calibration["sha256"])
    assert set(facts["versions"]) == {"llmc", "llvm", "python", "machine"}
    # What cannot be scaled is said.
    assert any("layers.0.head" in line for line in facts["notices"])
    first, second = facts["evaluation"]["models"]
    assert first["ratio"] == 1
    assert second["ratio"] == second["perplexity"] / first["perplexity"] != 1
    ids = np.array([toy.VOCABULARY.index(w) for w in
                    (folder / "text.txt").read_text().split()])
    scores = [toy.log_probabilities(ids[i:i + 64]) for i in (0, 64, 128)]
    assert first["perplexity"] == pytest.approx(
        math.exp(-np.mean(scores)), rel=1e-5)
    assert facts["evaluation"]["protocol"]["windows"] == 3


def test_pass_statistics_agree(folder, tmp_path):
    """Those that llmc-opt prints are sums of what a report says."""
    tool = ROOT / "build" / "bin" / "llmc-opt"
    if not tool.is_file():
        pytest.skip(f"there is no {tool}")
    pipeline = ("llmc-lift,llmc-quantize-rtn{bits=4 block=16 what=linear},"
                "llmc-quantize-rtn{bits=8 block=16}")
    module = Module.load(folder / "model.onnx")
    module.save(tmp_path / "model.mlirbc")
    done = subprocess.run(
        [tool, tmp_path / "model.mlirbc", "-o", "/dev/null",
         "--mlir-pass-statistics", f"--pass-pipeline=builtin.module({pipeline})"],
        text=True, capture_output=True, check=True)
    _, found, lines = done.stderr.partition("llmc-quantize-rtn\n")
    assert found
    counts = {name: int(value) for value, name in
              re.findall(r"\(S\) +(\d+) (\S+)", lines)}
    weights = module.run(pipeline).weights
    assert len(weights) == counts["weights-quantized"] == 2
    for when in ("before", "after"):
        assert counts[f"bytes-{when}"] == sum(
            weight[f"bytes_{when}"] for weight in weights)


def test_page_agrees_with_the_facts(made):
    facts, text = made
    page = Page(text)
    lines = page.tables["tensors"]
    assert [row[0] for row in lines["tbody"]] == [
        t["name"] for t in sorted(facts["tensors"],
                                  key=lambda t: -t["bytes_before"])]
    for column, when in ((3, "before"), (4, "after")):
        total = facts[f"param_bytes_{when}"]
        assert sum(int(row[column]) for row in lines["tbody"]) == total
        # The name of the line of sums is a head, not a cell.
        assert int(lines["tfoot"][0][column - 1]) == total
    weights = page.tables["weights"]["tbody"]
    assert [(row[0], row[1]) for row in weights] == [
        (w["param"], w["pass"]) for w in facts["weights"]]
    models = page.tables["perplexity"]["tbody"]
    assert [float(row[1]) for row in models] == [
        m["perplexity"] for m in facts["evaluation"]["models"]]
    for line in [*facts["notices"], facts["pipeline"]]:
        assert line in page.text
    bars = [a for tag, a in page.tags if tag == "rect" and "height" in a]
    assert len(bars) == 2 * len(facts["tensors"]) + 1


def test_page_loads_nothing(made):
    page, text = Page(made[1]), made[1]
    assert not re.search(r"https?:|//|url\(|@import|\bimport\b", text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert not {"src", "href", "srcset", "data", "xlink:href"} & set(
            attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert [a["content"] for tag, a in page.tags
            if "http-equiv" in a] == ["default-src 'none'; style-src "
                                      "'unsafe-inline'; script-src "
                                      "'unsafe-inline'"]
    assert "prefers-color-scheme: dark" in text


def test_page_escapes():
    """Names of tensors are whatever a file says."""
    evil = "</script><script>alert('&\"')</script>"
    tensor = {"name": evil, "dtype": evil, "shape": [2], "bytes_before": 8,
              "bytes_after": 0, "stored": []}
    text = report.make_page({
        "model": evil, "output": evil, evil: {evil: evil}, "pipeline": evil,
        "param_bytes_before": 8, "param_bytes_after": 0, "file_bytes": 0,
        "tensors": [tensor], "notices": [evil],
        "weights": [{"param": f"layers.1.{evil}", "pass": evil, evil: evil,
                     "relative_error": float("nan")}]})
    page = Page(text)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert page.text.count(evil) >= 8
    assert page.tables["tensors"]["tbody"][0][0] == evil


@pytest.mark.parametrize("name,origin", [
    ("a.w", "a.w"), ("a.w.q", "a.w"), ("a.w.q.values", "a.w"),
    ("a.w.x.scales", "a.w.x"), ("b.w", None), ("a", None)])
def test_origin(name, origin):
    assert report.origin_of(name, {"a.w", "a.w.x"}) == origin


def test_params_that_come_and_go():
    def param(name, size):
        return {"name": name, "dtype": "float32", "shape": [size // 4],
                "bytes": size}
    rows = report.compare_params([param("gone", 8), param("stays", 4)],
                                 [param("stays", 4), param("new", 12)])
    assert [(r["name"], r["bytes_before"], r["bytes_after"])
            for r in rows] == [("gone", 8, 0), ("stays", 4, 4), ("new", 0, 12)]


def test_largest_error_of_each_layer():
    weights = [{"param": "layers.1.a", "relative_error": 0.5},
               {"param": "layers.1.b", "relative_error": 0.25},
               {"param": "layers.0.a", "relative_error": 0.125},
               {"param": "embed", "relative_error": 3}, {"param": "layers.2.a"}]
    assert report.errors_by_layer(weights) == ("relative_error",
                                               {0: 0.125, 1: 0.5})
    weights.append({"param": "layers.3.a", "output_error": 0.1})
    assert report.errors_by_layer(weights) == ("output_error", {3: 0.1})


def test_report_of_options(folder, tmp_path):
    """Without a recipe, and of a model that cannot be measured."""
    page = tmp_path / "report.html"
    arguments = ["compress", str(folder / "model.onnx"), "-o",
                 str(tmp_path / "small.onnx"), "--type", "bf16", "--report",
                 str(page)]
    assert main(arguments) == 0
    assert "bf16" in Page(page.read_text()).text
    page.unlink()
    text = folder / "text.txt"
    assert main([*arguments, "--evaluate", str(text), "--context", "1"]) == 1
    assert "evaluation" not in page.read_text()
    (tmp_path / "small.onnx").unlink()
    assert main([*arguments, "--evaluate", "/no/such/text"]) == 1
    assert not (tmp_path / "small.onnx").exists()
