"""For harnesses that load a model from a path and call it with arrays."""

from .compiler import compile


def load(path):
    """A callable that maps {input name: array} to {output name: array}."""
    return compile(path)
