"""The figures of a run: rows of one value a round, as they stand in results.json.

A row is {"measure": "queue/1024", "implementation": "eddy", "metric": "ns", "values": [...]}. Value
number i of every implementation of a measure is from round i, so that a ratio of two
implementations is the median of their ratios in each round: what slows a whole round is in both.
"""

import json
import math
import re
import statistics

# metric: what a reader sees; the unit
METRICS = {
    "ns": ("time", "ns"),
    "cpu_ns": ("CPU time", "ns"),
    "spawn_ns": ("CPU time of a spawn", "ns"),
    "cancel_ns": ("CPU time of a cancel and join", "ns"),
    "max_us": ("longest", "µs"),
    "seconds": ("time", "s"),
    "p50_us": ("latency, median", "µs"),
    "p90_us": ("latency, 90 %", "µs"),
    "p99_us": ("latency, 99 %", "µs"),
    "p999_us": ("latency, 99.9 %", "µs"),
    "requests_per_s": ("requests per second", "1/s"),
    "instructions": ("instructions", ""),
    "allocations": ("heap allocations", ""),
    "syscalls": ("system calls", ""),
    "bytes": ("memory", "B"),
    "lines": ("preprocessed lines", ""),
}
SELECTORS = ("epoll", "io_uring", "kqueue")
# Ends the name of a floor that is measured a second time in the same rounds: how far its ratio to
# the first is from 1 is what the machine adds by itself.
AGAIN = "/again"
HIGHER_IS_BETTER = {"requests_per_s"}
# These do not depend on what else the machine does, or hardly.
COUNTED = {"allocations", "syscalls", "instructions", "bytes", "lines"}


class Malformed(Exception):
    """A file that is not what a run writes; says where and what is wrong."""


class Results:
    """Facts about the run, the rows of what passed its checks, and which checks failed."""

    def __init__(self, facts=None):
        self.facts = facts or {}
        self.rows = {}  # {(measure, implementation, metric): [value of each round]}
        self.failures = []  # [(measure, what was wrong)]

    def add(self, measure, implementation, metric, *values):
        self.rows.setdefault((measure, implementation, metric), []).extend(values)

    def fail(self, measure, what):
        """No figure of `measure`, nor of what is below it, is kept: `echo` stands for all echo."""
        self.failures.append((measure, what))

    def drop_failed(self):
        failed = {measure for measure, _ in self.failures}
        self.rows = {key: values for key, values in self.rows.items()
                     if not any(is_below(key[0], measure) for measure in failed)}

    def values(self, measure, implementation, metric):
        return self.rows.get((measure, implementation, metric), [])

    def median(self, measure, implementation, metric):
        """None where there is no such row."""
        values = self.values(measure, implementation, metric)
        return statistics.median(values) if values else None

    def measures(self):
        return list(dict.fromkeys(key[0] for key in self.rows))

    def implementations(self, measure, metric=None):
        return list(dict.fromkeys(key[1] for key in self.rows
                                  if key[0] == measure and metric in (None, key[2])))

    def metrics(self, measure):
        """In the order of METRICS."""
        there = {key[2] for key in self.rows if key[0] == measure}
        return [metric for metric in METRICS if metric in there]

    def floor_of(self, measure, implementation, metric):
        """The floor to compare with: that of the implementation's selector, or the only one. What
        has no selector in its name is compared with epoll's."""
        there = self.implementations(measure, metric)
        selector = selector_of(implementation) or "epoll"
        for name in (f"floor-{selector}", "floor"):
            if name in there and name != implementation:
                return name
        return None

    def best_rival(self, measure, metric):
        """The best implementation that is neither ours nor a floor; None where there is none."""
        rivals = [i for i in self.implementations(measure, metric) if is_rival(i)]
        best = max if metric in HIGHER_IS_BETTER else min
        return best(rivals, key=lambda i: self.median(measure, i, metric), default=None)

    def ratios(self, measure, implementation, other, metric):
        """One a round where both have values of the same rounds; else that of their medians."""
        mine = self.values(measure, implementation, metric)
        base = self.values(measure, other, metric)
        if not mine or not base:
            return []
        if len(mine) != len(base):
            mine, base = [statistics.median(mine)], [statistics.median(base)]
        return [m / b for m, b in zip(mine, base) if b] if all(base) else []


def is_below(measure, whole):
    return measure == whole or measure.startswith(whole + "/")


def is_ours(implementation):
    return re.match(r"eddy(?![^-/])", implementation) is not None


def is_floor(implementation):
    return re.match(r"floor(?![^-/])", implementation) is not None


def is_again(implementation):
    return is_floor(implementation) and implementation.endswith(AGAIN)


def is_rival(implementation):
    return not is_ours(implementation) and not is_floor(implementation)


def selector_of(implementation):
    """`io_uring` of `eddy-io_uring` and `eddy-io_uring/read_some`; empty where there is none."""
    name = implementation.partition("/")[0]
    return next((s for s in SELECTORS if name.endswith("-" + s)), "")


def quartiles(values):
    """(first quartile, median, third)"""
    if len(values) == 1:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def checked_row(row, where):
    """(key, values) of one row of a file."""
    if not isinstance(row, dict):
        raise Malformed(f"{where}: not an object but {row!r:.40}")
    for field in ("measure", "implementation", "metric"):
        if not isinstance(row.get(field), str) or not row[field]:
            raise Malformed(f"{where}: `{field}` is {row.get(field)!r}, not a name")
    if row["metric"] not in METRICS:
        raise Malformed(f"{where}: the metric {row['metric']!r} is none of {', '.join(METRICS)}")
    values = row.get("values")
    if not isinstance(values, list) or not values:
        raise Malformed(f"{where}: `values` is not a list of at least one number")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) \
                or not math.isfinite(value) or value < 0:
            raise Malformed(f"{where}: the value {value!r} is not a number of at least 0")
    return (row["measure"], row["implementation"], row["metric"]), values


def from_document(document, name):
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        raise Malformed(f"{name}: no list `rows` in it")
    facts = document.get("facts", {})
    if not isinstance(facts, dict):
        raise Malformed(f"{name}: `facts` is not an object")
    results = Results(facts)
    for number, row in enumerate(document["rows"]):
        key, values = checked_row(row, f"{name}: row {number}")
        if key in results.rows:
            raise Malformed(f"{name}: row {number}: {' '.join(key)} is there twice")
        results.rows[key] = values
    for failure in document.get("failures", []):
        results.fail(failure["measure"], failure["what"])
    return results


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return from_document(json.load(file), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{path}: {error}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"{path}: not JSON: {error}") from None


def save(results, path):
    document = {
        "facts": results.facts,
        "rows": [{"measure": measure, "implementation": implementation, "metric": metric,
                  "values": values}
                 for (measure, implementation, metric), values in results.rows.items()],
        "failures": [{"measure": measure, "what": what} for measure, what in results.failures],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
