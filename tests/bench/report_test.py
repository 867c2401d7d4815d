"""REPORT.md of known figures, and the whole of run.py over figures that are there."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import samples

from report import budgets, document, macro, micro, plots, rows, summary
from report.budgets import Budget

SMALL = (Budget("yield", "yield", "ns", 2.0, "floor"),
         Budget("spawn", "spawn_join", "ns", 3.0, "floor"),
         Budget("memory", "sleepers/1000", "bytes", 256))
GOLDEN = """\
# Benchmarks of Eddy, 2026-01-02 03:04

A machine, 2 cores, Linux 6.1; g++ 12.2; commit 0123abc; 5 rounds.

asio 1.22.1

Each figure is the median of its rounds, with the quartiles in brackets. A ratio is the median of
the ratios of each round, in which implementations take turns; what slows a round slows both.

`the floor again` is the floor's program, measured a second time in each round and divided by the
first: how far this machine tells two runs of the same program apart. It is there for echo and HTTP,
and no verdict looks at it.

## In short

| measure | Eddy | × floor | others in the same run |
|---|---|---|---|
| spawn and join a task | 40.0 ns | 4.00 | – |
| yield | 10.0 ns | 2.00 | asio 200 ns |

## Budgets

1 met, 1 missed, 1 not measured.

| budget | implementation | limit | figure | × floor | the floor again | × the best rival | \
verdict |
|---|---|---|---|---|---|---|---|
| yield | eddy | ≤ 2 × floor | 10.0 ns | 2.00 (1.67–2.00) |  | 0.050 (0.045–0.055) asio | \
met: 2.000 × |
| spawn | eddy | ≤ 3 × floor | 40.0 ns | 4.00 |  |  | **MISSED**: 4.000 × |
| memory | eddy | ≤ 256 B |  |  |  |  | not measured: not in this run |

## Plots

![steps](steps.svg)

## All figures

### yield

| implementation | time |
|---|---|
| eddy | 10.0 ns (9.00 ns – 11.0 ns), 2.00 × floor |
| floor | 6.00 ns (5.50 ns – 6.00 ns) |
| asio | 200 ns, 33.3 × floor |

### spawn_join

| implementation | time |
|---|---|
| eddy | 40.0 ns, 4.00 × floor |
| floor | 10.0 ns |
"""


def small():
    return samples.results(
        ("yield", "eddy", "ns", [8.0, 10.0, 12.0]), ("yield", "floor", "ns", [6.0, 5.0, 6.0]),
        ("yield", "asio", "ns", [200.0] * 3), ("spawn_join", "eddy", "ns", [40.0]),
        ("spawn_join", "floor", "ns", [10.0]))


class Report(unittest.TestCase):
    maxDiff = None

    def text(self, made):
        return document.report(made, budgets.judge(made, SMALL), budgets.judge_growth(made),
                               ["steps.svg"])

    def test_golden(self):
        self.assertEqual(self.text(small()), GOLDEN)

    def test_a_failed_check_is_named_and_has_no_figure(self):
        made = small()
        made.fail("yield", "wrong result")
        made.drop_failed()
        text = self.text(made)
        self.assertIn("## Failed checks", text)
        self.assertIn("- yield: wrong result", text)
        self.assertIn("| yield | eddy | ≤ 2 × floor |  |  |  |  | not measured: a check failed |",
                      text)
        for figure in ("10.0 ns (", "200 ns", "### yield"):
            self.assertNotIn(figure, text)
        self.assertIn("40.0 ns", text)

    def test_a_quick_run_says_so(self):
        made = small()
        made.facts["quick"] = True
        self.assertIn("quick: figures to look at", self.text(made))


class Readme(unittest.TestCase):
    """What --publish puts between the marks of the README."""
    README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")

    def test_the_figures_of_the_run(self):
        made = small()
        text = summary.section(made, budgets.judge(made, SMALL))
        self.assertIn("5 rounds on A machine, 2 cores, Linux 6.1; g++ 12.2; asio 1.22.1.\n"
                      "Of 3 rows of budgets 1 were met.\n\n| measure | Eddy |", text)
        self.assertIn("| yield | 10.0 ns | 2.00 | asio 200 ns |\n", text)

    def test_echo_and_http_have_more_rounds(self):
        made = small()
        made.facts["short_rounds"] = 15
        words = "5 rounds (15 shorter ones of echo and HTTP)"
        self.assertIn(words + " on A machine", summary.section(made, []))
        self.assertIn(f"commit 0123abc; {words}.\n", document.head(made))
        made.facts["short_rounds"] = 5
        self.assertIn("5 rounds on A machine", summary.section(made, []))
        self.assertIn("commit unknown; unknown rounds.", document.head(rows.Results()))

    def test_only_what_is_between_the_marks_changes(self):
        readme = summary.replaced(self.README, "new\n")
        before, after = self.README.split(summary.BEGIN)
        self.assertEqual(readme, before + summary.BEGIN + "new\n" + summary.END +
                         after.split(summary.END)[1])
        self.assertEqual(summary.replaced(readme, "new\n"), readme)
        with self.assertRaises(ValueError):
            summary.replaced("no marks", "new\n")

    def test_it_shows_every_measure_and_plot(self):
        expected = [f"| {line.what} | " for line in summary.LINES]
        expected += [f"(bench/plots/{name})" for name in plots.PUBLISHED]
        self.assertEqual([text for text in expected if text not in self.README], [])


class Scripts(unittest.TestCase):
    """macro.script: rows of what ends well; a failure of each measure of what does not."""

    def script(self, text):
        made = samples.results()
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "some.py"
            program.write_text("import sys\nfile = open(sys.argv[-1], 'w')\n" + text)
            macro.script(made, ["http_get", "http_pool"], program)
        return made

    def test_rows(self):
        made = self.script('file.write(\'{"rows": [{"measure": "http_get/50", "implementation": '
                           '"eddy", "metric": "cpu_ns", "values": [1, 2]}]}\')\n')
        self.assertEqual(made.failures, [])
        self.assertEqual(made.rows, {("http_get/50", "eddy", "cpu_ns"): [1, 2]})

    def test_failures(self):
        for text, words in (("sys.exit(3)", "exit code 3"), ("", "not JSON"),
                            ("file.write('{\"rows\": [1]}')", "row 0")):
            made = self.script(text)
            self.assertEqual([measure for measure, _ in made.failures], ["http_get", "http_pool"])
            self.assertIn(words, made.failures[0][1])
            self.assertEqual(made.rows, {})


class MicroRun(unittest.TestCase):
    """A run of a program that stands for bench/micro/micro."""

    PROGRAM = """\
#!/bin/sh
case "$1" in
  --benchmark_list_tests=true) printf 'yield/eddy\\nyield/floor\\noffload/eddy/real_time\\n' ;;
  *yield/floor*) [ -e "$0.fail" ] && exit 1
    echo '{"benchmarks": [{"run_name": "yield/floor", "cpu_time": 2, "time_unit": "ns"}]}' ;;
  *yield/eddy*)
    echo '{"benchmarks": [{"run_name": "yield/eddy", "cpu_time": 5, "time_unit": "ns"}]}' ;;
  *) echo '{"benchmarks": [{"run_name": "offload/eddy/real_time", "real_time": 7,
                            "time_unit": "us"}]}' ;;
esac
"""

    def measure(self, fails):
        made = samples.results()
        with tempfile.TemporaryDirectory() as folder:
            builds = {s: pathlib.Path(folder) / s for s in ("epoll", "io_uring")}
            for build in builds.values():
                program = build / micro.PROGRAM
                program.parent.mkdir(parents=True)
                program.write_text(self.PROGRAM)
                program.chmod(0o755)
                if fails:
                    program.with_name("micro.fail").touch()
            micro.measure(made, builds, 3, 0.001)
        made.drop_failed()
        return made

    def test_rounds_and_selectors(self):
        self.assertEqual(self.measure(False).rows, {
            ("yield", "eddy", "ns"): [5] * 3, ("yield", "floor", "ns"): [2] * 3,
            ("offload", "eddy-epoll", "ns"): [7000] * 3,
            ("offload", "eddy-io_uring", "ns"): [7000] * 3})

    def test_each_round_has_its_layout(self):
        made = samples.results()
        with tempfile.TemporaryDirectory() as folder:
            build = pathlib.Path(folder)
            for name, nanoseconds in (("micro", 5), ("micro-100", 7), ("micro-16", 6)):
                program = (build / micro.PROGRAM).with_name(name)
                program.parent.mkdir(parents=True, exist_ok=True)
                program.write_text(self.PROGRAM.replace('"cpu_time": 5',
                                                        f'"cpu_time": {nanoseconds}'))
                program.chmod(0o755)
            for other in ("micro-16.p", "micro-notes"):
                (build / micro.PROGRAM).with_name(other).mkdir()
            micro.measure(made, {"epoll": build}, 4, 0.001, "^yield")
            os.utime((build / micro.PROGRAM).with_name("micro-16"), (0, 0))
            with self.assertRaisesRegex(micro.Failure, "micro-16 is older than micro"):
                micro.measure(made, {"epoll": build}, 4, 0.001, "^yield")
        self.assertEqual(made.rows[("yield", "eddy", "ns")], [5, 6, 7, 5])

    def test_a_failure_takes_its_measure_alone(self):
        made = self.measure(True)
        self.assertEqual([measure for measure, _ in made.failures], ["yield"])
        self.assertEqual(made.measures(), ["offload"])


class Run(unittest.TestCase):
    def run_py(self, made, *options):
        """(exit code, what it said, {file: text}) of run.py over these figures."""
        with tempfile.TemporaryDirectory() as folder:
            source, output = pathlib.Path(folder) / "in.json", pathlib.Path(folder) / "out"
            rows.save(made, source)
            done = subprocess.run([sys.executable, samples.ROOT / "bench" / "run.py", "--from",
                                   source, "--output", output, *options], text=True,
                                  capture_output=True, timeout=60, check=False)
            self.assertNotIn("Traceback", done.stderr)
            files = {p.name: p.read_text() for p in output.iterdir()} if output.is_dir() else {}
            return done.returncode, done.stderr, files

    def test_everything_is_written(self):
        code, _, files = self.run_py(samples.everything())
        self.assertEqual(code, 0)
        self.assertLessEqual({"REPORT.md", "results.json", "steps.svg", "memory.svg"}, set(files))
        for name in files:
            if name.endswith(".svg"):
                self.assertIn(f"]({name})", files["REPORT.md"])

    def test_check_names_what_is_missed(self):
        made = small()
        code, said, _ = self.run_py(made, "--check")
        self.assertEqual(code, 1)
        self.assertIn("MISSED spawn + join a trivial task: eddy 4, at most 3", said)
        self.assertIn("MISSED ten nested awaits", said)  # not measured
        made.facts["parts"] = ["micro"]
        code, said, _ = self.run_py(made, "--check")
        self.assertEqual(code, 1)
        self.assertNotIn("ten nested awaits", said)
        self.assertEqual(self.run_py(made, "--check", "--tolerance", "1.5")[0], 0)
        self.assertEqual(self.run_py(made)[0], 0)

    def test_a_failed_check_fails_the_run(self):
        made = small()
        made.fail("crawl", "lost a link")
        code, said, files = self.run_py(made)
        self.assertEqual(code, 1)
        self.assertIn("FAILED crawl: lost a link", said)
        self.assertIn("- crawl: lost a link", files["REPORT.md"])

    def test_nothing_measured_is_a_failure(self):
        self.assertEqual(self.run_py(samples.results())[0], 1)

    def test_bad_options(self):
        for options in (["--rounds", "0"], ["--only", "micro,tea"], ["--tolerance", "0.5"]):
            code, said, _ = self.run_py(small(), *options)
            self.assertEqual(code, 2)
            self.assertIn(options[0], said)


if __name__ == "__main__":
    unittest.main()
