"""A Python environment for each peer, under build/benchmarks/environments."""

import os
import pathlib
import subprocess
import sys

from .protocol import Failed, one_line

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "benchmarks" / "peers"
FOLDER = ROOT / "build" / "benchmarks" / "environments"

# llama-cpp-python has no wheels on PyPI. GCC 12 drops the stores of the tile
# configuration of AMX, so that ggml dies by SIGILL: Clang builds it.
BUILD = {"llamacpp": {
    "CC": "clang-22", "CXX": "clang++-22", "CMAKE_BUILD_PARALLEL_LEVEL": "1",
    "CMAKE_ARGS": "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF"}}


def python(name):
    """The interpreter of a peer's environment, which is made if it is not
    there or its requirements changed. Raises Failed with the reason."""
    folder = FOLDER / name
    requirements = REQUIREMENTS / f"requirements-{name}.txt"
    interpreter, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = requirements.read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return interpreter
    print(f"installing {name} into {folder}", file=sys.stderr, flush=True)
    log = FOLDER / f"{name}.log"
    FOLDER.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **BUILD.get(name, {})}
    environment["PATH"] = "/usr/bin:" + environment["PATH"]
    for command in (["/usr/bin/python3", "-m", "venv", str(folder)],
                    ["nice", "-n", "19", str(interpreter), "-m", "pip",
                     "--disable-pip-version-check", "install", "-r",
                     str(requirements)]):
        with open(log, "w") as output:
            done = subprocess.run(command, stdout=output,
                                  stderr=subprocess.STDOUT, env=environment)
        if done.returncode != 0:
            lines = [line for line in log.read_text().splitlines()
                     if "error" in line.lower()]
            raise Failed(one_line(
                f"cannot be installed ({log.name} in {FOLDER} has it all)"
                + (f": {lines[-1]}" if lines else "")))
    stamp.write_text(wanted)
    return interpreter
