"""The command llmc. docs/cli.md shows it at work."""

import pathlib
import sys
import textwrap
import time

from ._cli_arguments import make_parser
from ._cli_common import (finish, is_artifact, load_module, model_file, note,
                          note_all, open_tokenizer, opened, parse_settings,
                          refuse_backends)
from ._cli_compress import run_compress
from ._cli_eval import run_eval
from ._errors import Error
from .report import size as _size


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
    from .summary import inspect_artifact, inspect_module
    refuse_backends(args, [args.model])
    if is_artifact(args.model):
        path, info = args.model, inspect_artifact(args.model)
    else:
        path = model_file(args.model)
        info = inspect_module(load_module(path, args))
    info = {"path": str(path), **info}
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
    finish(args, info, lines)


# recipes --------------------------------------------------------------------

def run_recipes(args):
    from . import recipes
    if args.recipe:
        recipe, settings = recipes.Recipe(args.recipe), parse_settings(args)
        # What has to be set stands for itself.
        text = recipe.pipeline(
            {**{name: name.upper() for name, value in recipe.options.items()
                if value is None}, **settings})
        finish(args, {"name": recipe.name, "pipeline": text}, [text])
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
    finish(args, [{"name": recipe.name, "description": recipe.description,
                   "options": recipe.options} for recipe in found], lines)


# compile --------------------------------------------------------------------

def run_compile(args):
    model = model_file(args.model)
    start = time.perf_counter()
    notices = load_module(model, args).compile_artifact(
        args.output, target=args.target, tokenizer=args.tokenizer,
        top_k=args.top_k, attention=args.attention, strict=args.strict)
    note_all(notices)
    files = [f for f in pathlib.Path(args.output).iterdir() if f.is_file()]
    result = {"model": str(model), "output": str(args.output),
              "target": args.target, "notices": notices,
              "bytes": sum(f.stat().st_size for f in files),
              "seconds": time.perf_counter() - start}
    finish(args, result, [
        f"written     {args.output}, {_size(result['bytes'])}, "
        f"in {result['seconds']:.1f} s"])


# export ---------------------------------------------------------------------

def run_export(args):
    from .genai import export_genai
    model, folder = model_file(args.model), pathlib.Path(args.genai)
    notices = export_genai(model, folder, args.tokenizer,
                           args.load_backend or ("cpu",))
    note_all(notices)
    size = sum(f.stat().st_size for f in folder.iterdir())
    finish(args, {"model": str(model), "output": str(folder),
                  "notices": notices, "bytes": size},
           [f"written     {folder}, {_size(size)}"])


# run ------------------------------------------------------------------------

def run_run(args):
    from .text import TextStream
    refuse_backends(args, [args.model])
    tokenizer = open_tokenizer(args, args.model)
    with opened(args.model, args, args.tokenizer) as artifact:
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
        note(f"{facts['generated_tokens']} tokens, {speed:.1f} tokens/s; "
             f"prompt of {facts['prompt_tokens']} tokens, "
             f"{prefill:.1f} tokens/s; stopped by {facts['stop']}")
    else:
        finish(args, result, [])


COMMANDS = {"inspect": run_inspect, "compress": run_compress,
            "recipes": run_recipes, "compile": run_compile,
            "export": run_export, "run": run_run, "eval": run_eval}


def main(arguments=None):
    args = make_parser().parse_args(arguments)
    try:
        COMMANDS[args.command](args)
    except (Error, OSError) as problem:
        print(f"llmc: error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("llmc: interrupted", file=sys.stderr)
        return 130
    return 0
