"""What micro's items cost in allocations, system calls and instructions: no other program on the
machine changes those.

    python3 bench/micro/count.py build/bench/micro/micro [--filter ^head_parse/] [--json FILE]

Each benchmark runs by itself, shortly: with libcounting.so preloaded; under strace; under callgrind
(instructions of user mode). What is not installed is left out. The rows are those of run.py.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LIMIT = 120  # seconds of one benchmark under one tool
CALLGRIND_IS_SLOWER = 10  # so many times, so that as many items are run as without it


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--filter", default="-/1000000", help="as --benchmark_filter")
    parser.add_argument("--seconds", type=float, default=0.02, help="of each run")
    parser.add_argument("--only", default=",".join(METRICS), help="some of " + ", ".join(METRICS))
    parser.add_argument("--json", help="write the rows to this file")
    return parser.parse_args()


def run(command, env=None):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True,
                          stderr=subprocess.DEVNULL, timeout=LIMIT,
                          env={**os.environ, **(env or {})}).stdout


def one(options, name, slower=1):
    return [options.program, f"--benchmark_filter=^{name}$", "--benchmark_format=json",
            f"--benchmark_min_time={options.seconds * slower}"]


def allocations(options, name):
    library = options.program.parent / "libcounting.so"
    if not library.is_file():
        return None
    text = run(one(options, name), {"LD_PRELOAD": str(library.resolve())})
    result = json.loads(text)["benchmarks"][0]
    if result.get("error_occurred"):
        sys.exit(f"{name}: {result['error_message']}")
    return result.get("allocations")


def syscalls(options, name):
    """Lines between the last two marks, which measuring.cpp writes to no descriptor."""
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile("r") as trace:
        run(["strace", "-f", "-o", trace.name, *one(options, name)], {"EDDY_BENCH_MARKS": "1"})
        count, result = None, None
        for line in trace:
            if 'write(-1, "measuring"' in line:
                count = 0
            elif count is not None and (end := re.search(r'write\(-1, "measured (\d+)"', line)):
                result, count = count / max(int(end[1]), 1), None
            elif count is not None and "resumed>" not in line and "(" in line:
                count += 1
    return result


def instructions(options, name):
    """Of the last dump, which measuring.cpp asks for."""
    if not shutil.which("valgrind"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        run(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}",
             *one(options, name, slower=CALLGRIND_IS_SLOWER)])
        result = None
        dumps = [d for d in out.parent.iterdir() if d.suffix[1:].isdigit()]
        for dump in sorted(dumps, key=lambda d: int(d.suffix[1:])):
            text = dump.read_text(encoding="utf-8", errors="replace")
            items = re.search(r"Client Request: measured (\d+)", text)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            if items and total:
                result = int(total[1]) / max(int(items[1]), 1)
    return result


METRICS = {"allocations": allocations, "syscalls": syscalls, "instructions": instructions}


def row(name, metric, value):
    parts = [p for p in name.split("/") if p != "real_time" and ":" not in p]
    implementation = parts.pop(1)
    return {"measure": "/".join(parts), "implementation": implementation, "metric": metric,
            "values": [value]}


def main():
    options = arguments()
    names = run([options.program, "--benchmark_list_tests",
                 f"--benchmark_filter={options.filter}"]).split()
    rows = []
    for name in names:
        for metric in options.only.split(","):
            try:
                value = METRICS[metric](options, name)
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                print(f"{name}: {metric}: {error}", file=sys.stderr)
                continue
            if value is None:
                continue
            rows.append(row(name, metric, value))
            print(f"{name:48}{metric:14}{value:14.3f}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": rows}, file, indent=1)


main()
