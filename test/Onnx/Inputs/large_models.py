"""Imports and lifts small models with large results: large_models.py LLMC_TRANSLATE LLMC_OPT FOLDER.

Nothing on the way to native code may compute these tensors: there is no room for them. Nor is there room for the
expressions of sizes that are computed from themselves again and again, which double with each node."""

import pathlib
import resource
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

LARGE = 2**36
LIMIT = 2 << 30

CASES = {
    "Tile": ([LARGE, 1],),
    "Expand": ([LARGE, 4],),
    "Pad": ([0, 0, LARGE, 0],),
    "ConstantOfShape": (),
    "Range": (np.array(LARGE), np.array(1)),
    "OneHot": (np.array(LARGE), [0.0, 1.0]),
    "Resize": (np.float32([]), np.float32([]), [LARGE, 4]),
    "Upsample": (np.float32([2**30, 1]),),
    "Col2Im": ([1], [1]),
}
FIRST = {"ConstantOfShape": np.array([LARGE, 4]), "Range": np.array(0), "OneHot": np.array([1, 2])}
# Inputs of the model, of which there are no elements.
INPUTS = {"Col2Im": (1, LARGE, 1)}


def make(op, rest):
    values = [FIRST.get(op, np.ones((1, 4), np.float32)), *rest]
    tensors = [numpy_helper.from_array(np.array(value), f"i{index}") for index, value in enumerate(values)]
    nodes = [helper.make_node(op, [tensor.name for tensor in tensors], ["large"]),
             helper.make_node("Shape", ["large"], ["y"])]
    inputs = []
    if op in INPUTS:
        inputs.append(helper.make_tensor_value_info(tensors.pop(0).name, TensorProto.FLOAT, INPUTS[op]))
    outputs = [helper.make_tensor_value_info("y", TensorProto.INT64, (None,))]
    return helper.make_model(helper.make_graph(nodes, op, inputs, outputs, tensors), ir_version=10,
                             opset_imports=[helper.make_opsetid("", 9 if op == "Upsample" else 18)])


def node(op, *names):
    return helper.make_node(op, names[:-1], names[-1:])


STEPS = {
    "squares": lambda old, new: [node("Mul", old, old, new)],
    "halves and rests": lambda old, new: [node("Div", old, "two", f"{new}/half"),
                                          node("Mod", old, "three", f"{new}/rest"),
                                          node("Add", f"{new}/half", f"{new}/rest", new)],
}


def make_chain(name, length=24):
    nodes = [node("Shape", "x", "y0")]
    for index in range(length):
        nodes += STEPS[name](f"y{index}", f"y{index + 1}")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])]
    outputs = [helper.make_tensor_value_info(f"y{length}", TensorProto.INT64, [1])]
    tensors = [numpy_helper.from_array(np.array([value]), name) for name, value in (("two", 2), ("three", 3))]
    return helper.make_model(helper.make_graph(nodes, name, inputs, outputs, tensors), ir_version=10,
                             opset_imports=[helper.make_opsetid("", 18)])


def main():
    translate, opt, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    models = {op: make(op, rest) for op, rest in CASES.items()} | {name: make_chain(name) for name in STEPS}
    for op, model in models.items():
        path, imported = folder / f"{op}.onnx", folder / f"{op}.mlirbc"
        path.write_bytes(model.SerializeToString())
        for command in ([translate, path, "-o", imported], [opt, imported, "--llmc-lift"]):
            run = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if run.returncode:
                sys.exit(f"{op}: {command[0]} failed with {run.returncode}: {run.stderr}")
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            if used > LIMIT:
                sys.exit(f"{op}: {command[0]} used {used} bytes")
        print(f"{op}: {[line.strip() for line in run.stdout.splitlines() if 'constant' in line]}")


if __name__ == "__main__":
    main()
