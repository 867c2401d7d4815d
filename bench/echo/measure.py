"""Starts an echo server and the load on a core each, and measures the server from outside."""

import json
import os
import pathlib
import re
import resource
import select
import shlex
import signal
import subprocess
import tempfile
import time

HOST = "127.0.0.1"
START_LIMIT_S = 10
STOP_LIMIT_S = 10
# What a load may take besides its warm-up and its measured seconds, on a machine that is busy, too.
LOAD_LIMIT_S = 120
CONNECTIONS_A_SECOND = 100
STRACED_SECONDS = 60


class Failure(Exception):
    """A server or a load did not do what it should: there is no result."""


def cores():
    """The server's core and the load's: two where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 if len(allowed) > 1 else 0]


def start(command, core, **options):
    return subprocess.Popen([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                            preexec_fn=lambda: os.sched_setaffinity(0, {core}), **options)


def read_line(process, limit_s, what):
    """What a process says first; it may say it in pieces, but says no more than the line."""
    if not select.select([process.stdout], [], [], limit_s)[0]:
        raise Failure(f"{what}: nothing said within {limit_s:.0f} s")
    return process.stdout.readline()


class Server:
    """One run of a server, from its first line to SIGTERM:
    `with Server("raw_epoll") as server: server.load(...)`. `tracer` stands before the command."""

    def __init__(self, command, tracer=()):
        self.command = command
        self.traced = bool(tracer)
        self.process = start([*tracer, *shlex.split(command), "--host", HOST, "0"], cores()[0])
        try:
            line = read_line(self.process, START_LIMIT_S, command)
            found = re.fullmatch(r"listening on .*:(\d+)\n", line)
            if not found:
                raise Failure(f"{command}: said {line!r} and not `listening on ADDR:PORT`")
            self.port = int(found[1])
        except BaseException:
            self.stop(quietly=True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop(quietly=kind is not None)

    @property
    def pid(self):
        """The server's own: a tracer's only child."""
        own = self.process.pid
        if not self.traced:
            return own
        children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return int(children[0]) if children else own

    def stop(self, quietly):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            code = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            code = None
        self.process.stdout.close()
        if not quietly and code not in (0, -signal.SIGTERM):
            how = f"ended with {code}" if code is not None else "did not end on SIGTERM"
            raise Failure(f"{self.command}: {how}")

    def start_load(self, program, *arguments):
        return start([program, HOST, self.port, *arguments], cores()[1], stdin=subprocess.PIPE)

    def load(self, program, seconds, warmup, *arguments):
        """The load's result, with the CPU time of this server over the measured interval."""
        process = self.start_load(program, "--seconds", seconds, "--warmup", warmup,
                                  "--cpu-of", self.pid, *arguments)
        return finish(process, seconds + warmup + LOAD_LIMIT_S, self.command)

    def cpu_ns(self):
        """CPU time of the process and all its threads so far."""
        per_process_cpu = 2  # linux/posix-timers.h: CPUCLOCK_SCHED; the number's rest is ~PID
        return time.clock_gettime_ns((~self.pid << 3) | per_process_cpu)

    def memory(self):
        """Bytes of user memory that the process alone has and has written to."""
        rollup = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        sizes = {k: int(v) * 1024 for k, v in re.findall(r"^(\w+): +(\d+) kB$", rollup, re.M)}
        return max(sizes["Private_Dirty"], sizes["Anonymous"])


def load_arguments(shape):
    connections, size, depth = shape
    return ["--connections", connections, "--bytes", size, "--inflight", depth]


def finish(process, limit_s, what):
    try:
        said = process.communicate("\n", timeout=limit_s)[0]
    except BaseException as why:
        process.kill()
        process.communicate()
        if isinstance(why, subprocess.TimeoutExpired):
            raise Failure(f"{what}: the load did not end within {limit_s:.0f} s") from None
        raise
    if process.returncode:
        raise Failure(f"{what}: the load ended with {process.returncode}")
    return json.loads(said)


def calls_of(trace):
    """{system call: count} of `strace -c -U calls,name`."""
    found = {name: int(calls) for calls, name in re.findall(r"^ *(\d+) +(\w+)$", trace, re.M)}
    found.pop("total", None)
    return found


def traced_calls(command, program, requests, arguments):
    with tempfile.NamedTemporaryFile("r") as counts:
        tracer = ["strace", "-f", "-c", "-U", "calls,name", "-o", counts.name]
        with Server(command, tracer) as server:
            result = server.load(program, STRACED_SECONDS, 0, "--requests", requests, *arguments)
        return calls_of(counts.read()), result["total_requests"]


def system_calls(command, program, shape):
    """{system call: count per request} while connections last: a long run less a short one, so
    that what is done once per process and per connection cancels out."""
    connections = shape[0]
    arguments = load_arguments(shape)
    few, few_requests = traced_calls(command, program, 20 * connections, arguments)
    many, many_requests = traced_calls(command, program, 200 * connections + 5000, arguments)
    return {name: (many[name] - few.get(name, 0)) / (many_requests - few_requests)
            for name in many}


def idle(command, program, connections, seconds):
    """(bytes, ns): the user memory that each of so many connections adds, after it carried a
    request and while it is silent, and the CPU time of the server in a second of that silence.
    What the server has only once is shared out among the connections."""
    limit_s = LOAD_LIMIT_S + connections / CONNECTIONS_A_SECOND
    with Server(command) as server:
        before = server.memory()
        process = server.start_load(program, "--connections", connections, "--idle")
        try:
            if read_line(process, limit_s, "load --idle") != "open\n":
                raise Failure(f"{command}: {connections} connections could not be opened")
            each = (server.memory() - before) / connections
            used, began = server.cpu_ns(), time.monotonic()
            time.sleep(seconds)  # what is measured: nothing is waited for
            cpu = (server.cpu_ns() - used) / (time.monotonic() - began)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        finish(process, limit_s, command)
        return each, cpu
