// One word of a coroutine's promise; see core.hpp.
#pragma once

#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

namespace eddy::inline v1::detail {

// Where a coroutine waits and, of one that has ended, what it has thrown: never both, so that they
// share a word of each frame. Both are addresses of what is aligned; that of a place is kept as one
// more, by the builtin behind std::bit_cast, as <bit> has 300 lines. Thread: of the loop.
class place_or_error {
 public:
  place_or_error() noexcept : place_(no_place) {}
  place_or_error(const place_or_error&) = delete;
  place_or_error& operator=(const place_or_error&) = delete;
  ~place_or_error() {
    if (failed()) error_.~exception_ptr();
  }

  // Of the await that the coroutine is suspended in; it has not failed.
  void operator=(std::source_location at) noexcept {
    place_ = __builtin_bit_cast(std::uintptr_t, at) + is_place;
  }
  std::source_location place() const noexcept {
    if (failed()) return {};
    return __builtin_bit_cast(std::source_location, place_ - is_place);
  }
  bool failed() const noexcept { return (place_ & is_place) == 0; }
  std::exception_ptr error() const noexcept {
    return failed() ? error_ : std::exception_ptr();
  }
  // Not null.
  void fail(std::exception_ptr error) noexcept;
  // It has not failed any longer.
  [[gnu::always_inline]] std::exception_ptr take_error() noexcept {
    std::exception_ptr taken = std::move(error_);
    error_.~exception_ptr();
    place_ = no_place;
    return taken;
  }

 private:
  static constexpr std::uintptr_t is_place = 1;
  static constexpr std::uintptr_t no_place = is_place;  // of null

  union {
    std::uintptr_t place_;
    std::exception_ptr error_;
  };
  static_assert(sizeof(std::exception_ptr) == sizeof(std::uintptr_t));
};

}  // namespace eddy::inline v1::detail
