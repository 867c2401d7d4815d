"""The ways of fetch to a server: proxies, unix sockets; and who it says it is: -u and cookies.
Argument: the folder of built examples."""

import base64
import unittest

import origins
import programs
import servers
from origins import Reply, reply


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


class Ways(programs.Case):
    def start(self, make, name, *arguments, **more):
        server = make(self.folder / name, *arguments, **more)
        self.addCleanup(server.stop)
        return server

    def socks(self, **more):
        made = origins.Socks5(**more)
        self.addCleanup(made.stop)
        return made

    def test_a_proxy(self):
        proxy = self.start(servers.tinyproxy, "proxy")
        origin = self.origin(lambda r: reply(r.target))
        for through in (f"http://{proxy.place}", proxy.place):
            self.assertEqual(self.expect(0, "-x", through, origin.url + "/a?b").stdout, b"/a?b")
        self.assertEqual(len(origin.requests), 2)
        for request in origin.requests:
            self.assertIn("tiny", request.get("Via"))
            self.assertEqual(request.get("Proxy-Authorization"), None)
            self.assertEqual(request.get("Proxy-Connection"), None)
        self.expect(0, "-x", "", origin.url)
        self.assertEqual(origin.requests[-1].get("Via"), None)

    def test_credentials_for_a_proxy(self):
        proxy = self.start(servers.tinyproxy, "proxy", login=("ann", "secret"))
        origin = self.origin(lambda r: reply("hello"))
        done = self.expect(0, "-x", f"http://ann:se%63ret@{proxy.place}", origin.url)
        self.assertEqual(done.stdout, b"hello")
        self.assertEqual(origin.requests[0].get("Proxy-Authorization"), None)
        for user in ("", "ann:wrong@"):
            done = self.expect(0, "-i", "-x", f"http://{user}{proxy.place}", origin.url)
            self.assertRegex(done.stdout, rb"^HTTP/1\.[01] 40[17] ")
            self.expect(22, "--fail", "-x", f"http://{user}{proxy.place}", origin.url)
        self.assertEqual(len(origin.requests), 1)

    def test_tunnels(self):
        keys = servers.certificates(self.folder / "keys")
        site = servers.write_site(self.folder / "site")
        web = self.start(servers.nginx, "nginx", site, keys, ("good", "expired"))
        proxy = self.start(servers.tinyproxy, "proxy", tunnels=(web.secure["good"],))
        closed = self.start(servers.tinyproxy, "closed", login=("ann", "secret"),
                            tunnels=(web.secure["good"],))
        url = f"https://localhost:{web.secure['good']}/noise"
        trust = ("--cacert", keys / "ca.pem")
        for through in (f"http://{proxy.place}", f"http://ann:secret@{closed.place}",
                        f"socks5h://127.0.0.1:{self.socks().port}",
                        f"socks5://127.0.0.1:{self.socks().port}"):
            with self.subTest(through):
                done = self.expect(0, *trust, "-x", through, url, url)
                self.assertEqual(done.stdout, (site / "noise").read_bytes() * 2)
        # Refused by the proxy: the port, the password.
        expired = f"https://localhost:{web.secure['expired']}/small"
        for through, to in ((proxy.place, expired), (closed.place, url),
                            (f"ann:wrong@{closed.place}", url)):
            with self.subTest([through, to]):
                self.assertEqual(self.expect(56, *trust, "-x", through, to).stdout, b"")
        socks = self.socks()
        self.expect(60, *trust, "-x", f"socks5h://127.0.0.1:{socks.port}", expired)

    def test_socks(self):
        origin = self.origin(lambda r: reply("hello"))
        named = origin.url.replace("127.0.0.1", "localhost")
        proxy = self.socks()
        place = f"127.0.0.1:{proxy.port}"
        self.assertEqual(self.expect(0, "-x", f"socks5h://{place}", named).stdout, b"hello")
        self.assertEqual(proxy.asked[-1], ("localhost", origin.port))
        self.assertEqual(self.expect(0, "-x", f"socks5h://{place}", origin.url).stdout, b"hello")
        self.assertEqual(proxy.asked[-1], ("127.0.0.1", origin.port))
        self.expect(0, "-x", f"socks5://{place}", origin.url)
        self.assertEqual(proxy.asked[-1], ("127.0.0.1", origin.port))
        self.expect(6, "-x", f"socks5://{place}", "http://no-such-host.invalid/")
        locked = self.socks(login=("ann", "secret"))
        place = f"127.0.0.1:{locked.port}"
        self.expect(0, "-x", f"socks5h://ann:secret@{place}", origin.url)
        self.expect(97, "-x", f"socks5h://ann:wrong@{place}", origin.url)
        self.expect(97, "-x", f"socks5h://{place}", origin.url)
        for code in (1, 2, 5):
            self.expect(97, "-x", f"socks5h://127.0.0.1:{self.socks(refuse=code).port}", origin.url)

    def test_proxies_that_are_not_there(self):
        origin = self.origin(lambda r: reply("hello"))
        dead = origins.refused_port()
        for kind in ("http", "socks5", "socks5h"):
            with self.subTest(kind):
                self.expect(5, "-x", f"{kind}://no-such-proxy.invalid:3128", origin.url)
                self.expect(7, "-x", f"{kind}://127.0.0.1:{dead}", origin.url)
        for text in ("http://", "http://a b", "http://x:99999", "gopher://x", "http://x:0"):
            with self.subTest(text):
                self.expect(5, "-x", text, origin.url)

    def test_the_environment(self):
        proxy = self.start(servers.tinyproxy, "proxy")
        origin = self.origin(lambda r: reply("hello"))

        def via(*arguments, **environment):
            self.expect(0, *arguments, origin.url, environment=environment)
            return origin.requests[-1].get("Via") is not None

        there = f"http://{proxy.place}"
        self.assertTrue(via(http_proxy=there))
        self.assertTrue(via(all_proxy=there))
        self.assertTrue(via(ALL_PROXY=there))
        self.assertFalse(via(https_proxy=there))
        self.assertFalse(via(http_proxy=there, no_proxy="127.0.0.1"))
        self.assertFalse(via(http_proxy=there, NO_PROXY="127.0.0.0/8"))
        self.assertTrue(via(http_proxy=there, NO_PROXY="example.com"))
        self.assertFalse(via("-x", "", http_proxy=there))
        self.assertFalse(via(HTTP_PROXY=there), "which a CGI script's client could set")

    def test_unix_socket(self):
        site = servers.write_site(self.folder / "site")
        web = self.start(servers.nginx, "nginx", site)
        done = self.expect(0, "--unix-socket", web.socket, "http://localhost/noise",
                           "http://no-such-host.invalid/small")
        self.assertEqual(done.stdout, (site / "noise").read_bytes() + b"small\n")
        self.expect(7, "--unix-socket", self.folder / "missing", "http://localhost/")
        self.assertEqual(self.curl("--unix-socket", self.folder / "missing",
                                   "http://localhost/").returncode, 7)

    def test_user(self):
        origin = self.origin(lambda r: reply(r.get("Authorization") or "nobody"))
        place = origin.url.removeprefix("http://")
        for arguments, told in ((["-u", "ann:secret", origin.url], basic("ann:secret")),
                                (["-u", "ann:", origin.url], basic("ann:")),
                                (["-u", "ann:a:b", origin.url], basic("ann:a:b")),
                                ([f"http://ann:se%20cret@{place}/"], basic("ann:se cret")),
                                ([origin.url], "nobody")):
            with self.subTest(arguments):
                self.assertEqual(self.expect(0, *arguments).stdout.decode(), told)
                self.assertEqual(self.curl(*arguments).stdout.decode(), told)
        self.expect(2, "-u", "ann", origin.url)
        self.expect(2, "-u", "a\nb:c", origin.url)

    def test_user_and_redirections(self):
        other = self.origin(lambda r: reply(r.get("Authorization") or "nobody"))
        origin = self.origin({
            "/far": reply("", "302 Found", Location=other.url),
            "/near": reply("", "302 Found", Location="/end"),
            "/end": reply("end"),
        })
        self.assertEqual(self.expect(0, "-L", "-u", "a:b", origin.url + "/far").stdout, b"nobody")
        self.expect(0, "-L", "-u", "a:b", origin.url + "/near")
        self.assertEqual([r.get("Authorization") for r in origin.requests], [basic("a:b")] * 3)
        named = origin.url.replace("://", "://a:b@")
        self.assertEqual(self.expect(0, "-L", named + "/far").stdout, b"nobody")
        # Also where the redirection repeats the origin, as in curl.
        whole = self.origin(lambda r: reply(r.get("Authorization") or "nobody")
                            if r.target == "/end" else
                            reply("", "302 Found", Location=f"http://{r.get('Host')}/end"))
        named = whole.url.replace("://", "://a:b@") + "/near"
        self.assertEqual(self.expect(0, "-L", named).stdout.decode(), basic("a:b"))
        self.assertEqual(self.curl("-L", named).stdout.decode(), basic("a:b"))

    def test_real_servers_with_a_login(self):
        site = servers.write_site(self.folder / "site")
        for web, target in ((self.start(servers.nginx, "nginx", site), "/login"),
                            (self.start(servers.apache, "apache", site), "/basic")):
            self.assertEqual(self.expect(0, "-u", "ann:secret", web.url + target).stdout, b"hello")
            self.expect(22, "--fail", "-u", "ann:wrong", web.url + target)
            self.expect(22, "--fail", web.url + target)

    def test_cookies(self):
        site = servers.write_site(self.folder / "site")
        web = self.start(servers.nginx, "nginx", site)
        self.assertEqual(self.expect(0, "-L", "--cookie-jar", web.url + "/cookie").stdout, b"sweet")
        self.assertEqual(self.expect(0, "-L", web.url + "/cookie").stdout, b"")
        # The answer to a URL comes before the next one is asked for.
        done = self.expect(0, "--cookie-jar", web.url + "/cookie", *[web.url + "/taste"] * 20)
        self.assertTrue(done.stdout.endswith(b"sweet" * 20))

        other = self.origin(lambda r: reply(r.get("Cookie") or "none"), "::1")
        origin = self.origin({"/set": reply("", "302 Found", Set_Cookie="a=1", Location="/show"),
                              "/show": reply("", "302 Found", Location=other.url)})
        done = self.expect(0, "-L", "--cookie-jar", "-H", "Cookie: b=2", origin.url + "/set")
        self.assertEqual(done.stdout, b"none")
        self.assertEqual(origin.requests[0].get("Cookie"), "b=2")
        self.assertEqual(origin.requests[1].get("Cookie"), "b=2", "what -H says stays")
        origin.requests.clear()
        self.expect(0, "-L", "--cookie-jar", origin.url + "/set")
        self.assertEqual(origin.requests[1].get("Cookie"), "a=1")

    def test_verbose(self):
        text = b"HTTP/1.1 200 OK\r\nA: \xff\x9b31m\r\nContent-Length: 1\r\n\r\nx"
        origin = self.origin(lambda r: Reply(text))
        done = self.fetch("-v", "-d", "hidden", "-H", "B: c", origin.url + "/path")
        self.assertEqual((done.returncode, done.stdout), (0, b"x"))
        lines = done.stderr.decode().splitlines()
        for line in ("> POST /path HTTP/1.1", "> B: c", "> Content-Length: 6", "< HTTP/1.1 200 OK",
                     "< A: \\xff\\x9b31m"):
            self.assertIn(line, lines)
        for line in lines:
            self.assertRegex(line, r"^[*<>] ")
        self.assertNotIn("hidden", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
