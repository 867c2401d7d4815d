"""Every program in a README compiles, runs and prints what the README says; every path in the
first of them is there.

A ```cpp block with `int main` is a program. The block after it, if the line before that says
<!-- output -->, is its whole output.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import tree

PROGRAM_LIMIT_S = 60
BLOCK = re.compile(r"^(?P<mark>[^\n]*)\n```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
PATH = re.compile(r"`([\w.-]+/(?:[\w.-]+/)*|(?:[\w.-]+/)*[\w-]+\.(?:cpp|hpp|py|sh|md|build|txt))`")


# Those that show programs.
READMES = ("README.md", "runtime/README.md", "sync/README.md", "net/README.md",
           "net/http/README.md")


def programs(name):
    """(line, source, expected output or None) of each program."""
    text = tree.read(name)
    found = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("text"))
        if block["kind"] == "cpp":
            found.append([line, block["text"], None])
        elif found and block["mark"].strip() == "<!-- output -->":
            found[-1][2] = block["text"]
    return [program for program in found if re.search(r"\bint main\b", program[1])]


def anchors(text):
    """What "#…" can name: its headings, as GitHub makes links of them."""
    outside = BLOCK.sub("", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", outside, re.M)}


def compile_and_run(source, folder, library):
    """The exit code and the output of a program that is linked with the library, or, if it asks for
    that, with the simulated one."""
    linked = "-leddy_sim" if "<eddy/runtime/sim" in source else "-leddy"
    (folder / "program.cpp").write_text(source)
    tree.run([*tree.CACHED, *tree.COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic",
              "-Werror", *tree.include_flags(), "-c", "program.cpp", "-o", "program.o"], cwd=folder)
    tree.run([*tree.COMPILER, "program.o", "-o", "program", f"-L{library}", linked, "-pthread",
              f"-Wl,-rpath,{library}"], cwd=folder)
    done = subprocess.run([folder / "program"], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PROGRAM_LIMIT_S)
    return done.returncode, done.stdout


class Readme(unittest.TestCase):
    maxDiff = None

    def test_programs(self):
        self.assertTrue(programs("README.md"), "README.md shows no program")
        library = tree.library("epoll")

        def outcome(source):
            with tempfile.TemporaryDirectory() as folder:
                return compile_and_run(source, pathlib.Path(folder), library)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            begun = [(f"{name}:{line}", expected, pool.submit(outcome, source))
                     for name in READMES for line, source, expected in programs(name)]
            for where, expected, running in begun:
                with self.subTest(where):
                    code, output = running.result()
                    self.assertEqual(code, 0, output)
                    if expected is not None:
                        self.assertEqual(output, expected)

    def test_output_belongs_to_programs(self):
        for name in READMES:
            shown = sum(expected is not None for _, _, expected in programs(name))
            self.assertEqual(tree.read(name).count("<!-- output -->"), shown, name)
        self.assertTrue(any(expected for _, _, expected in programs("README.md")))

    def test_paths_exist(self):
        """A path counts from the root, or is what an #include says, or is what a command makes.

        What git ignores may lie here or not: the outcome must not depend on it.
        """
        text, public, faults = tree.read("README.md"), tree.public_headers(), []
        made = [line.strip("/\n") + "/" for line in tree.read(".gitignore").splitlines()
                if line.startswith("/") and "*" not in line]
        for match in PATH.finditer(text):
            path = match[1]
            if path.startswith(tuple(made)) or path in public:
                continue
            if not (tree.ROOT / path).exists():
                faults.append(f"README.md:{text.count(chr(10), 0, match.start()) + 1}: {path}")
        tree.report(faults)

    def test_links_within_lead_somewhere(self):
        for name in READMES:
            text = tree.read(name)
            for anchor in re.findall(r"\]\(#([^)]+)\)", text):
                self.assertIn(anchor, anchors(text), f"{name}: no heading for #{anchor}")

    def test_named_tests_exist(self):
        """`file_test`: "a case", "another"."""
        faults = []
        for name in READMES:
            named = re.findall(r'`([\w/]+_test)`: ((?:"[^"]+"(?:, )?)+)', tree.read(name))
            for where, cases in named:
                module = "" if "/" in where else name.split("/")[0] + "/"
                source = tree.read(f"tests/{module}{where}.cpp")
                faults += [f"{name}: {where} has no case {case}"
                           for case in re.findall(r'"[^"]+"', cases)
                           if f"TEST_CASE({case}" not in source]
        tree.report(faults)

    def test_options_exist(self):
        options = tree.read("meson_options.txt")
        named = set(re.findall(r"-D(\w+)(?==|`|,|\))", tree.read("README.md")))
        builtin = {"buildtype", "prefix"}
        self.assertLessEqual(named - builtin, set(re.findall(r"^option\('(\w+)'", options, re.M)))

    def test_commands_name_files(self):
        commands = "".join(b["text"] for b in BLOCK.finditer(tree.read("README.md"))
                           if b["kind"] == "sh")
        scripts = re.findall(r"\b(?:sh|python3) ([\w/.]+\.\w+)", commands)
        tree.report([s for s in scripts if not (tree.ROOT / s).is_file()])


if __name__ == "__main__":
    unittest.main()
