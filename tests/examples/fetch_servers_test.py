"""fetch against nginx, Apache and lighttpd, over TLS and through tinyproxy, beside curl. Argument:
the folder of built examples."""

import unittest

import origins
import programs
import servers

BAD_CERTIFICATES = ("wrong-host", "common-name", "unknown-ca", "expired", "not-yet-valid",
                    "missing-intermediate", "leaf-of-leaf", "self-signed")


def without_date(output):
    return b"\r\n".join(line for line in output.split(b"\r\n") if not line.startswith(b"Date:"))


class Sites(programs.Case):
    """What every server has in common."""

    def setUp(self):
        super().setUp()
        self.site = servers.write_site(self.folder / "site")

    def start(self, make, *arguments, **more):
        server = make(self.folder / make.__name__, *arguments, **more)
        self.addCleanup(server.stop)
        return server

    def page(self, name):
        return (self.site / name).read_bytes()

    def expect_as_curl(self, *arguments):
        results = [(done.returncode, without_date(done.stdout))
                   for done in (self.fetch(*arguments), self.curl(*arguments))]
        self.assertEqual(results[0], results[1], arguments)
        return results[0]

    def check_site(self, url):
        pages = ["noise", "small", "empty", "text", "large"]
        done = self.expect(0, *(f"{url}/{page}" for page in pages))
        self.assertEqual(done.stdout, b"".join(map(self.page, pages)))
        many = self.expect(0, *[f"{url}/small"] * 200)
        self.assertEqual(many.stdout, self.page("small") * 200)
        self.assertEqual(self.expect(0, "--compressed", f"{url}/text").stdout, self.page("text"))
        self.assertEqual(self.expect(0, f"{url}/text").stdout, self.page("text"))
        asked = self.expect(0, "-i", "-H", "Expect: 100-continue", "-d", "x" * 50_000,
                            f"{url}/small")
        self.assertRegex(asked.stdout, rb"^(HTTP/1\.1 100 Continue\r\n\r\n)?"
                                       rb"HTTP/1\.1 (200|405|417) ")
        for options in (["/small"], ["-i", "/noise"], ["-I", "/small"], ["-I", "/missing"],
                        ["-r", "0-99", "/noise"], ["-r", "-5", "/small"],
                        ["-i", "-r", "9-", "/small"],
                        ["-i", "-r", "0-1,3-4", "-o", "-", "/small"],
                        ["--fail", "/missing"], ["-i", "/missing"],
                        ["-L", "/folder"], ["-iL", "/moved"], ["-i", "/moved"],
                        ["-iL", "--max-redirs", "0", "/moved"],
                        ["-i", "-X", "OPTIONS", "/small"], ["-i", "-X", "NONSENSE", "/small"],
                        ["-i", "-d", "a=b", "/small"],
                        ["-i", "-H", "If-None-Match: *", "/small"],
                        ["-i", "-H", "Connection: close", "/small"],
                        ["-i", "-H", "A: " + "b" * 50_000, "/small"]):
            with self.subTest(options):
                self.boundaries_apart(*options[:-1], url + options[-1])

    def boundaries_apart(self, *arguments):
        """As curl, where answers in several parts have a boundary of their own each."""
        if "0-1,3-4" in arguments:
            self.assertIn(b" 206 ", self.expect(0, *arguments).stdout)
        else:
            self.expect_as_curl(*arguments)


class Plain(Sites):
    def test_nginx(self):
        server = self.start(servers.nginx, self.site)
        self.check_site(server.url)
        self.check_site(f"http://[::1]:{server.port}")
        self.assertEqual(self.expect(0, f"{server.url}/none").stdout, b"")
        tag = [line for line in self.expect(0, "-I", server.url + "/small").stdout.split(b"\r\n")
               if line.startswith(b"ETag: ")][0].decode().removeprefix("ETag: ")
        _, told = self.expect_as_curl("-i", "-H", f"If-None-Match: {tag}", server.url + "/small")
        self.assertTrue(told.startswith(b"HTTP/1.1 304 "))
        # More than the server takes: it answers, and closes, while that is still being sent.
        big = self.folder / "big"
        big.write_bytes(b"x" * 20_000_000)
        done = self.expect(0, "-i", "-d", f"@{big}", server.url + "/small")
        self.assertTrue(done.stdout.startswith(b"HTTP/1.1 413 "), done.stdout[:100])

    def test_apache(self):
        self.check_site(self.start(servers.apache, self.site).url)

    def test_lighttpd(self):
        self.check_site(self.start(servers.lighttpd, self.site).url)

    def test_http_load(self):
        for make in (servers.nginx, servers.apache, servers.lighttpd):
            server = self.start(make, self.site)
            done = self.run_program([programs.PROGRAMS / "http_load", "-c", "20", "-n", "2000",
                                     server.url + "/small"])
            self.assertEqual(done.returncode, 0, (make, done))
            self.assertRegex(done.stdout, rb"\b2000 requests in .* 0 errors\n$")


class Secure(Sites):
    def setUp(self):
        super().setUp()
        self.keys = servers.certificates(self.folder / "keys")
        names = ("good", "through-intermediate", "ip4", "ip6", *BAD_CERTIFICATES)
        self.server = self.start(servers.nginx, self.site, self.keys, names)

    def url(self, name, host="localhost"):
        return f"https://{host}:{self.server.secure[name]}/small"

    def test_chains(self):
        trust = ("--cacert", self.keys / "ca.pem")
        for name, host in (("good", "localhost"), ("good", "127.0.0.1"), ("good", "[::1]"),
                           ("through-intermediate", "localhost"), ("ip4", "127.0.0.1"),
                           ("ip6", "[::1]")):
            with self.subTest([name, host]):
                self.assertEqual(self.expect(0, *trust, self.url(name, host)).stdout, b"small\n")
        for name, host in (*((name, "localhost") for name in BAD_CERTIFICATES),
                           ("ip4", "localhost"), ("ip4", "[::1]"), ("ip6", "127.0.0.1")):
            with self.subTest([name, host]):
                done = self.expect(60, *trust, self.url(name, host))
                self.assertEqual(done.stdout, b"")
                self.assertIn(b"certificate", done.stderr)
                self.assertEqual(self.expect(0, "-k", self.url(name, host)).stdout, b"small\n")

    def test_who_is_trusted(self):
        self.expect(60, self.url("good"))
        self.expect(0, "--cacert", self.keys / "other-ca.pem", self.url("unknown-ca"))
        self.expect(60, "--cacert", self.keys / "other-ca.pem", self.url("good"))

    def test_http_load(self):
        done = self.run_program([programs.PROGRAMS / "http_load", "-c", "10", "-n", "500",
                                 "--cacert", self.keys / "ca.pem", self.url("good")])
        self.assertEqual(done.returncode, 0, done)
        done = self.run_program([programs.PROGRAMS / "http_load", "-n", "10", self.url("good")])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, rb" 10 errors\n$")

    def test_the_site(self):
        done = self.expect(0, "--cacert", self.keys / "ca.pem",
                           *[self.url("good").replace("small", "noise")] * 20)
        self.assertEqual(done.stdout, self.page("noise") * 20)

    def closing(self, then):
        """The port of a server that reads a little and goes."""
        made = origins.Closing(then)
        self.addCleanup(made.stop)
        return made.port

    def test_what_is_not_tls(self):
        self.expect(35, "-k", f"https://127.0.0.1:{self.server.port}/")
        for then in ("close", "reset"):
            with self.subTest(then):
                self.expect(35, "-k", f"https://127.0.0.1:{self.closing(then)}/")
        told = self.fetch(self.url("good").replace("https:", "http:"))
        self.assertIn(b"400", told.stdout)


if __name__ == "__main__":
    unittest.main()
