"""`llmc eval`, and what --evaluate adds to `llmc compress`."""

import pathlib
import sys

from ._cli_common import finish, opened, read_text, refuse_backends
from ._errors import Error
from .report import size as _size


def measure(models, args):
    """Perplexities of models, pairs of a path and its tokenizer or None, on
    the text of `args` by its protocol."""
    from .evaluate import perplexity, protocol
    from .text import Tokenizer, find_tokenizer
    file = args.text if "text" in args else args.evaluate
    text = read_text(file)
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

        with opened(path, args, tokenizer) as artifact:
            entry = perplexity(artifact, tokens, args.context, args.stride,
                               args.windows, progress)
            entry["weight_bytes"] = artifact.weight_bytes
        first = results[0]["perplexity"] if results else entry["perplexity"]
        results.append({"model": str(path), **entry,
                        "ratio": entry["perplexity"] / first})
    return {"protocol": {"text": pathlib.Path(file).name, **facts},
            "models": results}


def describe_evaluation(result):
    lines = [f"{'perplexity':>12}{'ratio':>9}{'weights':>12}{'tokens/s':>10}"
             "  model"]
    lines += [f"{r['perplexity']:12.4f}{r['ratio']:9.4f}"
              f"{_size(r['weight_bytes']):>12}{r['tokens_per_second']:10.1f}"
              f"  {r['model']}" for r in result["models"]]
    lines.append("protocol: " + ", ".join(
        f"{key} {value}" for key, value in result["protocol"].items()))
    return lines


def run_eval(args):
    refuse_backends(args, args.models)
    result = measure([(path, args.tokenizer) for path in args.models], args)
    finish(args, result, describe_evaluation(result))
