"""Two backends in one compilation, from Python and the command line."""

import json

import numpy as np
import pytest
from conftest import ROOT
from kernels import floats

import llmc
from llmc.cli import main

HOOKS = ROOT / "build" / "test" / "Target" / "llmc-backend-hooks.so"
pytestmark = pytest.mark.skipif(
    not HOOKS.is_file(), reason=f"there is no {HOOKS}: build llmc's tests")

FIRST = np.random.default_rng(2).standard_normal((40, 24)).astype(np.float32)
SECOND = np.random.default_rng(3).standard_normal((17, 40)).astype(np.float32)


def text():
    """hooks takes the first linear, by the name of its weight."""
    def attribute(value):
        rows, columns = value.shape
        return (f'dense<"0x{value.tobytes().hex().upper()}"> : '
                f"tensor<{rows}x{columns}xf32>")
    return f"""
      llmc.param @hooks.first = {attribute(FIRST)}
      llmc.param @second = {attribute(SECOND)}
      func.func @main(%x: tensor<?x24xf32> {{llmc.name = "x"}})
          -> (tensor<?x17xf32> {{llmc.name = "y"}}) {{
        %a = llmc.weight @hooks.first : tensor<40x24xf32>
        %b = llmc.weight @second : tensor<17x40xf32>
        %0 = llmc.linear %x, %a
           : (tensor<?x24xf32>, tensor<40x24xf32>) -> tensor<?x40xf32>
        %1 = llmc.linear %0, %b
           : (tensor<?x40xf32>, tensor<17x40xf32>) -> tensor<?x17xf32>
        return %1 : tensor<?x17xf32>
      }}"""


def check(run):
    for rows in (1, 6):
        x = floats(rows, 24)
        want = x.astype(np.float64) @ FIRST.T @ SECOND.T
        np.testing.assert_allclose(run({"x": x})["y"], want, rtol=1e-4,
                                   atol=1e-4)


def test_in_memory():
    module = llmc.Module.parse(text(), backends=[HOOKS, "cpu"])
    check(module.compile())


def test_command_line(tmp_path, capsys):
    model, out = tmp_path / "model.mlir", tmp_path / "out"
    model.write_text(text())
    assert main(["compile", str(model), "-o", str(out), "--load-backend",
                 str(HOOKS), "--load-backend", "cpu"]) == 0
    assert "is left to the reference" not in capsys.readouterr().err
    names = [w["name"] for w in json.loads(
        (out / "manifest.json").read_text())["weights"]]
    assert len(names) == 2
    assert any(n.startswith("hooks.first.hooks.") for n in names)
    assert any(n.startswith("second.cpu.") for n in names)
    assert "linked: 1" in (out / "hooks.txt").read_text()
    check(llmc.Artifact(out))


def test_target_and_errors(tmp_path, capsys):
    model, out = tmp_path / "model.mlir", tmp_path / "out"
    model.write_text(text())

    def fail(*arguments):
        assert main(["compile", str(model), "-o", str(out), *arguments]) == 1
        assert not out.exists()
        return capsys.readouterr().err

    load = ["--load-backend", str(HOOKS)]
    assert "serialize was told to fail" in fail(
        *load, "--target", "hooks:serialize")
    assert "there is no hook 'all'" in fail(*load, "--target", "hooks:all")
    assert "is loaded already" in fail(*load, *load)
    assert "cannot load the backend" in fail("--load-backend", "nowhere")
