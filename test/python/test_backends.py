"""Two backends in one compilation, from Python and the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest
import toy
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


@pytest.mark.parametrize("kind", ["memory", "artifact"])
def test_what_runs_when_a_model_is_closed(kind, tmp_path):
    """Prints a dot. What runs when it is opened, all kernels need."""
    (tmp_path / "model.mlir").write_text(text())
    script = f"""
import ctypes
import llmc
module = llmc.Module.parse(open({str(tmp_path / 'model.mlir')!r}).read(),
                           backends=[{str(HOOKS)!r}, "cpu"])
if {kind == "memory"}:
    model = module.compile()
else:
    module.compile_artifact({str(tmp_path / 'out')!r})
    model = llmc.Artifact({str(tmp_path / 'out')!r})
print("opened", flush=True)
del model, module
ctypes.CDLL(None).fflush(None)
print("closed")
"""
    done = subprocess.run([sys.executable, "-c", script], text=True,
                          capture_output=True, cwd=ROOT / "build" / "python")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "opened\n.closed\n"


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


@pytest.mark.parametrize("command, options", [
    ("inspect", []), ("compress", ["-o", "out.mlir"]), ("export", [
        "--genai", "out"]), ("run", ["--prompt", "a"]),
    ("eval", ["--text", "text"])])
def test_every_command_loads_backends(tmp_path, capsys, monkeypatch, command,
                                      options):
    model = toy.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("a b")
    assert main([command, str(model), *options, "--load-backend",
                 "nowhere"]) == 1
    err = capsys.readouterr().err
    assert "cannot load the backend" in err and "nowhere" in err


def test_backends_are_for_models(tmp_path, capsys):
    model, out = tmp_path / "model.mlir", tmp_path / "out"
    model.write_text(text())
    assert main(["compile", str(model), "-o", str(out)]) == 0
    for arguments in (["inspect", str(out)],
                      ["run", str(out), "--prompt", "a"],
                      ["eval", str(out), str(out), "--text", "text"]):
        assert main([*arguments, "--load-backend", "cpu"]) == 1
        assert "is an artifact, and compiled" in capsys.readouterr().err


def test_latency_of_loaded_backends(tmp_path, capsys):
    """hooks has no kernel for integers, the CPU backend has."""
    model, out = tmp_path / "model.mlir", tmp_path / "out.mlir"
    model.write_text(text())
    arguments = ["compress", str(model), "-o", str(out), "--method", "rtn",
                 "--group", "8", "--latency", "2ms", "--json"]
    for load, unknown in (([], False), ([HOOKS, "cpu"], False),
                          ([HOOKS], True)):
        options = [f"--load-backend={backend}" for backend in load]
        assert main([*arguments, *options]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["predicted_seconds"] == 0) == unknown
        assert any("leaves out 2 linears" in line
                   for line in result["notices"]) == unknown
