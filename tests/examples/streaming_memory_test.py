"""fetch holds no more of a body than it is about to write: 10 GiB take the memory of 1 MiB.
Argument: the folder of built examples."""

import os
import subprocess
import unittest

import programs
import servers

LARGE_BYTES = 10 << 30
SMALL_BYTES = 1 << 20
MOST_RESIDENT_BYTES = 64 << 20  # of the process at its peak, libraries included
MOST_GROWTH_BYTES = 4 << 20  # of the large body's peak over the small one's


class Streaming(programs.Case):
    def setUp(self):
        super().setUp()
        if b"__asan_init" in (programs.PROGRAMS / "fetch").read_bytes():
            self.skipTest("AddressSanitizer keeps what was freed")

    def peak_of(self, url):
        """Of a run that succeeds, in bytes."""
        child = subprocess.Popen([programs.PROGRAMS / "fetch", url],
                                 stdout=subprocess.DEVNULL, env=programs.ENVIRONMENT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_a_body_of_10_gib(self):
        site = self.folder / "site"
        site.mkdir(mode=0o755)
        for name, size in (("small", SMALL_BYTES), ("large", LARGE_BYTES)):
            with open(site / name, "wb") as sparse:
                sparse.truncate(size)
        server = servers.nginx(self.folder / "nginx", site)
        self.addCleanup(server.stop)
        small = self.peak_of(f"{server.url}/small")
        large = self.peak_of(f"{server.url}/large")
        told = f"{small} bytes for a small body, {large} for a large one"
        self.assertLess(large, small + MOST_GROWTH_BYTES, told)
        self.assertLess(large, MOST_RESIDENT_BYTES, told)


if __name__ == "__main__":
    unittest.main()
