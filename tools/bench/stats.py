"""Summaries of measured times, and the order of measuring them.

Ratios are peer over ingot: above 1, ingot is faster. Times are in one unit throughout, whichever.
"""

import math
import random

# Two draws of one bootstrap give the same interval.
_SEED = 5


def percentile(values, percent):
    """With linear interpolation between the nearest ranks, as numpy.percentile's default."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values):
    return percentile(values, 50)


def abba(rounds):
    """Who goes when, as 0 (ingot) and 1 (peer): ABBA ABBA …

    Within a round both have the same mean place, so that a machine that grows slower or faster evenly treats both alike.
    """
    return [side for _ in range(rounds) for side in (0, 1, 1, 0)]


def round_ratio(own, peer):
    """The ratio of one ABBA round, from the two blocks of each side: geometric means of block medians."""
    logs = [math.log(median(block)) for block in (*peer, *own)]
    return math.exp((logs[0] + logs[1] - logs[2] - logs[3]) / 2)


def interval(values, resamples=2000, confidence=0.95):
    """Bootstrap interval of the median (percentile method). One value is its own interval."""
    source = random.Random(_SEED)
    medians = [median(source.choices(values, k=len(values))) for _ in range(resamples)]
    tail = (1 - confidence) / 2 * 100
    return percentile(medians, tail), percentile(medians, 100 - tail)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def summary(times):
    """min, p50, p99 and count of one side's times."""
    return {"min": min(times), "p50": percentile(times, 50), "p99": percentile(times, 99),
            "samples": len(times)}
