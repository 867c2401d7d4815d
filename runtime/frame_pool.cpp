// Coroutine frames are recycled by size class, for each thread. Every block is a heap allocation of
// its own, so any thread may free any; under a sanitizer nothing is recycled, so that it sees every
// use after free. Out of line: a switch in a header would mix the two across translation units.
#include <cstdlib>
#include <eddy/runtime/core.hpp>
#include <new>

#include "fast_thread_local.hpp"

namespace eddy::inline v1::detail {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool recycle = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
constexpr bool recycle = false;
#else
constexpr bool recycle = true;
#endif
#else
constexpr bool recycle = true;
#endif

// Class c is for up to 32 c + 40 bytes: glibc adds 8 to a block and rounds up to 16, so that these
// are full. A sleeping task is two blocks; classes of 64 bytes made it a quarter larger.
constexpr std::size_t least_bytes = 40;
constexpr std::size_t class_step = 32;
constexpr std::size_t class_count = 64;  // up to 2 KiB
constexpr unsigned most_kept = 1024;     // of each class: at most 66 MiB a thread

// A frame has at least its two functions' addresses: what is smaller would have no class.
constexpr std::size_t class_of(std::size_t size) noexcept {
  return (size + class_step - 1 - least_bytes) / class_step;
}
constexpr std::size_t bytes_of(std::size_t c) noexcept { return least_bytes + c * class_step; }
static_assert(class_of(bytes_of(0)) == 0 && class_of(bytes_of(0) + 1) == 1);
static_assert(class_of(bytes_of(class_count - 1)) == class_count - 1);

struct block {
  block* next;
};

struct size_class {
  block* first = nullptr;
  unsigned room = most_kept;  // how many more are kept
};

struct frame_pool {
  size_class classes[class_count];
};

// One word; the pool is on the heap. A thread makes it when it first frees a frame.
EDDY_FAST_THREAD_LOCAL constinit thread_local frame_pool* pool_of_this_thread = nullptr;

// Frees the pool at the end of the thread. A frame that another thread-local's destructor frees
// after that is not kept.
class pool_owner {
 public:
  pool_owner() noexcept {}
  pool_owner(const pool_owner&) = delete;
  pool_owner& operator=(const pool_owner&) = delete;
  ~pool_owner() {
    ended_ = true;
    frame_pool* pool = std::exchange(pool_of_this_thread, nullptr);
    if (!pool) return;
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

// Null: no memory for it, or the thread ends.
[[gnu::noinline]] frame_pool* make_pool() noexcept {
  if (!owner_of_pool.ended()) pool_of_this_thread = new (std::nothrow) frame_pool;
  return pool_of_this_thread;
}

[[gnu::noinline]] void* fresh(std::size_t size) {
  const std::size_t c = class_of(size);
  void* p = std::malloc(c < class_count ? bytes_of(c) : size);
  if (!p) throw std::bad_alloc();
  return p;
}

}  // namespace

// Never inlined: compilers keep the address of a thread-local across a suspension, after which
// another thread may run the coroutine.
[[gnu::noinline]] void* allocate_frame(std::size_t size) {
  if constexpr (!recycle) return ::operator new(size);
  const std::size_t c = class_of(size);
  frame_pool* const pool = pool_of_this_thread;
  if (!pool || c >= class_count || !pool->classes[c].first) return fresh(size);
  size_class& from = pool->classes[c];
  ++from.room;
  return std::exchange(from.first, from.first->next);
}

[[gnu::noinline]] void free_frame(void* frame, std::size_t size) noexcept {
  if constexpr (!recycle) return ::operator delete(frame);
  const std::size_t c = class_of(size);
  frame_pool* pool = pool_of_this_thread;
  if (!pool) pool = make_pool();
  if (!pool || c >= class_count || pool->classes[c].room == 0) return std::free(frame);
  size_class& to = pool->classes[c];
  --to.room;
  to.first = ::new (frame) block{to.first};
}

}  // namespace eddy::inline v1::detail
