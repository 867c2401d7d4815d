// Awaiting several tasks at once.
#pragma once

#include <eddy/runtime/siblings.hpp>

namespace eddy::inline v1 {
namespace detail {

class gather_base : public siblings {
 public:
  std::coroutine_handle<> child_ended(nested_scope& child) noexcept override;

 protected:
  gather_base() noexcept {}
  ~gather_base() = default;
  // Rethrows a cancellation of this scope that ended a child.
  void finish_settled();
  // The same, and else the failure that came first in time.
  void finish();
};

class failed_tag {
 public:
  failed_tag() noexcept {}
};

}  // namespace detail

// How a task ended: a value, or an exception. What gather_settled returns for each.
template <class T>
class settled {
 public:
  // Marked, as a value may be an exception_ptr too.
  settled(detail::failed_tag, std::exception_ptr error) noexcept : error_(std::move(error)) {}
  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, settled>)
  explicit settled(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  settled(settled&& other) : error_(other.error_) {
    if (!error_) value_.emplace(other.value_.take());
  }
  settled& operator=(settled&&) = delete;

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  // The value, moved out; rethrows the exception if there is one.
  detail::non_void_t<T> value() {
    if (error_) std::rethrow_exception(error_);
    return value_.take();
  }
  const std::exception_ptr& error() const noexcept { return error_; }

 private:
  std::exception_ptr error_;
  detail::result_slot<detail::non_void_t<T>> value_;
};

namespace detail {

template <class T>
settled<T> settle_result(task<T>& t) {
  auto& promise = t.frame().promise();
  if (promise.failed()) return settled<T>(failed_tag(), promise.at.take_error());
  return settled<T>(take_result(t));
}

template <bool Settled, class... T>
class gather_pack final : public sibling_pack<gather_base, T...> {
 public:
  explicit gather_pack(task<T>&&... tasks) noexcept
      : sibling_pack<gather_base, T...>(std::move(tasks)...) {}
  auto await_resume() {
    if constexpr (Settled) {
      this->finish_settled();
      return std::apply(
          [](auto&... t) { return std::tuple<settled<T>...>{settle_result(t)...}; }, this->tasks_);
    } else {
      this->finish();
      return std::apply(
          [](auto&... t) { return std::tuple<non_void_t<T>...>{take_result(t)...}; },
          this->tasks_);
    }
  }
};

template <bool Settled, class T>
class gather_vector final : public sibling_vector<gather_base, T> {
 public:
  explicit gather_vector(std::vector<task<T>>&& tasks)
      : sibling_vector<gather_base, T>(std::move(tasks)) {}
  auto await_resume() {
    if constexpr (Settled) {
      this->finish_settled();
      std::vector<settled<T>> results;
      results.reserve(this->tasks_.size());
      for (auto& t : this->tasks_) results.push_back(settle_result(t));
      return results;
    } else {
      this->finish();
      if constexpr (!std::is_void_v<T>) {
        std::vector<T> results;
        results.reserve(this->tasks_.size());
        for (auto& t : this->tasks_) results.push_back(take_result(t));
        return results;
      }
    }
  }
};

}  // namespace detail

// Runs the tasks concurrently, each in a scope of its own, and returns their results in the order
// given: a tuple (std::monostate for void), a vector, or nothing for a vector of task<void>. All of
// them have ended before it returns. If one fails the others go on; then the failure that came
// first in time is thrown. (asyncio.gather throws at once and leaves the others running: they would
// outlive what they borrow.) A cancellation reaches them all. Cancellation point. For very many
// tasks there is gather(limit, range) in <eddy/runtime/gather_window.hpp>.
//
//   auto [a, b] = co_await gather(fetch(1), fetch(2));
template <class... T>
[[nodiscard]] auto gather(task<T>... tasks) {
  return detail::gather_pack<false, T...>(std::move(tasks)...);
}
template <class T>
[[nodiscard]] auto gather(std::vector<task<T>> tasks) {
  return detail::gather_vector<false, T>(std::move(tasks));
}

// The same, with failures as values: gather(return_exceptions=True). A cancellation of the
// surrounding scope is rethrown, not returned.
template <class... T>
[[nodiscard]] auto gather_settled(task<T>... tasks) {
  return detail::gather_pack<true, T...>(std::move(tasks)...);
}
template <class T>
[[nodiscard]] auto gather_settled(std::vector<task<T>> tasks) {
  return detail::gather_vector<true, T>(std::move(tasks));
}

}  // namespace eddy::inline v1
