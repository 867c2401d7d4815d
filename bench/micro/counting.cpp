// Preloaded in a counting pass: counts the heap allocations of all threads. A library of its own,
// because a counter in malloc is a tenth of the floor's time.
//   LD_PRELOAD=build/bench/micro/libcounting.so build/bench/micro/micro
#include <atomic>
#include <cerrno>
#include <cstddef>

extern "C" {

// glibc's own names for what is replaced here.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

// measuring.cpp looks for it by name; that it is there says that this is a counting pass.
std::atomic<long> eddy_bench_allocations = 0;

void* malloc(std::size_t size) {
  eddy_bench_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  eddy_bench_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
  eddy_bench_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  eddy_bench_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* const memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

}  // extern "C"
