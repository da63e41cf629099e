"""Rounds of samples, alternating between the workers that are compared.

The speed of a shared machine drifts by more than what is compared here. Samples
that are taken in turns see the same drift, so their ratio holds.
"""

import dataclasses
import statistics
import time

from .protocol import Failed


@dataclasses.dataclass
class Series:
    """The samples of one contender for one measure, or why there are none."""

    samples: list = dataclasses.field(default_factory=list)
    reason: str = ""
    # The part of the machine that others used during each sample.
    others: list = dataclasses.field(default_factory=list)

    @property
    def median(self):
        if self.reason or not self.samples:
            return None
        return statistics.median(self.samples)


def alternate(workers, measures, rounds, before_round=lambda: None,
              before_sample=lambda: None, others=lambda: 0.0, pause=0.3,
              warm_up=True):
    """Takes `rounds` samples of each measure from each worker.

    `workers` is {name: Worker}, `measures` {name: (call, arguments)}. Returns
    {(worker, measure): Series}. In each round every measure goes through all
    workers, which start from another one each time. The first sample of each is
    thrown away with `warm_up`. `others` gives what others used since its last
    call. A worker that fails a measure is not asked for it
    again, and one that is dead fails the rest by itself."""
    series = {(w, m): Series() for w in workers for m in measures}
    names = list(workers)
    for number in range(-1 if warm_up else 0, rounds):
        if number >= 0:
            before_round()
        for measure, (call, arguments) in measures.items():
            shift = number % len(names) if names else 0
            for name in names[shift:] + names[:shift]:
                entry = series[name, measure]
                if entry.reason:
                    continue
                if number >= 0:
                    before_sample()
                others()
                try:
                    value = workers[name].call(call, **arguments)["value"]
                except Failed as problem:
                    entry.reason = str(problem)
                    continue
                if number >= 0:
                    entry.samples.append(value)
                    entry.others.append(others())
                # Threads of others may still spin for work.
                time.sleep(pause)
    return series


def geometric_mean(values):
    values = list(values)
    return statistics.geometric_mean(values) if values else None
