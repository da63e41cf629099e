"""`cmake --install`, and a project that builds against nothing but that."""

import re
import shutil
import subprocess

import pytest
import toy
from conftest import ROOT

import llmc

BUILD = ROOT / "build"
COMPILER = "clang++-22"

pytestmark = pytest.mark.skipif(
    not (BUILD / "CMakeCache.txt").is_file() or not shutil.which(COMPILER),
    reason=f"needs a build folder {BUILD} and {COMPILER}")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


def build(source, prefix, folder):
    """Copies a project out of the tree and builds it against the prefix."""
    shutil.copytree(ROOT / source, folder / "source")
    run("cmake", "-G", "Ninja", "-S", folder / "source", "-B", folder / "build",
        f"-DCMAKE_PREFIX_PATH={prefix};/usr/lib/llvm-22",
        "-DCMAKE_C_COMPILER=clang-22", f"-DCMAKE_CXX_COMPILER={COMPILER}")
    run("cmake", "--build", folder / "build")
    return folder / "build"


@pytest.fixture(scope="module")
def project(prefix, tmp_path_factory):
    return build("test/install", prefix, tmp_path_factory.mktemp("project"))


def test_installs_what_it_should(prefix):
    assert sorted(p.name for p in prefix.iterdir()) == ["bin", "include", "lib"]
    assert {"llmc-opt", "llmc-translate", "llmc-compile", "llmc-run",
            "llmc-reduce", "llmc-lsp-server"} == {
                p.name for p in (prefix / "bin").iterdir()}
    run(prefix / "bin" / "llmc-opt", "--version")


def test_project_outside_the_tree(project, tmp_path):
    model, small = toy.write(tmp_path), tmp_path / "small.onnx"
    run(project / "compress", model, small)
    assert small.stat().st_size < 0.4 * model.stat().st_size
    formats = {w["format"] for w in llmc.Module.load(small).weights()}
    assert formats == {"8 bit, block 32"}


def test_c_program_outside_the_tree(project, tmp_path):
    out = tmp_path / "toy.llmc"
    llmc.Module.load(toy.write(tmp_path)).compile_artifact(out)
    assert run(project / "open-artifact", out) == "2 inputs\n"


def test_example_backend(prefix, tmp_path):
    """By the commands of the page it builds against the installed llmc alone and
    checks itself."""
    page = (ROOT / "docs" / "new-backend.md").read_text()
    commands, = (block for block in re.findall(r"^```\n(.*?)^```$", page,
                                               re.DOTALL | re.MULTILINE)
                 if "cmake --install" in block)
    assert "/opt/llmc" in commands and "/tmp/example" in commands
    folder = tmp_path / "example"
    commands = commands.replace("/opt/llmc", str(prefix)).replace(
        "/tmp/example", str(folder))
    printed = run("bash", "-e", "-c", f"cd {ROOT}\n{commands}")
    assert "100% tests passed" in printed and "example: int4 linears" in printed
    backend = folder / "libllmc-backend-example.so"
    listed = run(prefix / "bin" / "llmc-opt", f"--load-backend={backend}",
                 "--load-backend=cpu", "--list-backends")
    assert "example: int4 linears" in listed and "cpu: " in listed
    # The first that is asked gets the op; two are active at once.
    claimed = run(prefix / "bin" / "llmc-opt", f"--load-backend={backend}",
                  "--load-backend=cpu", "--llmc-claim-kernels",
                  ROOT / "examples" / "backend-plugin" / "linear.mlir")
    assert 'by "example"' in claimed and 'by "cpu"' not in claimed
