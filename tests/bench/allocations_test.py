"""Allocations of a running server are read where they are counted."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import samples

from report import allocations

LIBRARY = "long eddy_bench_allocations = 1234567;\n"


class Counter(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def library(self, text):
        source = pathlib.Path(self.folder.name) / "counting.c"
        source.write_text(text)
        library = source.with_name("libcounting.so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        return library

    def test_of_a_process(self):
        library = self.library(LIBRARY)
        offset = allocations.offset_of_counter(library)
        server = f"{sys.executable} {samples.ROOT / 'tests' / 'bench_server.py'}"
        with allocations.measure.Server(f"env LD_PRELOAD={library} {server}") as running:
            self.assertEqual(allocations.count(running.pid, library, offset), 1234567)
        with allocations.measure.Server(server) as running:
            with self.assertRaises(allocations.Failure) as caught:
                allocations.count(running.pid, library, offset)
        self.assertIn("not loaded", str(caught.exception))

    def test_of_another_library(self):
        with self.assertRaises(allocations.Failure):
            allocations.offset_of_counter(self.library("int other;\n"))

    def test_a_server_that_fails_is_a_failure_of_the_measure(self):
        made = samples.results()
        allocations.add(made, {"epoll/eddy": "false"}, "load", self.library(LIBRARY))
        self.assertEqual([measure for measure, _ in made.failures], ["echo/50/64B/1"])
        self.assertIn("epoll/eddy", made.failures[0][1])
        self.assertEqual(made.rows, {})


if __name__ == "__main__":
    unittest.main()
