"""OpenVINO, on the ONNX models that are made for ONNX Runtime."""

import time

import cases
import numpy as np
import openvino
import serve
from openvino._offline_transformations import \
    apply_make_stateful_transformation


def compiled(core, model, spec):
    config = {"PERFORMANCE_HINT": "LATENCY",
              "INFERENCE_NUM_THREADS": spec["threads"]}
    if spec.get("precision"):
        config["INFERENCE_PRECISION_HINT"] = spec["precision"]
    return core.compile_model(model, "CPU", config)


class Decoder(serve.StepDecoder):
    """The cache becomes state inside the model."""

    def __init__(self, spec):
        core = openvino.Core()
        model = core.read_model(spec["path"])
        shapes, states = {}, {}
        for value in model.inputs:
            name, shape = value.any_name, value.partial_shape
            shape[0] = 1
            shapes[name] = shape
            if name.startswith("past_key_values."):
                states[name] = name.replace("past_key_values", "present")
        model.reshape(shapes)
        apply_make_stateful_transformation(model, states)
        self.request = compiled(core, model, spec).create_infer_request()
        self.vocabulary = spec["vocabulary"]
        self.facts = {"version": openvino.__version__}

    def reset(self):
        self.request.reset_state()
        self.length = 0

    def step(self, ids):
        self.length += len(ids)
        self.request.infer({
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, self.length), np.int64)},
            share_inputs=True)
        logits = self.request.get_tensor("logits").data
        return int(logits[0, -1].argmax())


class Runner:
    def __init__(self, spec):
        core = openvino.Core()
        self.facts = {"version": openvino.__version__}
        self.models = {
            name: (compiled(core, core.read_model(model["path"]), spec)
                   .create_infer_request(), cases.load(model["inputs"]))
            for name, model in spec["models"].items()}

    def run(self, model, case):
        request, inputs = self.models[model]
        return serve.time_calls(
            lambda: request.infer(inputs[case], share_inputs=True))


def load(spec):
    return (Decoder if "vocabulary" in spec else Runner)(spec)


if __name__ == "__main__":
    serve.main(load)
