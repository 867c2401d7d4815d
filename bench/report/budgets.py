"""The budgets of the design, each in one row, and how the cost of things may grow."""

import re
import typing

import report.rows as rows_of

# `--check` allows a ratio or a time this much more than its budget: what a machine that does other
# things adds. On one that is quiet and one's own, 1.0 is right. Counts are never given any.
TOLERANCE = 1.0


# Eddy as the README has it; and its echo server with a buffer of each connection's own.
EDDY = r"eddy(-\w+)?"
EDDY_READ_SOME = EDDY + "/read_some"


class Budget(typing.NamedTuple):
    """`measure` of each implementation that `subject` matches is at most `limit`: of the metric's
    unit, or, where `against` names one, times that implementation in the same run. `floor` stands
    for the floor of the same selector, `/most` for the largest number measured."""
    what: str
    measure: str
    metric: str
    limit: float
    against: str = ""
    subject: str = EDDY


BUDGETS = (
    Budget("spawn + join a trivial task", "spawn_join", "ns", 3.0, "floor"),
    Budget("yield: back through the ready queue", "yield", "ns", 2.0, "floor"),
    Budget("ten nested awaits", "chain10", "ns", 1.3, "floor"),
    Budget("semaphore, uncontended", "semaphore_uncontended", "ns", 3.0, "floor"),
    Budget("semaphore, 100 tasks on 10 permits", "semaphore_contended", "ns", 1.5, "floor"),
    Budget("queue, an item through, capacity 1", "queue_cap1", "ns", 2.0, "floor"),
    Budget("queue, an item through, capacity 1,024", "queue_cap1024", "ns", 2.0, "floor"),
    Budget("timer, arm and cancel, 1,000 live", "timer_arm_cancel/1000", "ns", 0.8, "libuv"),
    Budget("timer, arm and cancel, 1,000,000 live", "timer_arm_cancel/1000000", "ns", 0.8,
           "libuv"),
    Budget("the longest turn with 1,000,000 timers live", "timer_turn/1000000", "max_us", 1000),
    Budget("cancel and join a sleeping task", "cancel_join", "ns", 3000),
    Budget("the same through ten tasks", "cancel_join10", "ns", 16000),
    Budget("memory of a sleeping task, 100,000", "sleepers/100000", "bytes", 256),
    Budget("memory of a sleeping task, 1,000,000", "sleepers/1000000", "bytes", 256),
    Budget("echo, CPU per request, 50 connections", "echo/50/64B/1", "cpu_ns", 1.05, "floor"),
    Budget("echo, CPU per request, 1,000 connections", "echo/1000/64B/1", "cpu_ns", 1.05,
           "floor"),
    Budget("the same by read_some, 50 connections", "echo/50/64B/1", "cpu_ns", 1.05, "floor",
           EDDY_READ_SOME),
    Budget("the same by read_some, 1,000 connections", "echo/1000/64B/1", "cpu_ns", 1.05, "floor",
           EDDY_READ_SOME),
    Budget("echo, 50 connections, 16 in flight", "echo/50/64B/16", "cpu_ns", 1.08, "floor"),
    Budget("echo, 1,000 connections, 16 in flight", "echo/1000/64B/16", "cpu_ns", 1.08, "floor"),
    Budget("system calls per echo request", "echo/50/64B/1", "syscalls", 2.1,
           subject="eddy-epoll"),
    Budget("system calls per echo request", "echo/50/64B/1", "syscalls", 0.1,
           subject="eddy-io_uring"),
    Budget("user memory per idle connection, as many as the machine holds", "idle/most", "bytes",
           512),
    Budget("HTTP, CPU per keep-alive GET from nginx", "http_get/50", "cpu_ns", 1.46, "floor"),
    Budget("the same from a server that is never waited for", "http_get_own/50", "cpu_ns", 1.46,
           "floor"),
    Budget("preprocessed lines of task.hpp", "lines/eddy/runtime/task.hpp", "lines", 7000),
    Budget("preprocessed lines of timer.hpp", "lines/eddy/runtime/timer.hpp", "lines", 34000),
    Budget("preprocessed lines of session.hpp", "lines/eddy/net/http/session.hpp", "lines",
           40000),
    Budget("preprocessed lines of a public header, median", "lines/median", "lines", 16000),
    Budget("public headers above their own budget", "lines/over", "lines", 0),
    Budget("compile the echo server", "compile/echo_server", "seconds", 0.25, "asio"),
    Budget("heap allocations per echo round trip", "echo/50/64B/1", "allocations", 0),
    Budget("heap allocations per keep-alive GET", "exchange", "allocations", 4),
)


class Growth(typing.NamedTuple):
    """From the smallest to the largest `measure/N[/more]` the figure grows at most `limit` times.
    With `beside_floor` it is the ratio to the floor that may not grow more; with `against` at most
    `limit` times as much as the figure of that implementation grows in the same run."""
    what: str
    measure: str  # with N in the place of the number
    metric: str
    limit: float
    beside_floor: bool = False
    against: str = ""


# Flat means: no more than caches that no longer hold everything add, whatever the number. What a
# million timers lie in is beyond every cache, and time says how far: so it is judged beside who has
# the same work, and the work itself by its instructions, which no cache changes.
GROWTHS = (
    Growth("timers, arm and cancel, instructions", "timer_arm_cancel/N", "instructions", 1.15),
    Growth("timers, arm and cancel, time", "timer_arm_cancel/N", "ns", 1.0, against="libuv"),
    Growth("ready queue, a yield", "yield/N", "ns", 2.5, True),
    Growth("echo, CPU per request", "echo/N/64B/1", "cpu_ns", 1.15, True),
    Growth("memory of each sleeping task", "sleepers/N", "bytes", 1.1),
    Growth("memory of each idle connection", "idle/N", "bytes", 1.1),
    Growth("HTTP pool, a request with N hosts known", "http_pool/N", "cpu_ns", 1.15, True),
)


class Verdict(typing.NamedTuple):
    """What became of a budget or of a growth."""
    what: str
    measure: str
    implementation: str
    metric: str
    figure: float | None  # median
    value: float | None  # what is judged
    limit: float | None
    against: str
    met: bool | None  # None: not measured
    why: str = ""  # it was not


def judged(budget, results, implementation):
    figure = results.median(budget.measure, implementation, budget.metric)
    against, value = budget.against, figure
    if against:
        other = against
        if against == "floor":
            other = results.floor_of(budget.measure, implementation, budget.metric) or "floor"
        ratios = results.ratios(budget.measure, implementation, other, budget.metric)
        if not ratios:
            return Verdict(budget.what, budget.measure, implementation, budget.metric, figure, None,
                           budget.limit, other, None, f"no {other} in this run")
        value, against = rows_of.quartiles(ratios)[1], other
    return Verdict(budget.what, budget.measure, implementation, budget.metric, figure, value,
                   budget.limit, against, rounded(value, budget.metric) <= budget.limit)


def rounded(value, metric):
    """What is counted is judged as it is shown: what was there once, before the first round, is
    a thousandth of a count in thousands of rounds."""
    return round(value, 2) if metric in rows_of.COUNTED else value


def measure_of(budget, results):
    """`idle/most` is `idle/19936` where a machine could hold no more."""
    stem = budget.measure.removesuffix("most")
    if stem == budget.measure:
        return stem
    numbers = [int(m.removeprefix(stem)) for m in results.measures()
               if re.fullmatch(re.escape(stem) + r"\d+", m)]
    return f"{stem}{max(numbers)}" if numbers else budget.measure


def judge(results, budgets=BUDGETS, selectors=("epoll", "io_uring")):
    """A verdict for each budget and each implementation that it is for."""
    verdicts = []
    failed = {measure for measure, _ in results.failures}
    for budget in budgets:
        budget = budget._replace(measure=measure_of(budget, results))
        there = [i for i in results.implementations(budget.measure, budget.metric)
                 if re.fullmatch(budget.subject, i)]
        verdicts += [judged(budget, results, i) for i in there]
        selector = rows_of.selector_of(budget.subject)
        if not there and (not selector or selector in selectors):
            broken = any(rows_of.is_below(budget.measure, measure) for measure in failed)
            name = {EDDY: "eddy", EDDY_READ_SOME: "eddy/read_some"}.get(budget.subject)
            verdicts.append(Verdict(budget.what, budget.measure, name or budget.subject,
                                    budget.metric, None, None, budget.limit, budget.against, None,
                                    "a check failed" if broken else "not in this run"))
    return verdicts


def series(results, growth, implementation):
    """[(N, figure)] in the order of N."""
    pattern = re.compile(re.escape(growth.measure).replace("N", r"(\d+)", 1) + "$")
    points = []
    for measure in results.measures():
        found = pattern.match(measure)
        figure = results.median(measure, implementation, growth.metric) if found else None
        if figure is None:
            continue
        if growth.beside_floor:
            floor = results.floor_of(measure, implementation, growth.metric)
            ratios = results.ratios(measure, implementation, floor, growth.metric) if floor else []
            if not ratios:
                continue
            figure = rows_of.quartiles(ratios)[1]
        points.append((int(found[1]), figure))
    return sorted(points)


def grown(points):
    """How many times the last is the first."""
    (_, first), (_, last) = points[0], points[-1]
    return last / first if first else 0.0 if not last else float("inf")


def judge_growth(results, growths=GROWTHS):
    verdicts = []
    for growth in growths:
        names = dict.fromkeys(i for _, i, m in results.rows if rows_of.is_ours(i)
                              and m == growth.metric)
        for implementation in names:
            points = series(results, growth, implementation)
            if len(points) < 2:
                continue
            limit, value, met = growth.limit, grown(points), None
            if growth.against:
                beside = series(results, growth, growth.against)
                same = [n for n, _ in beside] == [n for n, _ in points]
                limit = growth.limit * grown(beside) if same else None
            if limit is not None:
                met = value <= limit
            verdicts.append(Verdict(growth.what, growth.measure, implementation, growth.metric,
                                    points[-1][1], value, limit,
                                    f"{points[0][0]:,} to {points[-1][0]:,}", met,
                                    "" if limit else f"no {growth.against} in this run"))
    return verdicts


def missed(verdicts, tolerance=TOLERANCE, whole=True):
    """Those that `--check` fails for: above budget and tolerance, or not measured in a whole run.
    Nobody keeps a budget that nobody measures."""
    return [v for v in verdicts if (v.met is None and whole) or v.met is False and (
        v.metric in rows_of.COUNTED or v.value > v.limit * tolerance)]
