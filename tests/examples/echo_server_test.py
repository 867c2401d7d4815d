"""The echo server: what it sends back, to how many, and how it ends.

python3 echo_server_test.py FOLDER_OF_THE_BUILT_EXAMPLES
"""

import pathlib
import resource
import signal
import socket
import subprocess
import sys
import unittest

# A server that hangs is a failure.
LIMIT_S = 30
MANY = 300

folder = pathlib.Path()


class EchoServer(unittest.TestCase):
    def start(self, *arguments, **more):
        """A server on a free port of its own."""
        server = subprocess.Popen([folder / "echo_server", *arguments], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, **more)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return server

    def listening(self, *arguments, **more):
        server = self.start(*arguments, **more)
        line = server.stdout.readline()
        self.assertRegex(line, r"^listening on [\[\]0-9a-f.:]+:\d+\n$")
        host, _, port = line.split()[-1].rpartition(":")
        return server, (host.strip("[]"), int(port))

    def connect(self, address):
        client = socket.create_connection(address, timeout=LIMIT_S)
        self.addCleanup(client.close)
        return client

    def stop(self, server, number=signal.SIGTERM):
        server.send_signal(number)
        self.assertEqual(server.wait(LIMIT_S), 0)
        self.assertEqual(server.stderr.read(), "")

    def receive(self, client, size):
        got = b""
        while len(got) < size:
            piece = client.recv(65536)
            self.assertTrue(piece, f"the stream ended after {len(got)} of {size} bytes")
            got += piece
        return got

    def test_it_sends_back_what_came_and_ends_when_the_peer_does(self):
        server, address = self.listening("0")
        client = self.connect(address)
        for text in (b"x", b"hello\r\n", bytes(range(256)) * 4000):
            client.sendall(text)
            self.assertEqual(self.receive(client, len(text)), text)
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(client, 10), b"last words")
        self.assertEqual(client.recv(1), b"")
        self.stop(server)

    def test_many_at_once_and_some_that_vanish(self):
        server, address = self.listening("--host", "127.0.0.1", "0")
        clients = [self.connect(address) for _ in range(MANY)]
        for number, client in enumerate(clients):
            client.sendall(b"%d\n" % number)
        for client in clients[::3]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        for number, client in enumerate(clients):
            if number % 3:
                line = b"%d\n" % number
                self.assertEqual(self.receive(client, len(line)), line)
        self.stop(server, signal.SIGINT)

    def test_out_of_descriptors_it_waits_and_loses_nobody(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
        server, address = self.listening("0", preexec_fn=few)
        clients = [self.connect(address) for _ in range(40)]
        served = []
        # Each that is served makes room for one that waits.
        for client in clients:
            client.sendall(b"turn")
        for client in clients:
            served.append(self.receive(client, 4))
            client.close()
        self.assertEqual(served, [b"turn"] * 40)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(LIMIT_S), 0)
        self.assertRegex(server.stderr.read(),
                         r"^(echo_server: accept on .*: Too many open files\n)+$")

    def test_it_ends_with_connections_open(self):
        server, address = self.listening("0")
        client = self.connect(address)
        client.sendall(b"x")
        self.receive(client, 1)
        self.stop(server)
        self.assertEqual(client.recv(1), b"")

    def test_ipv6(self):
        if not socket.has_ipv6 or not pathlib.Path("/proc/net/if_inet6").exists():
            self.skipTest("no IPv6 here")
        server, address = self.listening("--host", "::1", "0")
        client = self.connect(address)
        client.sendall(b"six")
        self.assertEqual(self.receive(client, 3), b"six")
        self.stop(server)

    def test_what_it_cannot_do_is_one_line(self):
        server, address = self.listening("0")
        taken = f"listen on 127.0.0.1:{address[1]}: Address already in use"
        for arguments, status, text in (
                ((str(address[1]),), 1, taken),
                (("--host", "example.com", "0"), 1, ".*example.com.*"),
                (("65536",), 2, ".*65536.*"),
                (("port",), 2, ".*port.*"),
                ((), 2, ".*port.*required.*")):
            with self.subTest(arguments):
                other = self.start(*arguments)
                self.assertEqual(other.wait(LIMIT_S), status)
                self.assertRegex(other.stderr.read(), f"^echo_server: {text}\n$")
        self.stop(server)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit("usage: echo_server_test.py FOLDER_OF_THE_BUILT_EXAMPLES")
    folder = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
