"""Finds coroutine shapes that GCC 12 compiles wrongly or not at all, in C++ that looks right.

  python3 tests/house/coroutine_lint.py PATH...     files and folders; exit code 1 if it finds any

G1  co_await in the condition of if, while, do or switch: the body may never run.
G2  a braced temporary, or a lambda that captures by value, beside co_await: destroyed twice.
G3  ?: with co_await in it: destroyed twice, or a crash.
G4  braces of literals (an initializer_list) beside co_await: does not compile.

A condition that declares a variable, `while (auto x = co_await g.next())`, is sound and passes.
This reads tokens, not types: a braced temporary of a class with a constructor of its own would be
safe and is reported all the same. Parentheses, or a name on a line of its own, suit both.
"""

import pathlib
import re
import sys

import tree

ADVICE = {
    "G1": "co_await in a condition: write `auto v = co_await x;` before it",
    "G2 brace": "braced temporary beside co_await: name it on its own line, then std::move it",
    "G2 lambda": "lambda with captures by value beside co_await: name it on its own line, "
                 "or pass arguments",
    "G3": "co_await in ?: -- use if and else",
    "G4": "initializer_list beside co_await: name the container on its own line",
}
AWAIT = re.compile(r"(?<!operator )\bco_(?:await|yield)\b")
ATTRIBUTE = re.compile(r"\[\[[^\]]*\]\]")
OPEN, CLOSE = "([{", ")]}"
LAMBDA_HEAD = re.compile(r"\s*(?:(?:mutable|constexpr|noexcept)\s*)*(?:->\s*[\w:<>,\s*&]+)?$")
BLOCK_HEAD = re.compile(r"(?:[;{})]|\b(?:else|do|try|const|noexcept|override|final|mutable)|&&|"
                        r"[^:]:|->\s*[\w:<>,\s*&]+)\s*$|^\s*$")
TYPE_HEAD = re.compile(r"\b(?:namespace|class|struct|union|enum|requires|concept)\b[^=()]*$")
# Types whose braced temporaries are safe, as they have constructors, or nothing to destroy.
SAFE_TYPE = re.compile(r"(?:std::(?:string|string_view|pair|tuple|unique_ptr|optional|span|byte|"
                       r"chrono::\w+|size_t|u?int\d+_t)|int|unsigned|long|char|bool|double)"
                       r"(?:<.*>)?$", re.S)
DECLARATION = re.compile(r"\s*(?:const\s+)?(?:auto|[A-Za-z_][\w:]*(?:<.*?>)?)(?:\s*[&*]+\s*|\s+)"
                         r"(?:\w+|\[[^\]]*\])\s*(?:=(?!=)|\{)", re.S)
LITERAL = re.compile(r'\s*(?:-?\d[\w.\']*|"[^"]*"\w*|\'[^\']*\'|true|false|nullptr)\s*$')


def pairs(text):
    """Where each bracket's other half is."""
    partner, stack = {}, []
    for at, sign in enumerate(text):
        if sign in OPEN:
            stack.append(at)
        elif sign in CLOSE and stack:
            partner[at] = stack.pop()
            partner[partner[at]] = at
    return partner


def is_capture(text, at):
    """Whether the [ at `at` begins a lambda: not a subscript or a binding."""
    before = text[:at].rstrip()
    word = re.search(r"\w+$", before)
    if word:
        return word[0] in ("return", "co_return", "co_await", "co_yield")
    return not re.search(r"[)\]]$|\bauto\s*&{1,2}$", before)


class Source:
    def __init__(self, text):
        self.text = ATTRIBUTE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), tree.code(text))
        self.partner = pairs(self.text)
        self.found = set()
        self.block(0, len(self.text))

    def report(self, at, rule):
        self.found.add((self.text.count("\n", 0, at) + 1, rule))

    def is_lambda_body(self, at, start):
        """Walks back from a { over `-> T`, `mutable` and the parameters to a capture."""
        head = self.text[start:at]
        for end in (head.rfind(")"), head.rfind("]")):
            if end < 0 or not LAMBDA_HEAD.match(head[end + 1:]):
                continue
            bracket = start + end
            if self.text[bracket] == ")":
                before = self.text[start:self.partner.get(bracket, start)].rstrip()
                bracket = start + len(before) - 1
            if self.text[bracket] == "]" and bracket in self.partner:
                return is_capture(self.text, self.partner[bracket])
        return False

    def block(self, start, end):
        """The statements between two braces; their blocks and lambda bodies are blocks of their
        own, not part of the full expression."""
        at, begin, parts = start, start, []

        def finish(upto):
            self.statement(begin, upto, parts)
            parts.clear()
        depth = []
        while at < end:
            sign = self.text[at]
            close = self.partner.get(at, end)
            if sign in "([":
                depth.append(close)
            elif depth and at == depth[-1]:
                depth.pop()
            elif sign == "{":
                if self.is_lambda_body(at, begin):
                    self.block(at + 1, close)
                    parts.append((at, close + 1))
                    at = close
                elif not depth and (BLOCK_HEAD.search(self.text[begin:at])
                                    or TYPE_HEAD.search(self.text[begin:at])):
                    finish(at)
                    self.block(at + 1, close)
                    at, begin = close, close + 1
                else:
                    depth.append(close)
            elif sign == ";" and not depth:
                finish(at)
                begin = at + 1
            at += 1
        finish(end)

    def statement(self, begin, end, bodies):
        text = self.text[begin:end]
        for first, last in bodies:
            first, last = first - begin, last - begin
            text = text[:first] + re.sub(r"[^\n]", " ", text[first:last]) + text[last:]
        if not AWAIT.search(text):
            return
        partner = pairs(text)
        for keyword in re.finditer(r"\b(?:if(?:\s+constexpr)?|while|switch)\s*(?=\()", text):
            inside = text[keyword.end() + 1:partner.get(keyword.end(), len(text))]
            if AWAIT.search(inside) and not DECLARATION.match(inside):
                self.report(begin + keyword.start(), "G1")
        for at, sign in enumerate(text):
            if sign == "[" and is_capture(text, at):
                captures = text[at + 1:partner.get(at, at + 1)].split(",")
                if any(re.match(r"\s*(?:[A-Za-z_=]|\*this)", c) and c.strip() != "this"
                       for c in captures):
                    self.report(begin + at, "G2 lambda")
            elif sign == "{":
                self.brace(text, at, partner.get(at, len(text)), begin, partner)
            elif sign == "?":
                self.conditional(text, at, begin, partner)

    def brace(self, text, at, close, begin, partner):
        inside = text[at + 1:close]
        before = text[:at].rstrip()
        named = re.search(r"[A-Za-z_][\w:]*(?:<[^;{}]*>)?$", before)
        named = named if named and named[0] not in ("co_yield", "co_await", "co_return") else None
        if any(text[i] == "{" and partner.get(i, 0) > close for i in range(at)):
            return  # part of one that has been reported
        if not inside.strip() and not named:
            return  # f({}) makes what f's parameter is, by its constructor
        if named and SAFE_TYPE.fullmatch(named[0]):
            return
        literals = all(LITERAL.match(part) for part in re.split(r"[,{}]", inside) if part.strip())
        listed = literals and ("," in inside or not named)
        self.report(begin + at, "G4" if listed and inside.strip() else "G2 brace")

    def conditional(self, text, at, begin, partner):
        """The operands reach to the brackets, commas and assignments around the ?."""
        def outward(place, step, stops):
            while 0 <= place < len(text) and not (text[place] in stops):
                if text[place] in OPEN + CLOSE and place in partner:
                    place = partner[place]
                place += step
            return place
        left, right = outward(at - 1, -1, OPEN + ",;="), outward(at + 1, 1, CLOSE + ",;")
        awaited = left >= 0 and text[left] == "(" and text[:left].rstrip().endswith("co_await")
        if awaited or AWAIT.search(text[left + 1:right]):
            self.report(begin + at, "G3")


def lint(text):
    """(line, rule) of each finding, in order."""
    return sorted(Source(text).found)


def main(arguments):
    faults = 0
    for argument in map(pathlib.Path, arguments):
        inside = sorted(p for p in argument.rglob("*") if p.suffix in tree.CPP)
        for path in inside if argument.is_dir() else [argument]:
            for line, rule in lint(path.read_text(encoding="utf-8")):
                faults += 1
                print(f"{path}:{line}: {rule.split()[0]}: {ADVICE[rule]}")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
