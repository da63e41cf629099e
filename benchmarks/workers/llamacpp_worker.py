"""llama.cpp through the C functions of llama-cpp-python, called the way
llama-bench calls them."""


import llama_cpp
import numpy as np
import serve


class Decoder(serve.StepDecoder):
    def __init__(self, spec):
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(
            spec["path"].encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {spec['path']}")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = spec["room"]
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_threads = parameters.n_threads_batch = spec["threads"]
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise RuntimeError("llama.cpp cannot make a context")
        self.vocabulary = spec["vocabulary"]
        self.facts = {
            "version": llama_cpp.__version__,
            "system": llama_cpp.llama_print_system_info().decode()}

    def reset(self):
        llama_cpp.llama_memory_clear(
            llama_cpp.llama_get_memory(self.context), True)

    def step(self, ids):
        tokens = (llama_cpp.llama_token * len(ids))(*ids)
        status = llama_cpp.llama_decode(
            self.context, llama_cpp.llama_batch_get_one(tokens, len(ids)))
        if status != 0:
            raise RuntimeError(f"llama_decode failed with status {status}")
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return int(np.ctypeslib.as_array(
            logits, shape=(self.vocabulary,)).argmax())


if __name__ == "__main__":
    serve.main(Decoder)
