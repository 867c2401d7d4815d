"""What figures depend on: the machine, its kernel, the compiler, the libraries."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

# What rivals and floors are made with, by their pkg-config names.
LIBRARIES = {"libuv": "libuv", "libcurl": "libcurl", "liburing": "liburing",
             "OpenSSL": "libssl", "Google Benchmark": "benchmark"}
PROGRAMS = {"nginx": ["nginx", "-v"], "wrk": ["wrk", "-v"]}


def said(*command, text=""):
    """What a command says, to both outputs; empty where it is not there."""
    try:
        return subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=20, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine():
    try:
        cpu = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        cpu = None
    return cpu[1] if cpu else f"{platform.machine()} {platform.processor()}".strip()


def asio_version():
    words = said("g++", "-E", "-P", "-x", "c++", "-DASIO_STANDALONE", "-",
                 text="#include <asio/version.hpp>\nversion ASIO_VERSION\n")
    found = re.search(r"^version (\d+)$", words, re.M)
    if not found:
        return ""
    number = int(found[1])
    return f"{number // 100000}.{number // 100 % 1000}.{number % 100}"


def versions():
    found = {"asio": asio_version()}
    for name, package in LIBRARIES.items():
        version = said("pkg-config", "--modversion", package)
        found[name] = version if re.fullmatch(r"[\w.+~-]+", version) else ""
    for name, command in PROGRAMS.items():
        version = re.search(r"\d+\.\d+(\.\d+)?", said(*command))
        found[name] = version[0] if version else ""
    return {name: version for name, version in found.items() if version}


def commit(root):
    head = said("git", "-C", str(root), "rev-parse", "--short", "HEAD")
    if not re.fullmatch(r"[0-9a-f]+", head):
        return "unknown"
    changed = said("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")
    return head + " with changes" if changed else head


def gather(root, selectors, quick, settings):
    compiler = said("g++", "--version").partition("\n")[0]
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"machine": machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": f"{platform.system()} {platform.release()}", "compiler": compiler,
            "versions": versions(), "date": now.isoformat(" ", "minutes"), "commit": commit(root),
            "quick": quick, "rounds": settings.rounds, "short_rounds": settings.short_rounds,
            "selectors": list(selectors), "load_average": os.getloadavg()[0]}
