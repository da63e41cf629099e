"""The arguments of llmc's commands."""

import argparse

from .methods import METHODS


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
    """The parser of the command line; `command` of what it returns is the
    command's name."""
    parser = argparse.ArgumentParser(
        prog="llmc", description="Makes language models smaller and faster.")
    commands = parser.add_subparsers(dest="command", required=True,
                                     metavar="COMMAND")

    def command(name, help, **kwargs):
        sub = commands.add_parser(name, help=help, description=help, **kwargs)
        sub.add_argument("--json", action="store_true",
                         help="print the result as JSON")
        return sub

    def tokenizer(sub):
        sub.add_argument("--tokenizer", metavar="FILE",
                         help="tokenizer.json, if it is not beside the model")

    def backends(sub):
        sub.add_argument("--load-backend", action="append", metavar="FILE",
                         help="load this backend, a shared library or 'cpu', "
                              "llmc's own, which is the default; given several "
                              "times, they are asked for kernels in this order")

    def settings(sub):
        sub.add_argument("--set", action="append", default=[],
                         metavar="NAME=VALUE",
                         help="give an option of the recipe a value")

    sub = command("inspect", "Show what is in a model.")
    sub.add_argument("model", help="an ONNX or MLIR file, or an artifact")
    sub.add_argument("--all", action="store_true",
                     help="list every input, output and parameter")
    backends(sub)

    sub = command("compress", "Store the weights of a model in fewer bits.")
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
    sub.add_argument("--scales",
                     choices=("int8", "float16", "float32", "progressive"),
                     help="what a scale is a number of; float16 makes smaller "
                          "artifacts, int8 with a number for each row smaller "
                          "models, too; progressive, with --symmetric, makes "
                          "integers of 2 to 7 bits that are, times one of "
                          "their group, 8-bit integers with one scale for a "
                          "row (default: float16)")
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
                          "backends say of their kernels, the CPU backend of "
                          "one core; with --budget both hold")
    sub.add_argument("--target", metavar="TARGET",
                     help="the machine of that latency, as for `llmc compile` "
                          "(default: host)")
    backends(sub)
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
    sub.add_argument("--activation-group", type=_natural, metavar="N",
                     help="with progressive scales, columns of what a linear "
                          "reads that share a scale, 0 for those of --group, "
                          "which are the fewest (default: 128)")
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

    sub = command("recipes",
                  "List the recipes that are shipped, or show one's passes.")
    sub.add_argument("recipe", nargs="?", metavar="NAME|FILE",
                     help="print the pass pipeline of this one, which llmc-opt "
                          "and Module.run take")
    settings(sub)

    sub = command("compile", "Compile a model for a machine, into an artifact.")
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
    backends(sub)
    sub.add_argument("--top-k", type=_positive, metavar="K",
                     help="let the compiled model choose its K best tokens, "
                          "beside all logits: what is greedy, or samples from "
                          "no more of them, then does not search the "
                          "vocabulary")
    sub.add_argument("--attention", choices=("f32", "bf16"), default="f32",
                     help="bf16 rounds queries, keys, values and weights of "
                          "attention over f32, which is faster where the "
                          "processor multiplies pairs of bf16 (default: f32)")
    sub.add_argument("--strict", action="store_true",
                     help="fail where something that takes time has no kernel")
    tokenizer(sub)

    sub = command("export", "Write a language model for another program.")
    sub.add_argument("model", help="an ONNX or MLIR file")
    sub.add_argument("--genai", required=True, metavar="DIR",
                     help="a new folder that onnxruntime-genai loads: the "
                          "model as ONNX, its tokenizer, genai_config.json")
    backends(sub)
    tokenizer(sub)

    sub = command("run", "Generate text.")
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
    backends(sub)
    tokenizer(sub)

    from . import evaluate
    sub = command("eval", "Measure the perplexity of models.",
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
    backends(sub)
    tokenizer(sub)
    return parser
