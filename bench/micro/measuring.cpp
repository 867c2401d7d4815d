#include "measuring.hpp"

#include <dlfcn.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

namespace {

enum kind : std::size_t { cpu_ns, allocations, syscalls, instructions };
constexpr std::array<const char*, measuring::kinds> names = {"cpu_ns", "allocations", "syscalls",
                                                             "instructions"};
constexpr std::int64_t absent = -1;

const std::atomic<long>* allocation_counter() {
  return static_cast<const std::atomic<long>*>(::dlsym(RTLD_DEFAULT, "eddy_bench_allocations"));
}

// Of this thread and of all that it starts from now on; -1 where that is not to be had.
int open_counter(std::uint32_t type, std::uint64_t what) {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = type;
  wanted.config = what;
  wanted.inherit = 1;
  wanted.exclude_kernel = type == PERF_TYPE_HARDWARE;
  wanted.exclude_hv = 1;
  return static_cast<int>(
      ::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

// The number of the tracepoint, or 0.
std::uint64_t tracepoint_of_system_calls() {
  constexpr std::array<const char*, 2> places = {"/sys/kernel/tracing",
                                                 "/sys/kernel/debug/tracing"};
  for (const char* place : places) {
    const std::string path = std::string(place) + "/events/raw_syscalls/sys_enter/id";
    std::FILE* const file = std::fopen(path.c_str(), "re");
    if (!file) continue;
    unsigned long number = 0;
    const bool read = std::fscanf(file, "%lu", &number) == 1;
    std::fclose(file);
    if (read) return number;
  }
  return 0;
}

std::int64_t value_of(int counter) {
  if (counter < 0) return absent;
  std::int64_t value = 0;
  return ::read(counter, &value, sizeof value) == sizeof value ? value : absent;
}

struct counters {
  const std::atomic<long>* const of_allocations = allocation_counter();
  int of_syscalls = -1;
  int of_instructions = -1;

  counters() {
    if (!of_allocations) return;
    of_instructions = open_counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
    const std::uint64_t point = tracepoint_of_system_calls();
    if (point > 0) of_syscalls = open_counter(PERF_TYPE_TRACEPOINT, point);
  }

  measuring::totals now() const {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    measuring::totals out{};
    out[cpu_ns] = std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
    out[allocations] = of_allocations ? of_allocations->load() : absent;
    out[syscalls] = value_of(of_syscalls);
    out[instructions] = value_of(of_instructions);
    return out;
  }
};

// Before main, so that every thread is one of this thread's.
const counters all;

// What count.py finds in a trace of system calls: a write that fails.
void mark(const std::string& text) {
  static const bool wanted = std::getenv("EDDY_BENCH_MARKS") != nullptr;
  if (wanted && ::write(-1, text.data(), text.size()) >= 0) std::abort();
}

}  // namespace

measuring::measuring(benchmark::State& state) : state_(state), began_(all.now()) {
  mark("measuring");
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
}

void measuring::stop(std::int64_t items) {
  const std::string label = "measured " + std::to_string(items);
  CALLGRIND_DUMP_STATS_AT(label.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
  mark(label);
  const totals ended = all.now();
  for (std::size_t i = 0; i < kinds; ++i) {
    if (began_[i] == absent || ended[i] == absent || items <= 0) continue;
    const auto spent = static_cast<double>(ended[i] - began_[i]);
    state_.counters[names[i]] = spent / static_cast<double>(items);
  }
}
