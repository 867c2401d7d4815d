// Coroutine frames are recycled by size class, for each thread. Every block is a heap allocation of
// its own, so any thread may free any; under a sanitizer nothing is recycled, so that it sees every
// use after free. Out of line: a switch in a header would mix the two across translation units.
#include <cstdlib>
#include <eddy/runtime/core.hpp>
#include <new>

#include "fast_thread_local.hpp"
#include "sanitizers.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr bool recycle = !memory_is_watched;

// The sizes that malloc has itself: glibc's are 16 apart, less a word of its own for each. Coarser
// classes would waste up to a half of what a sleeping task takes.
constexpr std::size_t class_step = 16;
constexpr std::size_t least_bytes = 8;
constexpr std::size_t class_count = 129;  // up to 2,056 bytes
// Of each class. All of them: 32 MiB a thread.
constexpr std::size_t most_bytes_kept = std::size_t{256} * 1024;

constexpr std::size_t class_of(std::size_t size) noexcept {
  return (size - least_bytes + class_step - 1) / class_step;
}
constexpr std::size_t bytes_of(std::size_t size_class) noexcept {
  return size_class * class_step + least_bytes;
}

struct block {
  block* next;
};

struct size_class {
  block* first = nullptr;
  unsigned room = 0;  // how many more are kept
};

struct frame_pool {
  size_class classes[class_count];
};

// Has no frame and no room for one, so nobody writes to it: with it there is a pool at all times.
constexpr frame_pool no_pool{};

// One word; the pool is on the heap. A thread makes it when it first frees a frame.
EDDY_FAST_THREAD_LOCAL constinit thread_local frame_pool* pool_of_this_thread =
    const_cast<frame_pool*>(&no_pool);

// Frees the pool at the end of the thread. A frame that another thread-local's destructor frees
// after that is not kept.
class pool_owner {
 public:
  pool_owner() noexcept {}
  pool_owner(const pool_owner&) = delete;
  pool_owner& operator=(const pool_owner&) = delete;
  ~pool_owner() {
    ended_ = true;
    frame_pool* pool = std::exchange(pool_of_this_thread, const_cast<frame_pool*>(&no_pool));
    if (pool == &no_pool) return;
    for (size_class& c : pool->classes) {
      while (c.first) std::free(std::exchange(c.first, c.first->next));
    }
    delete pool;
  }
  bool ended() const noexcept { return ended_; }

 private:
  bool ended_ = false;
};

thread_local pool_owner owner_of_pool;

// False: no memory for it, or the thread ends.
bool make_pool() noexcept {
  if (owner_of_pool.ended()) return false;
  auto* const pool = new (std::nothrow) frame_pool;
  if (!pool) return false;
  for (std::size_t c = 0; c < class_count; ++c) {
    pool->classes[c].room = static_cast<unsigned>(most_bytes_kept / bytes_of(c));
  }
  pool_of_this_thread = pool;
  return true;
}

[[gnu::noinline]] void* fresh(std::size_t size) {
  const std::size_t c = class_of(size);
  void* p = std::malloc(c < class_count ? bytes_of(c) : size);
  if (!p) throw std::bad_alloc();
  return p;
}

// Of a size that is not kept, or by a thread that has enough of it, or no pool yet.
[[gnu::noinline]] void free_unkept(void* frame, std::size_t size) noexcept {
  if (pool_of_this_thread != &no_pool || !make_pool()) return std::free(frame);
  free_frame(frame, size);
}

}  // namespace

// Never inlined: compilers keep the address of a thread-local across a suspension, after which
// another thread may run the coroutine.
[[gnu::noinline]] void* allocate_frame(std::size_t size) {
  if constexpr (!recycle) return ::operator new(size);
  const std::size_t c = class_of(size);
  if (c >= class_count) [[unlikely]] return fresh(size);
  size_class& from = pool_of_this_thread->classes[c];
  block* const first = from.first;
  if (!first) [[unlikely]] return fresh(size);
  ++from.room;
  from.first = first->next;
  return first;
}

[[gnu::noinline]] void free_frame(void* frame, std::size_t size) noexcept {
  if constexpr (!recycle) return ::operator delete(frame);
  const std::size_t c = class_of(size);
  if (c >= class_count) [[unlikely]] return free_unkept(frame, size);
  size_class& to = pool_of_this_thread->classes[c];
  if (to.room == 0) [[unlikely]] return free_unkept(frame, size);
  --to.room;
  to.first = ::new (frame) block{to.first};
}

}  // namespace eddy::inline v1::detail
