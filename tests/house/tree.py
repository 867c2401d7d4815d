"""What the house tests share: the files of the tree, C++ without comments, one build of it."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "tests"
COMPILER = os.environ.get("CXX", "g++").split()
CACHED = ["ccache"] if shutil.which("ccache") and COMPILER[0] != "ccache" else []
CPP = (".cpp", ".hpp")
WAIT_LIMIT_S = 600


def files(*folders, endings=()):
    """Paths relative to ROOT of what is, or could be, checked in; sorted."""
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard", "--", *folders],
                            cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        names = set(filter(None, listed.stdout.split("\0")))
    else:  # an unpacked archive has no git
        names = {str(p.relative_to(ROOT)) for f in folders or [""] for p in (ROOT / f).rglob("*")}
        names = {n for n in names if not re.match(r"\.git/|build|subprojects/", n)}
    return sorted(n for n in names
                  if (ROOT / n).is_file() and not n.endswith(".pyc")
                  and (not endings or n.endswith(tuple(endings))))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def public_headers():
    """Paths relative to ROOT, by what a user writes: {"eddy/net/url.hpp": "net/include/eddy/…"}."""
    return {n.split("/include/", 1)[1]: n for n in files(endings=[".hpp"]) if "/include/" in n}


NOT_CODE = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/'  # comments
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)  # not the ' of 1'000


def code(text):
    """C++ with comments blanked and literals emptied; every line and column stays where it was."""
    def blank(match):
        whole = match[0]
        edge = '"' if whole.endswith('"') else "'" if whole[0] == "'" else ""
        inside = re.sub(r"[^\n]", " ", whole[len(edge):len(whole) - len(edge)])
        return edge + inside + edge
    return NOT_CODE.sub(blank, text)


def report(faults):
    """For a test to say at its end; what is wrong, one a line, or nothing."""
    if faults:
        raise AssertionError("\n" + "\n".join(faults))


def run(command, cwd=ROOT, **environment):
    """The output of a command; AssertionError, with all it said, if it fails."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=dict(os.environ, **environment),
                          text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT_LIMIT_S)
    if done.returncode:
        what = " ".join(map(str, command))
        raise AssertionError(f"exit code {done.returncode}: {what}\n{done.stdout[-8000:]}")
    return done.stdout


def meson_build(source, folder, options=()):
    """Configures `folder`, if that has not been done, and compiles everything in it."""
    if not (folder / "build.ninja").exists():
        run(["meson", "setup", folder, source, *options], CXX=" ".join(CACHED + COMPILER))
    run(["ninja", "-C", folder])
    return folder


def library(selector):
    """The folder of a build of the library alone, with the options of the examples' build: where
    there is ccache, one of the two costs nothing."""
    return meson_build(ROOT, BUILD / f"house-{selector}",
                       ["--werror", "-Dbuildtype=release", f"-Dselector={selector}"])


def include_flags():
    return [f"-I{ROOT / module / 'include'}" for module in ("runtime", "sync", "net")]
