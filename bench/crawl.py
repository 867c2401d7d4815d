"""A crawl: 2,000 pages, each answered after 20 ms; wall time, CPU time and memory of crawlers.

  python3 bench/crawl.py --site build/examples/site \\
      --crawler eddy=build/bench/crawl/eddy_crawl \\
      --crawler "threads-50=build/bench/crawl/pool_crawl --threads 50" \\
      --crawler "threads-500=build/bench/crawl/pool_crawl --threads 500"

A crawler is a program that takes `URLS FOUND`, fetches every page of the list and writes a row for
each link. Each run is a new process, in turn, on one core; the site is on the other. All must write
the same rows, in whatever order: a run that does not is a failure, and no figure.
See bench/README.md.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

RUN_LIMIT_S = 300
# As the rows of all benchmarks name them, and what one unit here is there.
ROW_METRICS = {"seconds": ("seconds", 1), "cpu_ns": ("cpu_s", 1e9), "bytes": ("peak_kib", 1024)}


class Failure(Exception):
    """There is no result."""


def cores():
    """The site's core and the crawler's: two where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def on_core(number):
    return lambda: os.sched_setaffinity(0, {number})


class Site:
    """The server process and its list of pages; ended by its id."""

    def __init__(self, command, pages, links, latency_ms, urls):
        self.command = [*shlex.split(command), "--pages", str(pages), "--links", str(links),
                        "--latency-ms", str(latency_ms), str(urls)]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(cores()[0]))
        line = self.process.stdout.readline()
        if not re.match(r"\d+ hosts listen", line):
            self.__exit__()
            raise Failure(f"the site says {line!r}")

    def __exit__(self, *why):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def peak_kib(process):
    """Of its resident memory so far; the last reading before it ends is what counts."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    return int(found[1]) if found else 0


def finished(command):
    """({metric: figure}, exit code). wait4's peak would count what was before exec: Python's."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=on_core(cores()[1]))
    peak = 0
    while True:
        peak = max(peak, peak_kib(process))
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - began > RUN_LIMIT_S:
            process.kill()
        time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {"seconds": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime,
            "peak_kib": peak}, process.returncode


def rows_of(found):
    """(how many rows, a hash of them in order of their bytes)."""
    lines = sorted(found.read_bytes().splitlines()[1:])
    return len(lines), hashlib.sha256(b"\n".join(lines)).hexdigest()


def crawl(name, command, folder, expected):
    found = folder / "found"
    found.unlink(missing_ok=True)
    figures, code = finished([*shlex.split(command), str(folder / "urls"), str(found)])
    if code or not found.is_file():
        raise Failure(f"{name}: exit code {code}")
    rows = rows_of(found)
    if rows[0] != expected["rows"]:
        raise Failure(f"{name}: {rows[0]} links instead of {expected['rows']}")
    if expected.setdefault("hash", rows[1]) != rows[1]:
        raise Failure(f"{name}: other links than {expected['by']} found")
    expected.setdefault("by", name)
    return figures


def measure(options):
    """{name: [figures of a round]}; crawlers alternate, and so does which is first."""
    results = {name: [] for name in options.crawler}
    expected = {"rows": options.pages * options.links}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with Site(options.site, options.pages, options.links, options.latency_ms, folder / "urls"):
            for number in range(options.rounds):
                names = list(options.crawler)
                for name in names if number % 2 == 0 else names[::-1]:
                    figures = crawl(name, options.crawler[name], folder, expected)
                    results[name].append(figures)
                    print(f"  round {number + 1} of {options.rounds}: {name} "
                          f"{figures['seconds']:.2f} s", file=sys.stderr, flush=True)
    return results


def median(rounds, metric):
    return statistics.median(r[metric] for r in rounds)


def report(options, results):
    print(f"{platform.machine()}, Linux {platform.release()}, {options.pages} pages of "
          f"{options.links} links after {options.latency_ms} ms, {options.rounds} rounds")
    print("| crawler | seconds | CPU seconds | peak KiB |")
    print("|---|---|---|---|")
    for name, rounds in results.items():
        print(f"| {name} | {median(rounds, 'seconds'):.3f} | {median(rounds, 'cpu_s'):.3f} | "
              f"{median(rounds, 'peak_kib'):.0f} |")


def json_rows(options, results):
    """CPU per page; memory of the whole process."""
    rows = []
    for name, rounds in results.items():
        for metric, (own, factor) in ROW_METRICS.items():
            part = options.pages if metric == "cpu_ns" else 1
            rows.append({"measure": f"crawl/{options.pages}", "implementation": name,
                         "metric": metric, "values": [r[own] * factor / part for r in rounds]})
    return {"rows": rows}


def named(text):
    name, equals, command = text.partition("=")
    if not equals or not name or not command:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COMMAND")
    return name, command


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--site", required=True, metavar="COMMAND", help="examples/site")
    arguments.add_argument("--crawler", action="append", type=named, required=True,
                           metavar="NAME=COMMAND")
    arguments.add_argument("--pages", type=int, default=2000)
    arguments.add_argument("--links", type=int, default=15)
    arguments.add_argument("--latency-ms", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", type=pathlib.Path, metavar="FILE")
    options = arguments.parse_args()
    options.crawler = dict(options.crawler)
    try:
        results = measure(options)
    except Failure as failure:
        sys.exit(f"crawl.py: {failure}")
    report(options, results)
    if options.json:
        options.json.write_text(json.dumps(json_rows(options, results), indent=1))


if __name__ == "__main__":
    main()
