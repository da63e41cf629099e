"""What is in a model or artifact, as a dict."""

import json
import pathlib
import re

from ._errors import Error

# model.layers.7.mlp, transformer.h.7.attn, encoder.layer.7, blocks.7
_LAYER = re.compile(r"(?:^|[._/])(?:layers?|h|blocks?)[._/](\d+)(?:[._/]|$)")


def layer_of(name):
    """The number of the layer that the name of a parameter speaks of."""
    match = _LAYER.search(name)
    return int(match.group(1)) if match else None


def count_layers(names):
    """How many layers the names of parameters speak of."""
    return len(set(map(layer_of, names)) - {None})


def _tensors(specs):
    return [{"name": s.name, "dtype": s.dtype, "shape": list(s.shape)}
            for s in specs]


def _dims(specs):
    """The names of sizes that vary, in order of appearance."""
    return list(dict.fromkeys(d for s in specs for d in s.shape
                              if isinstance(d, str)))


def inspect_artifact(path):
    from .artifact import Artifact
    artifact = Artifact(path)
    manifest = json.loads((pathlib.Path(path) / "manifest.json").read_text())
    names = [weight["name"] for weight in manifest["weights"]]
    return {
        "kind": "artifact", "target": manifest["target"],
        "inputs": _tensors(artifact.inputs),
        "outputs": _tensors(artifact.outputs),
        "states": _tensors(artifact.states),
        "dims": _dims(artifact.inputs),
        "layers": count_layers(names), "model": artifact.metadata,
        "params": manifest["weights"],
        "bytes": sum(weight["bytes"] for weight in manifest["weights"])}


def inspect_module(module):
    """What is in a Module, which is lifted then."""
    params = module.params()
    result = {
        "kind": "model",
        "inputs": _tensors(module.inputs), "outputs": _tensors(module.outputs),
        "dims": _dims(module.inputs),
        "layers": count_layers(p["name"] for p in params),
        "params": params, "bytes": sum(p["bytes"] for p in params)}
    # Linears and embeddings show themselves when the model is lifted.
    try:
        module.lift()
    except Error as problem:
        result["not_lifted"] = str(problem)
    result["weights"] = module.weights()
    result["ops"] = module.ops()
    return result
