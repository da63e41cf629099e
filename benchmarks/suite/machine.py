"""What the machine is, and what it can do at most."""

import json
import os
import pathlib
import platform
import subprocess
import time

from .protocol import Failed

SOURCES = [pathlib.Path(__file__).with_name(name)
           for name in ("machine.c", "machine_main.c", "machine.h")]
MEGABYTES = 512


class Limits:
    """Measures bandwidth and arithmetic, once for each call of sample()."""

    def __init__(self, folder, threads, compiler="clang-22"):
        binary = folder / "machine"
        if not binary.is_file() or \
                binary.stat().st_mtime < max(s.stat().st_mtime
                                             for s in SOURCES):
            done = subprocess.run(
                [compiler, "-O3", "-march=native", "-ffp-contract=fast",
                 "-pthread", *map(str, SOURCES[:2]), "-o", str(binary)],
                capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"cannot compile {SOURCES[0].name}: {done.stderr}")
        self.command = [str(binary), str(threads), str(MEGABYTES)]
        self.samples = []

    def sample(self):
        done = subprocess.run(self.command, capture_output=True, text=True,
                              check=True)
        self.samples.append(json.loads(done.stdout))

    def best(self):
        """Of all samples: others can only make the machine slower. None for
        what machine.c does not know of this machine."""
        return {key: max((s[key] for s in self.samples if s[key] is not None),
                         default=None)
                for key in (self.samples or [{}])[0]}


def description():
    """The processor and the system, for the head of the report."""
    model, flags = platform.processor(), ""
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        if key.strip() == "flags":
            flags = value.split()
            break
    features = [f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16",
                            "avx512_fp16", "amx_int8", "amx_bf16")
                if f in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": model, "cores": os.cpu_count(),
            "features": features, "memory_gb": round(memory / 1e9, 1),
            "system": platform.platform()}


def _busy():
    """Seconds that all processors have worked since the start."""
    with open("/proc/stat") as stat:
        fields = [int(x) for x in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _used(pid):
    """Seconds that a process and the children it waited for have worked."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()[11:15]
    except OSError:
        return 0.0
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


class Neighbours:
    """The part of the machine that others use while we measure."""

    def __init__(self, pids):
        self.pids = [os.getpid(), *pids]
        self._last = self._now()

    def _now(self):
        return time.monotonic(), _busy() - sum(map(_used, self.pids))

    def share(self):
        """Of all processors' time since the last call, 0 to 1."""
        (start, before), self._last = self._last, self._now()
        wall, used = self._last[0] - start, self._last[1] - before
        return min(max(used / max(wall, 1e-9) / os.cpu_count(), 0.0), 1.0)

    def wait(self, budget, most=0.05, step=0.5):
        """Waits until others use less than `most`, for `budget` seconds in
        all. Returns what is left of it."""
        while budget > 0:
            self.share()
            time.sleep(min(step, budget))
            budget -= step
            if self.share() < most:
                break
        return max(budget, 0.0)
