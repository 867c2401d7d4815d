#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/operation.hpp>
#include <string>
#include <system_error>

#include "loop_state.hpp"

namespace eddy::inline v1 {
namespace detail {

bool operation::submit() noexcept {
  if (refused()) return true;
  park();
  if (!engine_of(*where->loop).submit(*this)) return true;
  return complete_now();
}

void operation::on_cancel() noexcept {
  if (state == wait_state::waiting) engine_of(*where->loop).cancel(*this);
}

int operation::finish() {
  leave();
  // Also when the descriptor was closed under the operation the result is ECANCELED: that is an
  // error for its caller, not a cancellation.
  if (result == -ECANCELED && where->cancelled) throw_cancelled();
  return result;
}

void throw_os_error(int result, const char* what, const char* peer) {
  std::string text = what;
  if (peer && *peer) text.append(" ").append(peer);
  throw std::system_error(-result, std::system_category(), text);
}

void free_without_loop(std::byte* data, std::uint32_t buffer) noexcept {
  if (buffer == malloc_buffer) {
    std::free(data);
  } else if (buffer == heap_buffer) {
    engine::free_heap_buffer(data);
  }
}

}  // namespace detail

void lease::give_back() noexcept {
  assert(detail::current_loop() == loop_ &&
         "a lease has left its loop's thread or outlived its loop");
  if (buffer_ == detail::malloc_buffer) {
    std::free(std::exchange(data_, nullptr));
  } else {
    detail::engine_of(*loop_).recycle(std::exchange(data_, nullptr), buffer_);
  }
  size_ = 0;
}

void lease::abandon() noexcept {
  if (data_) detail::free_without_loop(std::exchange(data_, nullptr), buffer_);
  size_ = 0;
}

}  // namespace eddy::inline v1
