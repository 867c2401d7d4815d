"""The table that the README shows: some measures of many, with others of the same run."""

import typing

import report.rows as rows_of
from report.numbers import figure, plain

BEGIN = "<!-- figures: sh bench/run.sh --publish -->\n"
END = "<!-- end of figures -->\n"


class Line(typing.NamedTuple):
    what: str
    measure: str
    implementation: str
    metric: str
    others: tuple = ()


LINES = (
    Line("spawn and join a task", "spawn_join", "eddy", "ns", ("threads", "asio")),
    Line("ten nested awaits", "chain10", "eddy", "ns", ("asio",)),
    Line("yield", "yield", "eddy", "ns", ("threads", "asio")),
    Line("semaphore, 100 tasks on 10 permits", "semaphore_contended", "eddy", "ns",
         ("threads", "asio")),
    Line("queue of 1,024, an item", "queue_cap1024", "eddy", "ns", ("threads", "asio")),
    Line("timer armed and cancelled, 1,000 live", "timer_arm_cancel/1000", "eddy", "ns",
         ("libuv", "asio")),
    Line("timer armed and cancelled, 1,000,000 live", "timer_arm_cancel/1000000", "eddy", "ns",
         ("libuv", "asio")),
    Line("memory of a sleeping task, 1,000,000 asleep", "sleepers/1000000", "eddy-epoll", "bytes",
         ("asio", "libuv")),
    Line("echo server, 50 connections, CPU per request", "echo/50/64B/1", "eddy-epoll", "cpu_ns",
         ("threads", "asio", "libuv")),
    Line("the same on io_uring", "echo/50/64B/1", "eddy-io_uring", "cpu_ns"),
    Line("echo server, 1,000 connections", "echo/1000/64B/1", "eddy-epoll", "cpu_ns",
         ("threads", "asio", "libuv")),
    Line("the same on io_uring", "echo/1000/64B/1", "eddy-io_uring", "cpu_ns"),
    Line("HTTP client, CPU per GET from nginx", "http_get/50", "eddy-epoll", "cpu_ns",
         ("threads-50", "libcurl", "wrk")),
    Line("the same on io_uring", "http_get/50", "eddy-io_uring", "cpu_ns"),
)


def cells(results, line):
    """None if it was not measured."""
    own = results.median(line.measure, line.implementation, line.metric)
    if own is None:
        return None
    floor = results.floor_of(line.measure, line.implementation, line.metric)
    ratios = results.ratios(line.measure, line.implementation, floor, line.metric) if floor else []
    others = []
    for name in line.others:
        value = results.median(line.measure, name, line.metric)
        if value is not None:
            others.append(f"{name} {figure(value, line.metric)}")
    return [line.what, figure(own, line.metric),
            plain(rows_of.quartiles(ratios)[1]) if ratios else "–", ", ".join(others) or "–"]


def table(results):
    """Nothing where none of it was measured."""
    lines = list(filter(None, (cells(results, line) for line in LINES)))
    if not lines:
        return ""
    head = "| measure | Eddy | × floor | others in the same run |\n|---|---|---|---|\n"
    return head + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def rounds(facts):
    """`7 rounds`, and how many echo and HTTP had, where those were more."""
    number = facts.get("rounds", "unknown")
    short = facts.get("short_rounds", number)
    return f"{number} rounds" + (f" ({short} shorter ones of echo and HTTP)"
                                 if short != number else "")


def section(results, verdicts):
    """What stands between the README's marks."""
    facts = results.facts
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    met = sum(v.met is True for v in verdicts)
    return (f"{rounds(facts)} on {facts['machine']}, {facts['cores']} cores, "
            f"{facts['kernel']}; {facts['compiler']}; {versions}.\n"
            f"Of {len(verdicts)} rows of budgets {met} were met.\n\n" + table(results))


def replaced(readme, text):
    """The README with `text` between its marks. ValueError where they are not there once each."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README needs one line {BEGIN.strip()} and one line {END.strip()}")
    before, rest = readme.split(BEGIN)
    return before + BEGIN + text + END + rest.split(END)[1]
