"""The style of DESIGN.md that a machine can see: lengths, names, leftovers, dead files."""

import pathlib
import re
import unittest

import tree

FOLDERS = ("runtime", "net", "sync", "bench", "tests", "examples")
COLUMNS = 100
FILE_LINES = 400
# A suite of many short cases is one idea at greater length.
TEST_FILE_LINES = 600
FUNCTION_LINES = 70
# Sources that may be longer, each with its reason.
LONG_FILES = {
}
DATA = re.compile(r"/corpus/|\.pem$")


def sources():
    return tree.files(*FOLDERS, endings=[*tree.CPP, ".py"])


def texts():
    """Every file that people write: data of the tests is not."""
    return [n for n in tree.files(*FOLDERS) if not DATA.search(n)]


CONTAINER = re.compile(r"\s*(?:\w+:\s*)?(?:template\s*<.*>\s*)?(?:(?:inline|static|const)\w*\s+)*"
                       r"(?:namespace|class|struct|union|enum)\b", re.S)


def functions(text):
    """(first line, length) of each outermost function: a brace whose head has an argument list."""
    text = tree.code(text)
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: "\n" * m[0].count("\n"), text, flags=re.M)
    found, stack, head, function_depth = [], [], 0, None
    for at, sign in enumerate(text):
        if sign == "{":
            before = text[head:at]
            if function_depth is None and "(" in before and not CONTAINER.match(before):
                function_depth = len(stack)
                start = head + len(before) - len(before.lstrip())
            stack.append(at)
            head = at + 1
        elif sign == "}" and stack:
            stack.pop()
            head = at + 1
            if function_depth == len(stack):
                function_depth = None
                if text[at + 1:].lstrip()[:1] in (",", "{"):  # that was `: member_{1}`
                    head = start
                    continue
                lines = text.count("\n", start, at) + 1
                found.append((text.count("\n", 0, start) + 1, lines))
        elif sign == ";":
            head = at + 1
    return found


def built_sources(meson_file):
    """What a meson.build lists, as 'x.cpp' or as 'a' + name + 'b.cpp' over its quoted words."""
    text = re.sub(r"#.*", "", tree.read(meson_file))
    words = set(re.findall(r"'([^'\n]*)'", text))
    listed = {w for w in words if w.endswith(".cpp")}
    for before, after in re.findall(r"(?:'([^'\n]*)' *\+ *)?\b\w+ *\+ *'([^'\n]*\.cpp)'", text):
        listed |= {before + w + after for w in words}
    folder = pathlib.PurePath(meson_file).parent
    return {str(folder / w) for w in listed}


class Style(unittest.TestCase):
    def expect_none(self, faults, rule):
        tree.report([f"{rule}:", *faults] if faults else [])

    def lines_matching(self, pattern, names):
        pattern = re.compile(pattern)
        return [f"{name}:{number}: {line.strip()}" for name in names
                for number, line in enumerate(tree.read(name).splitlines(), 1)
                if pattern.search(line)]

    def test_there_is_something_to_check(self):
        self.assertGreater(len(sources()), 50)

    def test_files_are_text(self):
        faults = [n for n in texts() if b"\0" in (tree.ROOT / n).read_bytes()]
        self.expect_none(faults, "binary files")

    def test_columns(self):
        # Tables cannot be wrapped; plots are written by bench/report.
        names = [n for n in texts() if not n.endswith((".md", ".svg"))]
        self.expect_none(self.lines_matching(f".{{{COLUMNS + 1}}}", names),
                         f"lines of more than {COLUMNS} columns")

    def test_tabs(self):
        self.expect_none(self.lines_matching("\t", texts()), "tabs")

    def test_leftovers(self):
        self.expect_none(self.lines_matching(r"\b(TO[D]O|FIX[M]E|X{3}|HAC[K])\b", texts()),
                         "leftovers")

    def test_machine_paths(self):
        pattern = r"(?<![\w.:/])/(?:work|home|root|tmp|Users)/\w"
        names = texts() + tree.files("README.md", "meson.build", ".ci")
        self.expect_none(self.lines_matching(pattern, names), "paths of one machine")

    def test_file_lengths(self):
        faults = []
        for name in sources():
            lines = tree.read(name).count("\n")
            usual = TEST_FILE_LINES if name.startswith("tests/") else FILE_LINES
            if lines > LONG_FILES.get(name, usual):
                faults.append(f"{name}: {lines}")
        self.expect_none(faults, f"sources of more than {FILE_LINES} lines")

    def test_function_lengths(self):
        faults = []
        for name in tree.files(*FOLDERS, endings=tree.CPP):
            if not name.startswith("tests/"):
                faults += [f"{name}:{line}: {length}" for line, length in functions(tree.read(name))
                           if length > FUNCTION_LINES]
        self.expect_none(faults, f"functions of more than {FUNCTION_LINES} lines")

    def test_functions_are_found(self):
        body = "  x();\n" * 80
        for head in ("int f(int a) {\n", "a::a(int b)\n    : b_(b), c_{1} {\n",
                     "template <class T>\ntask<T> c<T>::d() && noexcept {\n",
                     'extern "C" void e(int) {\n'):
            text = "#if X(1)\n#endif\nnamespace a {\nstruct b : c<d> {\n" + head + body + "}\n};}\n"
            self.assertGreater(max(length for _, length in functions(text)), 80, head)
        flat = "class b {\n" + "  int f() const { return 1; }\n" * 80 + "};\n"
        self.assertEqual({length for _, length in functions(flat)}, {1})

    def test_names(self):
        faults = [n for n in tree.files(*FOLDERS)
                  if re.search(r"util|helper|manager|common", pathlib.PurePath(n).name)]
        self.expect_none(faults, "file names that say nothing")

    def test_no_dead_files(self):
        listed = set()
        for name in tree.files(endings=["meson.build"]):
            listed |= built_sources(name)
        there = {n for n in tree.files(*FOLDERS, endings=[".cpp"])}
        self.expect_none(sorted(there - listed), "in no meson.build")


if __name__ == "__main__":
    unittest.main()
