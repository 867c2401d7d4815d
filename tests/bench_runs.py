"""Runs every benchmark for an instant, so that none can rot.

Arguments: the folder they are in; optionally the echo server of the examples and its selector.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

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


# The rivals of the echo benchmark, where their packages are there.
RIVALS = {"asio": "asio_server", "libuv": "uv_server", "threads": "threads_server"}


def check_rows(name, path, wanted):
    """That what was asked for is in the JSON, and that no figure is missing or absurd."""
    rows = json.loads(path.read_text())["rows"]
    found = {(r["measure"], r["implementation"], r["metric"]) for r in rows}
    if not wanted <= found or not all(v >= 0 for r in rows for v in r["values"]):
        sys.exit(f"{name}: rows are missing: {sorted(wanted - found)}, or wrong: {rows}")


def echo_servers(folder, selector):
    servers = {f"{s}/floor": folder / program for s, program in
               (("epoll", "raw_epoll"), ("io_uring", "raw_uring"))}
    servers[f"{selector}/eddy/read_some"] = folder / "read_some_server"
    servers |= {f"epoll/{what}": folder / program for what, program in RIVALS.items()}
    return {name: program for name, program in servers.items() if program.is_file()}


def echo(folder, selector, server):
    """An instant measures nothing, so budgets are only checked to be missable."""
    servers = echo_servers(folder, selector)
    if server:
        servers[f"{selector}/eddy"] = server
    if f"{selector}/floor" not in servers:
        sys.exit(f"no echo server in {folder}")
    named = [word for name, program in servers.items()
             for word in ("--server", f"{name}={program}")]
    script = ["python3", ROOT / "bench" / "echo.py", "--load", folder / "load"]
    instant = ["--connections", "4", "--seconds", "0.2", "--warmup", "0", "--rounds", "1"]
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "rows.json"
        run("echo.py", [*script, *named, *instant, "--bytes", "64,16384", "--inflight", "1,16",
                        "--idle", "1000", "--idle-seconds", "0.1", "--json", out])
        ours = f"floor-{selector}"
        check_rows("echo.py", out, {(f"echo/4/{shape}", ours, metric)
                                    for shape in ("64B/1", "16384B/1", "64B/16")
                                    for metric in ("cpu_ns", "p50_us", "p99_us", "p999_us",
                                                   "requests_per_s")} |
                   {("idle/1000", ours, "bytes"), ("idle/1000", ours, "cpu_ns")})
        if shutil.which("strace"):
            run("echo.py", [*script, *named, *instant, "--rounds", "0", "--syscalls",
                            "--json", out])
            check_rows("echo.py", out, {("echo/4/64B/1", ours, "syscalls")})
    echo_failures(script, folder)


def echo_failures(script, folder):
    """Wrong bytes are a failure, each budget can be missed, and a limit is named."""
    bad = f"python3 {ROOT / 'tests' / 'bench_server.py'}"
    floor = ["--server", f"epoll/floor={folder / 'raw_epoll'}"]
    brief = ["--connections", "50", "--seconds", "0.2", "--warmup", "0", "--rounds", "1"]
    slow = [*script, *floor, *brief, "--check", "--server", f"epoll/eddy={bad}"]
    run("echo.py", slow, fails_with="MISSED epoll/eddy: CPU per request, echo/50/64B/1, x floor")
    run("echo.py", [*slow, "--inflight", "16"],
        fails_with="MISSED epoll/eddy: CPU per request, echo/50/64B/16, x floor")
    run("echo.py", [*slow, "--rounds", "0", "--idle", "100", "--idle-seconds", "0"],
        fails_with="MISSED epoll/eddy: bytes per idle connection, of 100")
    if shutil.which("strace"):
        run("echo.py", [*slow, "--rounds", "0", "--syscalls"],
            fails_with="MISSED epoll/eddy: system calls per request, echo/50/64B/1")
    run("echo.py", [*script, *floor, *brief, "--server", f"epoll/liar={bad} --lie"],
        fails_with="the server answered with wrong bytes")
    run("echo.py", [*script, *floor, *brief, "--connections", "2000", "--server",
                    f"epoll/threads={folder / 'threads_server'}"],
        fails_with="no more than 1000 connections")
    # The load by itself says what it lacks.
    load = folder / "load"
    run("load", ["sh", "-c", f"ulimit -n 100; exec {load} 127.0.0.1 1 --connections 1000"],
        fails_with="1000 connections need 1016 descriptors, and this process may have 100")


def http(folder, client):
    """One instant of each client, servers that lie, and a budget that cannot be kept."""
    floor, server = folder / "raw_client", folder / "raw_server"
    if not floor.is_file() or not client.is_file() or not shutil.which("nginx"):
        sys.exit(f"the HTTP benchmark needs {floor}, {client} and nginx")
    peers = [("floor-io_uring", folder / "uring_client"), ("libcurl", folder / "multi_client"),
             ("threads-50", folder / "threads_client")]
    clients = [f"floor={floor}", f"eddy={client}"]
    clients += [f"{name}={program}" for name, program in peers if program.is_file()]
    clients += ["wrk=wrk"] if shutil.which("wrk") else []
    command = ["python3", ROOT / "bench" / "http.py", "--rounds", "1", "--requests"]
    with tempfile.TemporaryDirectory() as results:
        rows = pathlib.Path(results) / "rows.json"
        run("http.py", [*command, "500", *each("--client", clients), "--own", server, "--latency",
                        *each("--pool", [f"floor={floor}", f"eddy={folder / 'many_hosts'}"]),
                        "--hosts", "1,100", "--json", rows])
        check_measures(rows, {"http_get/50", "http_get_own/50", "http_pool/1", "http_pool/100"})
    quick = [*command, "2000", "--no-nginx", "--own", server]
    run("http.py", [*quick, "--check", "--client", f"floor={floor}",
                    "--client", f"eddy/slow=valgrind -q {floor}"],
        fails_with="MISSED http_get_own/50 eddy/slow")
    run("http.py", [*quick, "--client", f"floor={floor}", "--client", "liar=echo 1 requests in 1.0 "
                    "s, 1 requests/s, 1.0 s CPU, 0 errors #"], fails_with="liar: exit code 0")
    bad = f"python3 {ROOT / 'tests' / 'bench_http_server.py'}"
    for one in clients[:-1] if shutil.which("wrk") else clients:
        name = one.partition("=")[0]
        run("http.py", [*command, "500", "--no-nginx", "--own", bad, "--client",
                        one.replace(name, f"floor-{name}", 1)],
            fails_with=f"floor-{name}: exit code 1")


def crawl(folder, site):
    """Every crawler finds the same links; one that does not, and one that fails, are found out."""
    eddy, pool = folder / "eddy_crawl", folder / "pool_crawl"
    command = ["python3", ROOT / "bench" / "crawl.py", "--site", site, "--pages", "40", "--links",
               "3", "--latency-ms", "1", "--rounds", "1", "--crawler", f"eddy={eddy}"]
    threads = ["--crawler", f"threads-50={pool} --threads 50"] if pool.is_file() else []
    with tempfile.TemporaryDirectory() as results:
        rows = pathlib.Path(results) / "rows.json"
        run("crawl.py", [*command, *threads, "--json", rows])
        check_measures(rows, {"crawl/40"})
        loses = pathlib.Path(results) / "loses"
        loses.write_text(f'#!/bin/sh\n{eddy} "$1" "$2" && sed -i "$THEN" "$2"\n')
        loses.chmod(0o755)
        run("crawl.py", [*command, "--crawler", f"loses=env THEN=$d {loses}"],
            fails_with="loses: 119 links instead of 120")
        run("crawl.py", [*command, "--crawler", f"lies=env THEN=$s,item,itom, {loses}"],
            fails_with="lies: other links than eddy found")
    run("crawl.py", [*command, "--crawler", "none=false"], fails_with="none: exit code 1")


def whole_report(build):
    """The one command over what is built: figures of an instant become a report and its plots; a
    program that fails its check fails the run, and leaves no figure."""
    if not (build / "bench" / "micro" / "micro").is_file():
        sys.exit(f"the report needs {build / 'bench' / 'micro' / 'micro'}")
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "results"
        command = ["python3", ROOT / "bench" / "run.py", "--tiny", "--output", results]
        run("run.py", [*command, "--build", build])
        text = (results / "REPORT.md").read_text()
        for expected in ("| yield: back through the ready queue | eddy | ", "](steps.svg)",
                         "](http_cpu.svg)", "](memory.svg)", "### echo/4/64B/1",
                         "| floor-epoll/again | ", "### compile/echo_server", "### crawl/20"):
            if expected not in text:
                sys.exit(f"run.py: no `{expected}` in its report:\n{text}")
        if "## Failed checks" in text or not (results / "steps.svg").is_file():
            sys.exit(f"run.py wrote no good report:\n{text}")
        run("compare", [ROOT / "bench" / "compare", *[results / "results.json"] * 2])
        broken = pathlib.Path(folder) / "build"
        shutil.copytree(build / "meson-info", broken / "meson-info")
        micro = broken / "bench" / "micro" / "micro"
        micro.parent.mkdir(parents=True)
        micro.write_text(f"""#!/bin/sh
case "$*" in *yield/eddy*) exit 9; esac
exec {build / "bench" / "micro" / "micro"} "$@"
""")
        micro.chmod(0o755)
        run("run.py", [*command, "--only", "micro", "--build", broken],
            fails_with="FAILED yield: yield/eddy: exit code 9")
        text = (results / "REPORT.md").read_text()
        if "### yield" in text or "### spawn_join" not in text:
            sys.exit(f"run.py reports figures of a failed check:\n{text}")


def each(option, values):
    return [word for value in values for word in (option, value)]


def check_measures(file, measures):
    """Each measure that was asked for is there, and no figure is nothing."""
    rows = json.loads(file.read_text())["rows"]
    if {row["measure"] for row in rows} != measures:
        sys.exit(f"rows of {sorted({row['measure'] for row in rows})}, not {sorted(measures)}")
    for row in rows:
        if not row["values"] or min(row["values"]) < 0 or max(row["values"]) == 0:
            sys.exit(f"a row without a figure: {row}")


def main():
    folder = pathlib.Path(sys.argv[1])
    micro(folder / "micro" / "micro")
    server = pathlib.Path(sys.argv[2]) if len(sys.argv) > 3 else None
    echo(folder / "echo", sys.argv[3] if server else "epoll",
         server if server and server.is_file() else None)
    if server and server.with_name("http_load").is_file():
        http(folder / "http", server.with_name("http_load"))
        crawl(folder / "crawl", server.with_name("site"))
        whole_report(folder.resolve().parent)


main()
