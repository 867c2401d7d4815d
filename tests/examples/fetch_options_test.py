"""The options of fetch, most of them beside curl's own. Argument: the folder of built examples."""

import socket
import threading
import unittest

import origins
import programs
from origins import Reply, reply

OK = b"HTTP/1.1 200 OK\r\n"


def told(request):
    """What a request says, without what no two programs have in common."""
    fields = sorted((name.lower(), value) for name, value in request.fields
                    if (name.lower(), value.split("/")[0]) not in
                    # RFC 9110 §8.6 asks for the 0 where a method expects a body; curl omits it.
                    (("user-agent", "curl"), ("user-agent", "eddy"), ("content-length", "0")))
    return request.method, request.target, fields, request.body


class Options(programs.Case):
    def expect_as_curl(self, origin, *arguments, stdin=b""):
        """Same requests, same output, same exit code; arguments name the origin as ORIGIN."""
        arguments = [str(a).replace("ORIGIN", origin.url) for a in arguments]
        results = []
        for program in (self.fetch, self.curl):
            origin.requests.clear()
            done = program(*arguments, stdin=stdin)
            requests = [told(r) for r in origin.requests]
            if sum("http" in a for a in arguments) > 1:
                requests.sort()  # several URLs at once arrive in any order
            results.append((done.returncode, done.stdout, requests))
        self.assertEqual(results[0], results[1], arguments)
        return results[0]

    def test_requests(self):
        file = self.folder / "data"
        file.write_bytes(b"line 1\r\nline 2\n& more\n")
        origin = self.origin(lambda r: reply(f"{r.method} {r.target}"))
        for arguments in (
                ["ORIGIN"], ["ORIGIN/a?b#c"], ["ORIGIN/a/../b/./c"], ["-I", "ORIGIN/x"],
                ["-X", "DELETE", "ORIGIN"], ["-XPATCH", "-d", "x=1", "ORIGIN"],
                ["-d", "a=1", "ORIGIN"], ["-d", "a=1", "-d", "b=2", "-d", "c", "ORIGIN"],
                ["-d", "", "ORIGIN"], ["-d", "[1,2]", "ORIGIN"], ["-d", "-x", "ORIGIN"],
                ["-d", "{\"a\": [1]}", "-H", "Content-Type: application/json", "ORIGIN"],
                ["-d", f"@{file}", "ORIGIN"], ["-d", "x", "-d", f"@{file}", "-d", "y", "ORIGIN"],
                ["-d", "@-", "ORIGIN"], ["-d", "x" * 100_000, "-H", "Expect:", "ORIGIN"],
                ["-H", "A: b", "-H", "a: c", "ORIGIN"], ["-H", "A:b", "ORIGIN"],
                ["-H", "Empty;", "ORIGIN"], ["-H", "Accept:", "ORIGIN"],
                ["-H", "User-Agent:", "ORIGIN"], ["-H", "User-Agent: me", "ORIGIN"],
                ["-H", "Host: other.example", "ORIGIN"], ["-H", "Accept: text/html", "ORIGIN"],
                ["-d", "x", "-H", "Content-Type:", "ORIGIN"],
                ["-d", "x", "-H", "Content-Type;", "ORIGIN"],
                ["-H", "Accept-Encoding: gzip", "ORIGIN"],
                ["-r", "0-99", "ORIGIN"], ["-r", "-500", "ORIGIN"], ["-r", "5-,0-1", "ORIGIN"],
                ["ORIGIN/1", "ORIGIN/2"], ["--request", "PUT", "--data", "q", "ORIGIN"]):
            with self.subTest(arguments):
                code, _, requests = self.expect_as_curl(origin, *arguments, stdin=b"from\nstdin")
                self.assertEqual(code, 0)
                self.assertGreater(len(requests), 0)

    def test_data_from_a_binary_file(self):
        file = self.folder / "data"
        file.write_bytes(b"\0a\rb\0\n\xff\r\n")
        origin = self.origin(lambda r: reply(r.body))
        self.assertEqual(self.expect(0, "-d", f"@{file}", origin.url).stdout, b"ab\xff")

    def test_a_url_without_a_scheme(self):
        origin = self.origin(lambda r: reply(r.target))
        place = origin.url.removeprefix("http://")
        self.assertEqual(self.expect_as_curl(origin, place)[1], b"/")
        self.assertEqual(self.expect_as_curl(origin, place + "/a?b=c")[1], b"/a?b=c")

    def test_responses(self):
        origin = self.origin({
            "/plain": reply("hello", Server="x", Set_Cookie="a=b"),
            "/again": reply("moved", "301 Moved Permanently", Location="/plain"),
            "/empty": reply("", "204 No Content", Content_Length="0"),
            "/reason": Reply(OK.replace(b"OK", b"") + b"Content-Length: 1\r\n\r\nx"),
            "/chunked": Reply(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
                                   b"0\r\n\r\n"),
            "/open": Reply(OK + b"\r\nuntil the end", "close"),
            "/old": Reply(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "close"),
            "/404": reply("none", "404 Not Found"),
            "/304": reply("", "304 Not Modified", Content_Length="100"),
        })
        for target in origin.answer.__self__:
            for options in ([], ["-i"], ["-L"], ["-i", "-L"]):
                with self.subTest([*options, target]):
                    self.expect_as_curl(origin, *options, f"ORIGIN{target}")
        self.expect_as_curl(origin, "-i", "-f", "ORIGIN/404")
        self.expect_as_curl(origin, "-i", "-L", "--max-redirs", "0", "ORIGIN/again")

    def test_interim_responses(self):
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        origin = self.origin(lambda r: Reply(hints * 2 + OK + b"Content-Length: 2\r\n\r\nhi"))
        for options in ([], ["-i"], ["-I"]):
            with self.subTest(options):
                self.expect_as_curl(origin, *options, "ORIGIN", "ORIGIN")
        ready = self.origin(lambda r: Reply(b"HTTP/1.1 100 Continue\r\n\r\n" + OK +
                                            b"Content-Length: 2\r\n\r\nhi"))
        self.expect_as_curl(ready, "-i", "-d", "x", "ORIGIN")

    def test_trailers(self):
        chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n"
        origin = self.origin(lambda r: Reply(chunked))
        shown = self.expect_as_curl(origin, "-i", "ORIGIN")[1]
        self.assertTrue(shown.endswith(b"\r\n\r\nabcA: b\r\nC: d\r\n"), shown)
        self.assertEqual(self.expect_as_curl(origin, "ORIGIN")[1], b"abc")

    def test_seconds(self):
        origin = self.origin(lambda r: reply("x"))
        for text in ("1e3", ".5", "5.", "2000e-3", "1E+1"):
            with self.subTest(text):
                self.assertEqual(self.expect_as_curl(origin, "-m", text, "ORIGIN")[0], 0)
        self.expect(28, "-m", "1e-3", self.origin(lambda r: Reply(b"", "hang")).url)
        for text in ("-1", "1e", "1 ", "inf", "x"):
            with self.subTest(text):
                self.assertEqual(self.expect_as_curl(origin, "-m", text, "ORIGIN")[0], 2)
                told = self.expect(2, "-m", text, origin.url).stderr
                self.assertIn(b"without a sign, is " + text.encode(), told)

    def test_user_info_of_a_location(self):
        def authorizations(request):
            seen.append(request.all("Authorization"))
            return reply("x")

        seen = []
        other = self.origin(authorizations)
        place = other.url.removeprefix("http://")
        leading = self.origin(lambda r: reply("", "302 Found", Location=f"http://eve:pw@{place}/"))
        for options in ([], ["-u", "ann:secret"]):
            for user in ("", "bob:secret@"):
                url = leading.url.replace("http://", "http://" + user)
                with self.subTest([*options, url]):
                    self.expect_as_curl(other, "-L", *options, url)
        self.assertEqual(seen, [[]] * 8)

        # To its own origin: as curl.
        def home(request):
            if request.target != "/":
                return reply("x")
            return reply("", "302 Found", Location=f"http://eve:pw@{request.get('Host')}/there")

        own = self.origin(home)
        self.expect_as_curl(own, "-L", "ORIGIN")
        self.assertIsNotNone(own.requests[-1].get("Authorization"))

    def test_head(self):
        origin = self.origin(lambda r: reply(b"" if r.method == "HEAD" else b"x",
                                             Content_Length="1", Server="y"))
        self.expect_as_curl(origin, "-I", "ORIGIN")
        self.expect_as_curl(origin, "-I", "-i", "ORIGIN")

    def test_methods_after_redirections(self):
        for status in ("300 Choices", "301 Moved", "302 Found", "303 See", "307 Temporary",
                       "308 Permanent"):
            origin = self.origin(lambda r, s=status: reply("done") if r.target == "/to" else
                                 reply("", s, Location="/to"))
            for options in ([], ["-d", "a=1"], ["-X", "DELETE"], ["-X", "PUT", "-d", "a=1"],
                            ["-X", "POST", "-d", "a=1"], ["-I"], ["-X", "POST"]):
                with self.subTest([status, *options]):
                    code, _, requests = self.expect_as_curl(origin, "-L", *options, "ORIGIN/from")
                    self.assertEqual((code, len(requests)), (0, 2))

    def test_where_redirections_lead(self):
        for location in ("/b", "b", "../b", "?q", "//HOST/b", "http://HOST/b", "/b#fragment",
                         "/b?x=%20y", "", "./"):
            with self.subTest(location):
                origin = self.origin(None)
                to = location.replace("HOST", origin.url.removeprefix("http://"))
                origin.answer = lambda r, to=to: (
                    reply("", "302 Found", Location=to) if r.target == "/a/from" else
                    reply(r.target))
                self.expect_as_curl(origin, "-L", "ORIGIN/a/from")

    def test_what_another_origin_is_not_told(self):
        secrets = ("-H", "Authorization: Bearer s", "-H", "Cookie: a=s", "-H", "X-Other: kept")
        other = self.origin(lambda r: reply("there"))
        origin = self.origin({"/far": reply("", "302 Found", Location=other.url + "/x"),
                              "/near": reply("", "302 Found", Location="/end"),
                              "/end": reply("here")})
        self.expect(0, "-L", *secrets, origin.url + "/far")
        self.assertEqual(origin.requests[0].get("Authorization"), "Bearer s")
        self.assertEqual(other.requests[0].get("Authorization"), None)
        self.assertEqual(other.requests[0].get("Cookie"), None)
        self.assertEqual(other.requests[0].get("X-Other"), "kept")
        self.expect_as_curl(origin, "-L", *secrets, "ORIGIN/near")

    def test_output_files(self):
        origin = self.origin(lambda r: reply("" if r.target == "/none" else r.target))
        one, two = self.folder / "1", self.folder / "2"
        for program in (self.fetch, self.curl):
            done = program("-o", one, "-o", two, origin.url + "/a", origin.url + "/none",
                           origin.url + "/c")
            self.assertEqual((done.returncode, done.stdout), (0, b"/c"), program)
            self.assertEqual((one.read_bytes(), two.read_bytes()), (b"/a", b""))
            one.unlink()
            two.unlink()
            self.assertEqual(program("-o", "-", origin.url + "/x").stdout, b"/x")
            done = program("-o", one, f"http://127.0.0.1:{origins.refused_port()}/")
            self.assertEqual(done.returncode, 7)
            self.assertFalse(one.exists())
            one.write_bytes(b"much longer before")
            self.assertEqual(program("-i", "-o", one, origin.url + "/a").stdout, b"")
            self.assertEqual(one.read_bytes(), OK + b"Content-Length: 2\r\n\r\n/a")
            one.unlink()

    def test_retries(self):
        seen = []

        def answer(request):
            seen.append(request.target)
            if request.target == "/hang":
                return Reply("", "hang") if seen.count("/hang") == 1 else reply("late")
            if seen.count(request.target) <= 1:
                return reply("no", request.target[1:] + " No", Retry_After="0")
            return reply("yes")

        origin = self.origin(answer)
        for status in (408, 429, 500, 502, 503, 504):
            done = self.fetch("--retry", "2", f"{origin.url}/{status}")
            self.assertEqual((done.returncode, done.stdout), (0, b"yes"), done)
            self.assertEqual(seen.count(f"/{status}"), 2)
        for status in (400, 404, 501):
            self.assertEqual(self.expect(0, "--retry", "2", f"{origin.url}/{status}").stdout, b"no")
            self.assertEqual(seen.count(f"/{status}"), 1)
        done = self.fetch("-i", "--retry", "1", "-m", "0.3", origin.url + "/hang")
        self.assertEqual((done.returncode, done.stdout), (0, OK + b"Content-Length: 4\r\n\r\nlate"))
        self.expect(7, "--retry", "3", f"http://127.0.0.1:{origins.refused_port()}/")
        busy = self.origin(lambda r: reply("no", "503 No", Retry_After="0"))
        done = self.fetch("--fail", "--retry", "3", busy.url)
        self.assertEqual(done.returncode, 22)
        self.assertEqual(len(busy.requests), 4)
        self.assertEqual(done.stderr.count(b"retrying in 0 s"), 3)

    def test_the_order_of_the_urls(self):
        late = threading.Event()
        arrived = threading.Semaphore(0)

        def answer(request):
            arrived.release()
            if request.target == "/0":
                late.wait(programs.LIMIT_S)
            size = 1_000_000 if request.target == "/1" else 10
            return reply(request.target[1:] * size)

        origin = self.origin(answer)
        threading.Thread(target=lambda: [arrived.acquire(timeout=programs.LIMIT_S)
                                         for _ in range(5)] + [late.set()]).start()
        done = self.expect(0, *(f"{origin.url}/{i}" for i in range(5)))
        self.assertEqual(done.stdout, b"0" * 10 + b"1" * 1_000_000 + b"2" * 10 + b"3" * 10 +
                         b"4" * 10)
        self.assertTrue(late.is_set(), "all of them were under way at once")

    def test_many_urls_reuse_connections(self):
        origin = self.origin(lambda r: reply(r.target + "\n"))
        done = self.expect(0, *(f"{origin.url}/{i}" for i in range(500)))
        self.assertEqual(done.stdout.decode().split(), [f"/{i}" for i in range(500)])
        self.assertLessEqual(origin.connections, 50)

    def test_a_later_body_waits_with_its_server(self):
        # The second body is far larger than what fetch keeps: its server gets stuck meanwhile.
        gate, stuck = threading.Event(), threading.Event()
        sent = []

        def watch(peer):
            peer.recv(65536)
            peer.sendall(OK + b"Content-Length: 50000000\r\n\r\n")
            peer.settimeout(0.5)
            piece = bytes(100_000)
            while sum(sent) < 50_000_000:
                try:
                    sent.append(peer.send(piece[:50_000_000 - sum(sent)]))
                except TimeoutError:
                    stuck.set()
            peer.recv(1)

        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=lambda: watch(listener.accept()[0]), daemon=True).start()

        def first(request):
            stuck.wait(programs.LIMIT_S)
            gate.set()
            return reply("first" if sum(sent) < 50_000_000 else "not held back")

        origin = self.origin(first)
        done = self.expect(0, origin.url, "http://127.0.0.1:%d/" % listener.getsockname()[1])
        self.assertTrue(done.stdout.startswith(b"first\0"))
        self.assertEqual(len(done.stdout), 5 + 50_000_000)

    def test_ipv6(self):
        origin = self.origin(lambda r: reply(r.get("Host")), "::1")
        self.assertEqual(self.expect_as_curl(origin, "ORIGIN/")[1].decode(),
                         origin.url.removeprefix("http://"))


if __name__ == "__main__":
    unittest.main()
