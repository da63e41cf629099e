"""Writes a LoRA adapter as PEFT does, of numbers that are easy to add.

    adapter.py FOLDER CONFIG NAME=SHAPE[=VALUE] ...

CONFIG is the JSON of adapter_config.json, or - for none.
"""

import json
import pathlib
import sys

import numpy as np


def write(folder, config, tensors):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").unlink(missing_ok=True)
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    header, offset = {}, 0
    for name, values in tensors.items():
        dtype = {"float32": "F32", "float16": "F16"}[values.dtype.name]
        header[name] = {"dtype": dtype, "shape": values.shape,
                        "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = folder / "adapter_model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text
                     + b"".join(v.tobytes() for v in tensors.values()))
    return path


if __name__ == "__main__":
    folder, config, *entries = sys.argv[1:]
    tensors = {}
    for entry in entries:
        name, shape, value = (entry.split("=") + ["1"])[:3]
        shape = [int(size) for size in shape.split("x")]
        tensors[name] = np.full(shape, float(value), np.float32)
    write(folder, None if config == "-" else json.loads(config), tensors)
