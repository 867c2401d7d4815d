"""The floor that is measured twice: it judges nobody, is no rival, and shows what the machine adds;
and how many rounds of what a run takes."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import samples

from report import budgets, document, macro, plots, rows

BENCH = samples.ROOT / "bench"
ECHO = "echo/50/64B/1"


def script(name):
    """bench/NAME.py as a module; `http` by itself would be Python's."""
    place = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def twice(measure=ECHO):
    """Our ratio is 1.04, 1.06, 1.10; the floor's to itself 0.90, 1.00, 1.20."""
    return samples.results((measure, "floor-epoll", "cpu_ns", [100, 200, 100]),
                           (measure, "eddy-epoll", "cpu_ns", [104, 212, 110]),
                           (measure, "floor-epoll/again", "cpu_ns", [90, 200, 120]),
                           (measure, "asio", "cpu_ns", [130, 260, 130]))


class Names(unittest.TestCase):
    def test_a_floor_and_no_rival(self):
        for name in ("floor/again", "floor-epoll/again", "floor-io_uring/again"):
            self.assertTrue(rows.is_again(name) and rows.is_floor(name), name)
            self.assertFalse(rows.is_rival(name) or rows.is_ours(name), name)
        for name in ("floor", "floor-epoll", "floor-at-once-epoll", "eddy/again", "asio/again"):
            self.assertFalse(rows.is_again(name), name)
        self.assertEqual(twice().best_rival(ECHO, "cpu_ns"), "asio")

    def test_its_floor_is_the_first(self):
        names = ("floor-epoll", "floor-io_uring", "floor-epoll/again", "floor-io_uring/again")
        made = samples.results(*((ECHO, name, "cpu_ns", [1]) for name in names))
        for name in names[:2]:
            self.assertEqual(made.floor_of(ECHO, name + "/again", "cpu_ns"), name)
            self.assertIsNone(made.floor_of(ECHO, name, "cpu_ns"))

    def test_it_is_nobody_s_floor(self):
        alone = samples.results((ECHO, "floor-epoll/again", "cpu_ns", [1]))
        for name in ("eddy-epoll", "eddy-epoll/read_some", "asio", "floor-epoll/again"):
            self.assertEqual(twice().floor_of(ECHO, name, "cpu_ns"), "floor-epoll")
            self.assertIsNone(alone.floor_of(ECHO, name, "cpu_ns"))


class Report(unittest.TestCase):
    BUDGET = budgets.Budget("echo", ECHO, "cpu_ns", 1.05, "floor")

    def budget_line(self, made, budget=BUDGET):
        verdict, = budgets.judge(made, [budget])
        head, _, line = document.budgets(made, [verdict]).strip().splitlines()[-3:]
        return dict(zip(*([cell.strip() for cell in text.strip("|").split("|")]
                          for text in (head, line))))

    def test_beside_the_budget(self):
        line = self.budget_line(twice())
        self.assertEqual(line["× floor"], "1.06 (1.05–1.08)")
        self.assertEqual(line["the floor again"], "1.00 (0.95–1.10)")
        self.assertEqual(line["verdict"], "**MISSED**: 1.060 ×")

    def test_no_verdict_looks_at_it(self):
        made = twice()
        before = budgets.judge(made, [self.BUDGET])
        made.rows[(ECHO, "floor-epoll/again", "cpu_ns")] = [1000, 1000, 1000]
        self.assertEqual(budgets.judge(made, [self.BUDGET]), before)

    def test_empty_where_there_is_none(self):
        once = twice()
        del once.rows[(ECHO, "floor-epoll/again", "cpu_ns")]
        self.assertEqual(self.budget_line(once)["the floor again"], "")
        for budget in (self.BUDGET._replace(against="asio"), self.BUDGET._replace(against="")):
            self.assertEqual(self.budget_line(twice(), budget)["the floor again"], "")

    def test_among_all_figures(self):
        table = document.measure_table(twice(), ECHO)
        self.assertIn("| floor-epoll/again | 120 ns (105 ns – 160 ns), 1.00 × floor |", table)
        self.assertIn("| floor-epoll | 100 ns (100 ns – 150 ns) |", table)

    def test_in_no_plot(self):
        made = samples.everything()
        once = plots.draw(made)
        for (measure, name, metric), values in list(made.rows.items()):
            if rows.is_floor(name):
                made.add(measure, name + rows.AGAIN, metric, *values)
        self.assertEqual(plots.draw(made), once)


class Scripts(unittest.TestCase):
    """echo.py and http.py by themselves."""

    def test_echo(self):
        echo = script("echo")
        self.assertEqual(echo.rows.implementation("epoll/floor/again"), "floor-epoll/again")
        names = ("io_uring/floor", "io_uring/floor/again", "io_uring/eddy")
        self.assertEqual([echo.floor_of(name, names) for name in names], ["io_uring/floor"] * 3)
        self.assertFalse(echo.rows.is_ours("io_uring/floor/again"))
        line = {"ratio": (1, 9, 10)}
        found = echo.checks({"timed": {(50, 64, 1): [dict(line, name=name) for name in names]},
                             "calls": {}, "idle": {}})
        self.assertEqual([what.partition(":")[0] for what, _, _ in found], ["io_uring/eddy"])

    def test_http(self):
        http = script("http")
        self.assertEqual(http.named("floor-epoll/again=client -o"),
                         ("floor-epoll/again", "client -o"))
        table = http.Table()
        for name, cpu in (("floor-epoll", 2), ("floor-epoll/again", 9), ("floor-io_uring", 4),
                          ("floor-io_uring/again", 8), ("eddy-io_uring", 5), ("eddy-epoll", 2)):
            table.add("http_get_own/50", name, {"cpu_ns": cpu})
        for name, ratio in (("floor-epoll/again", 4.5), ("floor-io_uring/again", 2),
                            ("eddy-io_uring", 1.25), ("eddy-epoll", 1)):
            self.assertEqual(table.ratios("http_get_own/50", name), [ratio], name)
        self.assertTrue(http.keeps_budget(table))
        self.assertIn("floor-io_uring/again", [row["implementation"] for row in table.rows()])

    def test_http_refuses_what_measures_nothing(self):
        for options, words in (([], "nothing to measure"), (["--client", "eddy=a"], "floor"),
                               (["--pool", "floor=a", "--own", "b", "--no-nginx", "--check"],
                                "--check judges --client")):
            done = subprocess.run([sys.executable, BENCH / "http.py", *options], text=True,
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


def value(words, option):
    return words[words.index(option) + 1]


class Runs(unittest.TestCase):
    """What macro.py asks of the scripts, for builds in which every program is there."""

    PROGRAMS = ("bench/echo/raw_epoll", "bench/echo/raw_uring", "bench/echo/read_some_server",
                "bench/echo/asio_server", "bench/http/raw_client", "bench/http/uring_client",
                "bench/http/many_hosts", "examples/echo_server", "examples/http_load")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.builds = {s: pathlib.Path(folder.name) / s for s in ("epoll", "io_uring")}
        for build in self.builds.values():
            for name in self.PROGRAMS:
                (build / name).parent.mkdir(parents=True, exist_ok=True)
                (build / name).touch(0o755)

    def asked(self, part, settings):
        """The arguments of each script's run."""
        with mock.patch.object(macro, "script") as called, \
                mock.patch.object(macro.shutil, "which", return_value=sys.executable):
            part(samples.results(), self.builds, settings)
        return [[str(word) for word in call.args[2:]] for call in called.call_args_list]

    def named(self, words):
        return [w.partition("=")[0] for w in words if "=" in w and "/" in w.partition("=")[2]]

    def test_rounds(self):
        self.assertEqual([s.short_rounds for s in (macro.Settings(), macro.Settings(rounds=2),
                                                   macro.QUICK, macro.TINY)], [21, 6, 5, 2])

    def test_echo(self):
        timed, calls = self.asked(macro.echo, macro.Settings())
        self.assertEqual([value(timed, o) for o in ("--rounds", "--seconds", "--warmup")],
                         ["21", "0.3", "0.1"])
        self.assertEqual(self.named(timed),
                         ["epoll/floor", "io_uring/floor", "epoll/eddy", "epoll/eddy/read_some",
                          "io_uring/eddy", "io_uring/eddy/read_some", "epoll/floor/again",
                          "io_uring/floor/again", "epoll/asio"])
        floors = {w.partition("=")[0]: w.partition("=")[2] for w in timed if "/floor" in w}
        self.assertEqual(floors["io_uring/floor"], floors["io_uring/floor/again"])
        others = [calls, *self.asked(macro.idle, macro.Settings())]
        others.append(self.asked(macro.echo, macro.QUICK)[0])
        for words in others:
            self.assertNotIn("again", " ".join(words))
        self.assertNotIn("again", " ".join(macro.echo_servers(self.builds)))

    def test_http(self):
        gets, pool = self.asked(macro.http, macro.Settings())
        self.assertEqual([value(gets, o) for o in ("--rounds", "--requests")], ["21", "50000"])
        self.assertEqual([value(pool, o) for o in ("--rounds", "--requests")], ["7", "100000"])
        self.assertEqual(self.named(gets), ["floor-epoll", "floor-io_uring",
                                            "floor-at-once-epoll", "floor-at-once-io_uring",
                                            "eddy-epoll", "eddy-io_uring", "floor-epoll/again",
                                            "floor-io_uring/again", "wrk"])
        self.assertEqual(self.named(pool), ["floor-epoll", "eddy-epoll", "eddy-io_uring"])
        self.assertNotIn("again", " ".join(self.asked(macro.http, macro.QUICK)[0]))

    def test_quick_and_tiny_are_as_short_as_before(self):
        for settings, rounds, seconds, requests in ((macro.QUICK, "5", "0.15", "10000"),
                                                    (macro.TINY, "2", "0.1", "300")):
            timed = self.asked(macro.echo, settings)[0]
            self.assertEqual([value(timed, "--rounds"), value(timed, "--seconds")],
                             [rounds, seconds])
            for words in self.asked(macro.http, settings):
                self.assertEqual([value(words, "--rounds"), value(words, "--requests")],
                                 [rounds, requests])


if __name__ == "__main__":
    unittest.main()
