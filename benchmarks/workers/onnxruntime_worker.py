"""ONNX Runtime: decoders with a cache that is written in place, the way
onnxruntime-genai drives them, and any model on fixed inputs."""

import time

import cases
import numpy as np
import onnxruntime
import serve


def session(path, threads):
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"])


class Decoder(serve.StepDecoder):
    def __init__(self, spec):
        self.session = session(spec["path"], spec["threads"])
        self.vocabulary = spec["vocabulary"]
        self.facts = {"version": onnxruntime.__version__}
        self.room = spec["room"]
        self.caches = {
            i.name: (i.shape[1], i.shape[3]) for i in self.session.get_inputs()
            if i.name.startswith("past_key_values.")}
        self.reset()

    def reset(self):
        self.length = 0
        self.binding = self.session.io_binding()
        for name, (heads, size) in self.caches.items():
            value = onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros((1, heads, self.room, size), np.float32))
            self.binding.bind_ortvalue_input(name, value)
            self.binding.bind_ortvalue_output(
                name.replace("past_key_values", "present"), value)

    def step(self, ids):
        """Appends tokens; the most probable next one."""
        self.length += len(ids)
        self.binding.bind_cpu_input("input_ids", np.array([ids], np.int64))
        self.binding.bind_cpu_input("attention_mask",
                                    np.ones((1, self.length), np.int64))
        self.binding.bind_output("logits")
        self.session.run_with_iobinding(self.binding)
        # Outputs come in the order in which they were bound first.
        logits = self.binding.get_outputs()[len(self.caches)].numpy()
        return int(logits[0, -1].argmax())


class Runner:
    def __init__(self, spec):
        self.facts = {"version": onnxruntime.__version__}
        self.models = {
            name: (session(model["path"], spec["threads"]),
                   cases.load(model["inputs"]))
            for name, model in spec["models"].items()}

    def run(self, model, case):
        run, inputs = self.models[model]
        return serve.time_calls(lambda: run.run(None, inputs[case]))


def load(spec):
    return (Decoder if "vocabulary" in spec else Runner)(spec)


if __name__ == "__main__":
    serve.main(load)
