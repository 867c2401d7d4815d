"""Runs the macro-benchmarks' scripts, each over every selector built, and collects their rows."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import report.allocations as allocations
import report.rows as rows_of
from report.building import progress

ROOT = pathlib.Path(__file__).resolve().parents[2]
PART_LIMIT_S = 4 * 3600
# From here on a thread for each connection is no server any more, but a test of the machine.
MOST_THREADS = 1000


@dataclasses.dataclass
class Settings:
    """How long everything is measured. The defaults take about three quarters of an hour."""
    rounds: int = 7
    # Of echo and HTTP GETs, for each of `rounds`: on a virtual machine single rounds of one program
    # are up to a third apart, and the median of many ratios moves less than that of few.
    short_rounds_each: int = 3
    # Echo's and HTTP's floors are measured twice in each round, to see what the machine adds.
    floors_again: bool = True
    micro_seconds: float = 0.1
    micro_wanted: str = ""  # a regular expression; empty: all
    micro_tools: bool = True  # system calls and instructions are counted, for some minutes
    echo_seconds: float = 0.3
    echo_warmup: float = 0.1
    echo_connections: str = "50,1000,1,10000"
    echo_bytes: str = "64,16384"
    calls_connections: str = "50,1000"  # where system calls are counted
    calls_inflight: str = "1,16"
    idle: str = "10000,100000"
    idle_rounds: int = 3
    idle_seconds: float = 2.0
    http_requests: int = 50_000
    http_latency: bool = True
    http_hosts: str = "1,100,10000"
    # Each of 10,000 hosts is visited ten times: of the floor the first visit is measured, too.
    pool_requests: int = 100_000
    pages: int = 2000
    compile_rounds: int = 5
    compile_only: str = ""  # empty: all
    headers: bool = True

    @property
    def short_rounds(self):
        return self.rounds * self.short_rounds_each


# Three minutes on a quiet machine: fewer shapes for a shorter time, five rounds all the same. What
# the machine adds is of no use where nothing is judged.
QUICK = Settings(rounds=5, short_rounds_each=1, floors_again=False, micro_seconds=0.005,
                 micro_tools=False, echo_seconds=0.15, echo_warmup=0.05,
                 echo_connections="50,1000", echo_bytes="64", calls_connections="50",
                 calls_inflight="1", idle="10000", idle_rounds=1,
                 idle_seconds=0.5, http_requests=10_000, http_latency=False, http_hosts="1,100",
                 pool_requests=10_000, pages=500, compile_rounds=1,
                 # a million of anything takes longer to make than there is time
                 micro_wanted=r"^(?!.*/1000000$)")
# An instant of each, for the tests: nothing of it is a figure.
TINY = Settings(rounds=2, short_rounds_each=1, micro_seconds=0.001,
                micro_wanted="^(spawn_join|yield)$", micro_tools=False,
                echo_seconds=0.1, echo_warmup=0, echo_connections="4", echo_bytes="64",
                calls_connections="4", calls_inflight="1",
                idle="100", idle_rounds=1, idle_seconds=0.1, http_requests=300,
                http_latency=False, http_hosts="1,4", pool_requests=300, pages=20,
                compile_rounds=1, compile_only="eddy,floor", headers=False)


def script(results, measures, name, *arguments):
    """Rows of one script. Where it fails, that is a failure of each of `measures`."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rows.json"
        command = [sys.executable, str(ROOT / "bench" / name), *map(str, arguments),
                   "--json", str(file)]
        try:
            done = subprocess.run(command, text=True, errors="replace", stdout=subprocess.PIPE,
                                  stderr=None, timeout=PART_LIMIT_S, check=False)
            said, code = done.stdout, done.returncode
        except subprocess.TimeoutExpired:
            said, code = f"no end after {PART_LIMIT_S} s", -1
        problem = f"{name} ended with exit code {code}" if code else ""
        try:
            found = rows_of.load(file) if not problem else None
        except rows_of.Malformed as malformed:
            problem = str(malformed).replace(str(file), str(name))
        if problem:
            progress(f"FAILED {problem}\n{said[-3000:]}")
            for measure in measures:
                results.fail(measure, problem)
            return
        for (measure, implementation, metric), values in found.rows.items():
            results.add(measure, implementation, metric, *values)


def there(programs):
    """Those that were built: rivals are where their libraries are."""
    return {name: path for name, path in programs.items()
            if os.access(str(path).split(" ")[0], os.X_OK)}


def options(option, programs):
    return [word for name, command in programs.items() for word in (option, f"{name}={command}")]


def once_more(floors):
    """They stand behind ours, so that they are no nearer to the floors in time than those are."""
    return {name + rows_of.AGAIN: command for name, command in floors.items()}


def echo_servers(builds, again=False):
    first = next(iter(builds.values())) / "bench" / "echo"
    floors = {"epoll/floor": first / "raw_epoll"}
    if "io_uring" in builds:
        floors["io_uring/floor"] = f"{first / 'raw_uring'} --buffer {{buffer}}"
    servers = dict(floors)
    for selector, folder in builds.items():
        servers[f"{selector}/eddy"] = folder / "examples" / "echo_server"
        servers[f"{selector}/eddy/read_some"] = \
            f"{folder / 'bench' / 'echo' / 'read_some_server'} --buffer {{buffer}}"
    servers |= once_more(floors) if again else {}
    for name, program in (("asio", "asio_server --buffer {buffer}"), ("libuv", "uv_server"),
                          ("threads", "threads_server --buffer {buffer}")):
        servers[f"epoll/{name}"] = first / program
    return there(servers)


def echo_options(builds, again=False):
    load = next(iter(builds.values())) / "bench" / "echo" / "load"
    servers = echo_servers(builds, again)
    most = ["--most", f"epoll/threads={MOST_THREADS}"] if "epoll/threads" in servers else []
    return ["--load", load, *options("--server", servers), *most]


def echo(results, builds, settings):
    script(results, ["echo"], "echo.py", *echo_options(builds, settings.floors_again), "--rounds",
           settings.short_rounds, "--seconds", settings.echo_seconds, "--warmup",
           settings.echo_warmup, "--connections", settings.echo_connections, "--bytes",
           settings.echo_bytes, "--inflight", "1,16")
    if shutil.which("strace"):
        script(results, ["echo"], "echo.py", *echo_options(builds), "--rounds", 0, "--syscalls",
               "--connections", settings.calls_connections, "--inflight", settings.calls_inflight)
    first = next(iter(builds.values()))
    counting = first / "bench" / "micro" / "libcounting.so"
    if allocations.MEASURE in results.measures() and counting.is_file():
        progress("  allocations per request")
        allocations.add(results, echo_servers(builds), first / "bench" / "echo" / "load", counting)


def idle(results, builds, settings):
    for connections in settings.idle.split(","):
        script(results, ["idle"], "echo.py", *echo_options(builds), "--rounds", 0, "--idle",
               connections, "--idle-rounds", settings.idle_rounds, "--idle-seconds",
               settings.idle_seconds)


def by_selector(builds, program):
    return {f"eddy-{selector}": folder / program for selector, folder in builds.items()}


def http(results, builds, settings):
    folder = next(iter(builds.values())) / "bench" / "http"
    floors = {"floor-epoll": folder / "raw_client"}
    if "io_uring" in builds:
        floors["floor-io_uring"] = folder / "uring_client"
    # None of them waits for more than there is, as no library can.
    clients = floors | {name.replace("floor", "floor-at-once"): f"{command} -o"
                        for name, command in floors.items()}
    clients |= by_selector(builds, "examples/http_load")
    clients |= once_more(floors) if settings.floors_again else {}
    clients |= {"libcurl": folder / "multi_client", "threads-50": folder / "threads_client"}
    if shutil.which("wrk"):
        clients["wrk"] = shutil.which("wrk")
    pool = {"floor-epoll": folder / "raw_client"} | by_selector(builds, "bench/http/many_hosts")
    script(results, ["http_get", "http_get_own"], "http.py",
           *options("--client", there(clients)), "--own", folder / "raw_server",
           "--rounds", settings.short_rounds, "--requests", settings.http_requests,
           *(["--latency"] if settings.http_latency else []))
    script(results, ["http_pool"], "http.py", "--no-nginx", *options("--pool", there(pool)),
           "--own", folder / "raw_server", "--rounds", settings.rounds,
           "--requests", settings.pool_requests, "--hosts", settings.http_hosts)


def crawl(results, builds, settings):
    first = next(iter(builds.values()))
    crawlers = by_selector(builds, "bench/crawl/eddy_crawl")
    pool = first / "bench" / "crawl" / "pool_crawl"
    crawlers |= {f"threads-{n}": f"{pool} --threads {n}" for n in (50, 500)}
    script(results, ["crawl"], "crawl.py", "--site", first / "examples" / "site",
           *options("--crawler", there(crawlers)), "--pages", settings.pages,
           "--rounds", settings.rounds)


def compiling(results, builds, settings):
    script(results, ["compile", "lines"], "compile.py", "--build", next(iter(builds.values())),
           "--rounds", settings.compile_rounds,
           *(["--only", settings.compile_only] if settings.compile_only else []),
           *([] if settings.headers else ["--no-headers"]))
