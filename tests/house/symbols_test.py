"""What the compiled library uses and holds: no system call, clock or entropy outside the selector,
no mutable globals, no code before main."""

import re
import unittest

import tree

# C functions that anything may call: they compute, and ask the operating system for memory at most.
PURE = re.compile(
    r"(__)?(mem(cpy|move|set|cmp|r?chr)|str)\w*|malloc|calloc|realloc|free|abort|qsort|bcmp|"
    r"(__isoc23_)?strto\w+|inet_(pton|ntop)|v?snprintf|f(mod|loor|max|min)l?|ceill?|lroundl?|"
    r"__assert_fail|__stack_chk_fail|__cxa_\w+|__gxx_personality_v0|_Unwind_\w+|__dso_handle|"
    r"__tls_get_addr|__dynamic_cast|__errno_location|_GLOBAL_OFFSET_TABLE_|__libc_single_threaded")
# C++ ones that reach outside the process.
OUTSIDE = re.compile(
    r"std::chrono::\S*(now|locate_zone)|std::random_device|std::thread::|std::this_thread|"
    r"std::\S*basic_(file|if|of|f)\w*stream|std::basic_filebuf|std::filesystem|"
    r"std::\S*condition_variable|std::ios_base::Init|std::c(out|err|in|log)\b")
# What one file, or those that begin so, may use besides.
ALSO = {
    "runtime_mailbox.cpp.o": r"pthread_mutex_\w+",
    "sync_channel_core.cpp.o": r"pthread_mutex_\w+",
    "net_idn.cpp.o": r"idn2_\w+",
    "net_http_public_suffix.cpp.o": r"psl_\w+",
    "net_cares_": r"ares_\w+",
    "net_http_inflater.cpp.o": r"inflate\w*",
    "net_http_digest_hash.cpp.o": r"EVP_Q_digest|ERR_(set_mark|pop_to_mark)",
    "net_http_brotli_decoder.cpp.o": r"BrotliDecoder\w+",
    "net_http_zstd_decoder.cpp.o": r"ZSTD_\w+",
    "net_http_charset.cpp.o": r"iconv\w*",
    "net_http_json.cpp.o": r"localeconv",
    "net_tls": r"(SSL|TLS|BIO|ERR|X509|EVP|OPENSSL|ASN1)_\w+|pthread_once|__once_proxy",
}
# Variables that are neither constant nor on anyone's stack: object file, what c++filt says.
MUTABLE = {
    ("runtime_selector_signals.cpp.o", "first_watch"),
    ("runtime_selector_signals.cpp.o", "handlers_running"),
    ("runtime_selector_signals.cpp.o", "table_lock"),
    ("runtime_selector_signals.cpp.o", "found_dispositions"),
    ("runtime_selector_sim_world.cpp.o", "simulation::world_of_this_thread()::current"),
    ("runtime_loop.cpp.o", "loops_of_this_thread"),
    ("runtime_frame_pool.cpp.o", "pool_of_this_thread"),
    ("runtime_frame_pool.cpp.o", "owner_of_pool"),
}


def objects():
    """Every object file of the library, with either selector."""
    found = {}
    for selector in ("epoll", "io_uring"):
        for path in tree.library(selector).glob("lib*.p/*.o"):
            found.setdefault(path.name, path)
    return found


def symbols(objects, *mode):
    """(object file, what nm says) of each symbol, by one call for all files."""
    for line in tree.run(["nm", "-AC", *mode, *objects.values()]).splitlines():
        path, _, said = line.partition(".o:")
        if said:
            yield path.rpartition("/")[2] + ".o", said


def sections(objects):
    """(object file, section, symbol) of what they define."""
    for name, said in symbols(objects, "-f", "sysv", "--defined-only"):
        parts = [part.strip() for part in said.split("|")]
        if len(parts) == 7:
            yield name, parts[6], parts[0]


class Symbols(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = objects()

    def test_all_layers_are_there(self):
        for prefix in ("runtime_", "runtime_selector_epoll", "runtime_selector_io_uring", "sync_",
                       "net_", "net_http_"):
            self.assertTrue([n for n in self.objects if n.startswith(prefix)], prefix)

    def test_only_the_selector_reaches_outside(self):
        faults = []
        for name, said in symbols(self.objects, "--undefined-only"):
            symbol = re.sub(r"^\s*[Uvw] |@.*", "", said)
            also = "|".join(more for start, more in ALSO.items() if name.startswith(start))
            if name.startswith("runtime_selector_") or re.fullmatch(also, symbol):
                continue
            if OUTSIDE.match(symbol) or re.match(r"\w+$", symbol) and not PURE.fullmatch(symbol):
                faults.append(f"{name}: {symbol}")
        tree.report(faults)

    def test_no_code_runs_before_main(self):
        tree.report([f"{name}: {symbol}" for name, section, symbol in sections(self.objects)
                     if "_GLOBAL__sub_I" in symbol or re.match(r"\.(init_array|ctors)", section)])

    def test_no_mutable_globals(self):
        faults = set()
        for name, section, symbol in sections(self.objects):
            short = re.sub(r"guard variable for |\(anonymous namespace\)::|"
                           r"eddy::v1::detail::(system::)?", "", symbol)
            if (re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", section)
                    and not re.match(r"std::|DW\.ref\.|__tls_guard", symbol)
                    and (name, short) not in MUTABLE):
                faults.add(f"{name}: {symbol} in {section}")
        tree.report(sorted(faults))


if __name__ == "__main__":
    unittest.main()
