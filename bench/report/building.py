"""The optimised builds, one of each selector that this machine can run."""

import ctypes
import json
import os
import shutil
import subprocess
import sys

# -O3, as a distribution would build the library; no -march=native, whose figures nobody else gets.
# Link-time optimisation is off because it gives nothing: bench/README.md.
SETUP = ("-Dbuildtype=release", "-Dexamples=true", "-Dbenchmarks=enabled", "-Db_lto=false")
SYS_IO_URING_SETUP = 425


class Failure(Exception):
    """What cannot be built or found; the run ends."""


def progress(words):
    print(words, file=sys.stderr, flush=True)


def kernel_has_io_uring():
    """Containers often forbid it."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    parameters = ctypes.create_string_buffer(120)  # struct io_uring_params
    descriptor = libc.syscall(SYS_IO_URING_SETUP, 1, parameters)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


def selectors():
    """The first is what micro-benchmarks run on that do not depend on it."""
    if not sys.platform.startswith("linux"):
        return ["kqueue"]
    found = ["epoll"]
    library = subprocess.run(["pkg-config", "--exists", "liburing >= 2.3"], check=False)
    if library.returncode == 0 and kernel_has_io_uring():
        found.append("io_uring")
    return found


def run(command):
    environment = dict(os.environ)
    if shutil.which("ccache"):
        environment.update(CXX="ccache g++", CC="ccache gcc")
    done = subprocess.run([str(c) for c in command], text=True, errors="replace", env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Failure(f"exit code {done.returncode}: {' '.join(map(str, command))}\n"
                      f"{done.stdout[-8000:]}")
    return done.stdout


def build(root):
    """{selector: folder}, compiled; setting up again keeps what is built when nothing changed."""
    folders = {}
    for selector in selectors():
        folder = root / "build" / f"bench-{selector}"
        progress(f"building {folder.relative_to(root)}")
        again = ["--reconfigure"] if (folder / "build.ninja").exists() else []
        run(["meson", "setup", *again, folder, root, *SETUP, f"-Dselector={selector}"])
        run(["ninja", "-C", folder])
        folders[selector] = folder
    return folders


def selector_of(folder):
    """What an existing build was configured for."""
    options = json.loads(run(["meson", "introspect", "--buildoptions", folder]))
    chosen = next(option["value"] for option in options if option["name"] == "selector")
    return selectors()[0] if chosen == "auto" else chosen
