"""REPORT.md: budgets, growth, plots, every figure with its spread, and what it was measured on."""

import report.rows as rows_of
from report import summary
from report.numbers import figure, plain

HEAD = """\
# Benchmarks of Eddy, {date}

{machine}, {cores} cores, {kernel}; {compiler}; commit {commit}; {rounds}{quick}.

{versions}
"""
SPREAD = """\
Each figure is the median of its rounds, with the quartiles in brackets. A ratio is the median of
the ratios of each round, in which implementations take turns; what slows a round slows both.

`the floor again` is the floor's program, measured a second time in each round and divided by the
first: how far this machine tells two runs of the same program apart. It is there for echo and HTTP,
and no verdict looks at it.
"""


def table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(cells) + " |" for cells in lines)]) + "\n"


def verdict_words(verdict):
    if verdict.met is None:
        return f"not measured: {verdict.why}"
    word = "met" if verdict.met else "**MISSED**"
    return f"{word}: {verdict.value:.3f} ×" if verdict.against else word


def limit_words(verdict):
    if verdict.against:
        return f"≤ {verdict.limit:g} × {verdict.against}"
    return f"≤ {figure(verdict.limit, verdict.metric)}"


def times(results, verdict, implementation, other):
    """`2.31 (2.25–2.40)`, or nothing where one of the two is not there."""
    ratios = results.ratios(verdict.measure, implementation, other, verdict.metric)
    if not ratios:
        return ""
    low, middle, high = map(plain, rows_of.quartiles(ratios))
    return middle if low == high else f"{middle} ({low}–{high})"


def floor_again(results, verdict):
    """Nothing where the budget is not beside a floor, or that was measured once."""
    if not rows_of.is_floor(verdict.against):
        return ""
    return times(results, verdict, verdict.against + rows_of.AGAIN, verdict.against)


def budget_line(results, verdict):
    if verdict.figure is None:
        return [verdict.what, verdict.implementation, limit_words(verdict), "", "", "", "",
                verdict_words(verdict)]
    key = verdict.measure, verdict.implementation, verdict.metric
    rival = results.best_rival(verdict.measure, verdict.metric)
    beside = times(results, verdict, verdict.implementation, rival)
    return [verdict.what, verdict.implementation, limit_words(verdict),
            figure(verdict.figure, verdict.metric),
            times(results, verdict, verdict.implementation, results.floor_of(*key)),
            floor_again(results, verdict), f"{beside} {rival}" if beside else "",
            verdict_words(verdict)]


def budgets(results, verdicts):
    counts = [sum(v.met is kind for v in verdicts) for kind in (True, False, None)]
    return ("## Budgets\n\n" + f"{counts[0]} met, {counts[1]} missed, {counts[2]} not measured.\n\n"
            + table(["budget", "implementation", "limit", "figure", "× floor", "the floor again",
                     "× the best rival", "verdict"], [budget_line(results, v) for v in verdicts]))


def growth(verdicts):
    if not verdicts:
        return ""
    lines = [[v.what, v.implementation, v.against,
              "" if v.limit is None else f"≤ {plain(v.limit)} ×", verdict_words(v)]
             for v in verdicts]
    return ("## How cost grows\n\nBy how much the figure of one grows from the smallest number to "
            "the largest. Of echo and yield it is the ratio to the floor that may not grow. The "
            "time of timers, most of which is waiting for memory at a million, may grow as much as "
            "libuv's does in this run; their instructions may not grow.\n\n"
            + table(["cost", "implementation", "number", "limit", "grows"], lines))


def spread(values, metric):
    low, middle, high = (figure(v, metric) for v in rows_of.quartiles(values))
    return middle if low == high else f"{middle} ({low} – {high})"


def measure_table(results, measure):
    metrics = results.metrics(measure)
    lines = []
    for name in results.implementations(measure):
        cells = [name]
        for metric in metrics:
            values = results.values(measure, name, metric)
            floor = results.floor_of(measure, name, metric)
            ratios = results.ratios(measure, name, floor, metric) if values and floor else []
            shown = rows_of.is_again(name) or not rows_of.is_floor(name)
            beside = f", {plain(rows_of.quartiles(ratios)[1])} × floor" if ratios and shown else ""
            cells.append(spread(values, metric) + beside if values else "")
        lines.append(cells)
    heads = [rows_of.METRICS[metric][0] for metric in metrics]
    return f"### {measure}\n\n" + table(["implementation", *heads], lines)


def header_table(results):
    """One table for the lines of all headers: they have one figure each."""
    names = [m for m in results.measures() if m.startswith("lines/")]
    lines = [[name.removeprefix("lines/"), figure(results.median(name, "eddy", "lines"), "lines")]
             for name in names]
    return "### Preprocessed lines\n\n" + table(["header", "lines"], lines) if lines else ""


def failures(results):
    if not results.failures:
        return ""
    lines = [f"- {measure}: {what}" for measure, what in results.failures]
    return ("## Failed checks\n\nNo figure of these is below.\n\n" + "\n".join(lines) + "\n")


def head(results):
    facts = dict.fromkeys(("date", "machine", "cores", "kernel", "compiler", "commit"), "unknown")
    facts.update(results.facts, rounds=summary.rounds(results.facts))
    facts["quick"] = ", quick: figures to look at, not to judge by" if facts.get("quick") else ""
    versions = facts.get("versions") or {}
    facts["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return HEAD.format(**facts) + "\n" + SPREAD


def report(results, budget_verdicts, growth_verdicts, plots):
    """The text of REPORT.md; `plots` are the names of the SVG files beside it."""
    short = summary.table(results)
    parts = [head(results), failures(results), "## In short\n\n" + short if short else "",
             budgets(results, budget_verdicts), growth(growth_verdicts)]
    if plots:
        parts.append("## Plots\n\n" + "\n\n".join(
            f"![{name.removesuffix('.svg').replace('_', ' ')}]({name})" for name in plots) + "\n")
    tables = [measure_table(results, m) for m in results.measures() if not m.startswith("lines/")]
    tables.append(header_table(results))
    parts.append("## All figures\n\n" + "\n".join(filter(None, tables)))
    return "\n".join(part for part in parts if part)
