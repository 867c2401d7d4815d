"""The HTTP client's macro-benchmark: CPU time per keep-alive GET, clients side by side.

  python3 bench/http.py --client floor=build/bench/http/raw_client \\
      --client eddy=build/examples/http_load --own build/bench/http/raw_server --check

Two servers in turn, each on one core: nginx with a file of 1 KiB (`http_get`), and with --own one
that no client waits for (`http_get_own`). Each client runs on the other core, in turn. A client is
a program that takes `-c CONNECTIONS -n REQUESTS [-l] URL` and says as its last line
`N requests in S s, R requests/s, C s CPU, E errors`; or it is wrk. With --pool the same requests
go round among many hosts (`http_pool`). `floor` is what the others are compared with, `floor/again`
the same program a second time; so, of a selector, are `floor-epoll` and `floor-epoll/again`.
See bench/README.md.
"""

import argparse
import json
import pathlib
import platform
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "http"))

import processes  # noqa: E402  (of the folder beside this file)

# Times the floor's CPU per request, where the server is not the limit.
BUDGET = 1.46
SELECTORS = ("epoll", "io_uring", "kqueue")
IN_FLIGHT_IN_POOL = 50
LATENCY_PART = 4  # of the requests, for the run that looks at the clock
WRK_REQUESTS_PER_S = 50_000  # about: wrk wants a time


class Table:
    """{measure: {name: [figures of a round]}}, in the order of the rounds."""

    def __init__(self):
        self.measures = {}

    def add(self, measure, name, figures):
        self.measures.setdefault(measure, {}).setdefault(name, []).append(figures)

    def values(self, measure, name, metric):
        return [f[metric] for f in self.measures[measure][name] if metric in f]

    def floor_of(self, measure, name):
        """The floor of the client's selector, or the only one, or epoll's."""
        has = self.measures[measure]
        what = name.partition("/")[0]
        own = next((f"floor-{s}" for s in SELECTORS if what.endswith(f"-{s}")), "floor-epoll")
        return next((f for f in (own, "floor", "floor-epoll") if f in has), None)

    def ratios(self, measure, name):
        """To the floor of the same round."""
        floor = self.floor_of(measure, name)
        if not floor:
            return []
        return [a / b for a, b in zip(self.values(measure, name, "cpu_ns"),
                                      self.values(measure, floor, "cpu_ns"))]

    def rows(self):
        return [{"measure": measure, "implementation": name, "metric": metric, "values": values}
                for measure, names in self.measures.items() for name in names
                for metric in ("cpu_ns", "requests_per_s", "p50_us", "p99_us")
                if (values := self.values(measure, name, metric))]


def turns(names, number):
    """Every other round begins at the other end."""
    return list(names) if number % 2 == 0 else list(names)[::-1]


def one_run(name, command, options, url):
    if processes.is_wrk(command):
        seconds = max(1, options.requests // WRK_REQUESTS_PER_S)
        return processes.run_wrk(name, command, options.connections, seconds, url)
    arguments = ["-c", str(options.connections)]
    figures = processes.run_client(name, command, arguments, options.requests, url)
    if options.latency:
        timed = processes.run_client(name, command, [*arguments, "-l"],
                                     max(1, options.requests // LATENCY_PART), url)
        figures |= {metric: timed[metric] for metric in ("p50_us", "p99_us") if metric in timed}
    return figures


def measure_clients(options, table, measure, url, number):
    for name in turns(options.client, number):
        figures = one_run(name, options.client[name], options, url)
        table.add(measure, name, figures)
        tell(options, number, measure, name, figures)


def measure_pool(options, table, url, number):
    for hosts in options.hosts:
        for name in turns(options.pool, number):
            arguments = ["-c", str(max(hosts, IN_FLIGHT_IN_POOL)), "-a", str(hosts)]
            figures = processes.run_client(name, options.pool[name], arguments,
                                           max(options.requests, 2 * hosts), url)
            table.add(f"http_pool/{hosts}", name, figures)
            tell(options, number, f"http_pool/{hosts}", name, figures)


def tell(options, number, measure, name, figures):
    print(f"  round {number + 1} of {options.rounds}: {measure} {name} "
          f"{figures['cpu_ns']:.0f} ns of CPU per request", file=sys.stderr, flush=True)


def measure_all(options):
    table = Table()
    for number in range(options.rounds):
        if options.nginx:
            with processes.Nginx(options.bytes) as url:
                measure_clients(options, table, f"http_get/{options.connections}", url, number)
        if options.own:
            with processes.Own(options.own, options.bytes) as url:
                measure_clients(options, table, f"http_get_own/{options.connections}", url, number)
                if options.pool:
                    measure_pool(options, table, url, number)
    return table


def quartiles(values):
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def median_or_dash(values, digits=0):
    return f"{statistics.median(values):.{digits}f}" if values else "–"


def report(options, table):
    print(f"{platform.machine()}, Linux {platform.release()}, {options.requests} requests, "
          f"{options.bytes} bytes, {options.rounds} rounds")
    print("| measure | client | CPU ns/request | x floor | quartiles | requests/s | p50 us | "
          "p99 us | responses a turn |")
    print("|---|---|---|---|---|---|---|---|---|")
    for measure, names in table.measures.items():
        for name in names:
            low, middle, high = quartiles(table.ratios(measure, name)) or (0, 0, 0)
            print(f"| {measure} | {name} | "
                  f"{median_or_dash(table.values(measure, name, 'cpu_ns'))} | {middle:.2f} | "
                  f"{low:.2f}-{high:.2f} | "
                  f"{median_or_dash(table.values(measure, name, 'requests_per_s'))} | "
                  f"{median_or_dash(table.values(measure, name, 'p50_us'))} | "
                  f"{median_or_dash(table.values(measure, name, 'p99_us'))} | "
                  f"{median_or_dash(table.values(measure, name, 'responses_per_turn'), 1)} |")


def keeps_budget(table):
    """Judged where the server is not the limit, if that was measured: see bench/README.md."""
    judged = [m for m in table.measures if m.startswith("http_get_own/")] or \
             [m for m in table.measures if m.startswith("http_get/")]
    kept = True
    for measure in judged:
        for name in table.measures[measure]:
            ratios = table.ratios(measure, name)
            if name.startswith("eddy") and ratios and statistics.median(ratios) > BUDGET:
                kept = False
                print(f"MISSED {measure} {name}: {statistics.median(ratios):.2f} times the floor, "
                      f"the budget is {BUDGET}")
    return kept


def named(text):
    name, equals, command = text.partition("=")
    if not equals or not name or not command:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COMMAND")
    return name, command


def numbers(text):
    return [int(n) for n in text.split(",")]


def read_arguments():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--client", action="append", type=named, default=[],
                           metavar="NAME=COMMAND")
    arguments.add_argument("--pool", action="append", type=named, default=[],
                           metavar="NAME=COMMAND", help="takes -a HOSTS, too")
    arguments.add_argument("--own", metavar="SERVER", help="bench/http/raw_server")
    arguments.add_argument("--no-nginx", dest="nginx", action="store_false")
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--hosts", type=numbers, default=[1, 100, 10_000])
    arguments.add_argument("--requests", type=int, default=100_000)
    arguments.add_argument("--bytes", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--latency", action="store_true",
                           help="a run more for each, which looks at the clock")
    arguments.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments.add_argument("--check", action="store_true", help="exit with 1 above the budget")
    options = arguments.parse_args()
    options.client, options.pool = dict(options.client), dict(options.pool)
    if not options.client and not options.pool:
        arguments.error("there is nothing to measure: --client or --pool")
    if options.client and not any(name.startswith("floor") for name in options.client):
        arguments.error("one --client must be floor=COMMAND")
    if options.check and not options.client:
        arguments.error("--check judges --client, and there is none")
    if not options.own and (options.pool or not options.nginx):
        arguments.error("--pool and --no-nginx need --own")
    if options.nginx and not processes.has_nginx():
        arguments.error("there is no nginx; --no-nginx goes without")
    return options


def main():
    options = read_arguments()
    try:
        table = measure_all(options)
    except processes.Failure as failure:
        sys.exit(f"http.py: {failure}")
    report(options, table)
    if options.json:
        options.json.write_text(json.dumps({"rows": table.rows()}, indent=1))
    kept = keeps_budget(table)
    sys.exit(1 if options.check and not kept else 0)


if __name__ == "__main__":
    main()
