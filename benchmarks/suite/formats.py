"""How llmc compresses and compiles for each comparison.

This is the table to change when llmc learns something: options are those of
`llmc compress` and `llmc compile` (docs/cli.md).
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Format:
    # The options of each `llmc compress` in turn; without any the model stays
    # in floats.
    compress: tuple = ()
    # The options of `llmc compile`.
    compile: tuple = ()


# As OpenVINO does by itself where the processor multiplies pairs of bf16.
ATTENTION = ("--attention", "bf16")


def groups(bits, size, *options, compile=ATTENTION):
    """Around 0, as the formats of the peers: a scale and no zero point."""
    return Format((("--bits", str(bits), "--group", str(size),
                    "--symmetric", *options),), compile)


FORMATS = {
    "f32": Format(),
    "int4-g32": groups(4, 32),
    "int4-g32-kv8": groups(4, 32, "--kv-cache", "int8"),
    "int4-g128": groups(4, 128),
    "int2-g32": groups(2, 32),
    # The same bits and a byte of scale for each group. An activation's scale is
    # for as many columns as keep SmolLM2's perplexity in 4 bits within 0.3 % of that
    # of the formats above (docs/compress.md).
    **{f"int{bits}-g{size}-progressive": groups(
        bits, size, "--scales", "progressive", "--activation-group", columns)
       for bits, size, columns in ((4, 32, "128"), (4, 128, "256"),
                                   (2, 32, "128"))},
    "int8-channel": groups(8, 0),
    "linear-int4-g32": groups(4, 32, compile=()),
    "linear-int4-g128": groups(4, 128, compile=()),
    "bf16": Format((("--type", "bf16"),), ATTENTION),
}
