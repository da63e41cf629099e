"""From a contender to its worker: makes the model that it needs and says how
the worker is started. What cannot be had raises Failed with the reason."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

from . import environments, llmc_models
from .comparisons import LLMC, LLMC_FLOAT_CACHE
from .environments import ROOT
from .protocol import Failed, one_line

WORKERS = ROOT / "benchmarks" / "workers"
SCRIPTS = ROOT / "benchmarks" / "models"
ENVIRONMENTS = {"llama.cpp": "llamacpp", "ONNX Runtime": "onnxruntime",
                "onnxruntime-genai": "onnxruntime", "OpenVINO": "openvino",
                "OpenVINO GenAI": "openvino", "CTranslate2": "ctranslate2"}


@dataclasses.dataclass
class Recipe:
    command: list
    specification: dict
    # Weights that a generated token reads; 0 where that is not known.
    token_bytes: int = 0
    facts: dict = dataclasses.field(default_factory=dict)


class Kitchen:
    """Makes models in `folder`, TinyLlama with `layers` layers."""

    def __init__(self, folder, threads, layers, room, llama_bench=None,
                 zoo=None):
        self.folder, self.threads, self.layers = folder, threads, layers
        self.room, self.llama_bench, self.zoo = room, llama_bench, zoo

    # Models in floats ---------------------------------------------------------

    def _script(self, python, script, *arguments):
        script = pathlib.Path(script)
        done = subprocess.run(
            [str(python), str(script), *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            lines = done.stdout.strip().splitlines() or ["no message"]
            raise Failed(one_line(f"{script.name} failed: {lines[-1]}"))

    def float_model(self, model):
        """The folder of a model as it comes, which is made if need be."""
        if model == "T":
            folder = self.folder / "models" / f"T-{self.layers}" / "float"
            self._script(sys.executable, SCRIPTS / "tinyllama.py", folder,
                         "--layers", self.layers)
            return folder
        if model == "linear":
            folder = self.folder / "models" / "linear" / "float"
            self._script(sys.executable, SCRIPTS / "linear.py", folder,
                         "--weights", "f32")
            return folder
        name = {"S": "smollm2", "MiniLM": "minilm"}[model]
        folder = ROOT / "build" / "models" / name
        self._script(sys.executable, ROOT / "utils" / "models" / f"{name}.py",
                     folder)
        return folder

    def _made(self, model, contender):
        name = f"T-{self.layers}" if model == "T" else model
        return self.folder / "models" / name / \
            contender.name.replace(" ", "-").replace(".", "")

    # Recipes ------------------------------------------------------------------

    def recipe(self, comparison, contender):
        peer = contender.peer
        python = environments.python(ENVIRONMENTS[peer]) \
            if peer in ENVIRONMENTS else sys.executable
        method = {LLMC: self._llmc, LLMC_FLOAT_CACHE: self._llmc,
                  "llama.cpp": self._llamacpp,
                  "llama-bench": self._llama_bench,
                  "ONNX Runtime": self._onnxruntime,
                  "onnxruntime-genai": self._genai,
                  "OpenVINO": self._openvino,
                  "OpenVINO GenAI": self._openvino_genai,
                  "CTranslate2": self._ctranslate2}[peer]
        worker, specification, token_bytes, facts = method(
            comparison, contender, python)
        specification["threads"] = self.threads
        if comparison.decoder:
            config = self.config(comparison.model)
            specification |= {"vocabulary": config["vocab_size"],
                              "room": self.room}
        return Recipe([str(python), str(WORKERS / f"{worker}.py")],
                      specification, token_bytes, facts)

    def environment(self):
        return {**os.environ, "OMP_NUM_THREADS": str(self.threads)}

    def config(self, model):
        """A decoder's config.json."""
        folder = self.float_model(model)
        return json.loads((folder / "config.json").read_text())

    def _runner(self, comparison, path):
        """The specification of a worker that runs models as a whole."""
        if comparison.model == "zoo":
            return {"models": {
                m.name: {"path": str(self.zoo / f"{m.name}.onnx"),
                         "inputs": str(self.zoo / f"{m.name}.npz")}
                for m in comparison.measures}}
        if comparison.model == "linear":
            inputs = self.float_model("linear") / "inputs.npz"
        else:
            inputs = self._minilm_inputs()
        return {"models": {comparison.model.lower(): {
            "path": str(path), "inputs": str(inputs)}}}

    def _minilm_inputs(self):
        folder = self.folder / "models" / "MiniLM" / "inputs"
        self._script(sys.executable, SCRIPTS / "minilm_inputs.py", folder)
        return folder / "inputs.npz"

    def _embedding(self, comparison, bytes_each, always=True):
        """Bytes of the embedding, of which a token reads one row. A head that
        is tied to it reads them all, unless it has a copy of its own."""
        config = self.config(comparison.model)
        if config["tie_word_embeddings"] and not always:
            return 0
        return int(config["vocab_size"] * config["hidden_size"] * bytes_each)

    def _llmc(self, comparison, contender, _):
        path = {"python_path": llmc_models.package_path()}
        if comparison.model == "zoo":
            return "llmc_worker", {**path, **self._runner(comparison, None)}, \
                0, {}
        source = self.float_model(comparison.model) / "model.onnx"
        artifact, facts = llmc_models.artifact(
            source, self._made(comparison.model, contender), contender.format)
        if not comparison.decoder:
            return "llmc_worker", {**path, **self._runner(
                comparison, artifact)}, 0, facts
        total = source.with_name("model.onnx.data").stat().st_size
        share = self._embedding(comparison, 4, always=False) / total
        # The embedding is compressed like the rest.
        token_bytes = int(facts["weight_bytes"] * (1 - share))
        return "llmc_worker", {**path, "path": str(artifact)}, token_bytes, \
            facts

    def _gguf(self, comparison, contender):
        python = environments.python("llamacpp")
        source, script = self.float_model(comparison.model), \
            SCRIPTS / "gguf_llama.py"
        out = self._made(comparison.model, contender).with_name(
            f"gguf-{contender.format}")
        base = out.with_name("gguf-BF16")
        self._script(python, script, source, base, "--format", "BF16")
        if out != base:
            self._script(python, script, source, out, "--format",
                         contender.format, "--source", base / "model.gguf")
        import gguf
        path = out / "model.gguf"
        sizes = {t.name: t.n_bytes for t in gguf.GGUFReader(path).tensors}
        if "output.weight" in sizes:
            del sizes["token_embd.weight"]
        return path, int(sum(sizes.values()))

    def _llamacpp(self, comparison, contender, _):
        path, token_bytes = self._gguf(comparison, contender)
        return "llamacpp_worker", {"path": str(path)}, token_bytes, {}

    def _llama_bench(self, comparison, contender, _):
        if not self.llama_bench:
            raise Failed("no binary was given with --llama-bench")
        path, token_bytes = self._gguf(comparison, contender)
        return "llama_bench_worker", {
            "path": str(path), "binary": str(self.llama_bench)}, token_bytes, {}

    def _onnx_decoder(self, comparison, weights):
        """The folder of a decoder for ONNX Runtime, and its bytes a token."""
        python = environments.python("onnxruntime")
        folder = self.folder / "models"
        folder /= f"T-{self.layers}" if comparison.model == "T" else "S"
        folder /= f"onnxruntime-{weights}"
        self._script(python, SCRIPTS / "onnxruntime_llama.py",
                     self.float_model(comparison.model), folder, "--weights",
                     weights)
        size = (folder / "model.onnx.data").stat().st_size
        return folder, size - self._embedding(comparison, 4,
                                              always=weights != "f32")

    def _onnxruntime(self, comparison, contender, python):
        worker = "onnxruntime_worker"
        if comparison.decoder:
            folder, token_bytes = self._onnx_decoder(comparison,
                                                     contender.format)
            return worker, {"path": str(folder / "model.onnx")}, token_bytes, {}
        out = self._made(comparison.model, contender)
        if comparison.model == "linear":
            self._script(python, SCRIPTS / "linear.py", out, "--weights",
                         contender.format)
        elif comparison.model == "MiniLM":
            self._minilm(python, out, "onnxruntime")
        return worker, self._runner(comparison, out / "model.onnx"), 0, {}

    def _minilm(self, python, out, by):
        self._script(python, SCRIPTS / "minilm_int8.py",
                     self.float_model("MiniLM"), self._minilm_inputs(), out,
                     "--by", by)

    def _genai(self, comparison, contender, _):
        folder, token_bytes = self._onnx_decoder(comparison, contender.format)
        return "onnxruntime_genai_worker", {"folder": str(folder)}, \
            token_bytes, {}

    def _openvino(self, comparison, contender, python):
        if comparison.decoder:
            precision = {"f32": "f32", "bf16": "bf16"}.get(contender.format)
            folder, token_bytes = self._onnx_decoder(comparison,
                                                     contender.format)
            return "openvino_worker", {"path": str(folder / "model.onnx"),
                                       "precision": precision}, \
                token_bytes, {}
        out = self._made(comparison.model, contender)
        self._minilm(python, out, "openvino")
        return "openvino_worker", self._runner(comparison,
                                               out / "model.xml"), 0, {}

    def _openvino_genai(self, comparison, contender, _):
        path, token_bytes = self._gguf(comparison, contender)
        precision = {"F16": "bf16"}.get(contender.format)
        return "openvino_genai_worker", {
            "path": str(path), "precision": precision}, token_bytes, {}

    def _ctranslate2(self, comparison, contender, python):
        out = self._made(comparison.model, contender)
        self._script(python, SCRIPTS / "ctranslate2_llama.py",
                     self.float_model(comparison.model), out,
                     "--quantization", contender.format)
        size = (out / "model.bin").stat().st_size
        return "ctranslate2_worker", {
            "folder": str(out), "compute_type": contender.format}, \
            size - self._embedding(comparison, 1), {}
