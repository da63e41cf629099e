"""Samples for calibration: what llmc-calibrate runs a model on.

A text is tokenized as a whole, without special tokens, and windows of `length`
tokens are cut out of it, as many as asked for, their beginnings evenly spaced.
Encoders read special tokens around each of them, as around all they were trained
on: [CLS] and [SEP] have activations that no other token has.
"""

import numpy as np

from ._errors import Error

SAMPLES, LENGTH = 128, 512


def windows(tokens, count=SAMPLES, length=LENGTH, ends=((), ())):
    """An array [count, length] of tokens, each row with `ends` around it. Samples
    that are one already, [count, length], are taken as they are."""
    tokens = np.asarray(tokens)
    if tokens.ndim == 2:
        return tokens
    inner = length - len(ends[0]) - len(ends[1])
    if inner < 1:
        raise Error(f"samples of {length} tokens have no room for text between "
                    f"the {length - inner} special ones")
    if len(tokens) < inner:
        raise Error(f"the calibration text has {len(tokens)} tokens, a sample "
                    f"needs {inner}")
    starts = np.linspace(0, len(tokens) - inner, count).astype(int)
    return np.stack([np.concatenate([ends[0], tokens[start:start + inner],
                                     ends[1]]).astype(tokens.dtype)
                     for start in starts])


def make_samples(inputs, ids):
    """An array for each of a model's inputs, TensorInfos, whose first dimension
    counts samples: `ids`, [count, length], for input_ids; nothing masked,
    positions from 0, segments 0, an empty KV cache."""
    count, length = ids.shape
    samples = {}
    for spec in inputs:
        rank, sizes = len(spec.shape), spec.shape[1:]
        if spec.name == "input_ids":
            values = ids
        elif spec.name == "attention_mask" and rank == 2:
            values = np.ones_like(ids)
        elif spec.name == "position_ids" and rank == 2:
            values = np.tile(np.arange(length), (count, 1))
        elif spec.name == "token_type_ids" and rank == 2:
            values = np.zeros_like(ids)
        elif rank > 2 and sum(not isinstance(size, int) for size in sizes) == 1:
            # Keys and values of the past: the dimension of positions is empty.
            values = np.zeros([count, *(size if isinstance(size, int) else 0
                                        for size in sizes)])
        else:
            raise Error(f"calibration does not know what the input "
                        f"'{spec.name}' is: write a file of samples for "
                        "llmc-calibrate")
        samples[spec.name] = np.ascontiguousarray(values.astype(spec.dtype))
    if "input_ids" not in samples:
        raise Error("the model has no input named input_ids")
    return samples


def write_samples(path, inputs, ids):
    from safetensors.numpy import save_file
    save_file(make_samples(inputs, ids), path)
