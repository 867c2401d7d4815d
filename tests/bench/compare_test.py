"""bench/compare: equal files, noise, real changes, other machines, files that are none."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

import samples

from report import comparing, noise, rows


def verdicts(before, after, threshold=0.05):
    return [c.verdict for c in comparing.compare(before, after, threshold)
            if rows.is_ours(c.implementation)]


class Statistics(unittest.TestCase):
    def test_ranks(self):
        # 2 of the 252 orders of five and five are this far apart.
        self.assertAlmostEqual(noise.mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 2 / 252)
        self.assertEqual(noise.mann_whitney([1] * 5, [1] * 5), 1.0)
        self.assertEqual(sum(noise.rank_counts(5, 5).values()), 252)

    def test_student(self):
        for t, degrees, p in ((2.306, 8, 0.05), (12.706, 1, 0.05), (5.041, 8, 0.001), (0, 5, 1)):
            self.assertAlmostEqual(noise.student_tail(t, degrees), p, places=4)

    def test_welch_is_symmetric_and_equal_samples_are_equal(self):
        a, b = [1, 1.1, 0.9, 1.05], [1.3, 1.2, 1.25, 1.4]
        self.assertAlmostEqual(noise.welch(a, b), noise.welch(b, a))
        self.assertAlmostEqual(noise.welch(a, a), 1.0)
        self.assertTrue(0 < noise.welch([1] * 5, [1.5] * 5) < 1e-6)

    def test_holm(self):
        for got, wanted in zip(noise.holm([0.03, 0.01, 0.5]), [0.06, 0.03, 0.5]):
            self.assertAlmostEqual(got, wanted)
        self.assertEqual(noise.holm([]), [])


class Comparing(unittest.TestCase):
    def test_equal_files(self):
        made = samples.noisy(1)
        self.assertEqual(set(verdicts(made, made, 0)), {"same"})

    def test_noise_alone_is_nothing(self):
        """A wolf in no more than one of twenty pairs of runs, of 40 rows each."""
        cries = 0
        for seed in range(60):
            found = verdicts(samples.noisy(seed, scatter=0.05),
                             samples.noisy(1000 + seed, scatter=0.05), 0.02)
            cries += set(found) != {"same"}
        self.assertLessEqual(cries, 3)

    def test_a_real_change_is_found_and_only_it(self):
        found = verdicts(samples.noisy(1), samples.noisy(2, factor=1.1, changed=(3,)))
        self.assertEqual(found.count("slower"), 1)
        self.assertEqual(found[3], "slower")
        found = verdicts(samples.noisy(1), samples.noisy(2, factor=0.9, changed=(3,)))
        self.assertEqual((found[3], found.count("same")), ("faster", 39))

    def test_below_the_threshold_is_the_same(self):
        before, after = samples.noisy(1, scatter=0.001), samples.noisy(2, scatter=0.001,
                                                                       factor=1.03, changed=(3,))
        self.assertEqual(set(verdicts(before, after)), {"same"})
        self.assertEqual(verdicts(before, after, 0.01)[3], "slower")

    def test_what_slows_the_floor_too_is_the_machine(self):
        before, after = samples.noisy(1), samples.noisy(2)
        for key, values in after.rows.items():
            after.rows[key] = [1.2 * value for value in values]
        self.assertEqual(set(verdicts(before, after)), {"same"})
        changes = comparing.compare(before, after, 0.05)
        self.assertAlmostEqual(comparing.machine_change(changes), 0.2, places=1)

    def test_one_wild_round_is_nothing(self):
        before = samples.results(("yield", "eddy", "ns", [10, 10.1, 9.9, 10, 10.05]))
        after = samples.results(("yield", "eddy", "ns", [10, 10.1, 9.9, 10, 900]))
        self.assertEqual(verdicts(before, after), ["same"])

    def test_more_per_second_is_faster(self):
        def made(factor):
            return samples.results(("echo/1/64B/1", "eddy", "requests_per_s",
                                    [factor * v for v in (100, 101, 99, 100, 100.5)]))
        self.assertEqual(verdicts(made(1), made(1.3)), ["faster"])
        self.assertEqual(verdicts(made(1.3), made(1)), ["slower"])

    def test_counts_need_no_rounds(self):
        def made(metric, value):
            return samples.results(("yield", "eddy", metric, [value]))
        self.assertEqual(verdicts(made("allocations", 2), made("allocations", 3)), ["slower"])
        self.assertEqual(verdicts(made("allocations", 0), made("allocations", 1)), ["slower"])
        self.assertEqual(verdicts(made("allocations", 1), made("allocations", 0)), ["faster"])
        self.assertEqual(verdicts(made("allocations", 0), made("allocations", 0)), ["same"])
        self.assertEqual(verdicts(made("ns", 2), made("ns", 3)), ["too few"])
        self.assertEqual(comparing.relative(0, 1), math.inf)


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, made):
        path = pathlib.Path(self.folder.name) / name
        if isinstance(made, str):
            path.write_text(made)
        else:
            rows.save(made, path)
        return path

    def compare(self, before, after, *options):
        done = subprocess.run([sys.executable, samples.ROOT / "bench" / "compare",
                               self.file("before.json", before), self.file("after.json", after),
                               *options], text=True, capture_output=True, timeout=60, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout + done.stderr

    def test_exit_codes(self):
        same, slower = samples.noisy(1), samples.noisy(2, factor=1.15, changed=(3,))
        code, said = self.compare(same, same)
        self.assertEqual(code, 0)
        self.assertIn("0 slower, 0 faster, 40 same", said)
        code, said = self.compare(same, slower)
        self.assertEqual(code, 1)
        self.assertRegex(said, r"slower +measure3 +eddy +\S+ ns -> +\S+ ns +\+1\d\.\d%")
        self.assertEqual(self.compare(slower, same)[0], 0)
        self.assertEqual(self.compare(same, slower, "--threshold", "50")[0], 0)

    def test_rows_that_are_gone(self):
        before, after = samples.noisy(1), samples.noisy(1)
        del after.rows["measure3", "eddy", "ns"]
        del after.rows["measure4", "floor", "ns"]
        code, said = self.compare(before, after)
        self.assertEqual(code, 1)
        self.assertIn("measure3 eddy ns", said)
        self.assertNotIn("measure4 floor ns", said)
        self.assertEqual(self.compare(after, before)[0], 0)

    def test_other_machines(self):
        before, after = samples.noisy(1), samples.noisy(1)
        after.facts["machine"] = "Another one"
        code, said = self.compare(before, after)
        self.assertEqual(code, 2)
        self.assertIn("'A machine' and 'Another one'", said)
        self.assertEqual(self.compare(before, after, "--force")[0], 0)

    def test_other_kernels_are_said(self):
        before, after = samples.noisy(1), samples.noisy(1)
        after.facts["kernel"] = "Linux 7"
        code, said = self.compare(before, after)
        self.assertEqual(code, 0)
        self.assertIn("not the same kernel: 'Linux 6.1' and 'Linux 7'", said)

    def test_files_that_are_none(self):
        good = samples.noisy(1)
        row = {"measure": "yield", "implementation": "eddy", "metric": "ns", "values": ["fast"]}
        for text, words in (("", "not JSON"), ("[]", "no list `rows`"),
                            (json.dumps({"rows": [row]}), "the value 'fast'")):
            code, said = self.compare(good, text)
            self.assertEqual(code, 2)
            self.assertIn("after.json", said)
            self.assertIn(words, said)

    def test_nothing_in_both(self):
        other = samples.results(("other", "eddy", "ns", [1] * 5))
        code, said = self.compare(samples.noisy(1), other)
        self.assertEqual(code, 2)
        self.assertIn("no row in common", said)

    def test_a_threshold_that_is_none(self):
        code, said = self.compare(samples.noisy(1), samples.noisy(1), "--threshold", "nan")
        self.assertEqual(code, 2)
        self.assertIn("--threshold nan", said)


if __name__ == "__main__":
    unittest.main()
