#!/usr/bin/env python3
"""One linear as ONNX, [M, 2048] x [2048, 5632] for any M, with its inputs.

    python linear.py OUT_DIR --weights f32|int4-BLOCK
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from float_model import common
from quantized import int_blocks

INPUTS, OUTPUTS, ROWS = 2048, 5632, (1, 128)


def build(weights):
    random = np.random.default_rng(0)
    weight = random.standard_normal((OUTPUTS, INPUTS), dtype=np.float32)
    weight *= np.float32(INPUTS**-0.5)
    opsets = [helper.make_opsetid("", 21)]
    if weights == "f32":
        arrays = {"weight": np.ascontiguousarray(weight.T)}
        node = helper.make_node("MatMul", ["x", "weight"], ["y"])
    else:
        block = int(weights.removeprefix("int4-"))
        codes, scales = int_blocks(weight, 4, block)
        arrays = {"codes": codes, "scales": scales.reshape(-1)}
        node = helper.make_node(
            "MatMulNBits", ["x", "codes", "scales"], ["y"],
            domain="com.microsoft", K=INPUTS, N=OUTPUTS, bits=4,
            block_size=block, accuracy_level=4)
        opsets.append(helper.make_opsetid("com.microsoft", 1))
    graph = helper.make_graph(
        [node], "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT,
                                       ["M", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT,
                                       ["M", OUTPUTS])],
        [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--weights", required=True)
    args = parser.parse_args()
    here = pathlib.Path(__file__)
    key = common.fingerprint(here, here.with_name("quantized.py")) \
        + f"-{args.weights}"
    if common.up_to_date(args.out_dir, key):
        return 0
    random = np.random.default_rng(1)
    with common.atomic_output(args.out_dir, key) as work:
        onnx.save(build(args.weights), work / "model.onnx")
        np.savez(work / "inputs.npz", **{
            f"{m}.in.x": random.standard_normal((m, INPUTS), np.float32)
            for m in ROWS})
    return 0


if __name__ == "__main__":
    sys.exit(main())
