"""Models in the compiler: load, look, run passes, save, compile."""

import os
import tempfile

from . import _llmc
from ._errors import Error
from .methods import ACTIVATION_GROUP, METHODS, WITHOUT_DATA


class Report:
    """What a pass pipeline did: `weights`, a dict for each weight that was
    compressed, and `notices`, the lines of warnings and remarks."""

    def __init__(self, weights, notices):
        self.weights = [_numbers(entry) for entry in weights]
        self.notices = notices

    def __add__(self, other):
        both = Report([], self.notices + other.notices)
        both.weights = self.weights + other.weights
        return both

    def __repr__(self):
        return (f"<llmc.Report: {len(self.weights)} weights compressed, "
                f"{len(self.notices)} notices>")


def _numbers(entry):
    """Remarks carry text; what reads as a number becomes one."""
    def convert(text):
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text
    return {key: value if key in ("pass", "param") else convert(value)
            for key, value in entry.items()}


def _pipeline(name, options):
    """A pass with options, as text."""
    text = " ".join(f"{key}={value}" for key, value in options.items())
    return f"{name}{{{text}}}"


def _check_method(method, tokens):
    if method not in METHODS:
        raise Error(f"methods are {', '.join(METHODS)}, not '{method}'")
    if method not in WITHOUT_DATA and tokens is None:
        raise Error(f"the method {method} needs tokens to calibrate on")


def _check_progressive(method, bits, symmetric, bounded):
    if method in ("hqq", "kmeans"):
        raise Error("progressive scales are of integers without zero points, "
                    f"not of the method {method}")
    if bounded:
        raise Error("progressive scales exclude a budget and a latency")
    if not symmetric:
        raise Error("progressive scales have no zero points: add --symmetric "
                    "(symmetric=True)")
    if bits == 8:
        raise Error("progressive scales are of 2 to 7 bits: with 8 an integer "
                    "of a group could only be 1")


def _files(backends):
    return [os.fspath(backend) for backend in backends]


class Module:
    """A model in the compiler."""

    def __init__(self, model, folder=None):
        self._model = model
        # Where the tokenizer and the configuration are, if anywhere.
        self._folder = folder

    @classmethod
    def load(cls, path, backends=("cpu",)):
        """Reads a file named .onnx, .mlir or .mlirbc. Weights stay in the
        file, which is mapped, until a pass rewrites them. `backends`, files or
        names of llmc's own, are asked for kernels in this order."""
        path = os.fspath(path)
        return cls(_llmc.Model.load(path, _files(backends)),
                   os.path.dirname(path) or ".")

    @classmethod
    def parse(cls, text, backends=("cpu",)):
        """Reads MLIR text."""
        return cls(_llmc.Model.parse(text, _files(backends)))

    def run(self, pipeline, target="host"):
        """Runs a pass pipeline, given as text like that of llmc-opt
        --pass-pipeline without the anchor. `target` is what passes are told by
        backends that they ask how long ops take. Returns a Report."""
        return Report(*self._model.run(pipeline, target))

    def run_recipe(self, recipe, settings=None, tokens=None, samples=128,
                   sample_length=512):
        """Runs the passes of a recipe, the path of a YAML file or the name of
        one that is shipped (docs/recipes.md). `settings` are values for its
        options. One that calibrates takes `samples` windows of `sample_length`
        tokens out of `tokens`, those of a text. Returns a Report."""
        from .calibrate import windows, write_samples
        from .recipes import SAMPLES, Recipe
        recipe, settings = Recipe(recipe), dict(settings or {})
        needed = recipe.needs_samples and SAMPLES not in settings
        if tokens is None:
            if needed:
                raise Error(f"the recipe {recipe.name} needs tokens to "
                            "calibrate on")
            return self.run(recipe.pipeline(settings))
        if not needed:
            raise Error(f"the recipe {recipe.name} needs no tokens to "
                        "calibrate on")
        with tempfile.TemporaryDirectory(prefix="llmc-") as folder:
            settings[SAMPLES] = os.path.join(folder, "samples.safetensors")
            pipeline = recipe.pipeline(settings)
            write_samples(settings[SAMPLES], self.inputs,
                          windows(tokens, samples, sample_length))
            return self.run(pipeline)

    def compress(self, bits=None, group=None, what="all", symmetric=False,
                 skip="", strict=False, scales=None, activations=None,
                 type="int", kv_cache="f32", method=None, tokens=None,
                 samples=128, sample_length=512, budget=None, progress=False,
                 latency=None, target="host", activation_group=None):
        """Stores weights in fewer bits; docs/compress.md says what the options
        mean. With `type` "int" they become integers of `bits` bits (4) in
        groups of `group` (64), and what their linears read is rounded to 8-bit
        integers at run time unless `activations` is "float". `method` is "rtn",
        the default, "hqq", whose zero points are floats, or one that needs
        `tokens` of a text to calibrate on: "gptq", "awq", "awq+gptq" or
        "kmeans", whose values are not evenly spaced and whose activations stay
        float. With a `budget`, of bytes that all parameters may take, each
        weight has bits of its own, scales are
        "int8" unless said otherwise and the method is "kmeans" if there are
        tokens. So it has with a `latency`, seconds of a token by what the
        backends say of their kernels for `target`, and both can be given; the
        method is "gptq" then. With "bf16" or "f16" they are cast; what
        linears with bf16 weights read is rounded to bf16 unless `activations`
        is "float". With `kv_cache` "f16", "int8" or "int4" keys and values of
        the past are stored so.

        With `scales` "progressive" a weight of 2 to 7 bits, which is
        `symmetric`, times an integer of its group is an 8-bit integer of its
        row; `activation_group` columns (128) of what linears read then share a
        scale, or as many as a group has, if those are more. Returns a
        Report."""
        if type == "int" and method is None:
            if tokens is None or (budget is None and latency is None):
                method = "rtn"
            else:
                method = "kmeans" if latency is None else "gptq"
        choices = {"int": ("float",) if method == "kmeans" else
                   ("int8", "float"), "bf16": ("bf16", "float"),
                   "f16": ("float",)}
        if type not in choices:
            raise Error(f"types are {', '.join(choices)}, not '{type}'")
        if activations is None:
            activations = choices[type][0]
        if activations not in choices[type]:
            raise Error(f"activations are {' or '.join(choices[type])} with "
                        f"the {'method' if method == 'kmeans' else 'type'} "
                        f"{method if method == 'kmeans' else type}, not "
                        f"'{activations}'")
        if kv_cache not in ("f32", "f16", "int8", "int4"):
            raise Error("a KV cache is f32, f16, int8 or int4, not "
                        f"'{kv_cache}'")
        options = {"what": what, "strict": str(bool(strict)).lower()}
        if skip:
            # Braces keep blanks together in a pipeline's text.
            if set(skip) & set("\"'{}"):
                raise Error("skip cannot have quotes or braces: "
                            f"'{skip}'")
            options["skip"] = f"{{{skip}}}"
        if type == "int":
            scales = scales or ("float16" if budget is None else "int8")
            if scales not in ("int8", "float16", "float32", "progressive"):
                raise Error("scales are int8, float16, float32 or progressive, "
                            f"not '{scales}'")
            if method == "kmeans" and symmetric:
                raise Error("symmetric is of integers; the method kmeans has "
                            "no zero points")
            if method == "hqq" and symmetric:
                raise Error("symmetric leaves out the zero points that the "
                            "method hqq looks for")
            bounded = budget is not None or latency is not None
            if bounded and bits is not None:
                raise Error("bits exclude a budget and a latency")
            progressive = scales == "progressive"
            if progressive:
                _check_progressive(method, bits, symmetric, bounded)
            if activation_group is not None and not (
                    progressive and activations == "int8"):
                raise Error("an activation group goes with progressive scales "
                            "and int8 activations")
            if activation_group is None:
                activation_group = ACTIVATION_GROUP if progressive else 0
            grid = {"bits": 4 if bits is None else bits,
                    "block": 64 if group is None else group,
                    "symmetric": str(bool(symmetric)).lower()}
            report = Report([], [])
            if bounded:
                bounds = {"operands": activations}
                if budget is not None:
                    bounds["budget"] = int(budget)
                if latency is not None:
                    bounds["latency"] = latency * 1e3
                report += self._allocate(
                    method, bounds, target, grid, options, scales, tokens,
                    samples, sample_length, progress)
            report += self._quantize(
                method, grid,
                {"progressive": "true", **options} if progressive else
                {"half-scales": str(scales == "float16").lower(), **options},
                tokens, samples, sample_length, progress)
            # Without a budget they stay f32 in the model, and artifacts store
            # those that f16 holds in 16 bits.
            if scales == "int8" or scales == "float16" and budget is not None:
                kind = {"int8": "int8", "float16": "f16"}[scales]
                report.notices += self.run(
                    f"llmc-quantize-scales{{type={kind}}}").notices
            if activations == "int8":
                report.notices += self.run(_pipeline(
                    "llmc-quantize-activations",
                    {"block": activation_group,
                     "strict": options["strict"]})).notices
        else:
            given = {"bits": bits is not None, "group": group is not None,
                     "symmetric": symmetric, "scales": scales is not None,
                     "method": method is not None,
                     "budget": budget is not None,
                     "latency": latency is not None,
                     "activation_group": activation_group is not None}
            for name in filter(given.get, given):
                raise Error(f"{name} is of integers, not of the type {type}")
            report = self._run_with(
                "llmc-cast-weights",
                {"type": type, "activations": activations, **options})
        if kv_cache != "f32":
            self.run(f"llmc-quantize-kv-cache{{format={kv_cache}}}")
        return report

    def _quantize(self, method, grid, options, tokens, samples, length,
                  progress):
        """Integers by one of the methods. Those that need data compress block
        after block, so that each sees the errors of those before it, and what
        several blocks share at the end."""
        _check_method(method, tokens)
        if method in ("hqq", "kmeans"):
            grid = {key: value for key, value in grid.items()
                    if key != "symmetric"}
        if method in WITHOUT_DATA:
            return self._run_with(WITHOUT_DATA[method], {**grid, **options})
        name, more = {
            "gptq": ("llmc-quantize-gptq", {}),
            "awq": ("llmc-quantize-rtn", {"clip": "mse"}),
            "awq+gptq": ("llmc-quantize-gptq", {}),
            "kmeans": ("llmc-cluster", {"compensate": "true"})}[method]

        def passes(what, name=name, more=more):
            return _pipeline(name, {**grid, **options, **more, "what": what})

        what = options["what"]
        report = Report([], [])
        if what != "embedding":
            skip = {"skip": options.get("skip", "{}")}
            if "awq" in method:
                # Scales are folded into what lies in other stages of a block.
                self.calibrate(tokens, samples, length, progress=progress)
                report += self._run_with("llmc-scale-awq", {**grid, **skip})
            match = _pipeline("llmc-match-outputs", skip)
            report += self.calibrate(tokens, samples, length,
                                     then=f"{match},{passes('linear')}",
                                     reference=True, progress=progress)
        # Embeddings alone, and those that are a linear's weight too.
        left = {}
        for weight in self.weights():
            if weight["format"].startswith("f") or weight["format"] == "bf16":
                left.setdefault(weight["name"], set()).add(weight["op"])
        if what == "all" and {"linear", "embedding"} in left.values():
            report += self.run(passes("all"))
        elif what != "linear" and {"embedding"} in left.values():
            report += self.run(passes("embedding") if method == "kmeans" else
                               passes("embedding", "llmc-quantize-rtn", {}))
        return report

    def _allocate(self, method, bounds, target, grid, options, scales, tokens,
                  samples, length, progress):
        """Chooses the bits of each weight. What errors cost is measured if the
        model has logits."""
        _check_method(method, tokens)
        report = Report([], [])
        if method not in WITHOUT_DATA:
            grid3 = {"bits": 3, "block": grid["block"]}
            probe = ",".join([
                _pipeline("llmc-quantize-gptq", grid3),
                _pipeline("llmc-quantize-rtn", {**grid3, "clip": "mse",
                                                "what": "embedding"})])
            if "logits" not in (output.name for output in self.outputs):
                if options["strict"] == "true":
                    raise Error("the model has no output named logits, by "
                                "which bits are chosen")
                probe = ""
                report.notices.append(
                    "the model has no output named logits: what errors of "
                    "weights cost is estimated, not measured")
            self.calibrate(tokens, samples, length, progress=progress,
                           probe=probe)
        return report + self.run(_pipeline("llmc-allocate-bits", {
            **options, **bounds, "block": grid["block"], "scales": scales,
            "symmetric": "true" if method == "kmeans" else grid["symmetric"],
            "codebooks": str(method == "kmeans").lower(),
            "float-zeros": str(method == "hqq").lower(),
            "weighting": "none" if method in WITHOUT_DATA else "activations"}),
            target)

    def calibrate(self, tokens, samples=128, length=512, then="", output=None,
                  probe="", reference=False, progress=False):
        """Runs the model, which must be lifted, on `samples` windows of
        `length` tokens, or on `tokens` as they are if they are such samples,
        [samples, length], and keeps what its weights are multiplied by, for the
        passes that ask for it. `then`, a pass pipeline, compresses each block
        when its statistics are known, with `reference` beside the model as it
        was; docs/compress.md says more. `output` names a file for the
        statistics. With `probe`, passes that compress, it measures what their
        error of each weight alone costs, for llmc-allocate-bits. Returns a
        Report."""
        from .calibrate import windows, write_samples
        options = f" then={{{then}}}" if then else ""
        options += " reference=true" if reference else ""
        options += f" probe={{{probe}}}" if probe else ""
        options += f" output={os.fspath(output)}" if output else ""
        with tempfile.TemporaryDirectory(prefix="llmc-") as folder:
            path = os.path.join(folder, "samples.safetensors")
            write_samples(path, self.inputs, windows(tokens, samples, length))
            return self.run(f"llmc-calibrate{{inputs={path} "
                            f"progress={str(bool(progress)).lower()}{options}}}")

    def _run_with(self, name, options):
        return self.run(_pipeline(name, options))

    def lift(self):
        """Folds shapes and recognizes the ops of language models, which is
        what compression and compilation work on."""
        return self.run("llmc-lift")

    def save(self, path, free_written=False):
        """Writes .onnx, .mlir (text) or .mlirbc (bytecode), by the file's
        name. The file is complete or not there. With `free_written` the bytes
        of a weight of .onnx are freed when they are written, which leaves a
        module without weights. Returns lines about what ONNX has no small form
        or ONNX Runtime no kernel for."""
        return self._model.save(os.fspath(path), free_written)

    def export_onnx(self, path):
        """Writes an ONNX model, which must be named .onnx; large weights go
        to <path>.data. Returns lines as `save` does."""
        if not os.fspath(path).endswith(".onnx"):
            raise Error(f"'{path}' is not named .onnx")
        return self.save(path)

    def __str__(self):
        return self._model.text()

    @property
    def inputs(self):
        return self._model.inputs()

    @property
    def outputs(self):
        return self._model.outputs()

    def params(self):
        """A dict for each parameter: name, dtype, shape and bytes."""
        return [{"name": info.name, "dtype": info.dtype, "shape": info.shape,
                 "bytes": size} for info, size in self._model.params()]

    def weights(self):
        """A dict for each weight of a linear or embedding: name, op, format,
        shape and bytes."""
        return self._model.weights()

    def ops(self):
        """How often each op occurs."""
        return dict(self._model.ops())

    def cost(self, rows=1, target="host"):
        """What the backends say that the ops of the lifted model take for
        `rows` rows, such as tokens, on `target`: a dict of "seconds", a sum
        over ops, and "unknown", how many linears, embeddings and attentions no
        backend has a kernel for."""
        seconds, unknown = self._model.cost(rows, target)
        return {"seconds": seconds, "unknown": unknown}

    def compile(self, target="host", opt_level=2):
        """Compiles into memory, for this machine: "host" uses the kernels of
        the CPU backend, "reference" the reference lowering alone. This uses
        the module up."""
        return Compiled(self._model.compile(target, opt_level))

    def compile_artifact(self, directory, target="host", opt_level=2,
                         tokenizer=None, top_k=None, attention="f32",
                         strict=False):
        """Compiles into an artifact, a folder that llmc.Artifact opens. This
        uses the module up. With `top_k`, a language model returns that many
        best tokens beside its logits, which generation then chooses from. With
        `attention` "bf16" kernels round what attention multiplies to that,
        which is faster where the processor multiplies pairs of bf16. The
        tokenizer and configuration come from where the model is, or from
        beside `tokenizer`, a tokenizer.json. Returns lines about what the
        backends left to the reference lowering, which is an error with
        `strict`, and what could not be done."""
        if attention not in ("f32", "bf16"):
            raise Error(f"attention is in f32 or bf16, not '{attention}'")
        folder = self._folder
        if tokenizer is not None:
            folder, name = os.path.split(os.fspath(tokenizer))
            if name != "tokenizer.json":
                raise Error(f"'{tokenizer}' is not named tokenizer.json")
            if not os.path.isfile(tokenizer):
                raise Error(f"there is no tokenizer '{tokenizer}'")
        choice = "" if top_k is None else f"llmc-append-top-k{{k={top_k}}},"
        self.run("llmc-lift,llmc-keep-last-logits," + choice +
                 "llmc-kv-cache-in-place")
        notices = (self.run("llmc-cast-attention").notices
                   if attention == "bf16" else [])
        return notices + self._model.compile_artifact(
            os.fspath(directory), target, opt_level, folder or ".", strict)


class Compiled:
    """A model compiled in memory: call it with {name: array}."""

    def __init__(self, executor):
        self._executor = executor
        self.inputs = executor.inputs()
        self.outputs = executor.outputs()

    def __call__(self, feeds):
        from ._arrays import bind_inputs, from_bytes
        results = self._executor.run(bind_inputs(self.inputs, feeds))
        return {spec.name: from_bytes(*result)
                for spec, result in zip(self.outputs, results)}


def compile(model, target="host", opt_level=2):
    """Compiles a model, given as a path or a Module, for this machine and into
    memory; see Module.compile for the targets. A model that comes from a file
    is lifted first, so that backends see its linears. The result maps
    {input name: array} to {output name: array}."""
    if isinstance(model, Module):
        return model.compile(target, opt_level)
    module = Module.load(model)
    if target != "reference":
        module.lift()
    return module.compile(target, opt_level)
