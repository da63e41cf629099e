"""What is compared with what, and the ratio that llmc is to reach.

A comparison is one model in one kind of format: its contenders are loaded at
the same time, and each measure goes through all of them in turns. Names of
formats are llmc's own of formats.py, llama.cpp's, or those of the scripts in
benchmarks/models.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Contender:
    peer: str
    format: str

    @property
    def name(self):
        return f"{self.peer} {self.format}"


@dataclasses.dataclass(frozen=True)
class Measure:
    name: str
    call: str
    arguments: tuple  # of (name, value)
    # Of the issue: llmc's speed over that of the best peer.
    target: float
    # Measures of one group make one line, the geometric mean of their ratios.
    group: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    name: str
    model: str
    contenders: tuple
    measures: tuple

    @property
    def decoder(self):
        return self.model in DECODERS


# "T" has TinyLlama's shape, "S" is SmolLM2-135M.
DECODERS = ("T", "S")
LLMC = "llmc"
# What llmc does with fewer bits is compared with itself.
LLMC_FLOAT_CACHE = "llmc, f32 cache"
# The columns of the table, in this order.
PEERS = ("llama.cpp", "llama-bench", "ONNX Runtime", "onnxruntime-genai",
         "OpenVINO", "OpenVINO GenAI", "CTranslate2", LLMC_FLOAT_CACHE)


def _decode(target, tokens):
    return Measure(f"decode {tokens}", "decode",
                   (("prompt", 8), ("tokens", tokens)), target)


def _decode_after(target, prompt, tokens):
    return Measure(f"decode {tokens} after {prompt}", "decode",
                   (("prompt", prompt), ("tokens", tokens)), target)


def _prompt(target, tokens=512):
    return Measure(f"prompt {tokens}", "prompt", (("tokens", tokens),),
                   target)


def _run(name, target, model, case, group=""):
    return Measure(name, "run", (("model", model), ("case", case)), target,
                   group)


def _contenders(**formats):
    names = {"llmc": LLMC, "llamacpp": "llama.cpp",
             "onnxruntime": "ONNX Runtime", "genai": "onnxruntime-genai",
             "openvino": "OpenVINO", "openvino_genai": "OpenVINO GenAI",
             "ctranslate2": "CTranslate2", "float_cache": LLMC_FLOAT_CACHE}
    return tuple(Contender(names[peer], name)
                 for peer, listed in formats.items()
                 for name in listed.split())


def table(zoo_cases=(), tokens=128):
    """All comparisons. `zoo_cases` are the names of the zoo's models."""
    def onnx(weights):
        return {"onnxruntime": weights, "genai": weights,
                "openvino": weights}

    def gguf(kind):
        return {"llamacpp": kind, "openvino_genai": kind}

    decoders = (
        ("T int4 g32", "T", (_decode(1.15, tokens), _prompt(1.4)),
         _contenders(llmc="int4-g32", **gguf("Q4_0"), **onnx("int4-32"))),
        ("T int4 g128, int4 head", "T",
         (_decode(1.3, tokens), _prompt(2.2)),
         _contenders(llmc="int4-g128", **gguf("Q4_0"),
                     **onnx("int4-128"))),
        ("T int4 g32, progressive", "T", (_decode(1.15, tokens), _prompt(1.4)),
         _contenders(llmc="int4-g32-progressive", **gguf("Q4_0"),
                     **onnx("int4-32"))),
        ("T int4 g128, int4 head, progressive", "T",
         (_decode(1.3, tokens), _prompt(2.2)),
         _contenders(llmc="int4-g128-progressive", **gguf("Q4_0"),
                     **onnx("int4-128"))),
        ("T 2 bit, progressive", "T", (_decode(1.5, tokens),),
         _contenders(llmc="int2-g32-progressive", llamacpp="Q2_K",
                     onnxruntime="int2-64", genai="int2-64")),
        ("S int4 g32, progressive", "S",
         (_decode(1.5, tokens), _prompt(1.3)),
         _contenders(llmc="int4-g32-progressive", **gguf("Q4_0"),
                     **onnx("int4-32"))),
        ("T 2 bit", "T", (_decode(1.5, tokens),),
         _contenders(llmc="int2-g32", llamacpp="Q2_K",
                     onnxruntime="int2-64", genai="int2-64")),
        ("T int8 per channel", "T", (_prompt(1.5),),
         _contenders(llmc="int8-channel", **gguf("Q8_0"),
                     ctranslate2="int8", **onnx("int8"))),
        ("T bf16", "T", (_prompt(3.0),),
         _contenders(llmc="bf16", llamacpp="BF16 F16", openvino="bf16",
                     openvino_genai="F16")),
        ("S int4 g32", "S", (_decode(1.5, tokens), _prompt(1.3)),
         _contenders(llmc="int4-g32", **gguf("Q4_0"), **onnx("int4-32"))),
        ("S f32", "S", (_decode(1.0, tokens), _prompt(1.0)),
         _contenders(llmc="f32", onnxruntime="f32", genai="f32")),
        ("S int4 g32, 8-bit KV", "S",
         (_decode_after(1.3, 32 * tokens, tokens),),
         _contenders(llmc="int4-g32-kv8", float_cache="int4-g32")),
    )
    result = [Comparison(name, model, contenders, measures)
              for name, model, measures, contenders in decoders]
    result.append(Comparison(
        "MiniLM int8", "MiniLM",
        _contenders(llmc="int8-channel", onnxruntime="int8", openvino="int8"),
        tuple(_run(case, 1.2, "minilm", case)
              for case in ("1x128", "32x128"))))
    for block in (32, 128):
        result.append(Comparison(
            f"linear int4 g{block} 2048->5632", "linear",
            _contenders(llmc=f"linear-int4-g{block}",
                        onnxruntime=f"int4-{block}"),
            (_run("M=1", 1.8, "linear", "1"),
             _run("M=128", 4.0, "linear", "128"))))
    if zoo_cases:
        result.append(Comparison(
            "zoo f32", "zoo", _contenders(llmc="f32", onnxruntime="f32"),
            tuple(_run(name, 1.0, name, "0", group="all")
                  for name in zoo_cases)))
    return result
