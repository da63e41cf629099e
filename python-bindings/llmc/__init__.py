"""llmc makes language models smaller and faster.

    module = llmc.Module.load("model.onnx")
    module.compress(bits=4, group=64)
    module.export_onnx("small.onnx")

    run = llmc.compile("model.onnx")
    outputs = run({"input_ids": ids})

The compiler is loaded when it is first used: opening an artifact
(llmc.Artifact) and running it needs the small runtime only.
"""

from ._errors import Error
from .artifact import Artifact, Session

__all__ = ["Artifact", "Compiled", "Error", "Module", "Session", "compile"]

_FROM_COMPILER = {"Compiled", "Module", "compile"}


def __getattr__(name):
    if name in _FROM_COMPILER:
        from . import compiler
        return getattr(compiler, name)
    raise AttributeError(f"module 'llmc' has no attribute '{name}'")


def __dir__():
    return sorted(set(globals()) | _FROM_COMPILER)
