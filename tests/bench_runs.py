"""Runs every benchmark for an instant, so that none can rot.

Arguments: the folder they are in; optionally the echo server of the examples and its selector.
"""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(name, command, fails_with=None):
    done = subprocess.run([str(c) for c in command], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if fails_with:
        if done.returncode != 1 or fails_with not in done.stdout:
            sys.exit(f"{name}: exit code {done.returncode}, not 1 with `{fails_with}`:\n"
                     f"{done.stdout}")
        return
    if done.returncode or "ERROR" in done.stdout:
        sys.exit(f"{name} failed:\n{done.stdout}")
    print(done.stdout)


def micro(program):
    """Everything but a million of something: that takes longer than an instant."""
    if not program.is_file():
        sys.exit(f"no {program}")
    run("micro", [program, "--benchmark_min_time=0.001", "--benchmark_filter=-/1000000"])
    for one in ("head_parse/floor", "exchange/libcurl", "queue_cap1/eddy"):
        run("micro", ["env", "EDDY_BENCH_SPOIL=1", program, f"--benchmark_filter=^{one}$"],
            fails_with="wrong result")
    run("count.py", ["python3", ROOT / "bench" / "micro" / "count.py", program,
                     "--filter", "^url_parse/", "--seconds", "0.001"])


def echo(folder, servers):
    """No budget is checked: an instant measures nothing."""
    for selector, program in (("epoll", "raw_epoll"), ("io_uring", "raw_uring")):
        if (folder / program).is_file():
            servers.append((f"{selector}/floor", folder / program))
    if not servers:
        sys.exit(f"no echo server in {folder}")
    named = [word for name, program in servers for word in ("--server", f"{name}={program}")]
    quick = ["python3", ROOT / "bench" / "echo.py", "--load", folder / "load", *named,
             "--connections", "4", "--seconds", "0.3", "--warmup", "0", "--rounds", "1"]
    run("echo.py", [*quick, "--memory", "100"])
    if shutil.which("strace"):
        run("echo.py", [*quick, "--rounds", "0", "--syscalls"])
    bad = f"python3 {ROOT / 'tests' / 'bench_server.py'}"
    run("echo.py", [*quick, "--check", "--server", f"epoll/slow={bad}"],
        fails_with="MISSED epoll/slow: CPU per request")
    run("echo.py", [*quick, "--server", f"epoll/liar={bad} --lie"],
        fails_with="the server answered with wrong bytes")


def http(floor, client):
    """One instant of each client against nginx, and a budget that cannot be kept."""
    if not floor.is_file() or not client.is_file() or not shutil.which("nginx"):
        sys.exit(f"the HTTP benchmark needs {floor}, {client} and nginx")
    quick = ["python3", ROOT / "bench" / "http.py", "--client", f"floor={floor}",
             "--client", f"eddy={client}", "--requests", "2000", "--rounds", "1"]
    run("http.py", quick)
    run("http.py", [*quick, "--check", "--client", f"eddy/slow=valgrind -q {floor}"],
        fails_with="MISSED eddy/slow")
    run("http.py", [*quick, "--client", "liar=echo 1 requests in 1.0 s, 1 requests/s, 1.0 s CPU, "
                    "0 errors #"], fails_with="liar: exit code 0")


def main():
    folder = pathlib.Path(sys.argv[1])
    micro(folder / "micro" / "micro")
    server = pathlib.Path(sys.argv[2]) if len(sys.argv) > 3 else None
    echo(folder / "echo", [(f"{sys.argv[3]}/eddy", server)] if server and server.is_file() else [])
    if server and server.with_name("http_load").is_file():
        http(folder / "http" / "raw_client", server.with_name("http_load"))


main()
