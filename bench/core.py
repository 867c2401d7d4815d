"""Runs build/bench/core and gives what the loop's own steps cost, beside the floor of the same run.

    python3 bench/core.py build/bench/core [--check] [--repetitions 15] [--seconds 0.05]

bench/README.md says what the columns are.
"""

import argparse
import json
import statistics
import subprocess
import sys

# Times the floor, of what is measured by bench/core.cpp.
BUDGETS = {
    "spawn_join": 3.0,
    "yield": 2.0,
    "ten_nested_awaits": 1.3,
    "semaphore_uncontended": 3.0,
    "semaphore_contended": 1.5,
    "queue/1": 2.0,
    "queue/1024": 2.0,
}
# --check allows this much more: a busy machine moves a ratio by a quarter.
TOLERANCE = 1.3
KINDS = ("eddy", "floor", "threads")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--check", action="store_true", help="fail where a budget is missed")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.05, help="of each repetition")
    parser.add_argument("--json", help="keep what the program wrote in this file")
    return parser.parse_args()


def measured(options):
    """What Google Benchmark writes. Repetitions of different rows are interleaved."""
    wanted = "|".join(sorted({name.split("/")[0] for name in BUDGETS}))
    done = subprocess.run(
        [options.program, f"--benchmark_filter=^({wanted})/", "--benchmark_format=json",
         f"--benchmark_repetitions={options.repetitions}",
         f"--benchmark_min_time={options.seconds}", "--benchmark_enable_random_interleaving=true"],
        stdout=subprocess.PIPE, text=True, check=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(done.stdout)
    return json.loads(done.stdout)["benchmarks"]


def row_of(name):
    """`queue/eddy/1/real_time` is the row `queue/1` and the kind `eddy`."""
    parts = [p for p in name.split("/") if p != "real_time" and ":" not in p]
    kind = next(p for p in parts if p in KINDS)
    parts.remove(kind)
    return "/".join(parts), kind


def times(runs):
    """{row: {kind: [nanoseconds, by repetition]}}"""
    rows = {}
    for run in runs:
        if run.get("error_occurred"):
            sys.exit(f"{run['name']}: {run['error_message']}")
        if run["run_type"] != "iteration":
            continue
        row, kind = row_of(run["run_name"])
        per_item = run.get("items_per_second")
        each = 1e9 / per_item if per_item else run["real_time" if kind == "threads" else "cpu_time"]
        rows.setdefault(row, {}).setdefault(kind, []).append((run["repetition_index"], each))
    return {row: {kind: [t for _, t in sorted(found)] for kind, found in kinds.items()}
            for row, kinds in rows.items()}


def main():
    options = arguments()
    rows = times(measured(options))
    print(f"{'nanoseconds':24}{'eddy':>9}{'floor':>9}{'x floor':>9}{'budget':>9}{'threads':>12}")
    missed = []
    for name, budget in BUDGETS.items():
        if name not in rows:
            sys.exit(f"{options.program} does not measure {name}")
        row = rows[name]
        ratio = statistics.median(e / f for e, f in zip(row["eddy"], row["floor"], strict=True))
        eddy, floor = (statistics.median(row[kind]) for kind in ("eddy", "floor"))
        threads = f"{statistics.median(row['threads']):12.1f}" if "threads" in row else f"{'-':>12}"
        print(f"{name:24}{eddy:9.1f}{floor:9.1f}{ratio:9.2f}{budget:9.1f}{threads}")
        if ratio > budget * TOLERANCE:
            missed.append(f"MISSED {name}: {ratio:.2f} x floor, budget {budget} x {TOLERANCE}")
    if options.check and missed:
        sys.exit("\n".join(missed))


main()
