"""Who may include what: net -> sync -> runtime -> selector, and where system headers belong."""

import posixpath
import re
import unittest

import tree

# From the top down; a layer may include itself and what comes after it. The simulated world is an
# engine, and knows the loop as well, whose deadlocks it reports.
LAYERS = ("net", "sync", "runtime/selector/sim", "runtime", "runtime/selector")
# What the selector may know of the runtime above it: the request it completes.
BELOW_THE_SELECTOR = {"eddy/runtime/job.hpp", "eddy/runtime/operation.hpp"}
# header: the only files that may include it
PRIVATE_SYSTEM_HEADERS = {
    r"liburing": r"runtime/selector/io_uring\w*\.[ch]pp",
    r"openssl/": r"net/(tls\w*|http/digest_hash)\.[ch]pp",
    r"zlib\.h": r"net/http/inflater\.cpp",
    r"brotli/": r"net/http/brotli_decoder\.cpp",
    r"zstd\w*\.h": r"net/http/zstd_decoder\.cpp",
    r"nlohmann/": r"net/http/json\w*\.cpp",
    r"iconv\.h": r"net/http/charset\.cpp",
    r"idn2\.h": r"net/idn\.cpp",
    r"libpsl\.h": r"net/http/public_suffix\.cpp",
    r"ares\w*\.h": r"net/cares_query\.[ch]pp",
    r"sys/(epoll|event|eventfd|timerfd|signalfd|random|mman|syscall|uio)\.h|signal\.h|time\.h|"
    r"unistd\.h|fcntl\.h|netdb\.h|poll\.h|pthread\.h|spawn\.h|random":
        r"runtime/selector/(sim/)?\w+\.[ch]pp",
    r"thread|condition_variable|stop_token":
        r"runtime/selector/(lane\.cpp|parking\.[ch]pp|sim/doorbell\.[ch]pp)",
    r"iostream|fstream|filesystem|regex|future": r"nothing",
}
NOT_IN_PUBLIC_HEADERS = re.compile(
    r"(memory|functional|system_error|iostream|map|mutex|thread|atomic|stop_token|unistd\.h|"
    r"zlib\.h|(brotli|nlohmann)/.*|zstd\.h|iconv\.h|liburing\.h|signal\.h|fcntl\.h|"
    r"(sys|netinet|arpa|openssl|linux)/.*)")
# Parsers and the URL: bytes in, values out.
# By the beginning of their names in net/, or by a word that their names in net/http have.
PURE = ("url", "percent", "idn")
PURE_HTTP = (
    "auth", "base64", "challenge", "charset", "chunked", "content_stage",
    "cookie_(?!jar)", "credential_text", "decoder", "digest", "environment",
    "framing", "grammar", "headers", "inflater", "json", "line_reader", "line_splitter",
    "media_type", "netrc", "parser", "proxy", "public_suffix", "quoted", "socks5", "utf8",
    "writer")
NO_SOCKET = re.compile(rf"net/({'|'.join(PURE)})\w*\.[ch]pp|"
                       rf"net/http/\w*({'|'.join(PURE_HTTP)})\w*\.[ch]pp")
SOCKET = re.compile(r"(sys/|netinet/|.*(tcp|tls|socket|loop|resolver|runtime/(?!quoted\.hpp)))")
OPERATING_SYSTEM = re.compile(
    r"^[ \t]*#[ \t]*(?:el)?if.*\b(__linux__|__linux|linux|__APPLE__|__MACH__|__FreeBSD__|_WIN32|"
    r"__NetBSD__|__OpenBSD__|__DragonFly__|__unix__|BSD|__GLIBC__|__has_include)", re.M)


def sources():
    return tree.files("runtime", "sync", "net", endings=tree.CPP)


def includes(name):
    """(line, form, target) of each #include."""
    for number, line in enumerate(tree.read(name).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if match:
            yield number, match[1], match[2]


def layer_of(path):
    return max((l for l in LAYERS if path.startswith(l + "/")), key=len)


def resolve(name, form, target):
    """The file of ours, relative to the root, that an #include names; None for others'."""
    public = tree.public_headers()
    if form == '"':
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        return beside if (tree.ROOT / beside).is_file() else public.get(target)
    return public.get(target)


class Layers(unittest.TestCase):
    def check(self, fault_of):
        """`fault_of(name, form, target)` says what is wrong with an #include, or nothing."""
        faults = []
        for name in sources():
            for number, form, target in includes(name):
                fault = fault_of(name, form, target)
                if fault:
                    faults.append(f"{name}:{number}: {target}: {fault}")
        tree.report(faults)

    def test_a_class_is_defined_once(self):
        """Two of one name in a namespace are one class to the linker: it keeps either's code."""
        seen = {}
        faults = []
        for name in (n for n in sources() if n.endswith(".hpp")):
            text = tree.read(name)
            space = "::".join(re.findall(r"^namespace ([\w:]+(?: v\d[\w:]*)?)", text, re.M))
            defined = r"^(?:class|struct) (\w+)(?: final)?(?: :[^;{]*)? \{"
            for found in re.findall(defined, text, re.M):
                other = seen.setdefault((space, found), name)
                if other != name:
                    faults.append(f"{name}: {space}::{found} is defined in {other} too")
        tree.report(faults)

    def test_arrows_point_down(self):
        def fault(name, form, target):
            file = resolve(name, form, target)
            if not file:
                return "no such file" if form == '"' or target.startswith("eddy/") else None
            here, there = layer_of(name), layer_of(file)
            if LAYERS.index(there) < LAYERS.index(here) and target not in BELOW_THE_SELECTOR:
                return f"{here} may not know {there}"
        self.check(fault)

    def test_system_headers_stay_where_they_belong(self):
        def fault(name, form, target):
            for header, owners in PRIVATE_SYSTEM_HEADERS.items():
                whole = header if header.endswith("/") or header == "liburing" else f"({header})$"
                if form == "<" and re.match(whole, target) and not re.fullmatch(owners, name):
                    return f"only in {owners}"
        self.check(fault)

    def test_public_headers_are_thin(self):
        def fault(name, form, target):
            if "/include/" in name and NOT_IN_PUBLIC_HEADERS.fullmatch(target):
                return "not in a public header"
        self.check(fault)

    def test_public_headers_include_no_private_ones(self):
        def fault(name, form, target):
            if "/include/" in name and form == '"':
                return 'a public header includes by <>'
        self.check(fault)

    def test_parsers_know_no_socket(self):
        def fault(name, form, target):
            if NO_SOCKET.fullmatch(name) and SOCKET.match(target):
                return "a parser knows no socket"
        self.check(fault)

    def test_include_folders_hold_only_what_is_installed(self):
        faults = [n for n in tree.files("runtime", "sync", "net") if "/include/" in n and
                  not re.match(r"(\w+)/include/eddy/\1/.*\.hpp$", n)]
        tree.report(faults)

    def test_headers_are_guarded(self):
        faults = [n for n in sources() if n.endswith(".hpp") and
                  len(re.findall(r"^#pragma once$", tree.read(n), re.M)) != 1]
        tree.report(faults)

    def test_no_operating_system_above_the_selector(self):
        faults = []
        for name in sources():
            if not layer_of(name).startswith("runtime/selector"):
                faults += [f"{name}: {m[0]}" for m in OPERATING_SYSTEM.finditer(tree.read(name))]
        tree.report(faults)

    def test_public_headers_have_no_configuration(self):
        """A program's object files must not depend on how the library was built."""
        faults = []
        for name in tree.public_headers().values():
            faults += [f"{name}: {m}" for m in
                       re.findall(r"#\s*(?:el)?if.*(?:EDDY_|NDEBUG).*|\bassert\(", tree.read(name))]
        tree.report(faults)


if __name__ == "__main__":
    unittest.main()
