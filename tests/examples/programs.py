"""What the tests of fetch and http_load share: running them, and curl."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import origins

PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
LIMIT_S = 60
# Without the proxies of whoever runs this.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fetch-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def origin(self, answer, host="127.0.0.1"):
        made = origins.Origin(answer, host)
        self.addCleanup(made.stop)
        return made

    def run_program(self, command, stdin=b"", environment=None):
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True,
                              timeout=LIMIT_S, check=False,
                              env=dict(ENVIRONMENT, **(environment or {})))
        self.assertNotIn(b"runtime error", done.stderr)
        self.assertNotIn(b"Sanitizer", done.stderr)
        return done

    def fetch(self, *arguments, **more):
        done = self.run_program([PROGRAMS / "fetch", *arguments], **more)
        for byte in done.stderr.replace(b"\n", b""):
            self.assertTrue(0x20 <= byte < 0x7f, f"a control byte in {done.stderr!r}")
        return done

    def curl(self, *arguments, **more):
        return self.run_program(["curl", "-sS", *arguments], **more)

    def expect(self, code, *arguments, **more):
        """Runs fetch, which must end so; if it fails, with the one line that says why."""
        done = self.fetch(*arguments, **more)
        self.assertEqual(done.returncode, code, f"{arguments}: {done}")
        if code:
            self.assertRegex(done.stderr, rb"^fetch: \(%d\) [^\n]+\n$" % code)
        else:
            self.assertEqual(done.stderr, b"")
        return done
