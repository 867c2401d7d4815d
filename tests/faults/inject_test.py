"""Real programs under `strace -e inject`: they end right, or with one clear line, and never hang.

Arguments: the selector, and the folder of built examples.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

EXAMPLES = pathlib.Path(sys.argv.pop()).resolve()
SELECTOR = sys.argv.pop()
LIMIT_S = 60
PAGES = 12

# What the two engines call in their steady state.
RETRIED = {
    "epoll": ["recvfrom", "sendto", "accept4", "epoll_pwait2", "epoll_wait"],
    "io_uring": ["io_uring_enter"],
}[SELECTOR]


class UnderStrace(unittest.TestCase):
    def setUp(self):
        self.assertIsNotNone(shutil.which("strace"), "install strace")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="inject-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = None
        self.urls = self.folder / "urls.txt"
        self.found = self.folder / "found.tsv"

    def traced(self, injected, *command):
        """A command line that runs `command` with failures; its own output is the program's."""
        calls = ",".join(sorted({rule.split(":")[0] for rule in injected}))
        rules = [part for rule in injected for part in ("-e", f"inject={rule}")]
        # -D: the process is the program, and strace its grandchild, so that signals reach it.
        return ["strace", "-D", "-f", "-qqq", "-o", self.folder / "trace", "-e", f"trace={calls}",
                "-e", "signal=none", *rules, *command]

    def injections(self):
        """How many there were, when all that is traced has ended and strace has written it down."""
        if self.server:
            self.server.terminate()
            self.server.stdout.read()
        return (self.folder / "trace").read_text(errors="replace").count("(INJECTED)")

    def site(self, *injected):
        command = [EXAMPLES / "site", "--pages", str(PAGES), "--latency-ms", "1", self.urls]
        if injected:
            command = self.traced(injected, *command)
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        self.server = server
        self.assertIn("listen", server.stdout.readline())
        return server

    def areq(self, *injected):
        command = [EXAMPLES / "areq", self.urls, self.found]
        if injected:
            command = self.traced(injected, *command)
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=LIMIT_S, check=False)

    def pages(self):
        lines = self.found.read_text().split("\n")[1:-1]
        return {line.split("\t")[0] for line in lines}

    def assert_crawled(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.pages()), PAGES, done.stderr)
        self.assertNotIn("ERROR", done.stderr)

    def test_interrupted_calls_of_a_client(self):
        self.site()
        done = self.areq(*(f"{call}:error=EINTR:when=1+3" for call in RETRIED
                           if call != "accept4"))
        self.assert_crawled(done)
        self.assertGreater(self.injections(), 3)

    def test_interrupted_calls_of_a_server(self):
        self.site(*(f"{call}:error=EINTR:when=3+3" for call in RETRIED))
        self.assert_crawled(self.areq())
        self.assertGreater(self.injections(), 3)

    def test_no_memory_in_the_middle(self):
        call = "epoll_ctl" if SELECTOR == "epoll" else "io_uring_enter"
        self.site()
        done = self.areq(f"{call}:error=ENOMEM:when=7")
        self.assertEqual(self.injections(), 1)
        if SELECTOR == "io_uring":
            self.assert_crawled(done)  # what was to be submitted stays in the queue
            return
        self.assertIn(done.returncode, (0, 1))
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertRegex(errors[0], r"127\.0\.0\.\d:\d+.*: Cannot allocate memory$")
        self.assertEqual(len(self.pages()), PAGES - 1)

    @unittest.skipUnless(SELECTOR == "epoll", "io_uring accepts in the kernel")
    def test_accept_without_descriptors(self):
        self.site("accept4:error=EMFILE:when=2+2")
        self.assert_crawled(self.areq())
        self.assertGreater(self.injections(), 0)

    @unittest.skipUnless(SELECTOR == "io_uring", "for io_uring")
    def test_no_ring(self):
        self.urls.write_text("http://127.0.0.1:1/\n")
        for error in ("EPERM", "ENOSYS", "ENOMEM"):
            done = self.areq(f"io_uring_setup:error={error}")
            self.assertEqual(self.injections(), 1)
            self.assertNotEqual(done.returncode, 0)
            lines = [line for line in done.stderr.splitlines() if line]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn(error, lines[0])
            self.assertIn("-Dselector=epoll", lines[0])

    @unittest.skipUnless(SELECTOR == "epoll", "for epoll")
    def test_no_epoll(self):
        self.urls.write_text("http://127.0.0.1:1/\n")
        for error in ("EMFILE", "ENOMEM"):
            done = self.areq(f"epoll_create1:error={error}")
            self.assertNotEqual(done.returncode, 0)
            lines = [line for line in done.stderr.splitlines() if line]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn("epoll_create1", lines[0])

    @unittest.skipUnless(SELECTOR == "epoll", "io_uring sends in the kernel")
    def test_sending_fails(self):
        self.site()
        url = self.urls.read_text().split()[0]
        command = self.traced(["sendto:error=EHOSTUNREACH"], EXAMPLES / "fetch", "-x", "", url)
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 55, done.stderr)
        self.assertIn(": sending the request: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
