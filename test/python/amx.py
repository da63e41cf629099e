"""What tests of AMX's tiles share: they run on processors that have them and
elsewhere with an emulator of their instructions."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import llmc

FEATURES = set(pathlib.Path("/proc/cpuinfo").read_text().split())


def run_here(artifact, inputs):
    """y for each of some inputs, {name: array}."""
    opened = llmc.Artifact(artifact)
    return [opened(feeds)["y"] for feeds in inputs]


EMULATED = """
import sys
import numpy as np
import llmc
model, inputs, outputs = sys.argv[1:]
inputs = np.load(inputs)
opened, runs = llmc.Artifact(model), {}
for key, value in inputs.items():
    number, name = key.split()
    runs.setdefault(number, {})[name] = value
np.savez(outputs, **{n: opened(feeds)["y"] for n, feeds in runs.items()})
"""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Runs an artifact where AMX's instructions are those of the emulator."""
    if not {"avx512_vnni", "avx512vl", "avx512dq"} <= FEATURES:
        pytest.skip("no AVX-512 on this machine")
    compiler = shutil.which("clang-22") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler for the emulator of AMX")
    folder = tmp_path_factory.mktemp("emulator")
    source = pathlib.Path(__file__).parents[1] / "cross" / "emulate-amx.c"
    library = folder / "emulate-amx.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", library,
                    "-lm"], check=True)

    def run(artifact, inputs):
        # The runtime asks the processor, which says no.
        file = artifact / "manifest.json"
        manifest = json.loads(file.read_text())
        features = manifest["target"]["features"]
        assert {"amx-tile"} < {name for name in features
                               if name.startswith("amx-")}
        manifest["target"]["features"] = [
            name for name in features if not name.startswith("amx-")]
        file.write_text(json.dumps(manifest))
        np.savez(folder / "x.npz", **{
            f"{number} {name}": value for number, feeds in enumerate(inputs)
            for name, value in feeds.items()})
        subprocess.run(
            [sys.executable, "-c", EMULATED, artifact, folder / "x.npz",
             folder / "y.npz"], check=True,
            env={**os.environ, "LD_PRELOAD": str(library),
                 "OMP_NUM_THREADS": "2",
                 "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})
        results = np.load(folder / "y.npz")
        return [results[str(number)] for number in range(len(inputs))]

    return run


@pytest.fixture(params=["processor", "emulator"])
def run(request):
    if request.param == "emulator":
        return request.getfixturevalue("emulator")
    if not {"amx_int8", "amx_bf16"} <= FEATURES:
        pytest.skip("no AMX on this machine")
    return run_here
