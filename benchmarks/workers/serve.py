"""The worker's end of the protocol; benchmarks/suite/protocol.py is the other.

A worker is a process that loads one model with one framework. It is started
with one argument, JSON that says what to load, and answers each line of stdin
with a line of stdout:

    {"ready": true, "facts": {...}}                   once, after loading
    {"call": "decode", "arguments": {...}} -> {"value": 23.4, ...} or
                                              {"error": "one sentence"}

It ends at the end of stdin. What libraries print goes to stderr.
"""

import json
import os
import sys
import time


def token_ids(count, vocabulary):
    """The same tokens for every framework; any will do, since none skips work
    for some of them."""
    return [5 + (7919 * i) % (vocabulary - 5) for i in range(count)]


def speed(count, seconds, **facts):
    """Tokens per second, as an answer."""
    return {"value": count / seconds, "seconds": seconds, **facts}


class StepDecoder:
    """Answers for a framework that is driven token by token: it has the size of
    its `vocabulary`, `reset()` and `step(ids)`, which appends tokens and returns
    the most probable next one."""

    def decode(self, prompt, tokens):
        self.reset()
        token = self.step(token_ids(prompt, self.vocabulary))
        start = time.perf_counter()
        for _ in range(tokens):
            token = self.step([token])
        return speed(tokens, time.perf_counter() - start)

    def prompt(self, tokens):
        self.reset()
        ids = token_ids(tokens, self.vocabulary)
        start = time.perf_counter()
        self.step(ids)
        return speed(tokens, time.perf_counter() - start)


def time_calls(call, at_least=0.4):
    """Milliseconds of a call, the median over `at_least` seconds of calls."""
    call()
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < at_least:
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    times.sort()
    return {"value": times[len(times) // 2] * 1e3, "calls": len(times)}


def main(load):
    """Serves `load(specification)`, an object with a method for each call and
    a dict `facts`."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def send(answer):
        answers.write(json.dumps(answer) + "\n")

    try:
        start = time.perf_counter()
        worker = load(json.loads(sys.argv[1]))
        send({"ready": True, "facts": {
            "load_seconds": time.perf_counter() - start, **worker.facts}})
    except Exception as problem:  # any reason becomes a line of the table
        send({"error": f"{type(problem).__name__}: {problem}"})
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            send(getattr(worker, request["call"])(**request["arguments"]))
        except Exception as problem:
            send({"error": f"{type(problem).__name__}: {problem}"})
