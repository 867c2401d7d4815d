"""The echo macro-benchmark: CPU time, system calls and memory of echo servers, side by side.

  python3 bench/echo.py --server epoll/floor=build/bench/echo/raw_epoll \\
      --server epoll/eddy=build/examples/echo_server --connections 50,1000 --rounds 5

A server's name is SELECTOR/WHAT; SELECTOR/floor is what the others of the selector are compared
with. See bench/README.md.
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
import measure  # noqa: E402

CPU_BUDGET = {"epoll": 1.10, "io_uring": 1.10}  # times the floor of the selector
CALLS_BUDGET = {"epoll": 2.1, "io_uring": 0.1}  # per request
MEMORY_BUDGET = 1024  # bytes per idle connection
# Below so many connections a turn has too few requests for the budget of system calls.
CALLS_BUDGET_FROM = 50


def selector_of(name):
    return name.split("/")[0]


def is_floor(name):
    return name.endswith("/floor")


def floor_of(name, servers):
    floor = selector_of(name) + "/floor"
    return floor if floor in servers else None


def quartiles(values):
    """(first quartile, median, third)"""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def progress(text):
    print(text, file=sys.stderr, flush=True)


def timed_rounds(options, connections):
    """{name: [one result a round]}; the servers alternate, and so does which of them is first."""
    results = {name: [] for name in options.server}
    for number in range(options.rounds):
        names = list(options.server)
        for name in names if number % 2 == 0 else names[::-1]:
            with measure.Server(options.server[name]) as server:
                result = server.load(options.load, options.seconds, options.warmup,
                                     "--connections", connections, *options.shape)
            if not result["requests"]:
                raise measure.Failure(f"{name}: no request was answered in the measured interval")
            results[name].append(result)
            progress(f"  {connections} connections, round {number + 1} of {options.rounds}: {name} "
                     f"{result['cpu_ns'] / result['requests']:.0f} ns of CPU per request")
    return results


def summary(name, results, servers):
    """The row of one server, from the results of all at one number of connections."""
    own = results[name]
    cpu = [r["cpu_ns"] / r["requests"] for r in own]
    row = {"name": name, "cpu_ns": quartiles(cpu), "cpu_ns_each_round": cpu}
    for key in ("p50_us", "p99_us", "p999_us"):
        row[key] = statistics.median(r[key] for r in own)
    row["requests_per_s"] = statistics.median(r["requests"] / r["seconds"] for r in own)
    row["core_used"] = statistics.median(r["cpu_ns"] / 1e9 / r["seconds"] for r in own)
    floor = floor_of(name, servers)
    if floor:
        ratios = [mine / (f["cpu_ns"] / f["requests"]) for mine, f in zip(cpu, results[floor])]
        row["ratio"] = quartiles(ratios)
        row["ratio_each_round"] = ratios
    return row


def print_timed(connections, rows, options):
    print(f"\n{connections} connections, {options.inflight} in flight on each, {options.bytes} "
          f"bytes; {options.rounds} rounds of {options.seconds:g} s")
    print(f"{'server':18} {'CPU ns/request':>14} {'(quartiles)':>15} {'x floor':>8} "
          f"{'(quartiles)':>13} {'requests/s':>10} {'core':>5} {'p50 us':>8} {'p99 us':>8} "
          f"{'p99.9 us':>8}")
    for r in rows:
        low, middle, high = r["cpu_ns"]
        ratio, ratios = "", ""
        if "ratio" in r:
            ratio = f"{r['ratio'][1]:.3f}"
            ratios = f"({r['ratio'][0]:.2f}-{r['ratio'][2]:.2f})"
        print(f"{r['name']:18} {middle:14.0f} {f'({low:.0f}-{high:.0f})':>15} {ratio:>8} "
              f"{ratios:>13} {r['requests_per_s']:10.0f} {r['core_used']:5.2f} "
              f"{r['p50_us']:8.0f} {r['p99_us']:8.0f} {r['p999_us']:8.0f}")


def measure_calls(options, connections):
    """[{name, calls: {system call: per request}, per_request}]"""
    rows = []
    print(f"\nsystem calls per request at {connections} connections (strace -f -c)")
    for name, command in options.server.items():
        calls = measure.system_calls(command, options.load, connections, options.shape)
        each = sum(calls.values())
        rows.append({"name": name, "calls": calls, "per_request": each})
        often = sorted(((n, c) for n, c in calls.items() if c > 0.0005), key=lambda x: -x[1])
        print(f"{name:18} {each:7.3f}   " + ", ".join(f"{n} {c:.3f}" for n, c in often))
    return rows


def measure_memory(options):
    rows = []
    print(f"\nuser memory per idle connection, of {options.memory}")
    for name, command in options.server.items():
        each = measure.idle_memory(command, options.load, options.memory)
        rows.append({"name": name, "bytes": each})
        print(f"{name:18} {each:7.0f} bytes")
    return rows


def checks(report):
    """(what, value, budget) of each measure of a server that is no floor."""
    for connections, rows in report["timed"].items():
        for r in rows:
            if not is_floor(r["name"]) and "ratio" in r and selector_of(r["name"]) in CPU_BUDGET:
                yield (f"{r['name']}: CPU per request at {connections} connections, x floor",
                       r["ratio"][1], CPU_BUDGET[selector_of(r["name"])])
    for connections, rows in report["calls"].items():
        for r in rows:
            if not is_floor(r["name"]) and selector_of(r["name"]) in CALLS_BUDGET \
                    and int(connections) >= CALLS_BUDGET_FROM:
                yield (f"{r['name']}: system calls per request at {connections} connections",
                       r["per_request"], CALLS_BUDGET[selector_of(r["name"])])
    for r in report["memory"]:
        if not is_floor(r["name"]):
            yield f"{r['name']}: bytes per idle connection", r["bytes"], MEMORY_BUDGET


def check(report):
    """Prints each budget with its value; the exit code."""
    found = list(checks(report))
    print("\nbudgets" if found else "\nno server here has a budget: nothing was checked")
    for what, value, budget in found:
        verdict = "ok    " if value <= budget else "MISSED"
        print(f"  {verdict} {what}: {value:.3f}, at most {budget}")
    return 0 if found and all(value <= budget for _, value, budget in found) else 1


def named_command(text):
    name, equals, command = text.partition("=")
    if not equals or "/" not in name or not command:
        raise argparse.ArgumentTypeError(f"{text!r} is not SELECTOR/WHAT=COMMAND")
    return name, command


def numbers(text):
    found = [int(n) for n in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: at least 1")
    return found


def parse():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = arguments.add_argument
    add("--server", action="append", type=named_command, required=True, metavar="NAME=COMMAND",
        help="run as COMMAND --host 127.0.0.1 0; repeat for each")
    add("--load", type=pathlib.Path, default=ROOT / "build" / "bench" / "echo" / "load",
        help="the load generator's program (%(default)s)")
    add("--connections", type=numbers, default=[50, 1000], metavar="N,N")
    add("--bytes", type=int, default=64, help="of a request (%(default)s)")
    add("--inflight", type=int, default=1, help="requests of a connection (%(default)s)")
    add("--seconds", type=float, default=1.0, help="measured in a round (%(default)s)")
    add("--warmup", type=float, default=0.2, help="before each (%(default)s)")
    add("--rounds", type=int, default=5, help="of all servers in turn (%(default)s); 0: none")
    add("--syscalls", action="store_true", help="count system calls too, with strace")
    add("--memory", type=int, metavar="N", help="measure N idle connections too")
    add("--check", action="store_true", help="exit with 1 if a budget is missed")
    add("--json", type=pathlib.Path, metavar="FILE", help="write everything there")
    options = arguments.parse_args()
    names = [name for name, _ in options.server]
    if len(set(names)) < len(names):
        arguments.error("two servers have one name")
    options.server = dict(options.server)
    alone = [n for n in names if n.split("/")[0] in CPU_BUDGET and not floor_of(n, names)]
    if options.check and alone:
        arguments.error(f"--check: {', '.join(alone)}: no floor of that selector is given")
    options.shape = ["--bytes", options.bytes, "--inflight", options.inflight]
    if not os.access(options.load, os.X_OK):
        arguments.error(f"no program {options.load}: build with -Dbenchmarks=enabled, or --load")
    if options.syscalls and not shutil.which("strace"):
        arguments.error("--syscalls needs strace")
    return options


def run(options):
    report = {"kernel": platform.release(), "cores": os.cpu_count(), "servers": options.server,
              "load_average": os.getloadavg(), "timed": {}, "calls": {}, "memory": []}
    print(f"Linux {report['kernel']}, {report['cores']} cores, load average before: "
          f"{report['load_average'][0]:.2f}")
    for connections in options.connections if options.rounds else []:
        results = timed_rounds(options, connections)
        rows = [summary(name, results, options.server) for name in options.server]
        report["timed"][connections] = rows
        print_timed(connections, rows, options)
    for connections in options.connections if options.syscalls else []:
        report["calls"][connections] = measure_calls(options, connections)
    if options.memory:
        report["memory"] = measure_memory(options)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return check(report) if options.check else 0


def main():
    options = parse()
    measure.raise_descriptor_limit()
    try:
        return run(options)
    except (measure.Failure, OSError) as failure:
        progress(f"echo.py: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
