"""llmc makes language models smaller and faster.

    module = llmc.Module.load("model.onnx")
    module.compress(bits=4, group=64)
    module.export_onnx("small.onnx")

    run = llmc.compile("model.onnx")
    outputs = run({"input_ids": ids})

What is here is loaded when it is first used: opening an artifact
(llmc.Artifact) and running it needs the small runtime only, compressing a model
no numpy.
"""

import importlib

from ._errors import Error

_MODULES = {"Artifact": "artifact", "Session": "artifact",
            "Compiled": "compiler", "Module": "compiler",
            "compile": "compiler"}

__all__ = ["Error", *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return getattr(importlib.import_module(f".{_MODULES[name]}", __name__),
                       name)
    raise AttributeError(f"module 'llmc' has no attribute '{name}'")


def __dir__():
    return sorted(set(globals()) | set(_MODULES))
