"""`llmc compress`."""

import json
import pathlib
import sys
import time

from ._cli_common import (finish, load_module, model_file, note_all,
                          open_tokenizer, parse_settings, read_text)
from ._cli_eval import describe_evaluation, measure
from ._errors import Error
from .methods import ACTIVATION_GROUP, WITHOUT_DATA
from .report import size as _size


def _files_of(path):
    """A model's file and those with its external data, by our naming."""
    path = pathlib.Path(path)
    return [f for f in (path, path.with_name(path.name + ".data"))
            if f.is_file()]


# Bytes that a file has for each compressed weight beside its parameters; what
# was measured for SmolLM2, rounded up.
_GRAPH_BYTES = {".onnx": 4096, ".mlir": 1024, ".mlirbc": 1024}


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
    "activation_group": None, "kv_cache": "f32", "skip": "", "strict": False}
_BOUNDS = {"budget": None, "target_ratio": None, "latency": None,
           "target": None}


def _calibration(args, module, model):
    """Tokens of the text that --calibration names, or the samples of an encoder,
    and what it is."""
    from .calibrate import windows
    from .report import describe_text
    text, tokenizer = read_text(args.calibration), open_tokenizer(args, model)
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
    recipe, settings = Recipe(args.recipe), parse_settings(args)
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
        cost = module.cost(target=args.target or "host")
        facts["predicted_seconds"] = cost["seconds"]
        if cost["unknown"]:
            report.notices.append(
                f"the predicted time leaves out {cost['unknown']} linears, "
                "embeddings and attentions, for which no backend has a kernel")
    if not report.weights:
        raise Error("there is no weight to "
                    f"{'quantize' if args.type == 'int' else 'cast'} "
                    "in this model"
                    + "".join(f"\n  {line}" for line in report.notices))
    given = {name: value for name, value in options.items()
             if value not in (None, "") and value is not False}
    facts = {**_COMPRESS_DEFAULTS[args.type], **given, **facts}
    if (facts.get("scales"), facts["activations"]) == ("progressive", "int8"):
        facts.setdefault("activation_group", ACTIVATION_GROUP)
    return report, facts


def _write_report(path, result):
    from .report import make_page
    path = pathlib.Path(path)
    path.write_text(make_page(result)
                    if path.suffix in (".html", ".htm") else
                    json.dumps(result, indent=2), encoding="utf-8")


def run_compress(args):
    from . import report as reports
    from .text import find_tokenizer
    model, out = model_file(args.model), pathlib.Path(args.output)
    if out.suffix not in (".onnx", ".mlir", ".mlirbc"):
        raise Error(f"the output '{out}' must be named .onnx, .mlir or .mlirbc")
    if args.evaluate:
        # Missing files are errors before anything takes time.
        tokenizer = find_tokenizer(model, args.tokenizer)
        read_text(args.evaluate)
    start = time.perf_counter()
    module = load_module(model, args)
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
    note_all(report.notices)
    try:
        if args.evaluate:
            result["evaluation"] = measure(
                [(model, tokenizer), (out, tokenizer)], args)
    finally:
        for path in args.report:
            _write_report(path, result)
    finish(args, result, _describe_compression(args, result))
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
        lines += describe_evaluation(result["evaluation"])
    return lines
