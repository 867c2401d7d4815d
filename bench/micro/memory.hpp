// CPU time and heap memory of this process, for what is measured once and in bulk.
#pragma once

#include <malloc.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

// CPU time of this thread in nanoseconds: what other programs do is not in it.
inline std::int64_t cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// Bytes handed out by malloc, with its own, also those of large blocks that are mapped.
inline std::size_t heap_bytes() {
  const struct mallinfo2 all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}
