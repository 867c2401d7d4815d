"""bench/compile.py: what does not compile, or is no echo server, is no figure."""

import importlib
import pathlib
import sys
import tempfile
import unittest

import samples

measured = importlib.import_module("compile")
BAD_SERVER = samples.ROOT / "tests" / "bench_server.py"


class Compile(unittest.TestCase):
    def program(self, folder, text):
        program = pathlib.Path(folder) / "program"
        program.write_text("#!/bin/sh\n" + text)
        program.chmod(0o755)
        return program

    def failure(self, call):
        with self.assertRaises(measured.Failure) as caught:
            call()
        return str(caught.exception)

    def test_an_echo_server(self):
        with tempfile.TemporaryDirectory() as folder:
            measured.check("slow", self.program(folder, f"exec {sys.executable} {BAD_SERVER} $*\n"))

    def test_what_is_none(self):
        for text, words in ((f"exec {sys.executable} {BAD_SERVER} --lie $*\n",
                             "liar sends back something else"),
                            ("echo hello\n", "liar does not listen")):
            with tempfile.TemporaryDirectory() as folder:
                program = self.program(folder, text)
                self.assertIn(words, self.failure(lambda: measured.check("liar", program)))

    def test_what_does_not_compile(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "broken.c"
            source.write_text("int main(void) { return missing; }\n")
            said = self.failure(lambda: measured.cpu_seconds("eddy", ["gcc", source], folder))
        self.assertIn("compile/echo_server: eddy", said)
        self.assertIn("missing", said)

    def test_every_source_is_there(self):
        for name, words in measured.servers(samples.ROOT / "build").items():
            sources = [w for w in words if isinstance(w, pathlib.Path)]
            self.assertTrue(sources, name)
            for source in sources:
                self.assertTrue(source.is_file(), source)


if __name__ == "__main__":
    unittest.main()
