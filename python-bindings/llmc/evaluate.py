"""Perplexity, by a protocol that is the same for every model.

The text is tokenized as a whole, without special tokens. Windows of `context`
tokens start at every multiple of `stride` (the default is the context: no
overlap); tokens behind the last whole window are not used, and a text shorter
than the context is one window. Each window is an empty session: its first
token has no prediction. Where windows overlap, a prediction counts in the first
window that makes it. The perplexity is exp of the mean over all counted
predictions of -log p(token | tokens before it in the window).
"""

import math
import time

from ._errors import Error


def windows_of(num_tokens, context, stride, limit=0):
    """(begin, end, first counted prediction) of each window; prediction i of a
    window is that of its token i + 1."""
    if num_tokens < 2:
        raise Error("the text has fewer than two tokens")
    if context < 2:
        raise Error("the context must be at least two tokens")
    if not 1 <= stride <= context:
        raise Error("the stride must be from 1 to the context")
    context = min(context, num_tokens)
    windows = []
    counted_until = 0  # tokens before this one have been predicted
    for begin in range(0, num_tokens - context + 1, stride):
        first = max(counted_until - begin - 1, 0)
        windows.append((begin, begin + context, first))
        counted_until = begin + context
        if limit and len(windows) == limit:
            break
    return windows


def perplexity(artifact, tokens, context, stride=0, limit=0, progress=None):
    """Measures an Artifact on tokens. Returns a dict."""
    import numpy as np
    windows = windows_of(len(tokens), context, stride or context, limit)
    length = artifact.context_length
    if length and windows[0][1] > length:
        raise Error(f"the model takes {length} tokens at most, the context is "
                    f"{windows[0][1]}")
    tokens = np.asarray(tokens, np.int64)
    session = artifact.session(capacity=windows[0][1])
    total = count = ran = 0
    start = time.perf_counter()
    for number, (begin, end, first) in enumerate(windows):
        session.reset()
        scores = session.score(tokens[begin:end])[first:]
        total -= float(scores.sum())
        count += len(scores)
        ran += end - begin
        if progress:
            progress(number + 1, len(windows), math.exp(total / count))
    mean = total / count
    if not math.isfinite(mean):
        raise Error("the model gives a token the probability 0 or NaN")
    seconds = time.perf_counter() - start
    return {"perplexity": math.exp(mean), "nll": mean, "predictions": count,
            "seconds": seconds, "tokens_per_second": ran / seconds}


def protocol(num_tokens, context, stride=0, limit=0):
    """What a figure needs to be compared with another."""
    windows = windows_of(num_tokens, context, stride or context, limit)
    return {"context": windows[0][1], "stride": stride or context,
            "windows": len(windows), "tokens": windows[-1][1],
            "predictions": sum(end - begin - 1 - first
                               for begin, end, first in windows)}
