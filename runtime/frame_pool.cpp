// Coroutine frames are recycled by size class, for each thread. Every block is a heap allocation of
// its own, so any thread may free any; under a sanitizer nothing is recycled, so that it sees every
// use after free. Out of line: a switch in a header would mix the two across translation units.
#include <cstdlib>
#include <eddy/runtime/core.hpp>
#include <new>

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

constexpr std::size_t class_bytes = 64;
constexpr std::size_t class_count = 32;  // up to 2 KiB
constexpr unsigned most_kept = 1024;     // of each class: at most 33 MiB a thread

class frame_pool {
 public:
  ~frame_pool() {
    for (list& l : classes_) {
      while (l.first) std::free(std::exchange(l.first, l.first->next));
      l.kept = most_kept;  // a frame that another thread-local's destructor frees is not kept
    }
  }

  void* take(std::size_t size) {
    const std::size_t c = (size - 1) / class_bytes;
    if (c >= class_count) return fresh(size);
    list& l = classes_[c];
    if (!l.first) return fresh((c + 1) * class_bytes);
    --l.kept;
    return std::exchange(l.first, l.first->next);
  }

  void give(void* frame, std::size_t size) noexcept {
    const std::size_t c = (size - 1) / class_bytes;
    if (c >= class_count || classes_[c].kept >= most_kept) {
      std::free(frame);
      return;
    }
    list& l = classes_[c];
    l.first = ::new (frame) block{l.first};
    ++l.kept;
  }

 private:
  struct block {
    block* next;
  };
  struct list {
    block* first = nullptr;
    unsigned kept = 0;
  };

  static void* fresh(std::size_t size) {
    void* p = std::malloc(size);
    if (!p) throw std::bad_alloc();
    return p;
  }

  list classes_[class_count];
};

// Behind a call that is not inlined: compilers keep the address of a thread-local across a
// suspension, after which another thread may run the coroutine.
[[gnu::noinline]] frame_pool& pool_of_this_thread() noexcept {
  thread_local frame_pool pool;
  return pool;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  if constexpr (!recycle) return ::operator new(size);
  return pool_of_this_thread().take(size);
}

void free_frame(void* frame, std::size_t size) noexcept {
  if constexpr (!recycle) return ::operator delete(frame);
  pool_of_this_thread().give(frame, size);
}

}  // namespace eddy::inline v1::detail
