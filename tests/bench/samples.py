"""What the tests of the benchmarks' report share: where it is, and rows to report on."""

import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench"))
from report import rows  # noqa: E402

FACTS = {"machine": "A machine", "cores": 2, "kernel": "Linux 6.1", "compiler": "g++ 12.2",
         "commit": "0123abc", "date": "2026-01-02 03:04", "rounds": 5, "quick": False,
         "versions": {"asio": "1.22.1"}, "selectors": ["epoll", "io_uring"]}


def results(*found, facts=None):
    """Of rows as (measure, implementation, metric, values)."""
    made = rows.Results(dict(FACTS, **(facts or {})))
    for measure, implementation, metric, values in found:
        made.add(measure, implementation, metric, *values)
    return made


def noisy(seed, count=40, scatter=0.02, factor=1.0, changed=(), rounds=5):
    """Rows of ours and floors that scatter; those whose number is in `changed` are `factor` times
    what the others would be."""
    numbers = random.Random(seed)
    made = rows.Results(dict(FACTS))
    for number in range(count):
        base = 10.0 * (number + 1)
        for name, part in (("eddy", 2.0), ("floor", 1.0)):
            times = factor if name == "eddy" and number in changed else 1.0
            made.add(f"measure{number}", name, "ns",
                     *[base * part * times * numbers.lognormvariate(0, scatter)
                       for _ in range(rounds)])
    return made


def everything():
    """Something for each plot."""
    made = results(facts={"quick": True})
    five = (1.0, 1.1, 0.9, 1.05, 0.95)

    def add(measure, metric, **figures):
        for name, figure in figures.items():
            made.add(measure, name.replace("_", "-", 1).replace("iouring", "io_uring"), metric,
                     *[figure * one for one in five])
    for measure in ("spawn_join", "yield", "queue_cap1", "queue_cap1024", "post"):
        add(measure, "ns", eddy=30, floor=12, threads=13400, asio=450)
    for live in (1000, 1000000):
        add(f"timer_arm_cancel/{live}", "ns", eddy=70, libuv=94)
        add(f"sleepers/{live}", "bytes", eddy_epoll=150, floor=110)
        add(f"http_pool/{live}", "ns", eddy_epoll=3000)
        add(f"idle/{live}", "bytes", eddy_epoll=420, eddy_iouring=400, threads=12000)
    for connections in (1, 50, 1000):
        for shape in ("64B/1", "64B/16", "16384B/1"):
            for metric in ("cpu_ns", "p50_us", "p99_us", "p999_us"):
                add(f"echo/{connections}/{shape}", metric, eddy_epoll=6300, eddy_iouring=5800,
                    floor_epoll=6000, floor_iouring=5500, asio=7000)
    add("http_get/50", "cpu_ns", eddy_epoll=9000, floor=6000, wrk=8800, threads_50=25800)
    add("crawl/2000", "seconds", eddy_epoll=0.9, threads_50=1.4)
    made.add("lines/eddy/runtime/task.hpp", "eddy", "lines", 6900)
    return made
