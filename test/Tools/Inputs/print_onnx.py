"""Prints the nodes, inputs and outputs of ONNX models that onnx's own checker accepts."""
import sys

import onnx

for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    print(onnx.printer.to_text(model.graph))
    for tensor in model.graph.initializer:
        print(tensor.name, onnx.numpy_helper.to_array(tensor).tolist())
