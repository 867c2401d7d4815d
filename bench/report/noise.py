"""Whether two samples of a few values each differ by more than they scatter."""

import bisect
import functools
import math
import statistics

# Values that hardly scatter among themselves are taken to scatter by this part of their size: five
# equal ones do not prove that a sixth would be.
LEAST_SCATTER = 0.002


@functools.cache
def rank_counts(m, n):
    """{U: in how many orders of m and n values Mann and Whitney's statistic is U}"""
    if m == 0 or n == 0:
        return {0: 1}
    counts = {}
    for u, ways in rank_counts(m - 1, n).items():
        counts[u + n] = counts.get(u + n, 0) + ways
    for u, ways in rank_counts(m, n - 1).items():
        counts[u] = counts.get(u, 0) + ways
    return counts


def mann_whitney(a, b):
    """Two-sided p: how often the ranks of two equal samples lie this far apart. Exact, with ties
    counted as half, which errs towards no difference."""
    ordered = sorted(b)
    u = sum((bisect.bisect_left(ordered, x) + bisect.bisect_right(ordered, x)) / 2 for x in a)
    u = min(u, len(a) * len(b) - u)
    counts = rank_counts(len(a), len(b))
    ways = sum(count for statistic, count in counts.items() if statistic <= math.ceil(u))
    return min(1.0, 2 * ways / math.comb(len(a) + len(b), len(a)))


def student_tail(t, degrees):
    """Two-sided p of Student's t: the integral of its density, with t = sqrt(degrees) * tan(x)."""
    steps = 400
    low = math.atan(abs(t) / math.sqrt(degrees))
    width = (math.pi / 2 - low) / steps

    def density(i):
        # cos(x) to the power of degrees - 1; x counts from pi/2 down, where sin is exact
        return math.sin((steps - i) * width) ** (degrees - 1)
    area = sum((4 if i % 2 else 2) * density(i) for i in range(1, steps))
    area = (area + density(0) + density(steps)) * width / 3
    whole = math.sqrt(math.pi) * math.exp(math.lgamma(degrees / 2) - math.lgamma((degrees + 1) / 2))
    return min(1.0, 2 * area / whole)


def welch(a, b):
    """Two-sided p that the logarithms of two samples of positive values have one mean, by Welch's
    t: unlike that of ranks it can be as small as many comparisons at once need."""
    logs = [[math.log(x) for x in values] for values in (a, b)]
    errors = [max(statistics.variance(values), LEAST_SCATTER ** 2) / len(values)
              for values in logs]
    apart = statistics.fmean(logs[1]) - statistics.fmean(logs[0])
    degrees = sum(errors) ** 2 / sum(error ** 2 / (len(values) - 1)
                                     for error, values in zip(errors, logs))
    return student_tail(apart / math.sqrt(sum(errors)), degrees)


def holm(chances):
    """Each p as it has to be read where all of them are asked at once (Holm's method)."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted, largest = [0.0] * len(chances), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, chances[index] * (len(chances) - rank)))
        adjusted[index] = largest
    return adjusted
