// A body that a cancellation does not reach.
#pragma once

#include <eddy/runtime/limited_scope.hpp>

namespace eddy::inline v1 {
namespace detail {

class shield_base : public limited_scope {
 protected:
  explicit shield_base(limit until) noexcept : limited_scope(until, reach::shielded) {}
  ~shield_base() = default;
};

template <class T>
using shield_awaiter = limited_awaiter<T, shield_base>;

}  // namespace detail

// Runs `body` in a scope of its own which a cancellation of the surrounding scope does not reach,
// also when that is cancelled already. Returns its result or throws its exception; a cancellation
// that is pending meets the next suspension. So it is no cancellation point, and a body that hangs
// hangs its caller: give it a limit where you can. (asyncio.shield lets the caller go and the body
// run on; here the caller waits, as the body may borrow.)
//
//   co_await shield(2s, send_goodbye(stream));
//
// The shield covers what the body awaits, the children of its gather, race and task_group among
// it. What it starts by a free `spawn` is a child of the surrounding spawned task, and is cancelled
// with that.
template <class T>
[[nodiscard]] detail::shield_awaiter<T> shield(task<T> body) noexcept {
  return detail::shield_awaiter<T>(std::move(body), detail::limit::never());
}

// The same with a limit: a duration, or a time_point of steady_clock. Then the body is cancelled,
// and timeout_error thrown if that ended it; a value that came late is returned.
template <detail::duration_like D, class T>
[[nodiscard]] detail::shield_awaiter<T> shield(const D& d, task<T> body) noexcept {
  return detail::shield_awaiter<T>(std::move(body), detail::limit::after(d));
}
template <detail::time_point_like P, class T>
[[nodiscard]] detail::shield_awaiter<T> shield(const P& t, task<T> body) noexcept {
  return detail::shield_awaiter<T>(std::move(body), detail::limit::at(t));
}

}  // namespace eddy::inline v1
