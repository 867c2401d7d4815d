// A task with a deadline.
#pragma once

#include <eddy/runtime/limited_scope.hpp>
#include <eddy/runtime/timer.hpp>

namespace eddy::inline v1 {
namespace detail {

// The body runs in a scope of its own, which a timer cancels.
class timeout_base : public limited_scope {
 protected:
  explicit timeout_base(limit until) noexcept : limited_scope(until, reach::open) {}
  ~timeout_base() = default;
};

template <class T>
using timeout_awaiter = limited_awaiter<T, timeout_base>;

}  // namespace detail

// Runs `body` in a scope of its own that is cancelled after `d`. Returns its result, also one that
// came late; throws timeout_error if the body ended by that cancellation. Returns only after the
// body has ended. An outer cancellation stays a cancellation. Cancellation point.
//
//   std::string line = co_await with_timeout(5s, read_line(stream));
template <class Rep, class Period, class T>
[[nodiscard]] detail::timeout_awaiter<T> with_timeout(std::chrono::duration<Rep, Period> d,
                                                      task<T> body) noexcept {
  return detail::timeout_awaiter<T>(std::move(body), detail::limit::after(d));
}

// The same with a point in time.
template <class T>
[[nodiscard]] detail::timeout_awaiter<T> with_deadline(time_point t, task<T> body) noexcept {
  return detail::timeout_awaiter<T>(std::move(body), detail::limit::at(t));
}

}  // namespace eddy::inline v1
