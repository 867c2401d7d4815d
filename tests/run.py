"""Builds every configuration, runs every test, adds the counts up. See tests/README.md."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "tests"
# One program under test may take this long; each doctest case has a limit of its own.
PROGRAM_LIMIT_S = 900

passed = 0
failed = 0
failures = []
counting = threading.Lock()


def say(text):
    print(text, flush=True)


def count(name, good, bad, seconds, output="", cases=()):
    """`output` is shown if something has failed; `cases` are what failed, where that is known."""
    global passed, failed
    with counting:
        passed += good
        failed += bad
        if bad:
            failures.append(f"{name} ({', '.join(cases)})" if cases else name)
            if output:
                say(output[-12000:])
        verdict = "FAILED" if bad else "ok    "
        say(f"  {verdict} {name}: {good} passed, {bad} failed ({seconds:.1f} s)")


def side_by_side(calls):
    """Runs programs on all cores: most of them wait or keep one core busy."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for future in [pool.submit(*call) for call in calls]:
            future.result()


def execute(command, environment=None):
    """Returns exit code and output; a hang is a failure, not a wait."""
    merged = dict(os.environ, **(environment or {}))
    try:
        done = subprocess.run([str(c) for c in command], cwd=ROOT, env=merged, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PROGRAM_LIMIT_S)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as hang:
        output = hang.stdout or ""
        if isinstance(output, bytes):
            output = output.decode(errors="replace")
        return -1, output + f"\nno end after {PROGRAM_LIMIT_S} s"


def build(name, setup, targets=(), compiler="g++"):
    """Configures and compiles build/tests/NAME; says why it could not."""
    folder = BUILD / name
    environment = {"CXX": compiler}
    if shutil.which("ccache"):
        environment["CXX"] = f"ccache {compiler}"
    began = time.monotonic()
    steps = []
    if not (folder / "build.ninja").exists():
        steps.append(["meson", "setup", folder, "--werror", "-Dtests=true", *setup])
    steps.append(["ninja", "-C", folder, *targets])
    for step in steps:
        code, output = execute(step, environment)
        if code:
            count(f"build {name}", 0, 1, time.monotonic() - began, output)
            return None
    say(f"  built {name} in {time.monotonic() - began:.0f} s")
    return folder


CASE = re.compile(r"^TEST CASE:  (.*)$", re.M)


def failed_cases(output):
    """Of what doctest said: the blocks of the cases that failed, and these cases' names."""
    blocks = [b for b in re.split(r"^={10,}$", output, flags=re.M) if re.search(r"\bERROR:", b)]
    return "\n".join(blocks), sorted({name for b in blocks for name in CASE.findall(b)})


SUMMARY = re.compile(r"\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed")


def doctest(name, program, arguments=(), environment=None):
    began = time.monotonic()
    code, output = execute([program, *arguments], environment)
    found = SUMMARY.search(output)
    good, bad = (int(found[1]), int(found[2])) if found else (0, 1)
    if code and not bad:
        bad = 1  # a sanitizer, a leak or a crash after the summary
    if good + bad == 0:
        bad = 1  # a filter that matches nothing tests nothing
    blocks, cases = failed_cases(output)
    count(name, good, bad, time.monotonic() - began, blocks + output[-2000:] if cases else output,
          cases)


def script(name, command, environment=None):
    """A test program that says `Ran N tests` (unittest) or nothing, and fails by its exit code."""
    began = time.monotonic()
    code, output = execute(command, environment)
    ran = re.search(r"^Ran (\d+) tests?", output, re.M)
    wrong = re.search(r"^FAILED \((.*)\)", output, re.M)
    total = int(ran[1]) if ran else 1
    bad = sum(int(n) for n in re.findall(r"=(\d+)", wrong[1])) if wrong else 0
    if code and not bad:
        bad = 1
    count(name, max(total - bad, 0), bad, time.monotonic() - began, output)


SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}

SELECTORS = ("epoll", "io_uring")
# What unit tests run on: label, program's ending, environment. `io_uring_plain` has the fallbacks
# for old kernels; kqueue is emulated, in the ways of two systems.
EPOLL = ("epoll", "epoll", {})
IO_URING = ("io_uring", "io_uring", {})
IO_URING_PLAIN = ("io_uring with its fallbacks", "io_uring_plain", {})
KQUEUE = ("kqueue emulated as on FreeBSD", "kqueue", {"EDDY_KQUEUE_MODE": "freebsd"})
KQUEUE_MACOS = ("kqueue emulated as on macOS", "kqueue", {"EDDY_KQUEUE_MODE": "macos"})
# The simulated world, calm, and with a seed that leaves the order of the ready as it is.
SIMULATED = (("the simulator", "sim", {}),
             ("the simulator, seed 1", "sim", {"EDDY_SIM_SEED": "1", "EDDY_SIM_ORDER": "fifo"}))
# Parts of an engine over scripted calls.
SCRIPTED = ["tests/eddy_readiness_script_tests",
            *(f"tests/eddy_kqueue_script_tests{s}" for s in ("", "_without_user"))]


def unit_tests(folder, label, engines, program="eddy_tests"):
    side_by_side([(doctest, f"{label}, {engine}", folder / "tests" / f"{program}_{ending}", (),
                   dict(SANITIZERS, **environment)) for engine, ending, environment in engines])


def core_tests(label, name, setup, engines):
    """Runtime and sync alone, and what is scripted below them."""
    targets = sorted({f"tests/eddy_core_tests_{e[1]}" for e in engines})
    folder = build(name, setup, [*targets, *SCRIPTED])
    if not folder:
        return
    unit_tests(folder, label, engines, "eddy_core_tests")
    side_by_side([(doctest, f"{label}, {pathlib.Path(scripted).name}", folder / scripted, (),
                   SANITIZERS) for scripted in SCRIPTED])


ASAN = ["-Dbuildtype=debug", "-Db_sanitize=address,undefined", "-Db_lundef=false",
        "-Dcpp_args=-fno-sanitize-recover=all"]


def examples_of(selector):
    return ["-Dbuildtype=release", "-Dtests=false", "-Dexamples=true", "-Dbenchmarks=enabled",
            f"-Dselector={selector}"]


def part_asan():
    folder = build("asan", ASAN)
    if not folder:
        return
    label = "g++, ASan and UBSan"
    unit_tests(folder, f"unit tests, {label}", (EPOLL, IO_URING, IO_URING_PLAIN, KQUEUE))
    unit_tests(folder, f"net, {label}", SIMULATED)
    core_tests(f"runtime and sync, {label}", "asan", ASAN, (KQUEUE_MACOS, *SIMULATED))
    for target in sorted((folder / "tests").glob("*_fuzz_replay")):
        corpus = ROOT / "tests" / "fuzz" / "corpus" / target.name.replace("_fuzz_replay", "")
        script(f"corpus of {target.name}", [target, *sorted(corpus.iterdir())], SANITIZERS)


FAULT_TESTS = ("epoll", "io_uring", "io_uring_plain")


def part_faults():
    """Every call of the selectors fails in turn; real programs under strace; an idle server."""
    folder = build("asan", ASAN, [f"tests/faults/eddy_fault_tests_{s}" for s in FAULT_TESTS])
    if folder:
        side_by_side([(doctest, f"faults, {selector}",
                       folder / "tests" / "faults" / f"eddy_fault_tests_{selector}", (),
                       SANITIZERS) for selector in FAULT_TESTS])
    for selector in SELECTORS:
        folder = build(f"examples-{selector}", examples_of(selector),
                       ["examples/areq", "examples/site", "examples/echo_server", "examples/fetch"])
        if not folder:
            continue
        faults = ROOT / "tests" / "faults"
        script(f"injected failures, {selector}",
               ["python3", faults / "inject_test.py", selector, folder / "examples"])
        script(f"idle server, {selector}",
               ["python3", faults / "idle_test.py", folder / "examples"])


# Worlds that the property tests have played, by process, and the least in all.
schedules = []
LEAST_SCHEDULES = 100_000
# How many are asked for, unless EDDY_PROPERTY_SCHEDULES says more: half a minute.
USUAL_SCHEDULES = 500_000


def property_shard(folder, which, of):
    """One of the processes that share the worlds; how many it has played."""
    began = time.monotonic()
    name = f"properties, {which + 1} of {of}"
    code, output = execute([folder / "tests" / "properties" / "eddy_property_tests_sim"],
                           {"EDDY_PROPERTY_SHARD": f"{which}/{of}",
                            "EDDY_TEST_LIMIT_SECONDS": str(PROGRAM_LIMIT_S),
                            "EDDY_PROPERTY_SCHEDULES": os.environ.get(
                                "EDDY_PROPERTY_SCHEDULES", str(USUAL_SCHEDULES))})
    found, ran = SUMMARY.search(output), re.search(r"^(\d+) schedules$", output, re.M)
    good, bad = (int(found[1]), int(found[2])) if found else (0, 1)
    count(name, good, bad or int(bool(code)), time.monotonic() - began, output)
    schedules.append(int(ran[1]) if ran else 0)


def part_properties():
    """Random schedules of all primitives and scopes against plain models, in simulated worlds."""
    folder = build("properties", ["-Dbuildtype=debugoptimized"],
                   ["tests/properties/eddy_property_tests_sim"])
    if not folder:
        return
    began = time.monotonic()
    side_by_side([(property_shard, folder, which, 2) for which in range(2)])
    say(f"  {sum(schedules)} schedules")
    enough = sum(schedules) >= LEAST_SCHEDULES
    count(f"properties: at least {LEAST_SCHEDULES} schedules", int(enough), int(not enough),
          time.monotonic() - began, f"only {sum(schedules)}")


def part_debug():
    """-O0: GCC makes no tail call of a symmetric transfer there."""
    core_tests("runtime and sync, g++ -O0", "debug",
               ["-Dbuildtype=plain", "-Doptimization=0", "-Db_ndebug=false"],
               (EPOLL, IO_URING, KQUEUE_MACOS, *SIMULATED))


def part_tsan():
    core_tests("runtime and sync, TSan", "tsan",
               ["-Dbuildtype=debug", "-Db_sanitize=thread", "-Db_lundef=false"],
               (EPOLL, IO_URING, IO_URING_PLAIN, KQUEUE))


def part_clang():
    compiler = next((c for c in ("clang++-19", "clang++-18", "clang++-17", "clang++-16")
                     if shutil.which(c)), None)
    if not compiler:
        say("  no clang 16 or later here")
        return
    folder = build("clang", ["-Dbuildtype=debugoptimized", "-Dexamples=true", "-Ddns=threads"],
                   compiler=compiler)
    if folder:
        unit_tests(folder, f"unit tests, {compiler} -O2", (EPOLL, IO_URING, KQUEUE))
        unit_tests(folder, f"runtime and sync, {compiler} -O2", SIMULATED, "eddy_core_tests")


def part_examples():
    for selector in SELECTORS:
        folder = build(f"examples-{selector}", examples_of(selector))
        if not folder:
            continue
        programs = folder / "examples"
        for test in sorted((ROOT / "tests" / "examples").glob("*_test.py")):
            script(f"examples, {selector}: {test.stem}", ["python3", test, programs])
        script(f"benchmarks run, {selector}",
               ["python3", ROOT / "tests" / "bench_runs.py", folder / "bench",
                programs / "echo_server", selector])


def part_house():
    """Style, layers, symbols, header cost, the lint, README, consumers of the package, and what
    the benchmarks make of their figures."""
    calls = [(script, f"house: {test.stem}", ["python3", test])
             for test in sorted((ROOT / "tests" / "house").glob("*_test.py"))]
    calls += [(script, f"benchmarks: {test.stem}", ["python3", test])
              for test in sorted((ROOT / "tests" / "bench").glob("*_test.py"))]
    # First the one that builds the library with each selector, which others use.
    calls.sort(key=lambda call: "symbols" not in call[1])
    script(*calls[0][1:])
    side_by_side(calls[1:])


def part_macos():
    """Compiled and linked for macOS with a compiler from npm. Nothing of it is run."""
    began = time.monotonic()
    code, output = execute(["python3", ROOT / "tests" / "macos" / "toolchain.py"])
    if code:
        say(f"  {output.strip()}")
        count("the compiler for macOS", 0, 1, time.monotonic() - began)
        return
    say(f"  compiler for macOS in {time.monotonic() - began:.0f} s")
    for cpu in ("aarch64", "x86_64"):
        for what in ("library", "tests", "examples"):
            began = time.monotonic()
            builder = ROOT / "tests" / "macos" / "build.py"
            code, output = execute(["python3", builder, cpu, what])
            say(f"  {output.strip()}")
            count(f"{what} for {cpu}-macos, built", int(not code), int(bool(code)),
                  time.monotonic() - began)


PARTS = {f.__name__[5:]: f for f in
         (part_house, part_asan, part_faults, part_properties, part_debug, part_tsan, part_clang,
          part_examples, part_macos)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", action="append", choices=list(PARTS), default=[])
    arguments.add_argument("--list", action="store_true", help="name the parts and stop")
    options = arguments.parse_args()
    if options.list:
        print("\n".join(PARTS))
        return 0
    began = time.monotonic()
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            say(f"{name}:")
            part()
    say(f"{time.monotonic() - began:.0f} s in all")
    if failures:
        say("failed:\n  " + "\n  ".join(failures))
    say(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
