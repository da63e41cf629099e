#!/usr/bin/env python3
"""Cosines of the sentence embeddings of models with those of a float one.

    python compare_embeddings.py TEXT FLOAT.onnx OTHER.onnx...

200 lines of TEXT, evenly spaced among those of more than 12 words that are no
headings, each up to the first " . ", go through ONNX Runtime, one at a time. The
tokenizer.json is beside the float model, whose output is sentence_embedding.
"""

import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def read_sentences(path):
    lines = [line.strip() for line in open(path, encoding="utf-8")
             if len(line.split()) > 12 and not line.strip().startswith("=")]
    lines = lines[::max(len(lines) // 200, 1)][:200]
    return [line.split(" . ")[0] + " ." for line in lines]


def embed(path, sentences):
    session = onnxruntime.InferenceSession(str(path),
                                           providers=["CPUExecutionProvider"])
    rows = []
    for ids in sentences:
        ids = np.array([ids], np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids),
                 "token_type_ids": np.zeros_like(ids)}
        row = session.run(["sentence_embedding"], feeds)[0][0]
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def main(text, reference, *others):
    tokenizer = Tokenizer.from_file(
        str(pathlib.Path(reference).with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    sentences = [tokenizer.encode(line).ids for line in read_sentences(text)]
    wanted = embed(reference, sentences)
    for path in others:
        cosines = (embed(path, sentences) * wanted).sum(1)
        print(f"{path}: {pathlib.Path(path).stat().st_size / 1e6:.2f} MB, mean "
              f"{cosines.mean():.5f}, least {cosines.min():.5f}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
