"""The exit codes of fetch, each made to happen. Argument: the folder of built examples."""

import contextlib
import gzip
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import unittest

import origins
import programs
from origins import Reply, reply

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# What a server sends before it closes, and the code.
REPLIES = {
    "nothing": (b"", 52),
    "an interim response only": (b"HTTP/1.1 100 Continue\r\n\r\n", 52),
    "a piece of a head": (OK + b"Content-Le", 8),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", 8),
    "HTTP/0.9": (b"<html>hello</html>", 8),
    "another version": (b"HTTP/2.0 200 OK\r\n\r\n", 8),
    "a bad status": (b"HTTP/1.1 2x0 OK\r\n\r\n", 8),
    "a line without a colon": (OK + b"oops\r\n\r\n", 8),
    "a space before a colon": (OK + b"Content-Length : 0\r\n\r\n", 8),
    "NUL in a value": (OK + b"A: b\0c\r\n\r\n", 8),
    "a bare CR": (OK + b"A: b\rc\r\n\r\n", 8),
    "a folded line": (OK + b"A: b\r\n c\r\n\r\n", 8),
    "a length that is no number": (OK + b"Content-Length: x\r\n\r\n", 8),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 8),
    "a length and chunks": (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 b"0\r\n\r\n", 8),
    "an unknown transfer coding": (OK + b"Transfer-Encoding: foo\r\n\r\n", 8),
    "101 without asking": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 8),
    "a bad chunk size": (CHUNKED + b"xyz\r\n", 8),
    "a chunk size that overflows": (CHUNKED + b"fffffffffffffffff\r\n", 8),
    "a chunk without its end": (CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n", 8),
    "a head that is too long": (OK + b"A: " + b"b" * 100_000 + b"\r\n\r\n", 8),
    "too many fields": (OK + b"A: b\r\n" * 1000 + b"\r\n", 8),
    "interim responses without end": (b"HTTP/1.1 102 Wait\r\n\r\n" * 100, 8),
    "a short body": (OK + b"Content-Length: 5\r\n\r\nabc", 18),
    "chunks without the last one": (CHUNKED + b"3\r\nabc\r\n", 18),
    "half a chunk": (CHUNKED + b"5\r\nabc", 18),
    "trailers without their end": (CHUNKED + b"0\r\nA: b\r\n", 18),
}


class Failures(programs.Case):
    def refusing(self, text, then="close"):
        return self.origin(lambda request: Reply(text, then)).url

    def test_replies(self):
        for what, (text, code) in REPLIES.items():
            with self.subTest(what):
                self.expect(code, self.refusing(text))

    def test_what_came_of_a_short_body_is_written(self):
        self.assertEqual(self.expect(18, self.refusing(REPLIES["a short body"][0])).stdout, b"abc")

    def test_curl_agrees(self):
        # Not for what curl tolerates or names otherwise: 1 for what is not HTTP, 56 for chunks, 61
        # for transfer codings, 0 for a piece of a head.
        for what in ("nothing", "an interim response only", "a short body", "half a chunk",
                     "chunks without the last one", "a length that is no number",
                     "a line without a colon", "NUL in a value"):
            with self.subTest(what):
                text, code = REPLIES[what]
                self.assertEqual(self.curl(self.refusing(text)).returncode, code)

    def test_reset(self):
        self.expect(56, self.refusing(b"", "reset"))
        self.expect(56, self.refusing(OK + b"Content-Length: 5\r\n\r\nabc", "reset"))

    def test_a_server_that_goes_while_it_is_sent_to(self):
        file = self.folder / "large"
        file.write_bytes(bytes(30_000_000))

        def hang_up(how):
            peer, _ = listener.accept()
            peer.recv(1000)
            if how == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if how == "noise":
                peer.sendall(b"SSH-2.0-x\r\n")
                with contextlib.suppress(OSError):
                    while peer.recv(65536):
                        pass
            peer.close()

        # The answer is what counts: that there is none is noticed by receiving.
        for how, code in (("reset", 56), ("noise", 8)):
            with self.subTest(how), socket.create_server(("127.0.0.1", 0)) as listener:
                threading.Thread(target=hang_up, args=[how], daemon=True).start()
                url = "http://127.0.0.1:%d/" % listener.getsockname()[1]
                done = self.expect(code, "-d", f"@{file}", url)
                self.assertIn(b": waiting for the response: ", done.stderr)

    def test_tunnels(self):
        for what, text in (("not HTTP", b"SSH-2.0-x\r\n"), ("nothing", b""),
                           ("a piece of a head", b"HTTP/1.1 200 O"),
                           ("a bad status", b"HTTP/1.1 2x0 OK\r\n\r\n"),
                           ("a head that is too long", OK + b"A: " + b"b" * 400_000 + b"\r\n\r\n"),
                           ("a refusal", b"HTTP/1.1 403 No\r\n\r\n")):
            with self.subTest(what):
                proxy = self.refusing(text)
                self.expect(56, "-x", proxy, "https://example.com/")
                theirs = self.curl("-x", proxy, "https://example.com/")
                self.assertEqual(theirs.returncode, 56)

    def test_urls(self):
        for url, code in (("http://", 3), ("http://a b/", 3), ("http://[::1", 3), ("", 3),
                          ("http://x:99999/", 3), ("http://x\x01y/", 3), ("ftp://x/", 1),
                          ("foo://x/", 1), ("file:///etc/passwd", 1)):
            with self.subTest(url):
                self.expect(code, url)

    def test_hosts(self):
        self.expect(6, "http://no-such-host.invalid/")
        self.expect(7, f"http://127.0.0.1:{origins.refused_port()}/")

    def test_usage(self):
        for arguments in ([], ["--nonsense", "x"], ["-X"], ["-m", "x", "y"], ["-m", "-1", "y"],
                          ["--max-redirects", "x", "y"], ["--max-redirects", "-1", "y"],
                          ["--max-body", "x", "y"], ["--max-body", "-1", "y"],
                          ["--retry", "x", "y"], ["-H", "nothing", "y"], ["-H", ": x", "y"],
                          ["-H", "a b: c", "y"], ["-H", "a: b\r\nc: d", "y"],
                          ["-H", "Content-Length: 5", "y"], ["-H", "Transfer-Encoding: gzip", "y"],
                          ["-H", "Host:", "y"], ["-I", "-d", "x", "y"], ["-r", "x", "y"],
                          ["-X", "G T", self.refusing(b"")],
                          ["-X", "A\r\nB: c", self.refusing(b"")],
                          ["-X", "CONNECT", self.refusing(b"")]):
            with self.subTest(arguments):
                self.expect(2, *arguments)

    def test_help(self):
        done = self.expect(0, "--help")
        for option in ("-i", "-I", "-X", "-H", "-d", "-L", "--max-redirects", "-k", "--cacert",
                       "--connect-timeout", "--max-time", "--compressed", "--max-body", "--retry",
                       "--fail", "-r", "-o", "-u", "-v", "-x", "--unix-socket", "--cookie-jar"):
            self.assertRegex(done.stdout, rb"[ ,]" + option.encode() + rb"[, ]")

    def test_fail(self):
        origin = self.origin({"/404": reply("gone", "404 Not Found"), "/399": reply("", "399 Odd")})
        done = self.expect(22, "--fail", origin.url + "/404")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"404", done.stderr)
        self.expect(0, "--fail", origin.url + "/399")
        for arguments in (["--fail"], ["--fail", "-i"], ["--fail", "-I"], []):
            with self.subTest(arguments):
                ours = self.fetch(*arguments, origin.url + "/404")
                theirs = self.curl(*arguments, origin.url + "/404")
                self.assertEqual((ours.returncode, ours.stdout),
                                 (theirs.returncode, theirs.stdout))

    def test_timeouts(self):
        silent = self.refusing(b"", "hang")
        self.assertRegex(self.expect(28, "--max-time", "0.2", silent).stderr, rb"0\.[12]\d\d s")
        begun = self.refusing(OK + b"Content-Length: 5\r\n\r\nabc", "hang")
        self.assertEqual(self.expect(28, "-m", "0.2", begun).stdout, b"abc")
        # Full: the kernel accepts nobody, so that connecting takes for ever.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            url = "http://127.0.0.1:%d/" % full.getsockname()[1]
            done = self.expect(28, "--connect-timeout", "0.2", url)
            self.assertIn(b"connect timeout", done.stderr)
            for one in waiting:
                one.close()

    def test_the_whole_chain_has_one_limit(self):
        origin = self.origin({"/": reply("", "302 Found", Location="/slow"),
                              "/slow": Reply("", "hang")})
        self.expect(28, "-L", "--max-time", "0.3", origin.url)

    def test_redirects(self):
        loop = self.origin(lambda r: reply("", "302 Found", Location="/again"))
        self.expect(47, "-L", loop.url)
        self.assertEqual(len(loop.requests), 51)
        self.assertEqual(self.curl("-L", loop.url).returncode, 47)
        self.assertEqual(len(loop.requests), 102)
        loop.requests.clear()
        self.expect(47, "-L", "--max-redirects", "3", loop.url)
        self.assertEqual(len(loop.requests), 4)
        self.expect(47, "-L", "--max-redirects", "0", loop.url)
        for location, code in (("file:///etc/passwd", 1), ("ftp://x/", 1), ("http://[", 3),
                               ("javascript:1", 1), ("http://no-such-host.invalid/", 6)):
            with self.subTest(location):
                leading = self.origin(lambda r, to=location: reply("", "302 Found", Location=to))
                self.expect(code, "-L", leading.url)

    def test_no_message_shows_user_info(self):
        origin = self.origin({"/loop": reply("", "302 Found", Location="/loop"),
                              "/ftp": reply("", "302 Found", Location="ftp://user:secret@h/"),
                              "/bad": reply("", "302 Found", Location="http://user:secret@h:x/"),
                              "/chunked": Reply(CHUNKED + b"3e8\r\n" + bytes(1000) +
                                                b"\r\n0\r\n\r\n"),
                              "/": reply("hello"), "/missing": reply("", "404 None")})
        at = "user:secret@" + origin.url.removeprefix("http://")
        for code, *arguments in (
                (47, "-L", "--max-redirects", "2", at + "/loop"), (1, "-L", at + "/ftp"),
                (3, "-L", at + "/bad"), (63, "--max-body", "1", at + "/"),
                (63, "--max-body", "1", at + "/chunked"), (22, "--fail", at + "/missing"),
                (3, "http://user:secret@h:99999/"), (3, "http://user:sec ret@h h/"),
                (3, "user:secret/@h/"), (1, "ftp://user:secret@h/"),
                (7, "user:secret@127.0.0.1:1")):
            with self.subTest(arguments):
                self.assertNotIn(b"sec", self.expect(code, *arguments).stderr)

    def test_content_codings(self):
        packed = gzip.compress(b"hello" * 100)
        bad = bytearray(packed)
        bad[-6] ^= 1
        origin = self.origin({
            "/good": reply(packed, Content_Encoding="gzip"),
            "/cut": reply(packed[:-4], Content_Encoding="gzip"),
            "/sum": reply(bytes(bad), Content_Encoding="gzip"),
            "/plain": reply("hello", Content_Encoding="gzip"),
            "/unknown": reply("hello", Content_Encoding="sdch"),
            "/deep": reply("hello", Content_Encoding=", ".join(["gzip"] * 20)),
        })
        done = self.expect(0, "--compressed", origin.url + "/good")
        self.assertEqual(done.stdout, b"hello" * 100)
        for target in ("/cut", "/sum", "/plain", "/unknown", "/deep"):
            with self.subTest(target):
                self.expect(61, "--compressed", origin.url + target)

    def test_max_body(self):
        packed = gzip.compress(bytes(1_000_000))
        self.assertLess(len(packed), 2000)
        origin = self.origin({
            "/sized": reply(bytes(1001)),
            "/fits": reply(bytes(1000)),
            "/chunked": Reply(CHUNKED + b"3e8\r\n" + bytes(1000) + b"\r\n1\r\nx\r\n0\r\n\r\n"),
            "/open": Reply(OK + b"\r\n" + bytes(5000), "close"),
            "/bomb": reply(packed, Content_Encoding="gzip"),
            "/same": reply("", "304 Not Modified", Content_Length="5000"),
        })
        self.expect(0, "--max-body", "1000", origin.url + "/same")
        self.assertEqual(self.expect(0, "--max-body", "1000", origin.url + "/fits").stdout,
                         bytes(1000))
        self.expect(0, "--max-body", "1000", "-I", origin.url + "/sized")
        for target, written in (("/sized", 0), ("/chunked", 1000), ("/open", 1000)):
            with self.subTest(target):
                done = self.expect(63, "--max-body", "1000", origin.url + target)
                self.assertEqual(len(done.stdout), written)
        self.expect(63, "--compressed", "--max-body", "999999", origin.url + "/bomb")
        done = self.expect(0, "--compressed", "--max-body", "1000000", origin.url + "/bomb")
        self.assertEqual(len(done.stdout), 1_000_000)

    def test_settings_of_the_connection(self):
        for bad in ("ftp://h", "http://user:secret@[::1", "http://user:secret@h:x"):
            with self.subTest(bad):
                told = self.expect(5, "http://127.0.0.1:1/", environment={"http_proxy": bad})
                self.assertNotIn(b"secret", told.stderr)
                self.expect(5, "-x", bad, "http://127.0.0.1:1/")
        self.expect(6, "--unix-socket", "/x" * 100, "http://h/")
        self.expect(2, "--unix-socket", "", "http://h/")

    def test_urls_within_urls(self):
        origin = self.origin(lambda r: reply(r.target))
        place = origin.url.removeprefix("http://")
        for target in ("/?to=http://x/", "/a://b", "/#://"):
            with self.subTest(target):
                self.expect(0, place + target)

    def test_reading_and_writing(self):
        origin = self.origin(lambda r: reply(bytes(10)))
        self.expect(26, "-d", f"@{self.folder}/missing", origin.url)
        self.expect(26, "-d", f"@{self.folder}", origin.url)
        self.assertEqual(origin.requests, [], "nothing was sent")
        self.expect(23, "-o", self.folder / "no" / "file", origin.url)
        self.expect(77, "--cacert", self.folder / "missing", origin.url)
        if pathlib.Path("/dev/full").exists():
            self.expect(23, "-o", "/dev/full", origin.url)
            with open("/dev/full", "wb") as full:
                done = subprocess.run([programs.PROGRAMS / "fetch", origin.url], stdout=full,
                                      stderr=subprocess.PIPE, timeout=programs.LIMIT_S, check=False)
            self.assertEqual(done.returncode, 23, done)

    def test_a_closed_standard_output(self):
        origin = self.origin(lambda r: reply("hello"))
        done = self.run_program(["sh", "-c", '"$0" "$1" >&-', programs.PROGRAMS / "fetch",
                                 origin.url])
        self.assertEqual(done.returncode, 23)
        self.assertIn(b"Bad file descriptor", done.stderr)

    def test_a_reader_that_goes(self):
        origin = self.origin(lambda r: reply(bytes(10_000_000)))
        out, into = os.pipe()
        client = subprocess.Popen([programs.PROGRAMS / "fetch", *[origin.url] * 100], stdout=into,
                                  stderr=subprocess.PIPE, env=programs.ENVIRONMENT)
        self.addCleanup(client.stderr.close)
        os.close(into)
        self.assertGreater(len(os.read(out, 1000)), 0)
        os.close(out)
        self.assertRegex(client.stderr.read(), rb"^fetch: \(23\) [^\n]+\n$", "told once")
        self.assertEqual(client.wait(programs.LIMIT_S), 23)

    def test_interrupt(self):
        begun = self.refusing(OK + b"Content-Length: 5\r\n\r\nabc", "hang")
        endless = self.origin(lambda r: reply(bytes(10_000_000))).url
        for url in (begun, endless):  # waits for the server, waits for the reader of the pipe
            client = subprocess.Popen([programs.PROGRAMS / "fetch", url], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, env=programs.ENVIRONMENT)
            self.addCleanup(client.stdout.close)
            self.addCleanup(client.stderr.close)
            self.assertEqual(len(client.stdout.read(3)), 3)
            client.send_signal(signal.SIGINT)
            self.assertEqual(client.wait(programs.LIMIT_S), 130)
            self.assertEqual(client.stderr.read(), b"fetch: interrupted\n")

    def test_the_last_failure_counts(self):
        origin = self.origin({"/": reply("ok"), "/empty": Reply("", "close")})
        dead = f"http://127.0.0.1:{origins.refused_port()}/"
        good, empty = origin.url + "/", origin.url + "/empty"
        for urls, code in (([dead, good], 7), ([good, dead], 7), ([dead, empty, good], 52),
                           ([empty, dead, good], 7)):
            done = self.fetch(*urls)
            self.assertEqual((done.returncode, done.stdout), (code, b"ok"), urls)
            self.assertEqual(done.stderr.count(b"\n"), len(urls) - 1)


if __name__ == "__main__":
    unittest.main()
