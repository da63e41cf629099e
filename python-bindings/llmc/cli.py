"""The command llmc. docs/cli.md shows it at work."""

import argparse
import contextlib
import json
import pathlib
import re
import shutil
import sys
import tempfile
import textwrap
import time

from ._errors import Error
from .methods import METHODS, WITHOUT_DATA
from .report import size as _size


def _note(text):
    print(f"llmc: {text}", file=sys.stderr, flush=True)


def _note_all(lines):
    """One line for those that differ in names only; --json and a report have
    them all."""
    alike = {}
    for line in lines:
        alike.setdefault(re.sub("'[^']*'", "''", line), []).append(line)
    for first, *others in alike.values():
        more = f" (and {len(others)} more of this kind)" if others else ""
        _note(first + more)


def _finish(args, result, lines):
    """Prints the result, for a program or for a person."""
    print(json.dumps(result, indent=2) if args.json else "\n".join(lines))


def _is_artifact(path):
    return (pathlib.Path(path) / "manifest.json").is_file()


def _model_file(path):
    """The model that a path names: a file, or model.onnx in a folder."""
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "model.onnx"
    if not path.is_file():
        raise Error(f"there is no model or artifact '{path}'")
    return path


@contextlib.contextmanager
def _opened(path, tokenizer=None):
    """The artifact at `path`, or one made for now from the model there."""
    from .artifact import Artifact
    if _is_artifact(path):
        yield Artifact(path)
        return
    model = _model_file(path)
    folder = tempfile.mkdtemp(prefix="llmc-")
    try:
        _note(f"compiling '{model}' into a temporary artifact; `llmc compile` "
              "keeps it")
        out = pathlib.Path(folder) / "artifact"
        from .compiler import Module
        Module.load(model).compile_artifact(out, tokenizer=tokenizer)
        yield Artifact(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tokenizer(args, path):
    from .text import Tokenizer, find_tokenizer
    return Tokenizer(find_tokenizer(path, args.tokenizer))


# inspect --------------------------------------------------------------------

def _describe_tensor(tensor):
    dims = ", ".join("?" if d is None else str(d) for d in tensor["shape"])
    return f"{tensor['name']} {tensor['dtype']} [{dims}]"


def _describe_formats(weights):
    """A line for each way that weights are stored in."""
    groups = {}
    for weight in weights:
        groups.setdefault(weight["format"], []).append(weight)
    return [f"{len(group)} x {name}, "
            f"{_size(sum({w['name']: w['bytes'] for w in group}.values()))}"
            for name, group in groups.items()]


def run_inspect(args):
    from .summary import inspect_model
    path = args.model if _is_artifact(args.model) else _model_file(args.model)
    info = inspect_model(path)
    rows = [(info["kind"], [info["path"]])]
    for kind in ("inputs", "outputs", "states"):
        tensors = [_describe_tensor(t) for t in info.get(kind, [])]
        if len(tensors) > 8 and not args.all:
            rest = len(tensors) - 6
            tensors[6:] = [f"... {rest} more (--all)"]
        rows.append((kind, tensors))
    rows += [
        ("dims", [", ".join(info["dims"]) or "all fixed"]),
        ("layers", [str(info["layers"])] if info["layers"] else []),
        ("params", [f"{len(info['params'])}, {_size(info['bytes'])}"]),
        ("weights", _describe_formats(info.get("weights", []))),
        ("ops", [", ".join(f"{name.removeprefix('llmc.')} {count}"
                           for name, count in sorted(
                               info.get("ops", {}).items(),
                               key=lambda item: -item[1]))]),
        ("not lifted", [info.get("not_lifted", "")])]
    if args.all:
        rows.append(("params", [f"{_describe_tensor(p)}, {p['bytes']} bytes"
                                for p in info["params"]]))
    lines = []
    for label, values in rows:
        for value in filter(None, values):
            lines.append(f"{label:11}{value}")
            label = ""
    _finish(args, info, lines)


# compress -------------------------------------------------------------------

def _files_of(path):
    """A model's file and those with its external data, by our naming."""
    path = pathlib.Path(path)
    return [f for f in (path, path.with_name(path.name + ".data"))
            if f.is_file()]


# Bytes that a file has for each compressed weight beside its parameters; what
# was measured for SmolLM2, rounded up.
_GRAPH_BYTES = {".onnx": 4096, ".mlir": 1024, ".mlirbc": 1024}
_UNITS = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _bytes(text):
    """A number of bytes, with a unit or without."""
    number = text.rstrip("BKMGki")
    value = int(float(number) * _UNITS[text[len(number):].strip()])
    if value < 1:
        raise ValueError
    return value


def _seconds(text):
    """A time with its unit."""
    number = text.rstrip("mus")
    unit = {"s": 1, "ms": 1e-3, "us": 1e-6}.get(text[len(number):].strip())
    if unit is None or not 0 < float(number) < float("inf"):
        raise ValueError
    return float(number) * unit


def _ratio(text):
    value = float(text)
    if not value > 1:
        raise ValueError
    return value


_bytes.__name__ = "size such as 65MB"
_seconds.__name__ = "time such as 3ms"
_ratio.__name__ = "ratio above 1"


def _budget(args, module, model):
    """Bytes that the files may have and that their parameters may; None."""
    if args.budget and args.target_ratio:
        raise Error("--budget and --target-ratio exclude each other")
    files = args.budget
    if args.target_ratio:
        size = max(sum(f.stat().st_size for f in _files_of(model)),
                   sum(p["bytes"] for p in module.params()))
        files = int(size / args.target_ratio)
    if not files and not args.latency:
        return None, None
    if args.type != "int" or args.bits:
        raise Error("--budget, --target-ratio and --latency choose the bits of "
                    "integers: leave --bits out and --type as it is")
    if not args.calibration and args.method not in WITHOUT_DATA:
        raise Error("--budget, --target-ratio and --latency need a text to "
                    "calibrate on, named with --calibration, unless --method "
                    f"is {' or '.join(WITHOUT_DATA)}")
    if not files:
        return None, None
    weights = len({w["name"] for w in module.weights()})
    graph = weights * _GRAPH_BYTES[pathlib.Path(args.output).suffix]
    if files <= graph:
        raise Error(f"the budget of {files} bytes is less than the file needs "
                    f"without weights, about {graph}")
    return files, files - graph


# What the report says where no option does.
_COMPRESS_DEFAULTS = {
    "int": {"bits": 4, "group": 64, "symmetric": False, "scales": "float16",
            "activations": "int8"},
    "bf16": {"activations": "bf16"},
    "f16": {"activations": "float"}}


# What a recipe says itself: attributes of the arguments and their defaults.
_NOT_WITH_RECIPES = {
    "type": "int", "bits": None, "group": None, "what": "all",
    "symmetric": False, "scales": None, "method": None, "activations": None,
    "kv_cache": "f32", "skip": "", "strict": False}
_BOUNDS = {"budget": None, "target_ratio": None, "latency": None,
           "target": None}


def _settings(args):
    """The values that --set gives to a recipe's options."""
    settings = {}
    for text in args.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise Error(f"--set takes NAME=VALUE, not '{text}'")
        settings[name] = value
    return settings


def _calibration(args, module, model):
    """Tokens of the text that --calibration names, or the samples of an encoder,
    and what it is."""
    from .calibrate import windows
    from .report import describe_text
    text, tokenizer = _read_text(args.calibration), _tokenizer(args, model)
    tokens = samples = tokenizer.encode(text)
    if "logits" not in (output.name for output in module.outputs):
        samples = windows(tokens, args.samples, args.sample_length,
                          tokenizer.ends())
    return samples, {**describe_text(args.calibration, text, len(tokens)),
                    "samples": args.samples,
                    "sample_length": args.sample_length}


def _compress_by_recipe(args, module, model):
    """What the recipe did, and facts for the report."""
    from .recipes import SAMPLES, Recipe
    for name, default in {**_NOT_WITH_RECIPES, **_BOUNDS}.items():
        if getattr(args, name) != default:
            raise Error(f"--{name.replace('_', '-')} and --recipe exclude each "
                        "other; --set NAME=VALUE sets a recipe's options")
    recipe, settings = Recipe(args.recipe), _settings(args)
    tokens, facts = None, {"recipe": recipe.name, "settings": {
        **recipe.options, **settings}}
    needs = recipe.needs_samples and SAMPLES not in settings
    # Wrong names are errors before anything takes time.
    facts["pipeline"] = recipe.pipeline(
        {**settings, SAMPLES: SAMPLES.upper()} if needs else settings)
    if needs and not args.calibration:
        raise Error(f"the recipe {recipe.name} runs the model on a text: name "
                    "one with --calibration")
    if args.calibration and not needs:
        raise Error(f"the recipe {recipe.name} does not ask for a text; leave "
                    "--calibration out")
    if needs:
        tokens, facts["calibration"] = _calibration(args, module, model)
        del facts["settings"][SAMPLES]
    return module.run_recipe(args.recipe, settings, tokens, args.samples,
                             args.sample_length), facts


def _compress_by_options(args, module, model):
    """What the options' passes did, and facts for the report."""
    if args.set:
        raise Error("--set is for the options of a --recipe")
    module.lift()
    options = {name: getattr(args, name) for name in _NOT_WITH_RECIPES}
    files, budget = _budget(args, module, model)
    tokens, facts = None, {}
    if files:
        facts["file_budget"] = files
    if args.target and not args.latency:
        raise Error("--target is the machine of a --latency")
    if args.calibration and (args.method in WITHOUT_DATA or
                             not (args.method or files or args.latency)):
        raise Error("--calibration is for the methods that need data: name one "
                    "with --method")
    if args.calibration:
        tokens, facts["calibration"] = _calibration(args, module, model)
    elif args.method not in (None, *WITHOUT_DATA):
        raise Error(f"the method {args.method} needs a text to calibrate on: "
                    "name one with --calibration")
    report = module.compress(
        tokens=tokens, progress=sys.stderr.isatty(), samples=args.samples,
        sample_length=args.sample_length, budget=budget, latency=args.latency,
        target=args.target or "host", **options)
    if args.latency:
        facts["latency"] = args.latency
        facts["latency_target"] = args.target or "host"
        facts["predicted_seconds"] = module.cost(
            target=args.target or "host")["seconds"]
    if not report.weights:
        raise Error("there is no weight to "
                    f"{'quantize' if args.type == 'int' else 'cast'} "
                    "in this model"
                    + "".join(f"\n  {line}" for line in report.notices))
    given = {name: value for name, value in options.items()
             if value not in (None, "") and value is not False}
    return report, {**_COMPRESS_DEFAULTS[args.type], **given, **facts}


def _write_report(path, result):
    from .report import make_page
    path = pathlib.Path(path)
    path.write_text(make_page(result)
                    if path.suffix in (".html", ".htm") else
                    json.dumps(result, indent=2), encoding="utf-8")


def run_compress(args):
    from . import report as reports
    from .compiler import Module
    from .text import find_tokenizer
    model, out = _model_file(args.model), pathlib.Path(args.output)
    if out.suffix not in (".onnx", ".mlir", ".mlirbc"):
        raise Error(f"the output '{out}' must be named .onnx, .mlir or .mlirbc")
    if args.evaluate:
        # Missing files are errors before anything takes time.
        tokenizer = find_tokenizer(model, args.tokenizer)
        _read_text(args.evaluate)
    start = time.perf_counter()
    module = Module.load(model)
    before = module.params()
    report, facts = (_compress_by_recipe if args.recipe else
                     _compress_by_options)(args, module, model)
    tensors = reports.compare_params(before, module.params())
    report.notices += module.save(out, free_written=True)
    result = {
        "model": str(model), "output": str(out), **facts,
        "param_bytes_before": sum(t["bytes_before"] for t in tensors),
        "param_bytes_after": sum(t["bytes_after"] for t in tensors),
        "file_bytes": sum(f.stat().st_size for f in _files_of(out)),
        "seconds": time.perf_counter() - start, "date": reports.now(),
        "versions": reports.versions(), "weights": report.weights,
        "tensors": tensors, "notices": report.notices}
    del module
    _note_all(report.notices)
    try:
        if args.evaluate:
            result["evaluation"] = _measure(
                [(model, tokenizer), (out, tokenizer)], args)
    finally:
        for path in args.report:
            _write_report(path, result)
    _finish(args, result, _describe_compression(args, result))
    over = result["file_bytes"] - result.get("file_budget", result["file_bytes"])
    if over > 0:
        raise Error(f"'{out}' has {over} bytes more than the budget; set it "
                    "lower by as many")


def _describe_compression(args, result):
    # Scaling a weight leaves what it computes.
    stored = [w for w in result["weights"] if "relative_error" in w]
    before, after = result["param_bytes_before"], result["param_bytes_after"]
    bounds = [name for name, key in (("budget", "file_budget"),
                                     ("latency", "latency")) if key in result]
    if bounds:
        made = f"quantized within the {' and the '.join(bounds)}"
    elif args.recipe:
        made = f"changed by the recipe {result['recipe']}"
    elif args.type == "int":
        made = (f"quantized to {result['bits']} bits in groups of "
                f"{result['group']}")
    else:
        made = f"stored as {args.type}"
    count = len({w["param"] for w in stored})
    lines = [f"{count} weights {made}, {len(result['notices'])} notices",
             f"parameters  {_size(before)} -> {_size(after)}, "
             f"{before / after:.2f} times smaller"]
    if stored:
        worst = max(stored, key=lambda w: w["relative_error"])
        lines.append(f"error       {worst['relative_error']:.3g} of the "
                     f"weights' norm at most ({worst['param']})")
    lines.append(f"written     {result['output']}, "
                 f"{_size(result['file_bytes'])}, "
                 f"in {result['seconds']:.1f} s")
    if "latency" in result:
        lines.append(f"predicted   {result['predicted_seconds'] * 1e3:.4g} ms "
                     "for a token, of one core")
    if "evaluation" in result:
        lines += _describe_evaluation(result["evaluation"])
    return lines


# recipes --------------------------------------------------------------------

def run_recipes(args):
    from . import recipes
    if args.recipe:
        recipe, settings = recipes.Recipe(args.recipe), _settings(args)
        # What has to be set stands for itself.
        text = recipe.pipeline(
            {**{name: name.upper() for name, value in recipe.options.items()
                if value is None}, **settings})
        _finish(args, {"name": recipe.name, "pipeline": text}, [text])
        return
    if args.set:
        raise Error("--set is for the options of one recipe: name it")
    found = [recipes.Recipe(name) for name in recipes.names()]
    lines = []
    for recipe in found:
        options = ", ".join(name if value is None else f"{name}={value}"
                            for name, value in recipe.options.items()
                            if name != recipes.SAMPLES)
        data = "needs a text" if recipe.needs_samples else "needs no data"
        lines += [recipe.name, *textwrap.wrap(
            f"{recipe.description}; {data}" + (f"; options {options}"
                                               if options else ""),
            initial_indent="    ", subsequent_indent="    ",
            break_on_hyphens=False)]
    _finish(args, [{"name": recipe.name, "description": recipe.description,
                    "options": recipe.options} for recipe in found], lines)


# compile --------------------------------------------------------------------

def run_compile(args):
    from .compiler import Module
    model = _model_file(args.model)
    start = time.perf_counter()
    module = Module.load(model, args.load_backend or ("cpu",))
    notices = module.compile_artifact(
        args.output, target=args.target, tokenizer=args.tokenizer)
    _note_all(notices)
    files = [f for f in pathlib.Path(args.output).iterdir() if f.is_file()]
    result = {"model": str(model), "output": str(args.output),
              "target": args.target, "notices": notices,
              "bytes": sum(f.stat().st_size for f in files),
              "seconds": time.perf_counter() - start}
    _finish(args, result, [
        f"written     {args.output}, {_size(result['bytes'])}, "
        f"in {result['seconds']:.1f} s"])


# export ---------------------------------------------------------------------

def run_export(args):
    from .genai import export_genai
    model, folder = _model_file(args.model), pathlib.Path(args.genai)
    notices = export_genai(model, folder, args.tokenizer)
    _note_all(notices)
    size = sum(f.stat().st_size for f in folder.iterdir())
    _finish(args, {"model": str(model), "output": str(folder),
                   "notices": notices, "bytes": size},
            [f"written     {folder}, {_size(size)}"])


# run ------------------------------------------------------------------------

def run_run(args):
    from .text import TextStream
    tokenizer = _tokenizer(args, args.model)
    with _opened(args.model, args.tokenizer) as artifact:
        if args.chat:
            prompt = tokenizer.encode(
                tokenizer.chat_prompt(args.prompt, artifact.metadata))
        else:
            prompt = tokenizer.encode_prompt(args.prompt)
        if not prompt:
            raise Error("the prompt is empty")
        stream, pieces = TextStream(tokenizer), []
        eos = set(artifact.eos_ids)

        def show(piece):
            pieces.append(piece)
            if not args.json:
                print(piece, end="", flush=True)

        session = artifact.session(capacity=len(prompt) + args.max_tokens,
                                   threads=args.threads)
        tokens, facts = session.generate(
            prompt, max_tokens=args.max_tokens, temperature=args.temperature,
            top_k=args.top_k, top_p=args.top_p, seed=args.seed,
            callback=lambda token: token in eos or show(stream.add(token)))
        show(stream.finish())
    # The first token comes out of the prompt's run.
    decoded = facts["generated_tokens"] - 1
    speed = (decoded / facts["decode_seconds"]
             if decoded > 0 and facts["decode_seconds"] > 0 else 0.0)
    prefill = facts["prompt_tokens"] / max(facts["prefill_seconds"], 1e-9)
    result = {"model": str(args.model), "prompt": args.prompt,
              "text": "".join(pieces), "tokens": tokens,
              "tokens_per_second": speed,
              "prompt_tokens_per_second": prefill, **facts}
    if not args.json:
        print(flush=True)
        _note(f"{facts['generated_tokens']} tokens, {speed:.1f} tokens/s; "
              f"prompt of {facts['prompt_tokens']} tokens, "
              f"{prefill:.1f} tokens/s; stopped by {facts['stop']}")
    else:
        _finish(args, result, [])


# eval -----------------------------------------------------------------------

def _read_text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Error(f"'{path}' is not UTF-8 text") from None


def _measure(models, args):
    """Perplexities of models, pairs of a path and its tokenizer or None, on
    the text of `args` by its protocol."""
    from .evaluate import perplexity, protocol
    from .text import Tokenizer, find_tokenizer
    file = args.text if "text" in args else args.evaluate
    text = _read_text(file)
    results, tokens, facts = [], None, None
    for path, tokenizer in models:
        ids = Tokenizer(find_tokenizer(path, tokenizer)).encode(text)
        if tokens is not None and ids != tokens:
            raise Error(f"'{path}' splits the text into other tokens than "
                        f"'{models[0][0]}': perplexities per token cannot "
                        "be compared")
        tokens = ids
        facts = protocol(len(tokens), args.context, args.stride, args.windows)

        def progress(done, windows, value):
            if sys.stderr.isatty():
                print(f"\r{done}/{windows} windows, {value:.3f}",
                      end="\n" if done == windows else "", file=sys.stderr,
                      flush=True)

        with _opened(path, tokenizer) as artifact:
            entry = perplexity(artifact, tokens, args.context, args.stride,
                               args.windows, progress)
            entry["weight_bytes"] = artifact.weight_bytes
        first = results[0]["perplexity"] if results else entry["perplexity"]
        results.append({"model": str(path), **entry,
                        "ratio": entry["perplexity"] / first})
    return {"protocol": {"text": pathlib.Path(file).name, **facts},
            "models": results}


def _describe_evaluation(result):
    lines = [f"{'perplexity':>12}{'ratio':>9}{'weights':>12}{'tokens/s':>10}"
             "  model"]
    lines += [f"{r['perplexity']:12.4f}{r['ratio']:9.4f}"
              f"{_size(r['weight_bytes']):>12}{r['tokens_per_second']:10.1f}"
              f"  {r['model']}" for r in result["models"]]
    lines.append("protocol: " + ", ".join(
        f"{key} {value}" for key, value in result["protocol"].items()))
    return lines


def run_eval(args):
    result = _measure([(path, args.tokenizer) for path in args.models], args)
    _finish(args, result, _describe_evaluation(result))


# the command line -----------------------------------------------------------

def _positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _natural(text):
    value = int(text)
    if value < 0:
        raise ValueError
    return value


_positive.__name__ = "positive integer"
_natural.__name__ = "natural number"


def make_parser():
    parser = argparse.ArgumentParser(
        prog="llmc", description="Makes language models smaller and faster.")
    commands = parser.add_subparsers(dest="command", required=True,
                                     metavar="COMMAND")

    def command(name, function, help, **kwargs):
        sub = commands.add_parser(name, help=help, description=help, **kwargs)
        sub.set_defaults(function=function)
        sub.add_argument("--json", action="store_true",
                         help="print the result as JSON")
        return sub

    def tokenizer(sub):
        sub.add_argument("--tokenizer", metavar="FILE",
                         help="tokenizer.json, if it is not beside the model")

    def settings(sub):
        sub.add_argument("--set", action="append", default=[],
                         metavar="NAME=VALUE",
                         help="give an option of the recipe a value")

    sub = command("inspect", run_inspect, "Show what is in a model.")
    sub.add_argument("model", help="an ONNX or MLIR file, or an artifact")
    sub.add_argument("--all", action="store_true",
                     help="list every input, output and parameter")

    sub = command("compress", run_compress,
                  "Store the weights of a model in fewer bits.")
    sub.add_argument("model", help="an ONNX or MLIR file")
    sub.add_argument("-o", "--output", required=True, metavar="OUT.onnx",
                     help="the compressed model; .mlir and .mlirbc are "
                          "written too")
    sub.add_argument("--type", choices=("int", "bf16", "f16"), default="int",
                     help="what weights become: integers in groups, or floats "
                          "of 16 bits, for which --bits, --group, --symmetric "
                          "and --scales mean nothing (default: int)")
    sub.add_argument("--bits", type=int, choices=range(2, 9),
                     metavar="N", help="bits of a weight, 2 to 8 "
                                       "(default: 4)")
    sub.add_argument("--group", type=_natural, metavar="N",
                     help="weights of a row that share a scale, 0 for all of "
                          "them (default: 64)")
    sub.add_argument("--what", choices=("all", "linear", "embedding"),
                     default="all",
                     help="which weights to compress (default: all)")
    sub.add_argument("--symmetric", action="store_true",
                     help="no zero points: each group's grid is centered on 0")
    sub.add_argument("--scales", choices=("int8", "float16", "float32"),
                     help="what a scale is a number of; float16 makes smaller "
                          "artifacts, int8 with a number for each row smaller "
                          "models, too (default: float16)")
    sub.add_argument("--method",
                     choices=METHODS,
                     help="how integers are chosen: rtn, the nearest, and hqq, "
                          "with zero points that are floats, need no data; "
                          "gptq lets each column make up for the errors of "
                          "those before it; awq scales weights up where "
                          "activations are large; kmeans does as gptq with "
                          "values that are not evenly spaced, for few bits "
                          "(default: rtn; with a budget kmeans, with a "
                          "latency gptq)")
    sub.add_argument("--budget", type=_bytes, metavar="SIZE",
                     help="choose the bits of each weight so that OUT has no "
                          "more bytes than this, 65MB for example")
    sub.add_argument("--target-ratio", type=_ratio, metavar="R",
                     help="the same, with a budget of 1/R of the model's bytes")
    sub.add_argument("--latency", type=_seconds, metavar="TIME",
                     help="choose the bits of each weight so that a token takes "
                          "no longer than this, 3ms for example, by what the "
                          "CPU backend says of its kernels on one core; with "
                          "--budget both hold")
    sub.add_argument("--target", metavar="TARGET",
                     help="the machine of that latency, as for `llmc compile` "
                          "(default: host)")
    sub.add_argument("--calibration", metavar="FILE",
                     help="UTF-8 text that all methods but rtn and hqq run the "
                          "model on")
    sub.add_argument("--samples", type=_positive, default=128, metavar="N",
                     help="windows of it (default: 128)")
    sub.add_argument("--sample-length", type=_positive, default=512,
                     metavar="N", help="tokens of each (default: 512)")
    tokenizer(sub)
    sub.add_argument("--activations", choices=("int8", "bf16", "float"),
                     help="int8 rounds what a quantized linear reads to 8 bits "
                          "in groups, at run time, which is faster, bf16 what one with bf16 weights reads to "
                          "bf16; float does not (default: int8 for int, bf16 "
                          "for bf16, float for f16)")
    sub.add_argument("--kv-cache", default="f32",
                     choices=("f32", "f16", "int8", "int4"),
                     help="how the keys and values of the past are stored; "
                          "int8 has a scale for each token and head, int4 "
                          "two numbers for 32 others, which takes 5 bits for "
                          "each (default: f32)")
    sub.add_argument("--skip", default="", metavar="REGEX",
                     help="leave alone the parameters whose names match")
    sub.add_argument("--strict", action="store_true",
                     help="fail if a weight stays as it is or is padded")
    sub.add_argument("--recipe", metavar="NAME|FILE",
                     help="run the passes of a recipe instead: one that `llmc "
                          "recipes` lists, or a .yaml file")
    settings(sub)
    sub.add_argument("--report", action="append", default=[], metavar="FILE",
                     help="write what became of each weight and tensor: a page "
                          "to read if FILE is named .html, else JSON; may be "
                          "given several times")
    sub.add_argument("--evaluate", metavar="FILE",
                     help="measure the perplexity of the model and of the "
                          "compressed one on this UTF-8 text; both are "
                          "compiled for that")
    sub.add_argument("--context", type=_positive, default=2048, metavar="N",
                     help="tokens of a window of that text (default: 2048)")
    sub.add_argument("--windows", type=_natural, default=4, metavar="N",
                     help="windows of it, 0 for all (default: 4)")
    sub.set_defaults(stride=0)

    sub = command("recipes", run_recipes,
                  "List the recipes that are shipped, or show one's passes.")
    sub.add_argument("recipe", nargs="?", metavar="NAME|FILE",
                     help="print the pass pipeline of this one, which llmc-opt "
                          "and Module.run take")
    settings(sub)

    sub = command("compile", run_compile,
                  "Compile a model for a machine, into an artifact.")
    sub.add_argument("model", help="an ONNX or MLIR file")
    sub.add_argument("-o", "--output", required=True, metavar="DIR",
                     help="the artifact, a folder; one that is there is "
                          "replaced")
    sub.add_argument("--target", default="host",
                     help="host (default): this machine; "
                          "cpu:NAME[+FEATURE|-FEATURE]...: another processor, "
                          "by LLVM's names; reference: this machine without "
                          "the kernels of the CPU backend; NAME:OPTIONS: "
                          "this machine, with options for a backend")
    sub.add_argument("--load-backend", action="append", metavar="FILE",
                     help="ask this backend for kernels, a shared library or "
                          "'cpu', llmc's own, which is the default; given "
                          "several times, they are asked in this order")
    tokenizer(sub)

    sub = command("export", run_export,
                  "Write a language model for another program.")
    sub.add_argument("model", help="an ONNX or MLIR file")
    sub.add_argument("--genai", required=True, metavar="DIR",
                     help="a new folder that onnxruntime-genai loads: the "
                          "model as ONNX, its tokenizer, genai_config.json")
    tokenizer(sub)

    sub = command("run", run_run, "Generate text.")
    sub.add_argument("model", help="an artifact, or a model to compile first")
    sub.add_argument("--prompt", required=True, metavar="TEXT")
    sub.add_argument("--max-tokens", type=_positive, default=128, metavar="N",
                     help="tokens to generate at most (default: 128)")
    sub.add_argument("--threads", type=_natural, default=0, metavar="N",
                     help="threads that compute (default: one for each "
                          "processor, or OMP_NUM_THREADS)")
    sub.add_argument("--temperature", type=float, default=0.0, metavar="T",
                     help="0, the default, takes the most probable token")
    sub.add_argument("--top-k", type=_natural, default=0, metavar="K",
                     help="sample from the K most probable tokens only")
    sub.add_argument("--top-p", type=float, default=1.0, metavar="P",
                     help="sample from the most probable tokens that together "
                          "reach probability P")
    sub.add_argument("--seed", type=_natural, default=0, metavar="N",
                     help="equal seeds give equal texts (default: 0)")
    sub.add_argument("--chat", action="store_true",
                     help="ask the prompt in the model's chat template")
    tokenizer(sub)

    from . import evaluate
    sub = command("eval", run_eval, "Measure the perplexity of models.",
                  formatter_class=argparse.RawDescriptionHelpFormatter,
                  epilog=evaluate.__doc__)
    sub.add_argument("models", nargs="+", metavar="model",
                     help="artifacts, or models to compile first; ratios are "
                          "to the first")
    sub.add_argument("--text", required=True, metavar="FILE",
                     help="UTF-8 text to measure on")
    sub.add_argument("--context", type=_positive, default=2048, metavar="N",
                     help="tokens of a window (default: 2048)")
    sub.add_argument("--stride", type=_natural, default=0, metavar="N",
                     help="tokens from one window to the next (default: the "
                          "context)")
    sub.add_argument("--windows", type=_natural, default=0, metavar="N",
                     help="measure on the first N windows only")
    tokenizer(sub)
    return parser


def main(arguments=None):
    args = make_parser().parse_args(arguments)
    try:
        args.function(args)
    except (Error, OSError) as problem:
        print(f"llmc: error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("llmc: interrupted", file=sys.stderr)
        return 130
    return 0
