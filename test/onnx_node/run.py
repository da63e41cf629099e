#!/usr/bin/env python3
"""Runs ONNX's node tests natively and says what fails and why.

    python test/onnx_node/run.py onnx-node-v1.22.0.tar.xz [--at-least N]

The last line is "N passed, M failed"; before it come the tests that failed,
grouped by reason. Nothing is skipped: a test that llmc cannot run has failed,
and so has one that ends the process or takes longer than --timeout. Fails
when fewer than --at-least tests pass.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import pathlib
import select
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "nodetest "


class Worker:
    """An llmc-nodetest process, started again when a test takes it down."""

    def __init__(self, driver, timeout):
        self.driver = driver
        self.timeout = timeout
        self.process = None

    def start(self):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [self.driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors)
        self.pending = b""

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def read_answer(self):
        """The worker's line of JSON; None at its end or after the timeout."""
        deadline = time.monotonic() + self.timeout
        while True:
            *lines, self.pending = self.pending.split(b"\n")
            for line in lines:
                if line.startswith(MARK.encode()):
                    return json.loads(line[len(MARK):])
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [],
                                              left)[0]:
                return None
            chunk = self.process.stdout.read1(1 << 16)
            if not chunk:
                return None
            self.pending += chunk

    def last_error(self):
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace")
        lines = [line for line in text.splitlines()
                 if line.strip() and not line.lstrip().startswith(("#", "0x"))]
        wanted = [line for line in lines if "Assertion" in line
                  or "LLVM ERROR" in line or "error" in line.lower()]
        return (wanted or lines or [""])[0]

    def run(self, folder):
        if not self.process:
            self.start()
        try:
            self.process.stdin.write(f"{folder}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.read_answer()
        if answer:
            return answer
        status = self.process.poll()
        for _ in range(50):
            if status is not None:
                break
            time.sleep(0.02)
            status = self.process.poll()
        detail = self.last_error()
        if status is None:
            reason = f"more than {self.timeout} s"
        elif status < 0:
            reason = f"crash ({signal.Signals(-status).name})"
        else:
            reason = f"crash (exit status {status})"
        self.stop()
        return {"passed": False, "reason": reason, "detail": detail}


def unpack(archive, folder):
    """Unpacks `archive` once; the folder that holds the tests."""
    stamp = folder / ".complete"
    if not stamp.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            # Debian 12's Python 3.11.2 does not have the filter yet.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, **safe)
        stamp.touch()
    return folder


def find_tests(folder):
    return sorted(model.parent for model in folder.rglob("model.onnx"))


def run_all(tests, driver, jobs, timeout):
    workers = []
    local = threading.local()

    def run(test):
        if not hasattr(local, "worker"):
            local.worker = Worker(driver, timeout)
            workers.append(local.worker)
        return {"name": test.name, **local.worker.run(test)}

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(run, tests))
    for worker in workers:
        worker.stop()
    return results


def print_report(results, names_per_reason):
    groups = collections.defaultdict(list)
    for result in results:
        if not result["passed"]:
            groups[result["reason"]].append(result)
    for reason, group in sorted(groups.items(),
                                key=lambda item: (-len(item[1]), item[0])):
        print(f"{len(group):5}  {reason}")
        for result in group[:names_per_reason]:
            detail = result["detail"].replace("\n", " ")[:160]
            print(f"         {result['name']}" + (f": {detail}" if detail
                                                 else ""))
        if len(group) > names_per_reason:
            print(f"         ... and {len(group) - names_per_reason} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tests", type=pathlib.Path,
                        help="the archive of node tests, or its folder")
    parser.add_argument("--driver", default=ROOT / "build/bin/llmc-nodetest")
    parser.add_argument("--filter", default="*",
                        help="run the tests whose names match this pattern")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60,
                        help="seconds a test may take")
    parser.add_argument("--at-least", type=int, default=0,
                        help="fail when fewer tests pass")
    parser.add_argument("--names", type=int, default=1000,
                        help="tests to list per reason")
    parser.add_argument("--json", type=pathlib.Path,
                        help="write the results to this file")
    options = parser.parse_args()

    folder = options.tests
    if folder.is_file():
        folder = unpack(folder, ROOT / "build/onnx-node" / folder.stem)
    tests = [test for test in find_tests(folder)
             if fnmatch.fnmatch(test.name, options.filter)]
    if not tests:
        sys.exit(f"error: no tests that match {options.filter} in {folder}")
    started = time.monotonic()
    results = run_all(tests, options.driver, options.jobs, options.timeout)
    print_report(results, options.names)
    passed = sum(result["passed"] for result in results)
    fixed = sum(result["passed"] and result["fixed"] > 0 for result in results)
    print(f"{fixed} of those that passed were imported with integer inputs as "
          f"constants; {time.monotonic() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if passed < options.at_least:
        print(f"error: fewer than {options.at_least} tests passed")
    print(f"{passed} passed, {len(results) - passed} failed")
    return 1 if passed < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
