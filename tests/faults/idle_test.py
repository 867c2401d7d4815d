"""An idle loop uses no CPU: the echo server with 1,000 silent connections. Argument: the folder of
built examples."""

import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import unittest

SERVER = pathlib.Path(sys.argv.pop(1)).resolve() / "echo_server"
CONNECTIONS = 1000
IDLE_S = 3
MOST_CPU_S = 0.005
LIMIT_S = 30


def cpu_s(pid):
    """What all threads of a process have run so far; their nanoseconds, not clock ticks."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


class Idle(unittest.TestCase):
    def exchange(self, connection, text):
        connection.sendall(text)
        heard = b""
        while len(heard) < len(text):
            piece = connection.recv(len(text))
            self.assertTrue(piece, "the server closed a connection")
            heard += piece
        self.assertEqual(heard, text)

    def test_a_thousand_idle_connections(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * CONNECTIONS), hard))
        server = subprocess.Popen([SERVER, "0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        said = re.fullmatch(r"listening on (\S+):(\d+)\n", server.stdout.readline())
        self.assertTrue(said)
        connections = []
        for _ in range(CONNECTIONS):
            one = socket.create_connection((said[1], int(said[2])), timeout=LIMIT_S)
            self.addCleanup(one.close)
            connections.append(one)
        for one in connections:  # all are accepted, and wait for more
            self.exchange(one, b"are you there?")

        before = cpu_s(server.pid)
        time.sleep(IDLE_S)  # the one thing that is measured here is that nothing happens
        used = cpu_s(server.pid) - before
        print(f"{used * 1e3:.3f} ms of CPU in {IDLE_S} s with {CONNECTIONS} connections")
        self.assertLess(used, MOST_CPU_S)

        for one in connections:
            self.exchange(one, b"still?")
        self.assertGreater(cpu_s(server.pid), before, "the clock of the server's threads runs")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(LIMIT_S), 0)


if __name__ == "__main__":
    unittest.main()
