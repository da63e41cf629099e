"""ONNX models whose initializers are arrays of any type, in a file beside."""

import numpy as np
from onnx import helper

THRESHOLD, ALIGNMENT = 1024, 4096


def write(model, arrays, path):
    """Writes `path` and `<path>.data` with the arrays as initializers.
    Floats of any width become 32 bits wide; arrays may be mapped files."""
    with open(f"{path}.data", "wb") as data:
        for name, array in arrays.items():
            if array.dtype.kind == "f":
                array = array.astype(np.float32, copy=False)
            array = np.ascontiguousarray(array)
            tensor = model.graph.initializer.add()
            tensor.name = name
            tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
            tensor.dims.extend(array.shape)
            if array.nbytes < THRESHOLD:
                tensor.raw_data = array.tobytes()
                continue
            data.write(b"\0" * (-data.tell() % ALIGNMENT))
            tensor.data_location = tensor.EXTERNAL
            for key, value in (("location", f"{path.name}.data"),
                               ("offset", data.tell()),
                               ("length", array.nbytes)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            data.write(array.reshape(-1).view(np.uint8).data)
    path.write_bytes(model.SerializeToString())
