"""The lint finds each shape, leaves sound ones alone, and finds nothing in this project."""

import io
import contextlib
import re
import subprocess
import sys
import tempfile
import unittest

import coroutine_lint
import tree


def rules(body):
    return [rule.split()[0] for _, rule in
            coroutine_lint.lint("task<> f() {\n  " + body + "\n}\n")]


BAD = {
    "G1": [
        "if (co_await g()) co_await h();",
        "if (!co_await g()) return;",
        "if (1 < co_await g()) {\n    h();\n  }",
        "while (co_await g()) {}",
        "do { h(); } while (co_await g());",
        "switch (co_await g()) { case 1: break; }",
        "if (x = co_await g()) h();",
        "if (x == co_await g()) h();",
        "auto t = [] () -> task<> { if (co_await g()) h(); };",
        "for (;;) { if (a(b) && co_await g()) break; }",
        "try { if (co_await g()) h(); } catch (...) {}",
    ],
    "G2": [
        "co_await f({T{1}, 2});",
        "co_await f(Agg{.a = T{1}});",
        "co_await f({.timeout = x});",
        "co_await run([sp] { sp->x(); });",
        "co_await run([=] { h(); });",
        "co_await run([&a, b = std::move(c)] { h(); });",
        "co_await run([*this] { h(); });",
        "co_await [t]() -> task<> { co_return; }();",
        "co_await num(plain({T{x}, y}));",
        "Agg a{co_await mk(), two};",
        "co_await Agg_awaiter{t};",
        "co_await Holder{t}.method();",
        "co_yield Agg{t};",
        "co_yield {t, u};",
        "auto v = co_await spawn(f, ns::box<int>{t});",
        "while (auto v = co_await f(Agg{t})) h();",
        "return f([s]() mutable noexcept -> int { return s; }, co_await g());",
    ],
    "G3": [
        "T r = c ? co_await a() : co_await b();",
        "auto r = c ? T(1) : co_await b();",
        "co_await (c ? a() : b());",
        "x = f(1, c ? co_await a() : 2);",
    ],
    "G4": [
        'co_await f({"a", "b"});',
        "co_await f(std::vector<int>{1, 2});",
        'co_await f({{"k", "v"}});',
        "co_await f({1});",
    ],
}

SOUND = [
    "while (auto x = co_await g.next()) use(*x);",
    "if (auto v = co_await g()) h();",
    "if (const std::optional<int> v = co_await g()) h();",
    "if (auto* v = co_await g(); v && *v) h();",
    "if (auto [a, b] = co_await g(); a) h();",
    "auto v = co_await g(); if (v) co_await h();",
    "if (x) co_await g();",
    "for (auto& x : co_await g()) h(x);",
    "for (int i = 0; i < 3; ++i) { co_await g(i); }",
    "co_await f([] { return 1; });",
    "co_await f([&] { h(); });",
    "co_await f([&a, this](int b) { return a[b]; });",
    "auto fn = [s]() -> task<> { co_await g(s); };\n  co_await fn();",
    "auto fn = [s = std::move(t)](int a) -> task<int> { co_return co_await g(s); };",
    "spawn([](int a) -> task<> { co_await g(a); }, 1);",
    "run([s]() -> task<> { co_await g(s); }());",
    "Agg a{t, 2}; co_await f(std::move(a));",
    "std::vector<int> v{1, 2}; co_await f(v);",
    "co_await f(options().timeout(5s).header(\"a{b}\", \"c ? d : e\"));",
    "co_await f(T(1)); // co_await f({T{1}}) if (co_await g())",
    "/* if (co_await g()) */ co_await g();",
    'co_await f(R"(if (co_await g()) {1, 2})");',
    "co_await f(std::string{a}, std::pair<int, T>{1, t}, std::chrono::seconds{1});",
    "int n = c ? 1 : 2; co_await f(n);",
    "co_await f(c ? 1 : 2);",
    "auto r = co_await a(); x = r ? 1'000 : 2;",
    "buffer[n] = co_await f(array[i]);",
    "auto [a, b] = co_await f();",
    "auto& [c, d] = *co_await f();",
    "std::array<int, 2> a = {1, 2}; co_await f(a);",
    "if (c) { co_await g(); } else { co_await h(); }",
    "switch (x) { case 1: { co_await g(); } default: { co_await h(); } }",
    "try { co_await g(); } catch (const cancelled&) { h({1, 2}); }",
    "[[maybe_unused]] auto x = co_await g();",
    "co_return T{1};",
    "struct local { int a; }; co_await g();",
]


class Lint(unittest.TestCase):
    def test_bad_shapes_are_found(self):
        for rule, bodies in BAD.items():
            for body in bodies:
                with self.subTest(body):
                    self.assertIn(rule, rules(body))

    def test_one_shape_is_one_finding(self):
        for body in ("co_await f({T{1}, 2});", "if (co_await g()) co_await h();",
                     'co_await f({{"k", "v"}});'):
            with self.subTest(body):
                self.assertEqual(len(rules(body)), 1)

    def test_sound_shapes_are_not(self):
        for body in SOUND:
            with self.subTest(body):
                self.assertEqual(rules(body), [])

    def test_declarations_are_not_statements(self):
        text = ("struct a : b<c> {\n  auto operator co_await() && noexcept { return d{this}; }\n"
                "  e f_{1};\n};\n"
                "class [[nodiscard(\"x\")]] g {\n  h() : i_{j} { k({1, 2}); }\n};\n")
        self.assertEqual(coroutine_lint.lint(text), [])

    def test_line_numbers(self):
        text = "task<> f() {\n  int x;\n\n  if (y(\n      co_await g())) h();\n" \
               "  co_await z({x});\n}\n"
        self.assertEqual(coroutine_lint.lint(text), [(4, "G1"), (6, "G2 brace")])

    def test_as_a_program(self):
        program = tree.ROOT / "tests" / "house" / "coroutine_lint.py"
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
            file.write("task<> f() {\n  if (co_await g()) h();\n}\n")
            file.flush()
            done = subprocess.run([sys.executable, program, file.name], text=True,
                                  capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith(f"{file.name}:2: G1: "), done.stdout)
        done = subprocess.run([sys.executable, program], text=True, capture_output=True)
        self.assertNotEqual(done.returncode, 0)

    def test_the_project(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = coroutine_lint.main(tree.ROOT / folder for folder in
                                       ("runtime", "sync", "net", "examples", "bench"))
        self.assertEqual(code, 0, "\n" + said.getvalue())

    def test_the_readmes(self):
        """Their counter-examples stand in blocks that are preceded by <!-- not linted -->."""
        faults = []
        for name in tree.files(endings=["README.md"]):
            text = tree.read(name)
            for block in re.finditer(r"^([^\n]*)\n```cpp\n(.*?)^```$", text, re.M | re.S):
                if block[1].strip() != "<!-- not linted -->":
                    first = text.count("\n", 0, block.start(2))
                    faults += [f"{name}:{first + line}: {rule}"
                               for line, rule in coroutine_lint.lint(block[2])]
        tree.report(faults)


if __name__ == "__main__":
    unittest.main()
