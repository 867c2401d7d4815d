"""The walkthrough programs: every line that they print, their times, errors and exit codes.

python3 walkthrough_test.py FOLDER_OF_THE_BUILT_EXAMPLES
"""

import pathlib
import re
import subprocess
import sys
import time
import unittest

PROGRAMS = ("countsync", "countasync", "rand", "chained", "asyncq", "asyncgen")
SCALE = 0.01
SEEDS = (1, 2, 3, 444)
# What a busy machine may add to a time that is checked from above.
SLACK_S = 3.0
# A program that hangs is a failure.
LIMIT_S = 60

folder = pathlib.Path()


def execute(program, *arguments, scale=SCALE):
    command = [folder / program, "--scale", str(scale), *arguments]
    return subprocess.run([str(c) for c in command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=LIMIT_S)


class Walkthrough(unittest.TestCase):
    maxDiff = None

    def lines_of(self, program, *arguments, scale=SCALE):
        done = execute(program, *arguments, scale=scale)
        self.assertEqual((done.returncode, done.stderr), (0, ""), (program, arguments))
        self.assertTrue(done.stdout.endswith("\n"))
        return done.stdout[:-1].split("\n")

    def fields(self, pattern, line):
        """What the groups of `pattern` hold, which must match the whole line."""
        found = re.fullmatch(pattern, line)
        self.assertIsNotNone(found, f"{line!r} is not of the form {pattern!r}")
        return found.groups()

    def check_time(self, text, least):
        """`text` is a time of two decimals, rounded; no sleep ends early."""
        self.assertGreaterEqual(float(text), least - 0.005 - 1e-9)
        self.assertLess(float(text), least + SLACK_S)


class Count(Walkthrough):
    def test_countsync_waits_three_times(self):
        lines = self.lines_of("countsync", scale=0.1)
        self.assertEqual(lines[:-1], ["One", "Two"] * 3)
        (seconds,) = self.fields(r"countsync executed in (\d+\.\d\d) seconds\.", lines[-1])
        self.check_time(seconds, 0.3)

    def test_countasync_waits_once(self):
        lines = self.lines_of("countasync", scale=0.1)
        self.assertEqual(lines[:-1], ["One"] * 3 + ["Two"] * 3)
        (seconds,) = self.fields(r"countasync executed in (\d+\.\d\d) seconds\.", lines[-1])
        self.check_time(seconds, 0.1)

    def test_three_sleeps_at_once_are_shorter_than_one_after_the_other(self):
        lines = self.lines_of("countasync", scale=2)
        (seconds,) = self.fields(r"countasync executed in (\d+\.\d\d) seconds\.", lines[-1])
        self.check_time(seconds, 2)
        self.assertLess(float(seconds), 6)


class Rand(Walkthrough):
    COLOURS = ("\033[36m", "\033[91m", "\033[35m")
    END = "\033[0m"

    def check(self, seed):
        lines = self.lines_of("rand", "--seed", seed, scale=0.001)
        results = {}
        begun = []
        for line in lines[:-2]:
            colour, text = line[:5], line[5:]
            idx = self.COLOURS.index(colour)
            if idx not in begun:
                self.assertEqual(text, f"Initiated makerandom({idx}).")
                begun.append(idx)
                continue
            self.assertNotIn(idx, results, "it goes on after it has finished")
            if text.startswith("--->"):
                (drawn,) = self.fields(
                    rf"---> Finished: makerandom\({idx}\) == (\d+){re.escape(self.END)}", text)
                self.assertGreater(int(drawn), 10 - idx - 1)
                self.assertLessEqual(int(drawn), 10)
                results[idx] = drawn
            else:
                (drawn,) = self.fields(
                    rf"makerandom\({idx}\) == (\d+) too low; retrying\.", text)
                self.assertLessEqual(int(drawn), 10 - idx - 1)
        self.assertEqual(begun, [0, 1, 2])
        self.assertEqual(lines[-2:], ["", f"r1: {results[0]}, r2: {results[1]}, r3: {results[2]}"])

    def test_every_line(self):
        for seed in (*SEEDS, -1):
            with self.subTest(seed=seed):
                self.check(seed)

    # Sleeps of 3, 6 and 9 ms would be in a fixed order only on an idle machine; what each coroutine
    # draws depends on it. Its first draw does not.
    def test_a_seed_repeats_the_first_draws(self):
        def first(seed):
            return self.lines_of("rand", "--seed", seed, scale=0.001)[:4]
        self.assertEqual(first(7), first(7))
        self.assertGreater(len({tuple(first(seed)) for seed in range(8)}), 1)


class Chained(Walkthrough):
    def check(self, seed, numbers, *arguments):
        lines = self.lines_of("chained", "--seed", seed, *arguments)
        (seconds,) = self.fields(r"Program finished in (\d+\.\d\d) seconds\.", lines.pop())
        starts = [f"part1({n})" for n in numbers]
        self.assertEqual([line.split(" ")[0] for line in lines[:len(numbers)]], starts)
        longest = 0.0
        for n in numbers:
            mine = [line for line in lines if re.match(
                rf"(?:Returning )?part[12]\({n}[,)]|-->Chained result{n} ", line)]
            self.assertEqual(len(mine), 5)
            (i,) = self.fields(rf"part1\({n}\) sleeping for (\d+) seconds\.", mine[0])
            self.assertEqual(mine[1], f"Returning part1({n}) == result{n}-1.")
            (j,) = self.fields(
                rf"part2\({n}, 'result{n}-1'\) sleeping for (\d+) seconds\.", mine[2])
            derived = f"result{n}-2 derived from result{n}-1"
            self.assertEqual(mine[3], f"Returning part2({n}, 'result{n}-1') == {derived}.")
            (took,) = self.fields(
                rf"-->Chained result{n} => {derived} \(took (\d+\.\d\d) seconds\)\.", mine[4])
            self.assertLessEqual(int(i), 10)
            self.assertLessEqual(int(j), 10)
            self.check_time(took, (int(i) + int(j)) * SCALE)
            longest = max(longest, float(took))
        self.assertEqual(len(lines), 5 * len(numbers))
        self.check_time(seconds, longest)

    def test_every_line(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.check(seed, [1, 2, 3])

    def test_numbers_as_arguments(self):
        self.check(5, [9, 3, 6, 1], "9", "3", "6", "1")
        self.check(5, [-4], "-4")

    def test_the_chains_run_at_once(self):
        numbers = list(range(100, 300))
        began = time.monotonic()
        self.check(6, numbers, *map(str, numbers))
        # One after the other they would take 200 * 10 * SCALE seconds on average.
        self.assertLess(time.monotonic() - began, 10)


class Asyncq(Walkthrough):
    def check(self, seed, nprod, ncon, *arguments):
        lines = self.lines_of("asyncq", "--seed", seed, *arguments)
        (seconds,) = self.fields(r"Program completed in (\d+\.\d{5}) seconds\.", lines.pop())
        added, got = [], []
        slept = {("Producer", n): 0 for n in range(nprod)}
        slept.update({("Consumer", n): 0 for n in range(ncon)})
        state = dict.fromkeys(slept, "idle")
        least = dict.fromkeys(slept, 0.0)
        actors = {}  # in the order of their first lines
        for line in lines:
            who, number, text = self.fields(r"(Producer|Consumer) (\d+) (.*)", line)
            actor = (who, int(number))
            self.assertIn(actor, slept)
            actors[actor] = True
            if state[actor] == "idle":
                (i,) = self.fields(r"sleeping for (\d+) seconds\.", text)
                self.assertLessEqual(int(i), 10)
                least[actor] += slept[actor] * SCALE
                slept[actor] = int(i)
                state[actor] = "sleeping"
                continue
            state[actor] = "idle"
            if who == "Producer":
                added += self.fields(r"added <([0-9a-f]{10})> to queue\.", text)
            else:
                element, age = self.fields(
                    r"got element <([0-9a-f]{10})> in (\d+\.\d{5}) seconds\.", text)
                got.append(element)
                self.assertLess(float(age), 10 * SCALE + SLACK_S + float(seconds))
        self.assertEqual(got, added, "a queue is first in, first out, and loses nothing")
        self.assertEqual({s for a, s in state.items() if a[0] == "Producer"} - {"idle"}, set())
        self.assertLessEqual(len(added), 10 * nprod)
        self.assertGreaterEqual(float(seconds) + 1e-5, max(least.values()))
        self.assertLess(float(seconds), 10 * 10 * SCALE * (1 + nprod / ncon) + SLACK_S)
        # Producers were started first. One that draws no items is silent.
        producers = [a for a in slept if a in actors and a[0] == "Producer"]
        self.assertEqual(list(actors), producers + [("Consumer", n) for n in range(ncon)])
        return len(added)

    def test_every_line(self):
        total = 0
        for seed in SEEDS:
            with self.subTest(seed=seed):
                total += self.check(seed, 5, 10)
        self.assertGreater(total, 0)

    def test_other_numbers_of_tasks(self):
        total = 0
        for nprod, ncon in ((1, 1), (2, 5), (7, 2), (40, 40)):
            with self.subTest(nprod=nprod, ncon=ncon):
                total += self.check(8, nprod, ncon, "-p", str(nprod), "-c", str(ncon))
        self.assertGreater(total, 0)
        self.assertGreater(self.check(9, 20, 3, "--nprod", "20", "--ncon", "3"), 0)

    def test_no_producers(self):
        lines = self.lines_of("asyncq", "-p", "0", "-c", "2")
        self.assertEqual([line for line in lines if "got" in line or "added" in line], [])
        self.assertRegex(lines[-1], r"^Program completed in 0\.\d{5} seconds\.$")


class Asyncgen(Walkthrough):
    def test_every_line(self):
        began = time.monotonic()
        lines = self.lines_of("asyncgen")
        self.assertEqual(lines, ["[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]",
                                 "[1, 2, 16, 32, 256, 512]"])
        self.assertGreaterEqual(time.monotonic() - began, 20 * 0.1 * SCALE)


class CommandLine(unittest.TestCase):
    def check_refused(self, program, *arguments, says):
        done = subprocess.run([str(folder / program), *arguments], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=LIMIT_S)
        with self.subTest(program=program, arguments=arguments):
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, rf"^{program}: .*{re.escape(says)}.*\n$")
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_usage_errors(self):
        for program in PROGRAMS:
            self.check_refused(program, "--nonsense", says="--nonsense")
            self.check_refused(program, "--scale", says="--scale")
            for bad in ("0", "-1", "nan", "inf", "1001"):
                self.check_refused(program, "--scale", bad, says=f"--scale: must be above 0 and at "
                                   f"most 1000, is {bad}")
            self.check_refused(program, "--scale", "x", says="--scale = x")
            self.check_refused(program, "--seed", "1.5", says="--seed = 1.5")
            self.check_refused(program, "--seed", "", says="empty")
            self.check_refused(program, "--seed=", says="--seed")
            self.check_refused(program, "word", says="word")
        for option in ("-p", "-c"):
            for bad in ("-1", "x", "1.5", "100001", "99999999999999999999"):
                self.check_refused("asyncq", option, bad, says=bad)
        self.check_refused("asyncq", "-c", "0", says="--ncon")
        self.check_refused("chained", "1", "two", says="two")
        self.check_refused("chained", "99999999999", says="99999999999")

    def test_help(self):
        for program in PROGRAMS:
            done = execute(program, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in (program, "--seed", "--scale"):
                self.assertIn(word, done.stdout)

    def test_a_reader_that_goes_away(self):
        for program in PROGRAMS:
            with self.subTest(program=program):
                child = subprocess.Popen([str(folder / program), "--scale", "0.02"], text=True,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
                self.assertNotEqual(child.stdout.readline(), "")
                child.stdout.close()
                told = child.stderr.read()
                child.stderr.close()
                child.wait(timeout=LIMIT_S)
                # SIGPIPE ends it as it ends any program, unless all was written before.
                self.assertIn(child.returncode, (0, -13))
                self.assertEqual(told, "")

    @unittest.skipUnless(pathlib.Path("/dev/full").exists(), "there is no /dev/full")
    def test_an_output_that_cannot_be_written(self):
        for program in PROGRAMS:
            with self.subTest(program=program), open("/dev/full", "w") as full:
                done = subprocess.run([str(folder / program), "--scale", "0.001"], stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr,
                                 f"{program}: the standard output cannot be written\n")

    def test_lines_reach_a_pipe_in_time(self):
        child = subprocess.Popen([str(folder / "countasync"), "--scale", "100"], text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertEqual([child.stdout.readline() for _ in range(3)], ["One\n"] * 3)
        self.assertIsNone(child.poll())
        child.kill()
        child.wait()
        child.stdout.close()


if __name__ == "__main__":
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit("usage: walkthrough_test.py FOLDER_OF_THE_BUILT_EXAMPLES")
    folder = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
