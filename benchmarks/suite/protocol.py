"""Worker processes: each loads one model with one framework and measures one
sample when told. benchmarks/workers/serve.py has the other end and says what
the lines look like.
"""

import json
import queue
import signal
import subprocess
import tempfile
import threading


class Failed(Exception):
    """A worker cannot do what was asked; the text is one sentence."""


class Worker:
    def __init__(self, command, specification, environment=None, timeout=900):
        """Starts the worker and waits until its model is loaded."""
        self.timeout = timeout
        self._log = tempfile.TemporaryFile("w+", errors="replace")
        self._process = subprocess.Popen(
            [*command, json.dumps(specification)], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, bufsize=1)
        self._answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.facts = self._answer().get("facts", {})
        except Failed:
            self.close()
            raise

    @property
    def pid(self):
        return self._process.pid

    def call(self, name, **arguments):
        """The worker's answer, a dict with a `value`."""
        try:
            self._process.stdin.write(json.dumps(
                {"call": name, "arguments": arguments}) + "\n")
        except (OSError, ValueError):
            pass  # It is gone; the missing answer says how.
        return self._answer()

    def close(self):
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            try:
                stream.close()
            except OSError:
                pass

    def _read(self):
        try:
            for line in self._process.stdout:
                self._answers.put(line)
        except ValueError:
            pass  # Closed under us, by close().
        self._answers.put(None)

    def _answer(self):
        try:
            line = self._answers.get(timeout=self.timeout)
        except queue.Empty:
            raise Failed(f"no answer in {self.timeout:.0f} seconds") from None
        if line is None:
            self._answers.put(None)  # The next question has the same answer.
            raise Failed(self._death())
        try:
            answer = json.loads(line)
        except ValueError:
            raise Failed(f"not an answer: {line.strip()[:200]}") from None
        if "error" in answer:
            raise Failed(one_line(answer["error"]))
        return answer

    def _death(self):
        status = self._process.wait()
        how = f"ended with status {status}"
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return one_line(f"the worker {how}" + (f": {lines[-1]}" if lines
                                               else ""))


def one_line(text, limit=300):
    """A message that fits into a table's footnote."""
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit - 3] + "..."
