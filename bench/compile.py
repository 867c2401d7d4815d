"""What it costs to compile against Eddy: an echo server, and lines of each public header.

  python3 bench/compile.py --build build/epoll --rounds 5 --json rows.json

The echo servers of bench/echo are compiled and linked by g++ -O2 as a user would, with the library
built: Eddy's, asio's, libuv's and the one in plain C. Those whose library is not there are left
out. The figure is the compiler's CPU time, with that of all the processes it starts. Each server
then has to send back what it gets. See bench/README.md.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ECHO = ROOT / "bench" / "echo"
sys.path.append(str(ROOT / "tests" / "house"))
import headers_test  # noqa: E402
import tree  # noqa: E402

WAIT_LIMIT_S = 10
MESSAGE = b"sent back"


class Failure(Exception):
    """There is no result."""


def servers(build):
    """{implementation: (compiler, words)}; what the words need is looked for by `available`."""
    eddy = [*tree.include_flags(), f"-L{build}", f"-Wl,-rpath,{build}", "-leddy"]
    return {
        "eddy": ["g++", "-std=c++20", ECHO / "read_some_server.cpp", *eddy],
        "eddy/example": ["g++", "-std=c++20", ROOT / "examples" / "echo_server.cpp", *eddy],
        "asio": ["g++", "-std=c++20", "-DASIO_STANDALONE", ECHO / "asio_server.cpp", "-pthread"],
        "libuv": ["gcc", "-D_GNU_SOURCE", ECHO / "uv_server.c", "-luv"],
        "floor": ["gcc", "-D_GNU_SOURCE", ECHO / "raw_epoll.c", ECHO / "listen.c"],
    }


def has_header(header, language):
    found = subprocess.run(["g++", "-E", "-x", language, "-DASIO_STANDALONE", "-"],
                           input=f"#include <{header}>\n", text=True, capture_output=True)
    return found.returncode == 0


def available(build):
    there = servers(build)
    for name, header, language in (("asio", "asio/version.hpp", "c++"), ("libuv", "uv.h", "c")):
        if not has_header(header, language):
            print(f"  {name} is not installed here", file=sys.stderr)
            del there[name]
    return there


def cpu_seconds(name, words, folder):
    """Of compiling and linking one program, which has to run."""
    program = pathlib.Path(folder) / "server"
    command = [words[0], "-O2", *map(str, words[1:]), "-o", str(program)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise Failure(f"compile/echo_server: {name}: {said.read()[:2000]}")
    check(name, program)
    program.unlink()
    return used.ru_utime + used.ru_stime


def check(name, program):
    """What was compiled is an echo server."""
    with subprocess.Popen([program, "--host", "127.0.0.1", "0"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            listening = re.match(r"listening on 127\.0\.0\.1:(\d+)$", server.stdout.readline())
            if not listening:
                raise Failure(f"compile/echo_server: {name} does not listen")
            with socket.create_connection(("127.0.0.1", int(listening[1])), WAIT_LIMIT_S) as peer:
                peer.sendall(MESSAGE)
                peer.shutdown(socket.SHUT_WR)
                if peer.makefile("rb").read() != MESSAGE:
                    raise Failure(f"compile/echo_server: {name} sends back something else")
        finally:
            server.terminate()


def compile_rows(options):
    there = available(options.build)
    if options.only:
        there = {name: words for name, words in there.items() if name in options.only}
    seconds = {name: [] for name in there}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for name in list(there) if number % 2 == 0 else list(there)[::-1]:
                seconds[name].append(cpu_seconds(name, there[name], folder))
                print(f"  round {number + 1} of {options.rounds}: {name} "
                      f"{seconds[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return [row("compile/echo_server", name, "seconds", each) for name, each in seconds.items()]


def row(measure, implementation, metric, values):
    return {"measure": measure, "implementation": implementation, "metric": metric,
            "values": values}


def header_rows():
    """The lines of each public header, their median, and how many are above their budget."""
    names = sorted(tree.public_headers())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = list(pool.map(headers_test.lines_of, names))
    refused = [name for name, count in zip(names, lines) if not count]
    if refused:
        raise Failure(f"lines: the compiler refuses {', '.join(refused)}")
    over = sum(count > headers_test.budget_of(name) for name, count in zip(names, lines))
    found = [row(f"lines/{name}", "eddy", "lines", [count]) for name, count in zip(names, lines)]
    return [*found, row("lines/median", "eddy", "lines", [statistics.median(lines)]),
            row("lines/over", "eddy", "lines", [over])]


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True,
                           help="a build directory with the library in it")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", type=lambda text: text.split(","), metavar="NAME,NAME",
                           help="some of eddy, eddy/example, asio, libuv, floor")
    arguments.add_argument("--no-headers", dest="headers", action="store_false",
                           help="do not count the lines of the headers")
    arguments.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there")
    options = arguments.parse_args()
    options.build = options.build.resolve()
    if not shutil.which("g++"):
        arguments.error("there is no g++")
    try:
        rows = compile_rows(options) + (header_rows() if options.headers else [])
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        print(f"compile.py: {failure}", file=sys.stderr)
        return 1
    for found in rows:
        print(f"{found['measure']:46} {found['implementation']:14} "
              f"{statistics.median(found['values']):10.6g} {found['metric']}")
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
