"""What http.py runs: servers on one core, clients on the other, each a process of its own."""

import os
import pathlib
import re
import resource
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

START_LIMIT_S = 10
RUN_LIMIT_S = 600
SHOWN = 2000  # characters of what a failed client said
RESULT = re.compile(r"^(\d+) requests in ([\d.]+) s, (\d+) requests/s, ([\d.]+) s CPU, "
                    r"(\d+) errors$", re.M)
LATENCY = re.compile(r"^latency p50 ([\d.]+) us, p99 ([\d.]+) us$", re.M)
TURN = re.compile(r"^([\d.]+) responses a turn$", re.M)
WRK_RESULT = re.compile(r"^\s*(\d+) requests in ", re.M)
WRK_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.M)
WRK_PERCENTILE = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.M)
WRK_WRONG = re.compile(r"Socket errors|Non-2xx")
MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6}

CONFIGURATION = """\
daemon off; master_process off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; root {work}/www;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{ listen 127.0.0.1:{port}; }}
}}
"""


class Failure(Exception):
    """There is no result."""


def cores():
    """The server's core and the client's: two where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def on_core(number):
    def prepare():
        os.sched_setaffinity(0, {number})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return prepare


def stop(process):
    process.terminate()
    process.wait()


class Nginx:
    """Serves a file from one process; ended by its id."""

    def __init__(self, size):
        self.folder = tempfile.TemporaryDirectory()
        self.process = None
        self.size = size

    def __enter__(self):
        work = pathlib.Path(self.folder.name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        root = work / "www"
        root.mkdir()
        root.chmod(0o755)
        work.chmod(0o755)
        (root / "file").write_bytes(b"x" * self.size)
        configuration = work / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(work=work, port=port))
        self.process = subprocess.Popen(["nginx", "-c", str(configuration)],
                                        stderr=subprocess.DEVNULL, preexec_fn=on_core(cores()[0]))
        until = time.monotonic() + START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"http://127.0.0.1:{port}/file"
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise Failure("nginx does not answer") from None

    def __exit__(self, *why):
        stop(self.process)
        self.folder.cleanup()


class Own:
    """A server of this folder, on all of 127.0.0.0/8; says where it listens."""

    def __init__(self, command, size):
        self.command = [*shlex.split(command), str(size), "--host", "0.0.0.0", "0"]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=on_core(cores()[0]))
        found = re.match(r"listening on 0\.0\.0\.0:(\d+)$", self.process.stdout.readline())
        if not found:
            self.__exit__()
            raise Failure(f"{self.command[0]} does not listen")
        return f"http://127.0.0.1:{found[1]}/file"

    def __exit__(self, *why):
        stop(self.process)
        self.process.stdout.close()


def finished(command, core):
    """(exit code, what it said, its CPU seconds); ended if it takes too long."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, text=True, stdout=said, preexec_fn=on_core(core))
        until = time.monotonic() + RUN_LIMIT_S
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > until:
                process.kill()
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read(), used.ru_utime + used.ru_stime


def is_wrk(command):
    return pathlib.Path(shlex.split(command)[0]).name == "wrk"


def run_wrk(name, command, connections, seconds, url):
    """The same of wrk, which runs for a time and is not asked for its CPU time: the system is."""
    words = [*shlex.split(command), "-t1", f"-c{connections}", f"-d{seconds}", "--latency", url]
    code, said, cpu = finished(words, cores()[1])
    done = WRK_RESULT.search(said)
    if code or not done or not int(done[1]) or WRK_WRONG.search(said):
        raise Failure(f"{name}: exit code {code}, said {said[:SHOWN]!r}")
    figures = {"cpu_ns": cpu * 1e9 / int(done[1]),
               "requests_per_s": float(WRK_RATE.search(said)[1])}
    for which, value, unit in WRK_PERCENTILE.findall(said):
        figures[f"p{which}_us"] = float(value) * MICROSECONDS[unit]
    return figures


def run_client(name, command, arguments, requests, url):
    """{metric: figure} of one run of a client that says what examples/http_load says."""
    words = [*shlex.split(command), *arguments, "-n", str(requests), url]
    code, said, _ = finished(words, cores()[1])
    found = RESULT.search(said)
    if code or not found or int(found[1]) != requests or int(found[5]):
        raise Failure(f"{name}: exit code {code}, said {said[:SHOWN]!r}")
    figures = {"cpu_ns": float(found[4]) * 1e9 / requests, "requests_per_s": float(found[3])}
    if turn := TURN.search(said):
        figures["responses_per_turn"] = float(turn[1])
    if latency := LATENCY.search(said):
        figures["p50_us"], figures["p99_us"] = float(latency[1]), float(latency[2])
    return figures


def has_nginx():
    return shutil.which("nginx") is not None
