"""Compiles and links Eddy for macOS, and looks at what came out. Nothing of it is run.
   python3 tests/macos/build.py CPU [library|tests|examples]...      CPU: aarch64 or x86_64"""

import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys

import toolchain

CPU_TYPES = {"aarch64": 0x0100000C, "x86_64": 0x01000007}
MACH_O_64 = 0xFEEDFACF
PROGRAM, LIBRARY = 2, 6
# What is optional in Eddy needs libraries that are not there. -O0 because nothing is run.
OPTIONS = ["--werror", "-Doptimization=0", "-Ddebug=false", "-Dselector=kqueue",
           "-Dtls=disabled", "-Dzlib=disabled", "-Didn=disabled", "-Dbrotli=disabled",
           "-Dzstd=disabled", "-Djson=disabled", "-Dpsl=disabled", "-Ddns=threads",
           "-Dtests=true",
           "-Dexamples=true"]
PARTS = ("library", "tests", "examples")


class Failed(Exception):
    pass


def run(command):
    done = subprocess.run([str(c) for c in command], env=toolchain.environment(), text=True,
                          errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}: {command[0]}\n{done.stdout[-12000:]}")
    return done.stdout


def configure(cpu):
    folder = toolchain.PLACE / cpu
    cross = toolchain.cross_file(cpu)
    if not (folder / "build.ninja").exists():
        run(["meson", "setup", folder, toolchain.ROOT, "--cross-file", cross, *OPTIONS])
    return folder


def products(folder, part):
    """The files that make up a part of the build, as Meson has them."""
    found = []
    for target in json.loads(run(["meson", "introspect", "--targets", folder])):
        place = pathlib.Path(target["defined_in"]).parent.relative_to(toolchain.ROOT)
        if part == "library":
            wanted = target["type"] == "shared library"
        else:
            wanted = target["type"] == "executable" and place.parts[:1] == (part,)
        if wanted:
            found += target["filename"]
    if not found:
        raise Failed(f"the build for macOS has no {part}")
    return [pathlib.Path(name) for name in found]


def check_format(path, cpu, kind):
    """mach-o/loader.h: magic number, type of CPU, subtype, type of file."""
    head = path.read_bytes()[:16]
    magic, cpu_type, _, file_type = struct.unpack("<4I", head.ljust(16, b"\0"))
    if (magic, cpu_type, file_type) != (MACH_O_64, CPU_TYPES[cpu], kind):
        raise Failed(f"{path} is not a Mach-O file of kind {kind} for {cpu}: {head.hex()}")
    return f"{path.name} ({path.stat().st_size >> 10} KiB)"


def build(cpu, part):
    folder = configure(cpu)
    files = products(folder, part)
    run(["ninja", "-k", "0", "-C", folder, *(os.path.relpath(f, folder) for f in files)])
    kind = LIBRARY if part == "library" else PROGRAM
    names = [check_format(f, cpu, kind) for f in files]
    print(f"{part} for {cpu}-macos: {', '.join(names)}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cpu", choices=list(CPU_TYPES))
    arguments.add_argument("parts", nargs="*", help="all, if none is named: " + ", ".join(PARTS))
    options = arguments.parse_args()
    try:
        for part in options.parts or PARTS:
            build(options.cpu, part)
    except (Failed, toolchain.Unavailable) as wrong:
        print(wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
