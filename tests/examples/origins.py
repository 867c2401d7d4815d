"""Servers in threads of a test: an origin that answers as a function says, and a SOCKS5 proxy."""

import contextlib
import socket
import struct
import threading

LIMIT_S = 60


class Request:
    """One that came: everything that was on the wire."""

    def __init__(self, line, fields, body, connection):
        self.method, self.target, self.version = line.split(" ", 2)
        self.fields = fields
        self.body = body
        self.connection = connection  # counts from 0

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [None])[0]


class Reply:
    """Bytes to send, and what is done then: keep, close, reset, or hang until the client goes."""

    def __init__(self, text, then="keep"):
        self.text = text if isinstance(text, bytes) else text.encode("latin-1")
        self.then = then


def reply(body=b"", status="200 OK", then="keep", **fields):
    """A well-formed one; _ stands for - in the names of fields."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if not {"Content_Length", "Transfer_Encoding"} & set(fields):
        lines.append(f"Content-Length: {len(body)}")
    body = body if isinstance(body, bytes) else body.encode()
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + body, then)


def read_request(stream, connection):
    """None at the end of the connection."""
    line = stream.readline().decode("latin-1").rstrip("\r\n")
    if not line:
        return None
    fields = []
    while (text := stream.readline().decode("latin-1").rstrip("\r\n")):
        name, _, value = text.partition(":")
        fields.append((name, value.strip()))
    length = next((int(v) for n, v in fields if n.lower() == "content-length"), 0)
    body = stream.read(length)
    if any(n.lower() == "transfer-encoding" for n, _ in fields):
        while (size := int(stream.readline(), 16)):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    return Request(line, fields, body, connection)


class Threads:
    """A listening socket with a thread for each connection; stop() ends them all."""

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.host = f"[{host}]" if ":" in host else host
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.open = set()
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                peer.settimeout(LIMIT_S)
                with self.lock:
                    number, self.connections = self.connections, self.connections + 1
                    self.open.add(peer)
                threading.Thread(target=self.guard, args=(peer, number), daemon=True).start()

    def guard(self, peer, number):
        try:
            self.serve(peer, number)
        except (OSError, ValueError):
            pass  # the client has gone
        finally:
            with self.lock:
                self.open.discard(peer)
            peer.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for peer in self.open:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)


class Origin(Threads):
    """An HTTP server. `answer(request)` returns a Reply, or one for each target in a dict."""

    def __init__(self, answer, host="127.0.0.1"):
        self.answer = answer.__getitem__ if isinstance(answer, dict) else answer
        self.by_target = isinstance(answer, dict)
        self.requests = []
        super().__init__(host)
        self.url = f"http://{self.host}:{self.port}"

    def serve(self, peer, number):
        stream = peer.makefile("rb")
        while (request := read_request(stream, number)) is not None:
            self.requests.append(request)
            what = self.answer(request.target if self.by_target else request)
            peer.sendall(what.text)
            if what.then == "keep":
                continue
            if what.then == "reset":
                end(peer, "reset")
                stream.close()  # the last one closes the descriptor
                return
            if what.then == "close":
                peer.shutdown(socket.SHUT_WR)
            while stream.read(1):
                pass
            return


def end(peer, then):
    """Closes a connection, or resets it."""
    if then == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Closing(Threads):
    """Reads once, and closes or resets the connection."""

    def __init__(self, then):
        self.then = then
        super().__init__()

    def serve(self, peer, number):
        peer.recv(65536)
        end(peer, self.then)


class Socks5(Threads):
    """RFC 1928, CONNECT only; with `login` RFC 1929 too. `asked` has what clients wanted."""

    def __init__(self, login=None, refuse=0):
        self.login = login
        self.refuse = refuse  # the code of the answer, if not 0
        self.asked = []
        super().__init__()

    def serve(self, peer, number):
        stream = peer.makefile("rb")
        version, count = stream.read(2)
        methods = stream.read(count)
        chosen = 2 if self.login else 0
        if version != 5 or chosen not in methods:
            peer.sendall(b"\5\xff")
            return
        peer.sendall(bytes((5, chosen)))
        if self.login and not self.check_login(peer, stream):
            return
        _, command, _, kind = stream.read(4)
        host = self.read_host(stream, kind)
        port = int.from_bytes(stream.read(2), "big")
        self.asked.append((host, port))
        if self.refuse or command != 1:
            peer.sendall(bytes((5, self.refuse or 7, 0, 1)) + bytes(6))
            return
        target = socket.create_connection((host, port), LIMIT_S)
        peer.sendall(b"\5\0\0\1" + bytes(6))
        threading.Thread(target=self.copy, args=(target, peer), daemon=True).start()
        self.copy(peer, target)
        target.close()

    def check_login(self, peer, stream):
        stream.read(1)
        user = stream.read(stream.read(1)[0]).decode()
        password = stream.read(stream.read(1)[0]).decode()
        good = (user, password) == self.login
        peer.sendall(b"\1\0" if good else b"\1\1")
        return good

    @staticmethod
    def read_host(stream, kind):
        if kind == 1:
            return socket.inet_ntoa(stream.read(4))
        if kind == 4:
            return socket.inet_ntop(socket.AF_INET6, stream.read(16))
        return stream.read(stream.read(1)[0]).decode()

    @staticmethod
    def copy(source, to):
        with contextlib.suppress(OSError):
            while (piece := source.recv(65536)):
                to.sendall(piece)
            to.shutdown(socket.SHUT_WR)


def refused_port():
    """One that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
