"""The walkthrough under valgrind: no error, nothing lost. Argument: the examples' folder."""

import pathlib
import shutil
import subprocess
import sys
import unittest

PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
WALKTHROUGH = ("countasync", "rand", "chained", "asyncq", "asyncgen")


class NoLeak(unittest.TestCase):
    def test_walkthrough(self):
        self.assertIsNotNone(shutil.which("valgrind"))
        for name in WALKTHROUGH:
            with self.subTest(name):
                done = subprocess.run(
                    ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all",
                     "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99",
                     PROGRAMS / name, "--scale", "0.001"],
                    text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                    check=False)
                self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
