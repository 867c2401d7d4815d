"""The budgets, and how cost may grow: what is met, missed, or not measured."""

import re
import unittest

import samples

from report import budgets, rows
from report.budgets import Budget, Growth

RATIO = Budget("a ratio", "yield", "ns", 2.0, "floor")
LIMIT = Budget("a limit", "sleepers/1000", "bytes", 256)


def one(budget, *found):
    made = samples.results(*found)
    verdicts = budgets.judge(made, [budget])
    assert len(verdicts) == 1, verdicts
    return verdicts[0]


class Judging(unittest.TestCase):
    def test_a_ratio(self):
        verdict = one(RATIO, ("yield", "eddy", "ns", [3, 4, 5]),
                      ("yield", "floor", "ns", [2, 2, 2]))
        self.assertEqual((verdict.met, verdict.value, verdict.figure), (True, 2.0, 4))
        verdict = one(RATIO, ("yield", "eddy", "ns", [3, 4.2, 5]),
                      ("yield", "floor", "ns", [2, 2, 2]))
        self.assertFalse(verdict.met)

    def test_a_limit(self):
        self.assertTrue(one(LIMIT, ("sleepers/1000", "eddy", "bytes", [256])).met)
        verdict = one(LIMIT, ("sleepers/1000", "eddy-epoll", "bytes", [257]))
        self.assertEqual((verdict.met, verdict.implementation), (False, "eddy-epoll"))

    def test_zero_is_a_limit(self):
        none = Budget("allocations", "yield", "allocations", 0)
        self.assertTrue(one(none, ("yield", "eddy", "allocations", [0])).met)
        self.assertFalse(one(none, ("yield", "eddy", "allocations", [0.01])).met)

    def test_each_selector_against_its_own_floor(self):
        found = samples.results(("echo/50/64B/1", "eddy-epoll", "cpu_ns", [105]),
                                ("echo/50/64B/1", "floor-epoll", "cpu_ns", [100]),
                                ("echo/50/64B/1", "eddy-io_uring", "cpu_ns", [95]),
                                ("echo/50/64B/1", "floor-io_uring", "cpu_ns", [80]))
        budget = Budget("echo", "echo/50/64B/1", "cpu_ns", 1.05, "floor")
        self.assertEqual({v.implementation: v.met for v in budgets.judge(found, [budget])},
                         {"eddy-epoll": True, "eddy-io_uring": False})

    def test_rivals_and_other_ways_are_not_judged(self):
        verdict = one(LIMIT, ("sleepers/1000", "eddy", "bytes", [100]),
                      ("sleepers/1000", "asio", "bytes", [9999]),
                      ("sleepers/1000", "eddy/read_some", "bytes", [9999]))
        self.assertTrue(verdict.met)

    def test_not_measured(self):
        verdict = one(RATIO, ("yield", "floor", "ns", [2]))
        self.assertEqual((verdict.met, verdict.why), (None, "not in this run"))
        verdict = one(RATIO, ("yield", "eddy", "ns", [2]))
        self.assertEqual((verdict.met, verdict.why), (None, "no floor in this run"))
        made = samples.results()
        made.fail("yield", "wrong result")
        self.assertEqual(budgets.judge(made, [RATIO])[0].why, "a check failed")

    def test_a_selector_that_is_not_here_has_no_budget(self):
        budget = Budget("calls", "echo/50/64B/1", "syscalls", 0.1, subject="eddy-io_uring")
        self.assertEqual(budgets.judge(samples.results(), [budget], ["epoll"]), [])
        self.assertEqual(len(budgets.judge(samples.results(), [budget], ["epoll", "io_uring"])), 1)

    def test_what_check_fails_for(self):
        good = one(LIMIT, ("sleepers/1000", "eddy", "bytes", [100]))
        over = one(LIMIT, ("sleepers/1000", "eddy", "bytes", [257]))
        close = one(RATIO, ("yield", "eddy", "ns", [2.1]), ("yield", "floor", "ns", [1]))
        absent = one(RATIO, ("yield", "floor", "ns", [2]))
        every = [good, over, close, absent]
        self.assertEqual(budgets.missed(every), [over, close, absent])
        self.assertEqual(budgets.missed(every, whole=False), [over, close])
        # A busy machine moves times. It does not move counts.
        self.assertEqual(budgets.missed(every, 1.2, whole=False), [over])


class Table(unittest.TestCase):
    def test_every_row_can_be_judged(self):
        for budget in budgets.BUDGETS:
            self.assertIn(budget.metric, rows.METRICS, budget.what)
            self.assertIn(budget.against, ("", "floor", "libuv", "asio"), budget.what)
            self.assertGreaterEqual(budget.limit, 0, budget.what)
            self.assertTrue(re.fullmatch(budget.subject, budget.subject.replace(r"(-\w+)?", "")))

    def test_no_row_is_there_twice(self):
        keys = [(b.measure, b.metric, b.subject) for b in budgets.BUDGETS]
        self.assertEqual(len(set(keys)), len(keys))


class Growing(unittest.TestCase):
    TIMERS = Growth("timers", "timer/N", "ns", 2.0)
    ECHO = Growth("echo", "echo/N/64B/1", "cpu_ns", 1.15, True)

    def test_flat_and_not(self):
        flat = samples.results(("timer/1000", "eddy", "ns", [70]),
                               ("timer/1000000", "eddy", "ns", [110]))
        verdict, = budgets.judge_growth(flat, [self.TIMERS])
        self.assertTrue(verdict.met)
        self.assertEqual(verdict.against, "1,000 to 1,000,000")
        steep = samples.results(("timer/1000", "eddy", "ns", [70]),
                                ("timer/1000000", "eddy", "ns", [170]))
        self.assertFalse(budgets.judge_growth(steep, [self.TIMERS])[0].met)

    def test_numbers_are_numbers(self):
        """In the order of letters 1000000 is before 500."""
        made = samples.results(("timer/1000000", "eddy", "ns", [300]),
                               ("timer/500", "eddy", "ns", [100]))
        self.assertAlmostEqual(budgets.judge_growth(made, [self.TIMERS])[0].value, 3.0)

    def test_beside_the_floor(self):
        """What the kernel adds with connections is in the floor as well."""
        made = samples.results(
            ("echo/50/64B/1", "eddy-epoll", "cpu_ns", [110]),
            ("echo/50/64B/1", "floor-epoll", "cpu_ns", [100]),
            ("echo/10000/64B/1", "eddy-epoll", "cpu_ns", [220]),
            ("echo/10000/64B/1", "floor-epoll", "cpu_ns", [200]),
            ("echo/10000/16384B/1", "eddy-epoll", "cpu_ns", [900]))
        verdict, = budgets.judge_growth(made, [self.ECHO])
        self.assertAlmostEqual(verdict.value, 1.0)

    def test_beside_a_rival(self):
        """It may grow as much as the rival, whose numbers must be the same."""
        growth = Growth("timers", "timer/N", "ns", 1.0, against="libuv")
        ours = (("timer/1000", "eddy", "ns", [10]), ("timer/1000000", "eddy", "ns", [50]))
        slow = (("timer/1000", "libuv", "ns", [10]), ("timer/1000000", "libuv", "ns", [60]))
        fast = (("timer/1000", "libuv", "ns", [10]), ("timer/1000000", "libuv", "ns", [40]))
        verdict, = budgets.judge_growth(samples.results(*ours, *slow), [growth])
        self.assertEqual((verdict.met, verdict.value, verdict.limit), (True, 5.0, 6.0))
        self.assertFalse(budgets.judge_growth(samples.results(*ours, *fast), [growth])[0].met)
        for alone in (ours, (*ours, slow[0])):
            verdict, = budgets.judge_growth(samples.results(*alone), [growth])
            self.assertEqual((verdict.met, verdict.why), (None, "no libuv in this run"))

    def test_one_number_is_no_growth(self):
        made = samples.results(("timer/1000", "eddy", "ns", [70]))
        self.assertEqual(budgets.judge_growth(made, [self.TIMERS]), [])


if __name__ == "__main__":
    unittest.main()
