"""The rows of results.json: read, refused, related to each other."""

import json
import pathlib
import tempfile
import unittest

import samples

from report import micro, rows


def row(**other):
    return dict({"measure": "yield", "implementation": "eddy", "metric": "ns", "values": [1.0]},
                **other)


class Reading(unittest.TestCase):
    def test_what_is_saved_is_read(self):
        made = samples.everything()
        made.fail("crawl", "lost a link")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            rows.save(made, path)
            read = rows.load(path)
        self.assertEqual(read.rows, made.rows)
        self.assertEqual(read.facts, made.facts)
        self.assertEqual(read.failures, [("crawl", "lost a link")])

    def refused(self, document, *words):
        with self.assertRaises(rows.Malformed) as caught:
            rows.from_document(document, "a.json")
        for word in ("a.json", *words):
            self.assertIn(word, str(caught.exception))

    def test_malformed_rows_are_named(self):
        self.refused([], "no list `rows`")
        self.refused({"rows": {}}, "no list `rows`")
        self.refused({"rows": [], "facts": 1}, "`facts`")
        self.refused({"rows": [row(), 3]}, "row 1", "not an object")
        self.refused({"rows": [row(measure="")]}, "row 0", "`measure`")
        self.refused({"rows": [row(implementation=None)]}, "`implementation`")
        self.refused({"rows": [row(metric="miles")]}, "'miles'")
        self.refused({"rows": [row(), row()]}, "row 1", "yield eddy ns is there twice")
        for values in ([], 3, None, ["1"], [None], [True], [float("nan")], [float("inf")], [-1]):
            self.refused({"rows": [row(values=values)]}, "row 0", "value")

    def test_files_that_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            for content in (None, b"", b"{", b"\xff\xfe"):
                if content is not None:
                    path.write_bytes(content)
                with self.assertRaises(rows.Malformed) as caught:
                    rows.load(path)
                self.assertIn("results.json", str(caught.exception))


class Relations(unittest.TestCase):
    def test_ratio_is_of_each_round(self):
        # A slow second half slows both: the ratio does not see it.
        made = samples.results(("yield", "eddy", "ns", [2, 2, 2, 20, 20]),
                               ("yield", "floor", "ns", [1, 1, 1, 10, 10]))
        self.assertEqual(made.ratios("yield", "eddy", "floor", "ns"), [2] * 5)

    def test_ratio_of_other_numbers_of_rounds_is_that_of_medians(self):
        made = samples.results(("yield", "eddy", "ns", [3, 4, 5]), ("yield", "floor", "ns", [2]))
        self.assertEqual(made.ratios("yield", "eddy", "floor", "ns"), [2])
        self.assertEqual(made.ratios("yield", "eddy", "asio", "ns"), [])

    def test_no_ratio_to_nothing(self):
        made = samples.results(("yield", "eddy", "allocations", [3]),
                               ("yield", "floor", "allocations", [0]))
        self.assertEqual(made.ratios("yield", "eddy", "floor", "allocations"), [])

    def test_floor_is_that_of_the_selector(self):
        names = ("floor-epoll", "floor-io_uring")
        made = samples.results(*(("echo/1/64B/1", name, "cpu_ns", [1]) for name in names))

        def floor(name):
            return made.floor_of("echo/1/64B/1", name, "cpu_ns")
        self.assertEqual(floor("eddy-epoll"), "floor-epoll")
        self.assertEqual(floor("eddy-io_uring"), "floor-io_uring")
        self.assertEqual(floor("eddy-io_uring/read_some"), "floor-io_uring")
        self.assertEqual(floor("asio"), "floor-epoll")
        self.assertEqual(floor("threads-50"), "floor-epoll")
        # To be compared with another selector's floor would be a present.
        self.assertIsNone(floor("eddy-kqueue"))
        self.assertIsNone(floor("floor-epoll"))

    def test_who_is_ours(self):
        for name in ("eddy", "eddy-epoll", "eddy-io_uring/read_some", "eddy/example"):
            self.assertTrue(rows.is_ours(name), name)
        for name in ("eddyish", "floor", "asio", "threads-50"):
            self.assertFalse(rows.is_ours(name), name)
        self.assertTrue(rows.is_floor("floor-epoll"))
        self.assertTrue(rows.is_rival("wrk"))

    def test_best_rival(self):
        made = samples.results(*(("echo/1/64B/1", name, metric, [value])
                                 for name, value in (("eddy", 1), ("floor", 1), ("asio", 3),
                                                     ("libuv", 2))
                                 for metric in ("cpu_ns", "requests_per_s")))
        self.assertEqual(made.best_rival("echo/1/64B/1", "cpu_ns"), "libuv")
        self.assertEqual(made.best_rival("echo/1/64B/1", "requests_per_s"), "asio")
        self.assertIsNone(made.best_rival("yield", "ns"))

    def test_a_failed_check_takes_all_figures_of_its_measure(self):
        made = samples.everything()
        made.fail("echo", "wrong bytes")
        made.fail("sleepers/1000", "wrong result")
        made.drop_failed()
        left = made.measures()
        self.assertFalse([m for m in left if m.startswith("echo/") or m == "sleepers/1000"])
        self.assertIn("sleepers/1000000", left)
        self.assertIn("spawn_join", left)


class NamesOfMicro(unittest.TestCase):
    def test_parts(self):
        for name, measure, implementation in (
                ("yield/eddy", "yield", "eddy"),
                ("queue/floor/1024", "queue/1024", "floor"),
                ("spawn_join/threads/real_time", "spawn_join", "threads"),
                ("offload/threads-async/real_time", "offload", "threads-async"),
                ("sleepers/asio/1000000/iterations:1", "sleepers/1000000", "asio"),
                ("a/eddy/5/min_time:0.100/process_time", "a/5", "eddy")):
            self.assertEqual(micro.parted(name), (measure, implementation), name)

    def test_time_of_one_item(self):
        run = {"run_name": "a/eddy", "cpu_time": 2.0, "real_time": 3.0, "time_unit": "us"}
        self.assertEqual(micro.time_of(run), 2000)
        self.assertEqual(micro.time_of(dict(run, run_name="a/threads/real_time")), 3000)
        self.assertEqual(micro.time_of(dict(run, items_per_second=1e8)), 10)

    def test_selectors_where_the_loop_sleeps(self):
        self.assertEqual(micro.label("offload", "eddy", "io_uring"), "eddy-io_uring")
        self.assertEqual(micro.label("sleepers/1000", "eddy", "epoll"), "eddy-epoll")
        self.assertEqual(micro.label("offload", "threads", "epoll"), "threads")
        self.assertEqual(micro.label("spawn_join", "eddy", "epoll"), "eddy")


class Programs(unittest.TestCase):
    """What goes wrong in a benchmark's process is a failure of its measure, and no figure."""

    def run_program(self, text):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "micro"
            program.write_text("#!/bin/sh\n" + text)
            program.chmod(0o755)
            return micro.one_run(program, "yield/eddy", 0.001)

    def test_a_figure(self):
        run = {"run_name": "yield/eddy", "cpu_time": 5.0}
        text = f"cat <<'END'\n{json.dumps({'benchmarks': [run]})}\nEND\n"
        self.assertEqual(self.run_program(text), run)

    def test_failures(self):
        wrong = {"benchmarks": [{"error_occurred": True, "error_message": "wrong result"}]}
        for text, words in ((f"cat <<'END'\n{json.dumps(wrong)}\nEND\n", "wrong result"),
                            ("echo dead >&2; exit 3\n", "exit code 3: dead"),
                            ("echo text\n", "no JSON"),
                            ("echo '{\"benchmarks\": []}'\n", "0 results")):
            with self.assertRaises(micro.Wrong) as caught:
                self.run_program(text)
            self.assertIn(words, str(caught.exception))
            self.assertIn("yield/eddy", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
