#!/usr/bin/env python3
"""all-MiniLM-L6-v2 in 8 bits, by a peer's own tools.

    python minilm_int8.py FLOAT_DIR INPUTS OUT_DIR --by onnxruntime|openvino

ONNX Runtime quantizes weights per channel and activations at run time;
OpenVINO's NNCF calibrates activations on random tokens. (ONNX Runtime's
optimizer for transformers, which would fuse attention first, needs torch.)
"""

import argparse
import pathlib
import sys

import numpy as np

from float_model import common


def by_onnxruntime(model, _, work):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(model, work / "model.onnx", per_channel=True,
                     weight_type=QuantType.QInt8)


def by_openvino(model, inputs, work):
    import nncf
    import openvino
    data = np.load(inputs)
    cases = {}
    for key in data.files:
        case, _, name = key.split(".", 2)
        cases.setdefault(case, {})[name] = data[key]
    items = [{name: rows[i:i + 1] for name, rows in case.items()}
             for case in cases.values() for i in range(len(case["input_ids"]))]
    quantized = nncf.quantize(
        openvino.Core().read_model(model), nncf.Dataset(items),
        model_type=nncf.ModelType.TRANSFORMER, subset_size=len(items))
    openvino.save_model(quantized, work / "model.xml",
                        compress_to_fp16=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("float_dir", type=pathlib.Path)
    parser.add_argument("inputs", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    parser.add_argument("--by", required=True,
                        choices=("onnxruntime", "openvino"))
    args = parser.parse_args()
    key = common.fingerprint(pathlib.Path(__file__),
                             args.float_dir / common.STAMP) + f"-{args.by}"
    if common.up_to_date(args.out_dir, key):
        return 0
    with common.atomic_output(args.out_dir, key) as work:
        globals()[f"by_{args.by}"](args.float_dir / "model.onnx", args.inputs,
                                   work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
