"""http_load: its figures and its errors. Argument: the folder of built examples."""

import itertools
import re
import unittest

import origins
import programs
from origins import Reply, reply

LAST = re.compile(r"(\d+) requests in (\d+\.\d{3}) s, (\d+) requests/s, \d+\.\d{3} s CPU, "
                  r"(\d+) errors\n$")


class Load(programs.Case):
    def load(self, code, *arguments):
        done = self.run_program([programs.PROGRAMS / "http_load", *arguments])
        self.assertEqual(done.returncode, code, done)
        found = LAST.search(done.stdout.decode())
        self.assertIsNotNone(found, done)
        self.assertEqual(done.stderr.count(b"\n"), int(found[4]) > 0)
        return int(found[1]), int(found[4]), done.stderr.decode()

    def test_counts(self):
        origin = self.origin(lambda r: reply(bytes(1024)))
        self.assertEqual(self.load(0, "-c", "7", "-n", "500", origin.url)[:2], (500, 0))
        self.assertEqual(len(origin.requests), 500)
        self.assertEqual(origin.connections, 7)
        self.assertEqual(self.load(0, "-c", "5", "-n", "2", origin.url)[:2], (2, 0))

    def test_figures_agree(self):
        origin = self.origin(lambda r: reply("x"))
        done = self.run_program([programs.PROGRAMS / "http_load", "-n", "300", origin.url])
        count, seconds, rate, _ = LAST.search(done.stdout.decode()).groups()
        self.assertAlmostEqual(int(count) / float(seconds) / int(rate), 1, delta=0.1)

    def test_errors(self):
        number = itertools.count()
        odd = self.origin(lambda r: reply(bytes(10 + (next(number) % 10 == 3))))
        requests, errors, told = self.load(1, "-c", "1", "-n", "50", odd.url)
        self.assertEqual((requests, errors), (50, 5))
        self.assertIn("a body of 11 bytes, and the first one had 10", told)

        number = itertools.count()
        cut = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "close")
        short = self.origin(lambda r: cut if next(number) == 3 else reply("abcde"))
        self.assertEqual(self.load(1, "-c", "1", "-n", "10", short.url)[:2], (10, 1))
        missing = self.origin(lambda r: reply("", "404 Not Found"))
        self.assertEqual(self.load(1, "-n", "10", missing.url)[:2], (10, 10))
        dead = f"http://127.0.0.1:{origins.refused_port()}/"
        self.assertEqual(self.load(1, "-n", "10", dead)[:2], (10, 10))

    def test_usage(self):
        for arguments in ([], ["-c", "0", "http://x/"], ["-n", "0", "http://x/"], ["-c", "x", "y"],
                          ["-n", "-5", "http://x/"], ["-c", "1000000", "http://x/"], ["ftp://x/"],
                          ["http://x:99999/"], ["--nonsense", "http://x/"], [""]):
            done = self.run_program([programs.PROGRAMS / "http_load", *arguments])
            self.assertEqual(done.returncode, 2, done)
            self.assertRegex(done.stderr, rb"^http_load: [^\n]+\n$")


if __name__ == "__main__":
    unittest.main()
