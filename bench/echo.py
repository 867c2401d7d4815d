"""The echo macro-benchmark: CPU time, system calls and memory of echo servers, side by side.

  python3 bench/echo.py --server epoll/floor=build/bench/echo/raw_epoll \\
      --server epoll/eddy=build/examples/echo_server --connections 50,1000 --rounds 5

A server's name is SELECTOR/WHAT; SELECTOR/floor is what the others of the selector are compared
with, SELECTOR/floor/again the same program a second time, and SELECTOR/eddy and SELECTOR/eddy/...
are judged by the budgets. See bench/README.md.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench" / "echo"))
import limits  # noqa: E402
import measure  # noqa: E402
import rows  # noqa: E402
import shapes  # noqa: E402

CPU_BUDGET = 1.05  # times the floor of the selector
DEEP_CPU_BUDGET = 1.08  # the same with several requests in flight
CALLS_BUDGET = {"epoll": 2.1, "io_uring": 0.1}  # per request
MEMORY_BUDGET = 512  # bytes per idle connection
# Below so many connections a turn has too few requests for the budgets of CPU and system calls.
BUDGETS_FROM = 50
# What they are set for, and where: 64-byte requests.
BUDGET_BYTES = 64
BUFFER_BYTES = 4096  # the least that {buffer} stands for
CALLS_CONNECTIONS = 1000  # the most that are traced: strace makes a connection cost milliseconds


def floor_of(name, servers):
    floor = rows.selector_of(name) + "/floor"
    return floor if floor in servers else None


def quartiles(values):
    """(first quartile, median, third)"""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def progress(text):
    print(text, file=sys.stderr, flush=True)


def command_of(options, name, size):
    """A server with a buffer for each connection gets one that holds a request."""
    return options.server[name].replace("{buffer}", str(max(BUFFER_BYTES, size)))


def able(options, connections):
    """The servers that can hold so many connections."""
    return [n for n in options.server if connections <= options.most.get(n, connections)]


def in_turn(names, number):
    return names if number % 2 == 0 else names[::-1]


def timed_rounds(options, shape):
    """{name: [one result a round]}; the servers alternate, and so does which of them is first."""
    names = able(options, shape[0])
    results = {name: [] for name in names}
    for number in range(options.rounds):
        for name in in_turn(names, number):
            with measure.Server(command_of(options, name, shape[1])) as server:
                result = server.load(options.load, options.seconds, options.warmup,
                                     *measure.load_arguments(shape))
            if not result["requests"]:
                raise measure.Failure(f"{name}: no request was answered in the measured interval")
            results[name].append(result)
            progress(f"  {rows.measure_name(shape)}, round {number + 1} of {options.rounds}: "
                     f"{name} {result['cpu_ns'] / result['requests']:.0f} ns of CPU per request")
    return results


def summary(name, results):
    """The line of one server, from the results of all of one shape."""
    own = results[name]
    cpu = [r["cpu_ns"] / r["requests"] for r in own]
    line = {"name": name, "cpu_ns": quartiles(cpu)}
    for key in ("p50_us", "p99_us", "p999_us"):
        line[key] = statistics.median(r[key] for r in own)
    line["requests_per_s"] = statistics.median(r["requests"] / r["seconds"] for r in own)
    line["core_used"] = statistics.median(r["cpu_ns"] / 1e9 / r["seconds"] for r in own)
    floor = floor_of(name, results)
    if floor:
        line["ratio"] = quartiles([mine / (f["cpu_ns"] / f["requests"])
                                   for mine, f in zip(cpu, results[floor])])
    return line


def print_timed(shape, lines, options):
    connections, size, depth = shape
    print(f"\n{connections} connections, {depth} in flight on each, {size} bytes; "
          f"{options.rounds} rounds of {options.seconds:g} s")
    print(f"{'server':20} {'CPU ns/request':>14} {'(quartiles)':>15} {'x floor':>8} "
          f"{'(quartiles)':>13} {'requests/s':>10} {'core':>5} {'p50 us':>8} {'p99 us':>8} "
          f"{'p99.9 us':>8}")
    for r in lines:
        low, middle, high = r["cpu_ns"]
        ratio, ratios = "", ""
        if "ratio" in r:
            ratio = f"{r['ratio'][1]:.3f}"
            ratios = f"({r['ratio'][0]:.2f}-{r['ratio'][2]:.2f})"
        print(f"{r['name']:20} {middle:14.0f} {f'({low:.0f}-{high:.0f})':>15} {ratio:>8} "
              f"{ratios:>13} {r['requests_per_s']:10.0f} {r['core_used']:5.2f} "
              f"{r['p50_us']:8.0f} {r['p99_us']:8.0f} {r['p999_us']:8.0f}")


def measure_calls(options, shape):
    """{name: system calls per request}"""
    found = {}
    print(f"\nsystem calls per request, {rows.measure_name(shape)} (strace -f -c)")
    for name in able(options, shape[0]):
        command = command_of(options, name, shape[1])
        calls = measure.system_calls(command, options.load, shape)
        found[name] = sum(calls.values())
        often = sorted(((n, c) for n, c in calls.items() if c > 0.0005), key=lambda x: -x[1])
        print(f"{name:20} {found[name]:7.3f}   " + ", ".join(f"{n} {c:.3f}" for n, c in often))
    return found


def measure_idle(options):
    """(connections, {name: [(bytes, ns of CPU a second) of a round]})"""
    connections = options.idle
    most, why = limits.most_connections()
    if connections > most:
        print(f"\n{connections} idle connections are too many for this machine, {most} are not: "
              f"{why}")
        connections = most
    names = able(options, connections)
    found = {name: [] for name in names}
    for number in range(options.idle_rounds):
        for name in in_turn(names, number):
            found[name].append(measure.idle(command_of(options, name, 0), options.load,
                                            connections, options.idle_seconds))
    print(f"\n{connections} idle connections: user memory of each, and CPU of the server in a "
          "second")
    for name, own in found.items():
        print(f"{name:20} {statistics.median(b for b, _ in own):7.0f} bytes "
              f"{statistics.median(c for _, c in own) / 1e3:7.1f} us")
    return connections, found


def checks(report):
    """(what, value, budget) of each measure of a server of ours."""
    for shape, lines in report["timed"].items():
        for r in lines:
            judged = shape[0] >= BUDGETS_FROM and shape[1] == BUDGET_BYTES and "ratio" in r
            if rows.is_ours(r["name"]) and judged:
                yield (f"{r['name']}: CPU per request, {rows.measure_name(shape)}, x floor",
                       r["ratio"][1], CPU_BUDGET if shape[2] == 1 else DEEP_CPU_BUDGET)
    for shape, calls in report["calls"].items():
        for name, each in calls.items():
            if rows.is_ours(name) and shape[0] >= BUDGETS_FROM and shape[1] == BUDGET_BYTES:
                yield (f"{name}: system calls per request, {rows.measure_name(shape)}", each,
                       CALLS_BUDGET[rows.selector_of(name)])
    for connections, idle in report["idle"].items():
        for name, own in idle.items():
            # What keeps a buffer for each connection has asked for it.
            if rows.is_ours(name) and not name.endswith("/read_some"):
                yield (f"{name}: bytes per idle connection, of {connections}",
                       statistics.median(b for b, _ in own), MEMORY_BUDGET)


def check(report):
    """Prints each budget with its value; the exit code."""
    found = list(checks(report))
    print("\nbudgets" if found else "\nno server here has a budget: nothing was checked")
    for what, value, budget in found:
        verdict = "ok    " if value <= budget else "MISSED"
        print(f"  {verdict} {what}: {value:.3f}, at most {budget}")
    return 0 if found and all(value <= budget for _, value, budget in found) else 1


def named(text, what):
    name, equals, value = text.partition("=")
    if not equals or "/" not in name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not SELECTOR/WHAT={what}")
    return name, value


def named_command(text):
    name, command = named(text, "COMMAND")
    if rows.is_ours(name) and rows.selector_of(name) not in CALLS_BUDGET:
        raise argparse.ArgumentTypeError(f"{text!r}: the selectors are {', '.join(CALLS_BUDGET)}")
    return name, command


def named_number(text):
    name, number = named(text, "NUMBER")
    return name, int(number)


def numbers(text):
    found = [int(n) for n in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: at least 1")
    return found


def parser():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = arguments.add_argument
    add("--server", action="append", type=named_command, required=True, metavar="NAME=COMMAND",
        help="run as COMMAND --host 127.0.0.1 0; repeat for each. {buffer} in it becomes the size "
        "of a request, at least 4096")
    add("--most", action="append", type=named_number, default=[], metavar="NAME=N",
        help="this server is left out where there are more connections than N")
    add("--load", type=pathlib.Path, default=ROOT / "build" / "bench" / "echo" / "load",
        help="the load generator's program (%(default)s)")
    add("--connections", type=numbers, default=[50, 1000], metavar="N,N")
    add("--bytes", type=numbers, default=[64], metavar="N,N", help="of a request")
    add("--inflight", type=numbers, default=[1], metavar="N,N", help="requests of a connection")
    add("--matrix", choices=shapes.MATRICES, default="star",
        help="star: other --bytes and --inflight than the first only one at a time and at 50 and "
        "1000 connections; cross: all of each with all (%(default)s)")
    add("--seconds", type=float, default=1.0, help="measured in a round (%(default)s)")
    add("--warmup", type=float, default=0.2, help="before each (%(default)s)")
    add("--rounds", type=int, default=5, help="of all servers in turn (%(default)s); 0: none")
    add("--syscalls", action="store_true", help="count system calls too, with strace, up to "
        f"{CALLS_CONNECTIONS} connections")
    add("--idle", type=int, metavar="N", help="measure N idle connections too")
    add("--idle-rounds", type=int, default=1, help="of that (%(default)s)")
    add("--idle-seconds", type=float, default=2.0, help="of silence (%(default)s)")
    add("--check", action="store_true", help="exit with 1 if a budget is missed")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the rows there")
    return arguments


def parse():
    arguments = parser()
    options = arguments.parse_args()
    names = [name for name, _ in options.server]
    if len(set(names)) < len(names):
        arguments.error("two servers have one name")
    options.server = dict(options.server)
    options.most = dict(options.most)
    for name in options.most.keys() - options.server.keys():
        arguments.error(f"--most: there is no server {name}")
    alone = [n for n in names if rows.is_ours(n) and not floor_of(n, names)]
    if options.check and alone:
        arguments.error(f"--check: {', '.join(alone)}: no floor of that selector is given")
    options.shapes = shapes.MATRICES[options.matrix](options.connections, options.bytes,
                                                     options.inflight)
    if not os.access(options.load, os.X_OK):
        arguments.error(f"no program {options.load}: build with -Dbenchmarks=enabled, or --load")
    if options.syscalls and not shutil.which("strace"):
        arguments.error("--syscalls needs strace")
    return options


def run(options):
    report = {"timed": {}, "calls": {}, "idle": {}}
    found = []
    print(f"Linux {platform.release()}, {os.cpu_count()} cores, load average before: "
          f"{os.getloadavg()[0]:.2f}")
    for shape in options.shapes if options.rounds else []:
        results = timed_rounds(options, shape)
        found += rows.of_rounds(shape, results)
        report["timed"][shape] = [summary(name, results) for name in results]
        print_timed(shape, report["timed"][shape], options)
    for shape in options.shapes if options.syscalls else []:
        if shape[0] <= CALLS_CONNECTIONS:
            report["calls"][shape] = measure_calls(options, shape)
            found += rows.of_calls(shape, report["calls"][shape])
    if options.idle:
        connections, idle = measure_idle(options)
        report["idle"][connections] = idle
        found += rows.of_idle(connections, idle)
    if options.json:
        options.json.write_text(json.dumps({"rows": found}, indent=1) + "\n")
    return check(report) if options.check else 0


def main():
    options = parse()
    limits.raise_descriptor_limit()
    try:
        return run(options)
    except (measure.Failure, OSError) as failure:
        progress(f"echo.py: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
