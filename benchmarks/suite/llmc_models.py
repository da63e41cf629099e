"""Models compressed and compiled by llmc, kept until the model, the options or
llmc itself change. How long each command took, and its peak memory, is part of
what is reported."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from .environments import ROOT
from .formats import FORMATS
from .protocol import Failed, one_line


def package_path():
    """Where the package is, unless it is installed."""
    built = ROOT / "build" / "python"
    return [str(built)] if (built / "llmc").is_dir() else []


def _version():
    """Changes with every build of llmc: its package, compiler, backends."""
    folders = [pathlib.Path(folder, "llmc") for folder in package_path()]
    folders.append(ROOT / "build" / "lib")
    files = sorted(path for folder in folders for path in folder.glob("*.so"))
    return [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files]


def run(arguments):
    """Runs the command llmc: (seconds, peak bytes, lines of stderr)."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(package_path())}
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "llmc", *map(str, arguments)],
            stdout=subprocess.DEVNULL, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        log.seek(0)
        lines = log.read().splitlines()
    if process.returncode != 0:
        raise Failed(one_line(f"llmc {arguments[0]} ended with status "
                              f"{process.returncode}"
                              + (f": {lines[-1]}" if lines else "")))
    return seconds, usage.ru_maxrss * 1024, lines


def artifact(model, folder, name):
    """(path of the artifact, facts) of a model file in one of FORMATS."""
    recipe = FORMATS[name]
    out, stamp = folder / "model.llmc", folder / "made-by.json"
    key = hashlib.sha256(json.dumps([
        recipe.compress, recipe.compile, str(model),
        model.stat().st_mtime_ns, _version()]).encode()).hexdigest()
    if stamp.is_file():
        made = json.loads(stamp.read_text())
        if made["key"] == key:
            return out, made["facts"]
    # Old files beside a new model would be taken for its external data.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source, facts = model, {"steps": [], "notices": []}

    def step(*arguments):
        seconds, peak, lines = run(arguments)
        facts["steps"].append({"command": f"llmc {arguments[0]}",
                               "seconds": seconds, "peak_bytes": peak})
        facts["notices"] += lines

    for number, options in enumerate(recipe.compress):
        small = folder / f"step-{number}.mlirbc"
        step("compress", source, "-o", small, *options)
        source = small
    step("compile", source, "-o", out, *recipe.compile)
    facts["weight_bytes"] = (out / "weights.bin").stat().st_size
    for file in folder.glob("step-*"):
        file.unlink()
    stamp.write_text(json.dumps({"key": key, "facts": facts}, indent=2))
    return out, facts
