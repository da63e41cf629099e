"""Where tests find the package and the data that is not in the repository."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The package as it was built, unless one is installed.
if (ROOT / "build" / "python" / "llmc").is_dir():
    sys.path.insert(0, str(ROOT / "build" / "python"))


@pytest.fixture(scope="session")
def shared():
    """The folder of shared data; tests skip where there is none."""
    path = pathlib.Path(os.environ.get("LLMC_SHARED") or ROOT.parent / "shared")
    if not path.is_dir():
        pytest.skip(f"no shared data: there is no folder {path}, and "
                    "LLMC_SHARED names none")
    return path


@pytest.fixture(scope="session")
def smollm2():
    """The folder of SmolLM2, made by utils/models/smollm2.py."""
    path = pathlib.Path(os.environ.get("LLMC_SMOLLM2")
                        or ROOT / "build" / "models" / "smollm2")
    if not (path / "model.onnx").is_file():
        pytest.skip(f"no model in {path}: run utils/models/smollm2.py")
    return path
