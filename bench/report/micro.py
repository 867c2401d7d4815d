"""Runs the micro-benchmarks: each row a process of its own, its rivals in turn, round by round."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from report.building import Failure, progress
from report.rows import METRICS, is_ours

PROGRAM = "bench/micro/micro"
COUNTING = "bench/micro/libcounting.so"
COUNT = pathlib.Path(__file__).resolve().parent.parent / "micro" / "count.py"
RUN_LIMIT_S = 300
# All layouts of a program are linked at about the same time.
ONE_BUILD_S = 60
COUNT_LIMIT_S = 1800
# What is counted under strace and callgrind, which make it a hundred times slower: of those with
# very many only the timers, whose instructions must not grow with their number.
COUNTABLE = ("-/100000", "^timer_(arm_cancel|heap)/.*/1000000")
# Google Benchmark's additions to a name.
ADDED = re.compile(r"/(real_time|process_time|manual_time|[a-z_]+:[^/]*)(?=/|$)")
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# Counters that a benchmark may set, each per item; those of the second kind in a counting pass.
TAKEN = ("cpu_ns", "spawn_ns", "cancel_ns", "max_us", "bytes")
COUNTERS = ("allocations", "syscalls", "instructions")
# In these the loop sleeps or is woken: they run on every selector. The others never get there.
OF_SELECTORS = re.compile(r"(cross_thread_post\w*|offload|channel\w*|sleepers|timer_turn)(/|$)")
OF_COUNTED_SELECTORS = r"(cross_thread_post\w*|offload|channel\w*)"


class Wrong(Exception):
    """A benchmark that failed its check or did not end."""


def parted(name):
    """(measure, implementation) of `queue/eddy/1024/real_time`: queue/1024 and eddy."""
    measure, implementation, *arguments = ADDED.sub("", name).split("/")
    return "/".join([measure, *arguments]), implementation


def names_of(program):
    """Of all benchmarks in it: {measure: [name]}, in their order."""
    listed = subprocess.run([program, "--benchmark_list_tests=true"], text=True,
                            stdout=subprocess.PIPE, timeout=RUN_LIMIT_S, check=True).stdout
    groups = {}
    for name in filter(None, map(str.strip, listed.splitlines())):
        groups.setdefault(parted(name)[0], []).append(name)
    return groups


def one_run(program, name, seconds, environment=None):
    """What Google Benchmark writes about it."""
    literal = re.sub(r"([.+*?()\[\]{}^$|\\])", r"\\\1", name)
    try:
        done = subprocess.run([program, f"--benchmark_filter=^{literal}$",
                               f"--benchmark_min_time={seconds}", "--benchmark_format=json"],
                              env=dict(os.environ, **(environment or {})), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=RUN_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Wrong(f"{name}: no end after {RUN_LIMIT_S} s") from None
    if done.returncode:
        raise Wrong(f"{name}: exit code {done.returncode}: {done.stderr[-500:].strip()}")
    try:
        runs = json.loads(done.stdout)["benchmarks"]
    except (json.JSONDecodeError, KeyError):
        raise Wrong(f"{name}: wrote no JSON of Google Benchmark's") from None
    if len(runs) != 1:
        raise Wrong(f"{name}: {len(runs)} results, not one")
    if runs[0].get("error_occurred") or runs[0].get("skipped"):
        raise Wrong(f"{name}: {runs[0].get('error_message', 'skipped')}")
    return runs[0]


def time_of(run):
    """Nanoseconds of one item: of CPU, or of real time where that is what the benchmark chose."""
    if run.get("items_per_second"):
        return 1e9 / run["items_per_second"]
    kind = "real_time" if "/real_time" in run["run_name"] else "cpu_time"
    return run[kind] * NANOSECONDS[run["time_unit"]]


def label(measure, implementation, selector):
    """eddy-epoll where the selector matters; eddy where it does not; rivals have their names."""
    if OF_SELECTORS.match(measure) and is_ours(implementation):
        return f"{implementation}-{selector}"
    return implementation


def take(results, name, selector, run):
    measure, implementation = parted(name)
    implementation = label(measure, implementation, selector)
    results.add(measure, implementation, "ns", time_of(run))
    for counter in TAKEN:
        if counter in run:
            assert counter in METRICS
            results.add(measure, implementation, counter, run[counter])


def layouts(program):
    """The program, and those that are the same with its code in other places."""
    moved = {int(p.name.rpartition("-")[2]): p for p in program.parent.glob(f"{program.name}-*")
             if p.is_file() and p.name.rpartition("-")[2].isdigit()}
    built = program.stat().st_mtime
    for other in moved.values():
        if other.stat().st_mtime < built - ONE_BUILD_S:
            raise Failure(f"{other} is older than {program.name}: build all of it (ninja)")
    return [program, *(moved[bytes_before] for bytes_before in sorted(moved))]


def members(builds, wanted=None):
    """{measure: [(selector, program, name)]} of what is run, rivals side by side."""
    found = {}
    for number, (selector, folder) in enumerate(builds.items()):
        for measure, names in names_of(folder / PROGRAM).items():
            if wanted and not re.search(wanted, measure):
                continue
            for name in names:
                again = number > 0
                if again and not (OF_SELECTORS.match(measure) and is_ours(parted(name)[1])):
                    continue
                found.setdefault(measure, []).append((selector, folder / PROGRAM, name))
    return found


def measure(results, builds, rounds, seconds, wanted=None):
    """Rounds outermost, so that an hour's drift is in all rows; a measure's rivals next to each
    other, so that a minute's is in all of them; every other round from the other end; each round
    with the program's code in another place, so that no row is what one place gives it."""
    groups = members(builds, wanted)
    places = {folder / PROGRAM: layouts(folder / PROGRAM) for folder in builds.values()}
    for number in range(rounds):
        progress(f"micro: round {number + 1} of {rounds}")
        for name, entries in groups.items():
            if any(failed == name for failed, _ in results.failures):
                continue
            try:
                for selector, program, entry in entries if number % 2 == 0 else entries[::-1]:
                    placed = places[program][number % len(places[program])]
                    take(results, entry, selector, one_run(placed, entry, seconds))
            except Wrong as wrong:
                progress(f"FAILED {wrong}")
                results.fail(name, str(wrong))
    count(results, groups, builds)


def count(results, groups, builds):
    """One pass with an allocator that counts: what it costs is in no figure of time."""
    for name, entries in groups.items():
        for selector, program, entry in entries:
            library = builds[selector] / COUNTING
            if not library.is_file() or any(failed == name for failed, _ in results.failures):
                continue
            try:
                run = one_run(program, entry, 0.001, {"LD_PRELOAD": str(library)})
            except Wrong as wrong:
                results.fail(name, f"counting: {wrong}")
                break
            implementation = label(name, parted(entry)[1], selector)
            for counter in COUNTERS:
                if counter in run:
                    results.add(name, implementation, counter, run[counter])


def counts(program, wanted):
    """System calls and instructions of what the filter `wanted` takes. A count that fails is no
    figure and no failure: the tool may be forbidden here."""
    with tempfile.TemporaryDirectory() as work:
        file = pathlib.Path(work) / "rows.json"
        command = [sys.executable, COUNT, program, f"--filter={wanted}", "--only",
                   "syscalls,instructions", "--json", file]
        try:
            subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL,
                           timeout=COUNT_LIMIT_S, check=True)
            return json.loads(file.read_text(encoding="utf-8"))["rows"]
        except (subprocess.SubprocessError, OSError, json.JSONDecodeError) as wrong:
            progress(f"not counted: {wrong}")
            return []


def count_by_tools(results, builds):
    """Under strace and callgrind where those are installed. What does not depend on the selector
    is counted with the first."""
    for number, (selector, folder) in enumerate(builds.items()):
        progress(f"micro: counting, {selector}")
        for wanted in COUNTABLE if number == 0 else (f"^{OF_COUNTED_SELECTORS}/eddy",):
            for row in counts(folder / PROGRAM, wanted):
                if results.implementations(row["measure"]):
                    implementation = label(row["measure"], row["implementation"], selector)
                    for value in row["values"]:
                        results.add(row["measure"], implementation, row["metric"], value)
