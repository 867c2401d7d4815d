"""Two results.json side by side: which rows have changed by more than they scatter."""

import statistics
import typing

import report.noise as noise
import report.rows as rows_of

# One in twenty comparisons of unchanged programs may find any difference at all.
ALPHA = 0.05
# With fewer values nothing can be said of a row that scatters.
LEAST_VALUES = 4
# Facts that make figures incomparable, and those that are only said.
SAME_MACHINE = ("machine", "cores")
WORTH_SAYING = ("kernel", "compiler", "quick", "versions")


class Change(typing.NamedTuple):
    measure: str
    implementation: str
    metric: str
    before: float  # medians
    after: float
    change: float  # 0.1: 10 % more than before; infinite from nothing to something
    verdict: str  # faster, slower, same, too few
    p: float | None  # as it reads among all the comparisons


def relative(before, after):
    if before == after:
        return 0.0
    return (after - before) / before if before else float("inf")


def chance(key, a, b):
    """p that a row has not changed; None where it has too few values to say."""
    mine, theirs = a.rows[key], b.rows[key]
    if key[2] in rows_of.COUNTED and len(set(mine)) == 1 and len(set(theirs)) == 1:
        return 1.0 if mine[0] == theirs[0] else 0.0
    if min(len(mine), len(theirs)) < LEAST_VALUES:
        return None
    if min(*mine, *theirs) <= 0:
        return noise.mann_whitney(mine, theirs)
    by_ranks = noise.mann_whitney(mine, theirs)
    return noise.welch(mine, theirs) if by_ranks <= ALPHA else 1.0


def beside_floor(key, a, b):
    """(change of the ratio to the floor, p of that), or None where there is no floor: what slows
    both is the machine, and no change of ours."""
    measure, implementation, metric = key
    ratios = []
    for results in (a, b):
        floor = results.floor_of(measure, implementation, metric)
        ratios.append(results.ratios(*key[:2], floor, metric) if floor else [])
    if metric in rows_of.COUNTED or min(map(len, ratios)) < LEAST_VALUES:
        return None
    before, after = map(statistics.median, ratios)
    return relative(before, after), noise.mann_whitney(*ratios)


def verdict(key, change, p, floor, threshold):
    if p is None:
        return "too few"
    if p > ALPHA or abs(change) < threshold:
        return "same"
    if floor and (floor[0] * change <= 0 or abs(floor[0]) < threshold or floor[1] > ALPHA):
        return "same"
    better = change > 0 if key[2] in rows_of.HIGHER_IS_BETTER else change < 0
    return "faster" if better else "slower"


def compare(a, b, threshold):
    """A Change for each row that both have. Ours are judged as one family of comparisons, floors
    and rivals as another: they do not decide anything, they show what the machine did."""
    changes = []
    both = [key for key in a.rows if key in b.rows]
    for family in (True, False):
        keys = [key for key in both if rows_of.is_ours(key[1]) == family]
        chances = [chance(key, a, b) for key in keys]
        adjusted = iter(noise.holm([p for p in chances if p is not None]))
        for key, p in zip(keys, chances):
            p = None if p is None else next(adjusted)
            before, after = statistics.median(a.rows[key]), statistics.median(b.rows[key])
            change = relative(before, after)
            floor = beside_floor(key, a, b) if family else None
            changes.append(Change(*key, before, after, change,
                                  verdict(key, change, p, floor, threshold), p))
    return changes


def machine_change(changes):
    """By how much the floors' times moved: the median of their changes; None without floors."""
    moved = [c.change for c in changes if rows_of.is_floor(c.implementation)
             and c.metric not in rows_of.COUNTED]
    return statistics.median(moved) if moved else None


def different_machines(a, b):
    return [f"{fact}: {a.facts.get(fact)!r} and {b.facts.get(fact)!r}" for fact in SAME_MACHINE
            if a.facts.get(fact) != b.facts.get(fact)]


def other_differences(a, b):
    return [f"{fact}: {a.facts.get(fact)!r} and {b.facts.get(fact)!r}" for fact in WORTH_SAYING
            if a.facts.get(fact) != b.facts.get(fact)]
