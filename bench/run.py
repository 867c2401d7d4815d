"""Measures everything and writes results.json, REPORT.md and its plots. sh bench/run.sh installs
what this needs and calls it; bench/README.md says how to read what it writes.
"""

import argparse
import dataclasses
import pathlib
import shutil
import sys
import time

from report import budgets, building, document, facts, macro, micro, plots, rows, summary
from report.building import progress

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "bench" / "plots"
README = ROOT / "README.md"


def part_micro(results, builds, settings):
    micro.measure(results, builds, settings.rounds, settings.micro_seconds, settings.micro_wanted)
    if settings.micro_tools:
        micro.count_by_tools(results, builds)


PARTS = {"micro": part_micro, "echo": macro.echo, "http": macro.http, "crawl": macro.crawl,
         "idle": macro.idle, "compile": macro.compiling}


def parts(text):
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="three minutes: to see that all works, not to judge by")
    parser.add_argument("--only", type=parts, default=list(PARTS), metavar="PART,PART",
                        help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="of everything, in turn (7; with --quick 5); "
                        "echo and HTTP GETs take three shorter ones for each, with --quick one")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench" / "results",
                        metavar="DIR")
    parser.add_argument("--build", type=pathlib.Path, action="append", metavar="DIR",
                        help="measure what is built there, instead of building")
    parser.add_argument("--tiny", action="store_true", help="an instant of each, for the tests")
    parser.add_argument("--from", type=pathlib.Path, dest="source", metavar="results.json",
                        help="measure nothing: write the report of these figures")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a budget is missed")
    parser.add_argument("--tolerance", type=float, default=budgets.TOLERANCE, metavar="FACTOR",
                        help="--check allows times and ratios so many times their budget "
                        "(%(default)g)")
    parser.add_argument("--publish", action="store_true",
                        help="put the table and the plots of this run into the README")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: at least 1")
    if options.tolerance < 1:
        parser.error(f"--tolerance {options.tolerance:g}: at least 1")
    return options


def settings_of(options):
    chosen = macro.TINY if options.tiny else macro.QUICK if options.quick else macro.Settings()
    if options.rounds:
        chosen = dataclasses.replace(chosen, rounds=options.rounds)
    return chosen


def measured(options):
    if options.build:
        builds = {building.selector_of(b): b.resolve() for b in options.build}
    else:
        builds = building.build(ROOT)
    settings = settings_of(options)
    results = rows.Results(facts.gather(ROOT, builds, options.quick or options.tiny,
                                        settings))
    results.facts["parts"] = options.only
    for name in options.only:
        began = time.monotonic()
        progress(f"{name}:")
        PARTS[name](results, builds, settings)
        progress(f"{name}: {time.monotonic() - began:.0f} s")
    results.drop_failed()
    return results


def write(results, verdicts, growth, folder):
    """The plots of an earlier run are removed: what is in the folder is of one run."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    drawn = plots.draw(results)
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    rows.save(results, folder / "results.json")
    text = document.report(results, verdicts, growth, list(drawn))
    (folder / "REPORT.md").write_text(text, encoding="utf-8")


def publish(results, verdicts, folder):
    """The README shows a whole run in which nothing failed, or that of before."""
    why = "a check failed" if results.failures else "a quick run" if results.facts.get("quick") \
        else "" if set(results.facts.get("parts", PARTS)) == set(PARTS) else "not all parts ran"
    if why:
        progress(f"not published: {why}")
        return
    PUBLISHED.mkdir(exist_ok=True)
    for name in plots.PUBLISHED:
        if (folder / name).is_file():
            shutil.copy(folder / name, PUBLISHED / name)
    text = summary.replaced(README.read_text(encoding="utf-8"), summary.section(results, verdicts))
    README.write_text(text, encoding="utf-8")


def conclude(options, results, verdicts):
    """Says what was missed and what failed; the exit code."""
    for measure, what in results.failures:
        progress(f"FAILED {measure}: {what}")
    if not results.rows:
        progress("nothing was measured")
    whole = set(results.facts.get("parts", PARTS)) == set(PARTS)
    bad = budgets.missed(verdicts, options.tolerance, whole)
    for verdict in bad if options.check else []:
        value = "" if verdict.value is None else f" {verdict.value:.4g}, at most {verdict.limit:g}"
        progress(f"MISSED {verdict.what}: {verdict.implementation}{value} {verdict.why}".rstrip())
    return 1 if results.failures or not results.rows or options.check and bad else 0


def main():
    options = arguments()
    try:
        results = rows.load(options.source) if options.source else measured(options)
    except (building.Failure, rows.Malformed) as failure:
        progress(f"run.py: {failure}")
        return 1
    selectors = results.facts.get("selectors", ())
    verdicts = budgets.judge(results, selectors=selectors)
    growth = budgets.judge_growth(results)
    write(results, verdicts, growth, options.output)
    progress(f"written: {options.output / 'REPORT.md'}")
    if options.publish:
        publish(results, verdicts, options.output)
    return conclude(options, results, verdicts + growth)


if __name__ == "__main__":
    sys.exit(main())
