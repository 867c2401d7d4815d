"""Every public header compiles alone, twice included, and costs no more than its budget."""

import concurrent.futures
import os
import subprocess
import unittest

import tree

# Preprocessed lines, blank ones not counted; see the budgets in DESIGN.md.
DEFAULT_BUDGET = 16000
BUDGETS = {
    "eddy/runtime/task.hpp": 7000,
    # <tuple>, <vector>, and <variant> for std::monostate
    "eddy/runtime/gather.hpp": 20000,
    "eddy/runtime/race.hpp": 20000,
    "eddy/runtime/siblings.hpp": 20000,
    # the same, and <optional>
    "eddy/runtime/gather_window.hpp": 21000,
    # <vector>, and <tuple> or <variant>
    "eddy/runtime/as_completed.hpp": 20000,
    "eddy/runtime/merge.hpp": 20000,
    "eddy/runtime/generator_operators.hpp": 22000,
    "eddy/runtime/map_concurrent.hpp": 22000,
    # <chrono>, which in libstdc++ 12 has 31,400 lines of its own
    "eddy/runtime/loop.hpp": 34000,
    "eddy/runtime/timer.hpp": 34000,
    "eddy/runtime/timeout.hpp": 34000,
    "eddy/net/http/timeout.hpp": 34000,
    "eddy/net/http/timings.hpp": 34000,
    "eddy/net/http/trace.hpp": 34000,
    # text, a vector, JSON and a coroutine
    "eddy/net/http/response.hpp": 27000,
    # everything that a client or a server needs, <chrono> among it
    "eddy/net/http/request_builder.hpp": 40000,
    "eddy/net/http/session.hpp": 40000,
    "eddy/net/http/server.hpp": 40000,
}
TEXT_BUDGET = 25000
# Those that hold a std::string, or derive from a standard exception, which holds one.
TEXT = {
    "eddy/net/address.hpp", "eddy/net/http/auth.hpp", "eddy/net/http/cookie.hpp",
    "eddy/net/http/cookies.hpp", "eddy/net/http/error.hpp", "eddy/net/http/headers.hpp",
    "eddy/net/http/json.hpp", "eddy/net/http/multipart.hpp", "eddy/net/http/proxy.hpp",
    "eddy/net/http/server_sent_event.hpp", "eddy/net/resolve_error.hpp", "eddy/net/resolver.hpp",
    "eddy/net/tcp.hpp",
    "eddy/net/tls.hpp", "eddy/net/udp.hpp", "eddy/net/unix.hpp", "eddy/net/url.hpp",
    "eddy/runtime/cancellation.hpp",
    "eddy/runtime/command.hpp", "eddy/runtime/file.hpp", "eddy/runtime/process.hpp",
    "eddy/runtime/sim.hpp", "eddy/runtime/sim_files.hpp", "eddy/runtime/stream.hpp",
    "eddy/sync/barrier.hpp",
}
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-"]


def compiled(header, *mode):
    """What the compiler makes of a program that includes one public header twice."""
    program = f"#include <{header}>\n#include <{header}>\nint main() {{}}\n"
    return subprocess.run([*tree.COMPILER, *mode, *tree.include_flags(), *FLAGS], input=program,
                          text=True, capture_output=True, timeout=tree.WAIT_LIMIT_S)


def lines_of(header):
    """Preprocessed, blank ones not counted; 0 where the compiler refuses."""
    return sum(1 for line in compiled(header, "-E", "-P").stdout.splitlines() if line.strip())


def budget_of(header):
    return BUDGETS.get(header, TEXT_BUDGET if header in TEXT else DEFAULT_BUDGET)


def cost(header):
    """(header, lines, what the compiler says) of one public header."""
    return header, lines_of(header), compiled(header, "-fsyntax-only").stderr


class Headers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.costs = list(pool.map(cost, sorted(tree.public_headers())))

    def test_there_are_headers(self):
        self.assertGreater(len(self.costs), 20)

    def test_each_compiles_alone_and_twice(self):
        tree.report([f"{header}:\n{said}" for header, _, said in self.costs if said])

    def test_each_is_within_its_budget(self):
        faults = []
        for header, lines, _ in self.costs:
            if not 0 < lines <= budget_of(header):
                faults.append(f"{header}: {lines} lines, budget {budget_of(header)}")
        tree.report(faults)

    def test_budgets_name_headers(self):
        """A budget that outlives its header is a typing error."""
        self.assertLessEqual({*BUDGETS, *TEXT}, set(tree.public_headers()))


if __name__ == "__main__":
    unittest.main()
