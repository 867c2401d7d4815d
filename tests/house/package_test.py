"""What users of the package do: a Meson subproject, an installed library, a change of selector."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import tree

PROGRAM = """\
#include <cstdio>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>

eddy::task<int> answer() {
  co_await eddy::sleep(std::chrono::milliseconds(1));
  co_return 42;
}
int main() {
  const int n = eddy::run(answer());
  std::printf("%d %s\\n", n, eddy::selector_name().data());
}
"""
CONSUMER = """\
project('consumer', 'cpp', default_options: ['cpp_std=c++20', 'warning_level=3', 'werror=true'])
executable('program', 'program.cpp', dependencies: dependency('eddy', fallback: 'eddy'))
"""
# Without debugging symbols a build is the same wherever it stands, and ccache finds it again.
QUICK = ["-Doptimization=0", "-Ddebug=false"]
BARE = ["-Ddns=threads", *(f"-D{part}=disabled" for part in
                           ("tls", "zlib", "brotli", "zstd", "iconv", "json", "idn", "psl"))]


def needed_libraries(path):
    return set(re.findall(r"NEEDED\s+(\S+)", tree.run(["objdump", "-p", path])))


def compile_object(folder, flags):
    (folder / "program.cpp").write_text(PROGRAM)
    tree.run([*tree.CACHED, *tree.COMPILER, "-Wall", "-Wextra", "-Werror", *flags, "-c",
              "program.cpp", "-o", "program.o"], cwd=folder)
    return folder / "program.o"


class Package(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def copy_of_the_tree(self, folder):
        for name in tree.files():
            if not name.startswith(("tests/", "bench/", "examples/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(tree.ROOT / name, folder / name)

    def test_as_a_subproject(self):
        """With the options as they are, and without the folders that they do not ask for."""
        self.copy_of_the_tree(self.folder / "subprojects" / "eddy")
        (self.folder / "meson.build").write_text(CONSUMER)
        (self.folder / "program.cpp").write_text(PROGRAM)
        build = tree.meson_build(self.folder, self.folder / "build", QUICK)
        self.assertEqual(tree.run([build / "program"]), "42 epoll\n")

    def test_installed(self):
        """Nothing but the public headers, the two libraries and their pkg-config files is
        installed, and they are enough: one object file runs on the kernel and in the simulator."""
        build = tree.library("epoll")
        tree.run(["meson", "install", "--no-rebuild", "-C", build], DESTDIR=str(self.folder))
        pkg_config, = self.folder.rglob("eddy.pc")
        prefix = re.search(r"^prefix=(.*)$", pkg_config.read_text(), re.M)[1]
        include = self.folder / prefix.lstrip("/") / "include"
        installed = {str(p.relative_to(include)) for p in include.rglob("*") if p.is_file()}
        self.assertEqual(installed, set(tree.public_headers()))
        others = {p.name for p in self.folder.rglob("*") if p.is_file()
                  and not p.is_relative_to(include)}
        expected = re.compile(r"libeddy(_sim)?\.so|eddy(-sim)?\.pc$")
        tree.report(sorted(n for n in others if not expected.match(n)))

        def flags(package, *which):
            return tree.run(["pkg-config", *which, package], PKG_CONFIG_PATH=pkg_config.parent,
                            PKG_CONFIG_SYSROOT_DIR=self.folder).split()
        compile_object(self.folder, flags("eddy", "--cflags"))
        library, = self.folder.rglob("libeddy.so")
        for package, name in (("eddy", "epoll"), ("eddy-sim", "simulated")):
            tree.run([*tree.COMPILER, "program.o", "-o", name, *flags(package, "--libs")],
                     cwd=self.folder)
            self.assertEqual(tree.run([self.folder / name], LD_LIBRARY_PATH=library.parent),
                             f"42 {name}\n")

    def test_one_object_file_with_each_selector(self):
        compile_object(self.folder, ["-std=c++20", *tree.include_flags()])
        for selector in ("epoll", "io_uring"):
            library = tree.library(selector)
            tree.run([*tree.COMPILER, "program.o", "-o", selector, f"-L{library}", "-leddy",
                      f"-Wl,-rpath,{library}"], cwd=self.folder)
            done = subprocess.run([self.folder / selector], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60)
            if selector == "io_uring" and "io_uring" in done.stdout and done.returncode:
                self.skipTest("io_uring is forbidden here: " + done.stdout.strip())
            self.assertEqual(done.stdout, f"42 {selector}\n")

    def test_without_the_optional_libraries(self):
        build = tree.meson_build(tree.ROOT, tree.BUILD / "house-bare",
                                 ["--werror", "-Dbuildtype=release", *BARE])
        library = os.path.realpath(build / "libeddy.so")
        optional = re.compile(r"lib(ssl|crypto|z|brotli\w*|zstd|idn2|psl|cares)\.")
        foreign = {n for n in needed_libraries(library) if optional.match(n)}
        self.assertEqual(foreign, set())
        compile_object(self.folder, ["-std=c++20", *tree.include_flags()])
        tree.run([*tree.COMPILER, "program.o", "-o", "program", f"-L{build}", "-leddy",
                  f"-Wl,-rpath,{build}"], cwd=self.folder)
        self.assertEqual(tree.run([self.folder / "program"]), "42 epoll\n")


if __name__ == "__main__":
    unittest.main()
