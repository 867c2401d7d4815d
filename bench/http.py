"""The HTTP client's macro-benchmark: CPU time per keep-alive GET, clients side by side.

  python3 bench/http.py --client floor=build/bench/http/raw_client \\
      --client eddy=build/examples/http_load --check

nginx serves a file of 1 KiB from one core; each client runs on the other, in turn. A client is a
program that takes `-c CONNECTIONS -n REQUESTS URL` and says as its last line
`N requests in S s, R requests/s, C s CPU, E errors`. `floor` is what the others are compared with.
See bench/README.md.
"""

import argparse
import os
import pathlib
import platform
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# Times the floor's CPU per request.
BUDGET = 2.0
GOAL = 1.46
START_LIMIT_S = 10
RUN_LIMIT_S = 600
RESULT = re.compile(r"^(\d+) requests in ([\d.]+) s, (\d+) requests/s, ([\d.]+) s CPU, "
                    r"(\d+) errors$")

CONFIGURATION = """\
daemon off; master_process off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; root {work}/www;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{ listen 127.0.0.1:{port}; }}
}}
"""


class Failure(Exception):
    """There is no result."""


def cores():
    """The server's core and the client's: two where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """One process that serves /file; ended by its id."""

    def __init__(self, work, size):
        self.port = free_port()
        root = work / "www"
        root.mkdir()
        root.chmod(0o755)
        work.chmod(0o755)
        (root / "file").write_bytes(b"x" * size)
        configuration = work / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(work=work, port=self.port))
        self.process = subprocess.Popen(
            ["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {cores()[0]}))

    def __enter__(self):
        until = time.monotonic() + START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return f"http://127.0.0.1:{self.port}/file"
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise Failure("nginx does not answer") from None

    def __exit__(self, *why):
        self.process.terminate()
        self.process.wait()


def run(name, command, connections, requests, url):
    """CPU nanoseconds per request, and requests a second."""
    done = subprocess.run([*shlex.split(command), "-c", str(connections), "-n", str(requests), url],
                          text=True, stdout=subprocess.PIPE, timeout=RUN_LIMIT_S, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, {cores()[1]}))
    found = RESULT.match((done.stdout.splitlines() or [""])[-1])
    if done.returncode or not found or int(found[1]) != requests or int(found[5]):
        raise Failure(f"{name}: exit code {done.returncode}, said {done.stdout!r}")
    return float(found[4]) * 1e9 / requests, int(found[3])


def measure(options, url):
    """{name: [(CPU ns, requests/s) a round]}; clients alternate, and so does which is first."""
    results = {name: [] for name in options.client}
    for number in range(options.rounds):
        names = list(options.client)
        for name in names if number % 2 == 0 else names[::-1]:
            result = run(name, options.client[name], options.connections, options.requests, url)
            results[name].append(result)
            print(f"  round {number + 1} of {options.rounds}: {name} {result[0]:.0f} ns of CPU per "
                  "request", file=sys.stderr, flush=True)
    return results


def report(options, results):
    """Prints the table; answers whether every client keeps the budget."""
    print(f"{platform.machine()}, Linux {platform.release()}, {options.connections} connections, "
          f"{options.requests} requests, {options.bytes} bytes, {options.rounds} rounds")
    print("| client | CPU ns/request | x floor | quartiles | requests/s |")
    print("|---|---|---|---|---|")
    kept = True
    floor = [cpu for cpu, _ in results["floor"]]
    for name, rounds in results.items():
        ratios = [cpu / base for (cpu, _), base in zip(rounds, floor)]
        quartiles = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 \
            else ratios * 3
        print(f"| {name} | {statistics.median(c for c, _ in rounds):.0f} | {quartiles[1]:.2f} | "
              f"{quartiles[0]:.2f}-{quartiles[2]:.2f} | "
              f"{statistics.median(r for _, r in rounds):.0f} |")
        if name.startswith("eddy") and quartiles[1] > BUDGET:
            kept = False
            print(f"MISSED {name}: {quartiles[1]:.2f} times the floor, the budget is {BUDGET}")
    print(f"budget {BUDGET}, goal {GOAL} times the floor")
    return kept


def named(text):
    name, equals, command = text.partition("=")
    if not equals or not name or not command:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COMMAND")
    return name, command


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--client", action="append", type=named, required=True,
                           metavar="NAME=COMMAND")
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--requests", type=int, default=100_000)
    arguments.add_argument("--bytes", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--check", action="store_true", help="exit with 1 above the budget")
    options = arguments.parse_args()
    options.client = dict(options.client)
    if "floor" not in options.client:
        arguments.error("one --client must be floor=COMMAND")
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Nginx(pathlib.Path(folder), options.bytes) as url:
                results = measure(options, url)
        except Failure as failure:
            sys.exit(f"http.py: {failure}")
    kept = report(options, results)
    sys.exit(1 if options.check and not kept else 0)


if __name__ == "__main__":
    main()
