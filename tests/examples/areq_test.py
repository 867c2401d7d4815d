"""areq against our own site and against nginx with TLS. Argument: the folder of built examples.

What it finds is compared with what Python's re and urllib find in the same pages.
"""

import collections
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
HREF = re.compile(r'href="(.*?)"')
LIMIT_S = 60


def expected_rows(url, trust):
    """The rows of a page as the Python original would write them."""
    with urllib.request.urlopen(url, context=trust, timeout=LIMIT_S) as page:
        html = page.read().decode()
        base = page.geturl()
    return {f"{url}\t{urllib.parse.urljoin(base, link)}" for link in HREF.findall(html)}


class Crawl(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="areq-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        subprocess.run(["sh", SOURCE / "examples" / "certificates.sh", self.folder], check=True)
        self.ca = self.folder / "ca.pem"
        self.trust = ssl.create_default_context(cafile=self.ca)
        self.urls = self.folder / "urls.txt"
        self.found = self.folder / "found.tsv"

    def site(self, *arguments):
        server = subprocess.Popen(
            [PROGRAMS / "site", "--certificates", self.folder, *arguments, self.urls],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        self.assertIn("hosts listen", server.stdout.readline())
        return server

    def areq(self, *arguments, urls=None):
        if urls is not None:
            self.urls.write_text(urls)
        done = subprocess.run([PROGRAMS / "areq", *arguments, self.urls, self.found], text=True,
                              stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        self.assertNotIn("runtime error", done.stderr)
        return done

    def rows(self):
        lines = self.found.read_text().split("\n")
        self.assertEqual(lines[0], "source_url\tparsed_url")
        self.assertEqual(lines[-1], "", "the file ends with a whole line")
        return lines[1:-1]

    def errors(self, done):
        return [line for line in done.stderr.splitlines() if " ERROR:areq: " in line]

    def test_site_with_faults(self):
        self.site("--pages", "12", "--faults", "--latency-ms", "1", "--slow-ms", "50")
        listed = self.urls.read_text().split("\n")
        good, bad = listed[:14], [u for u in listed[14:] if u]
        self.assertEqual(len(bad), 5)
        done = self.areq("--cacert", self.ca)
        self.assertEqual(done.returncode, 0, done.stderr)

        rows = self.rows()
        expected = set().union(*(expected_rows(url, self.trust) for url in good))
        self.assertEqual(set(rows), expected)
        self.assertEqual(len(rows), len(expected), "no row twice")
        moved = next(u for u in good if u.endswith("/moved.html"))
        self.assertTrue(any(r.startswith(moved + "\t") and "/item/" in r for r in rows))

        pages = [row.split("\t")[0] for row in rows]
        changes = sum(1 for a, b in zip(pages, pages[1:]) if a != b)
        self.assertEqual(changes + 1, len(set(pages)), "each page's rows stand together")

        log = done.stderr.splitlines()
        for line in log:
            self.assertRegex(line, r"^\d\d:\d\d:\d\d (DEBUG|INFO|ERROR):(eddy|areq): ")
        self.assertRegex(log[0], r"DEBUG:eddy: Using selector: (epoll|io_uring)$")
        for url in good:
            self.assertEqual(sum(l.endswith(f"Got response [200] for URL: {url}") for l in log), 1)
            self.assertEqual(sum(bool(re.search(rf"Found \d+ links for {re.escape(url)}$", l))
                                 for l in log), 1)
            wrote = f"Wrote results for source URL: {url}"
            self.assertEqual(sum(l.endswith(wrote) for l in log), 1)
        errors = self.errors(done)
        self.assertEqual(len(errors), len(bad), "\n".join(errors))
        for url, reason in zip(bad, (r"\[404\]: Not Found$", "certificate", "", "refused", "URL")):
            about = [e for e in errors if f" for {url}" in e]
            self.assertEqual(len(about), 1, f"{url}: {errors}")
            self.assertRegex(about[0], re.compile(reason, re.I))

    def test_duplicates_blank_lines_and_spaces_are_dropped(self):
        self.site("--pages", "1", "--latency-ms", "0")
        url = self.urls.read_text().strip()
        done = self.areq(urls=f"\n  {url}\r\n{url}\n\n\t{url}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("Got response"), 1)
        self.assertEqual(set(self.rows()), expected_rows(url, self.trust))

    def test_nothing_asked_for(self):
        done = self.areq(urls="\n \n")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.rows(), [])

    def test_every_url_failed(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        done = self.areq(urls=f"http://127.0.0.1:{port}/\nhttp://no-such-host.invalid/\nftp://x/\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(self.errors(done)), 3, done.stderr)
        self.assertEqual(self.rows(), [])

    def test_usage(self):
        self.urls.write_text("")
        for arguments in ([], [self.urls], [self.folder / "missing", self.found],
                          ["--limit", "0", self.urls, self.found],
                          ["--limit", "x", self.urls, self.found],
                          ["--timeout", "-1", self.urls, self.found],
                          ["--cacert", self.folder / "missing", self.urls, self.found],
                          ["--nonsense", self.urls, self.found]):
            done = subprocess.run([PROGRAMS / "areq", *arguments], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertNotEqual(done.stderr.strip(), "")

    def test_output_that_cannot_be_written(self):
        self.urls.write_text("")
        done = subprocess.run([PROGRAMS / "areq", self.urls, self.folder / "no" / "found.tsv"],
                              text=True, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file or directory", done.stderr)

    def test_unknown_authority_and_insecure(self):
        self.site("--pages", "4", "--latency-ms", "0")
        url = next(u for u in self.urls.read_text().split() if u.startswith("https:"))
        done = self.areq(urls=url)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "certificate verify failed")
        done = self.areq("--insecure", urls=url)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_timeout(self):
        self.site("--pages", "1", "--faults", "--latency-ms", "0", "--slow-ms", "60000")
        slow = next(u for u in self.urls.read_text().split("\n") if u.endswith("/slow.html"))
        done = self.areq("--timeout", "0.2", urls=slow)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(self.errors(done)), 1, done.stderr)
        self.assertRegex(done.stderr, r"timeout exception.*0\.2")

    def test_interrupt_keeps_what_was_found(self):
        self.site("--pages", "3", "--faults", "--latency-ms", "0", "--slow-ms", "60000")
        listed = [u for u in self.urls.read_text().split("\n") if "page-" in u and u[:5] == "http:"
                  or u.endswith("/slow.html")]
        self.urls.write_text("\n".join(listed))
        crawl = subprocess.Popen([PROGRAMS / "areq", self.urls, self.found], text=True,
                                 stderr=subprocess.PIPE)
        self.addCleanup(crawl.stderr.close)
        written = 0
        lines = []
        while written < len(listed) - 1:
            line = crawl.stderr.readline()
            self.assertNotEqual(line, "", "areq ended early:\n" + "".join(lines))
            lines.append(line)
            written += "Wrote results" in line
        crawl.send_signal(signal.SIGINT)
        rest = crawl.stderr.read()
        self.assertEqual(crawl.wait(LIMIT_S), 130, rest)
        self.assertIn(f"1 of {len(listed)} URLs were left", rest)
        self.assertEqual(len({r.split("\t")[0] for r in self.rows()}), len(listed) - 1)

    def test_two_thousand_urls_within_limits(self):
        self.site("--pages", "2000", "--latency-ms", "20", "--links", "3")
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            crawl = subprocess.Popen(
                [PROGRAMS / "areq", "--cacert", self.ca, "--limit", "50", "--limit-per-host", "20",
                 "--concurrency", "500", self.urls, self.found], stderr=log, text=True)
        most_sockets = 0
        most_memory_kb = 0
        while crawl.poll() is None:
            try:
                descriptors = [os.readlink(f"/proc/{crawl.pid}/fd/{f}")
                               for f in os.listdir(f"/proc/{crawl.pid}/fd")]
                status = pathlib.Path(f"/proc/{crawl.pid}/status").read_text()
            except OSError:
                continue
            most_sockets = max(most_sockets, sum(d.startswith("socket:") for d in descriptors))
            peak = re.search(r"VmHWM:\s+(\d+) kB", status)  # a program that has ended has none
            most_memory_kb = int(peak[1]) if peak else most_memory_kb
        self.assertEqual(crawl.returncode, 0, (self.folder / "log").read_text()[-2000:])
        self.assertEqual(len(self.rows()), 2000 * 3)
        self.assertLessEqual(most_sockets, 50)
        self.assertGreater(most_sockets, 10, "the crawl was watched while it ran")
        self.assertGreater(most_memory_kb, 0)
        self.assertLess(most_memory_kb, 100_000)

    def test_the_threaded_baseline_finds_the_same(self):
        self.site("--pages", "20", "--latency-ms", "0")
        self.assertEqual(self.areq("--cacert", self.ca).returncode, 0)
        ours = collections.Counter(self.rows())
        done = subprocess.run([PROGRAMS / "areq_threads", "--cacert", self.ca, self.urls,
                               self.found], text=True, stderr=subprocess.PIPE,
                              timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(collections.Counter(self.rows()), ours)

    def test_nginx_with_tls(self):
        nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        self.assertIsNotNone(nginx, "install nginx-light")
        site = self.folder / "site"
        site.mkdir()
        for i in range(30):
            (site / f"{i}.html").write_text(
                f'<a href="{i + 1}.html">next</a> <a href="/a b?q=é">odd</a>\n' * 40)
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            b.bind(("127.0.0.1", 0))
            plain, secure = a.getsockname()[1], b.getsockname()[1]
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
            worker_processes 1; events {{ worker_connections 256; }}
            http {{
              access_log off; types {{ text/html html; }} gzip on; gzip_min_length 1;
              client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
              fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4;
              scgi_temp_path {self.folder}/t5;
              ssl_certificate {self.folder}/server.pem;
              ssl_certificate_key {self.folder}/server.key;
              server {{ listen 127.0.0.1:{plain}; root {site};
                        rewrite ^/old.html$ /7.html redirect; }}
              server {{ listen 127.0.0.1:{secure} ssl; server_name localhost; root {site}; }}
            }}""")
        os.chmod(self.folder, 0o755)
        server = subprocess.Popen([nginx, "-c", self.folder / "nginx.conf", "-p", self.folder],
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        for port in (plain, secure):
            while True:  # until it listens; the test runner's limit ends a server that never does
                self.assertIsNone(server.poll(), "nginx ended")
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
        pages = [f"http://127.0.0.1:{plain}/{i}.html" for i in range(30)]
        pages += [f"https://localhost:{secure}/{i}.html" for i in range(30)]
        moved = f"http://127.0.0.1:{plain}/old.html"
        done = self.areq("--cacert", self.ca, "--limit", "8",
                         urls="\n".join([*pages, moved, f"http://127.0.0.1:{plain}/none.html"]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(self.errors(done)[0], r"none\.html \[404\]: Not Found$")
        self.assertEqual(len(self.errors(done)), 1)
        rows = set(self.rows())
        self.assertEqual(len(rows), 61 * 2)
        self.assertIn(f"{moved}\thttp://127.0.0.1:{plain}/8.html", rows)
        self.assertIn(f"https://localhost:{secure}/3.html\t"
                      f"https://localhost:{secure}/a%20b?q=%C3%A9", rows)


if __name__ == "__main__":
    unittest.main()
