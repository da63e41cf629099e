"""A folder with a float model as the scripts of utils/models write it: the
configuration and the weights, mapped, by their Hugging Face names.
"""

import json
import pathlib
import sys

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "utils" / "models"))

import common  # noqa: E402


class FloatModel:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = json.loads((self.folder / "config.json").read_text())
        model = onnx.load(self.folder / "model.onnx",
                          load_external_data=False)
        self._tensors = {t.name: t for t in model.graph.initializer}
        data = self.folder / "model.onnx.data"
        self._data = np.memmap(data, np.uint8, "r")

    def __contains__(self, name):
        return name in self._tensors

    def __getitem__(self, name):
        """A tensor in the file's own layout: linears are [in, out]."""
        tensor = self._tensors[name]
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            return onnx.numpy_helper.to_array(tensor)
        where = {e.key: e.value for e in tensor.external_data}
        start = int(where["offset"])
        values = self._data[start:start + int(where["length"])]
        return values.view("<f4").reshape(tuple(tensor.dims))

    def linear(self, name):
        """The weight of a linear as [out, in], not copied."""
        if name == "lm_head" and self.tied:
            return self["model.embed_tokens.weight"]
        return self[f"{name}.weight"].T

    @property
    def tied(self):
        return bool(self.config["tie_word_embeddings"])

    def linears(self):
        """The names of all linears of the layers, in their order."""
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            yield from (f"{layer}.self_attn.{n}_proj" for n in "qkvo")
            yield from (f"{layer}.mlp.{n}_proj" for n in ("gate", "up",
                                                          "down"))

    def key(self, *scripts, options=""):
        """The fingerprint of something made from this model by `scripts`."""
        return common.fingerprint(self.folder / common.STAMP, *scripts) \
            + f"-{options}"
