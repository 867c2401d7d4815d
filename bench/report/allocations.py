"""Heap allocations per echo request: a server with an allocator that counts, read from outside."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench" / "echo"))
import measure  # noqa: E402
import rows  # noqa: E402  (of that folder)

COUNTER = "eddy_bench_allocations"
CONNECTIONS = 50
REQUESTS = 10_000
LOAD_LIMIT_S = 30
BUFFER_BYTES = 4096  # of a server that has one for each connection
SHAPE = (CONNECTIONS, 64, 1)
MEASURE = f"echo/{CONNECTIONS}/64B/1"


class Failure(Exception):
    """What keeps allocations from being counted."""


def offset_of_counter(library):
    """Where the counter is in the library's memory, from its first byte."""
    said = subprocess.run(["nm", "-D", str(library)], text=True, stdout=subprocess.PIPE,
                          check=True).stdout
    found = re.search(rf"^([0-9a-f]+) \w {COUNTER}$", said, re.M)
    if not found:
        raise Failure(f"{library} has no {COUNTER}")
    return int(found[1], 16)


def count(pid, library, offset):
    """Allocations of the process so far; it is a child of ours, whose memory we may read."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    begins = [int(line.split("-")[0], 16) for line in maps.splitlines()
              if line.endswith(library.name)]
    if not begins:
        raise Failure(f"{library.name} is not loaded in process {pid}")
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(min(begins) + offset)
        return int.from_bytes(memory.read(8), sys.byteorder)


def per_request(command, load, library):
    """What a request more costs: a long run less a short one on as many connections, so that what
    a connection costs once cancels out; before both, one in which pools grow."""
    offset = offset_of_counter(library)
    with measure.Server(f"env LD_PRELOAD={library} {command}") as server:
        counts, answered = [], []
        for requests in (REQUESTS, REQUESTS, 3 * REQUESTS):
            before = count(server.pid, library, offset)
            result = server.load(load, LOAD_LIMIT_S, 0, "--requests", requests,
                                 *measure.load_arguments(SHAPE))
            counts.append(count(server.pid, library, offset) - before)
            answered.append(result["total_requests"])
    return max(0.0, (counts[2] - counts[1]) / (answered[2] - answered[1]))


def add(results, servers, load, library):
    """`servers` as echo.py has them: {SELECTOR/WHAT: command}"""
    for name, command in servers.items():
        command = str(command).replace("{buffer}", str(BUFFER_BYTES))
        try:
            each = per_request(command, load, library)
        except (Failure, measure.Failure, OSError, subprocess.CalledProcessError) as failure:
            results.fail(MEASURE, f"counting allocations of {name}: {failure}")
            return
        results.add(MEASURE, rows.implementation(name), "allocations", each)
