"""Artifacts, what `llmc compile` writes, opened and run by the runtime."""

import json
import os
import pathlib

import numpy as np

from . import _runtime
from ._arrays import bind_inputs, from_bytes


def _ids(tokens):
    return np.ascontiguousarray(tokens, dtype=np.int64).reshape(-1)


class Artifact:
    """An artifact that is open: a compiled model and its weights."""

    def __init__(self, directory):
        self.path = pathlib.Path(os.fspath(directory))
        self._artifact = _runtime.Artifact(str(self.path))
        self.inputs = self._artifact.inputs()
        self.outputs = self._artifact.outputs()
        self.states = self._artifact.states()

    @property
    def context_length(self):
        """Tokens the model was made for; 0 when the artifact does not say."""
        return self._artifact.context_length()

    @property
    def eos_ids(self):
        """Tokens that end a text."""
        return self._artifact.eos_ids()

    @property
    def metadata(self):
        """What the artifact says about the model, a dict."""
        return json.loads(self._artifact.metadata())

    @property
    def weight_bytes(self):
        return self._artifact.weight_bytes()

    def session(self, capacity=256, max_length=0, threads=0):
        """A sequence in progress, with room for `capacity` tokens at first and
        at most `max_length`; 0 is the model's context length. `threads`
        compute, 0: as OMP_NUM_THREADS says, or one for each processor."""
        return Session(self, capacity, max_length, threads)

    def __call__(self, feeds):
        """Runs a model without states on {input name: array}; for one with
        states, a new session."""
        return self._run(self._artifact, feeds)

    def _run(self, runner, feeds):
        """What `runner`, of the runtime, makes of {input name: array}."""
        arrays = bind_inputs(self.inputs, feeds)
        results = runner.run(
            [(spec.name, *array) for spec, array in zip(self.inputs, arrays)])
        return {spec.name: from_bytes(*result)
                for spec, result in zip(self.outputs, results)}


class Session:
    """One sequence, or batch of sequences, in progress. It owns the states,
    which for a language model are its KV cache."""

    def __init__(self, artifact, capacity=256, max_length=0, threads=0):
        self.artifact = artifact
        self._session = _runtime.Session(artifact._artifact, capacity,
                                         max_length, threads)

    def run(self, feeds):
        """Maps {input name: array} to {output name: array}; new tokens are
        appended to the states."""
        return self.artifact._run(self._session, feeds)

    def logits(self, tokens):
        """Appends tokens; their logits, [tokens, vocabulary]."""
        return from_bytes(*self._session.logits(_ids(tokens)))

    def score(self, tokens, chunk=256):
        """Appends tokens; the log-probability of each but the first, given
        those before it."""
        return self._session.score(_ids(tokens), chunk)

    def generate(self, prompt, max_tokens=0, temperature=0.0, top_k=0,
                 top_p=1.0, seed=0, ignore_eos=False, callback=None):
        """Appends the prompt's tokens and generates. Returns the generated
        tokens and a dict of facts; `callback` gets each token at once."""
        return self._session.generate(_ids(prompt), max_tokens, temperature,
                                      top_k, top_p, seed, ignore_eos, callback)

    def __len__(self):
        return self._session.length()

    @property
    def capacity(self):
        return self._session.capacity()

    def truncate(self, length):
        """Forgets all tokens but the first `length`."""
        self._session.truncate(length)

    def reset(self):
        """Forgets all tokens."""
        self._session.reset()
