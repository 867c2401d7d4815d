// Awaiting several tasks at once.
#pragma once

#include <eddy/runtime/nested_scope.hpp>
#include <tuple>
#include <variant>
#include <vector>

namespace eddy::inline v1 {
namespace detail {

// The untyped part: children that run in scopes of their own, all of which have ended before the
// parent goes on.
class gather_base : public scope_owner {
 public:
  void on_cancel() noexcept override;
  std::coroutine_handle<> child_ended(nested_scope& child) noexcept override;

 protected:
  gather_base() noexcept {}
  ~gather_base() = default;
  void set_children(nested_scope* first, std::size_t count) noexcept {
    children_ = first;
    count_ = count;
  }
  // False if there is nothing to wait for.
  bool begin() noexcept;
  void open(std::size_t i, std::coroutine_handle<> h, promise_base& promise) noexcept {
    children_[i].open(*this, *where, h, promise);
    children_[i].start();
  }
  // Rethrows a cancellation of this scope that ended a child.
  void finish_settled();
  // The same, and else the failure that came first in time.
  void finish();

 private:
  nested_scope* children_ = nullptr;
  std::size_t count_ = 0;
  std::size_t running_ = 0;
  promise_base* first_failure_ = nullptr;  // not counting cancellations
  bool any_cancelled_ = false;
};

template <class T>
struct non_void {
  using type = T;
};
template <>
struct non_void<void> {
  using type = std::monostate;
};
template <class T>
using non_void_t = typename non_void<T>::type;

template <class T>
non_void_t<T> take_result(task<T>& t) {
  if constexpr (std::is_void_v<T>) {
    t.frame().promise().take();
    return {};
  } else {
    return t.frame().promise().take();
  }
}

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
  if (promise.error) return settled<T>(failed_tag(), std::exchange(promise.error, nullptr));
  return settled<T>(take_result(t));
}

template <bool Settled, class... T>
class gather_tuple final : public gather_base {
 public:
  explicit gather_tuple(task<T>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}
  bool await_ready() const {
    std::apply([](const auto&... t) { (require_startable(t), ...); }, tasks_);
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (refused()) return true;
    set_children(children_, sizeof...(T));
    if (!begin()) return complete_now();
    std::apply(
        [this](auto&... t) {
          std::size_t i = 0;
          (open(i++, t.frame(), t.frame().promise()), ...);
        },
        tasks_);
    return true;
  }
  auto await_resume() {
    if constexpr (Settled) {
      finish_settled();
      return std::apply(
          [](auto&... t) { return std::tuple<settled<T>...>{settle_result(t)...}; }, tasks_);
    } else {
      finish();
      return std::apply(
          [](auto&... t) { return std::tuple<non_void_t<T>...>{take_result(t)...}; }, tasks_);
    }
  }

 private:
  std::tuple<task<T>...> tasks_;
  nested_scope children_[sizeof...(T) == 0 ? 1 : sizeof...(T)];
};

template <bool Settled, class T>
class gather_vector final : public gather_base {
 public:
  explicit gather_vector(std::vector<task<T>>&& tasks)
      : tasks_(std::move(tasks)), children_(tasks_.size()) {}
  bool await_ready() const {
    for (const auto& t : tasks_) require_startable(t);
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (refused()) return true;
    set_children(children_.data(), children_.size());
    if (!begin()) return complete_now();
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      open(i, tasks_[i].frame(), tasks_[i].frame().promise());
    }
    return true;
  }
  auto await_resume() {
    if constexpr (Settled) {
      finish_settled();
      std::vector<settled<T>> results;
      results.reserve(tasks_.size());
      for (auto& t : tasks_) results.push_back(settle_result(t));
      return results;
    } else {
      finish();
      if constexpr (!std::is_void_v<T>) {
        std::vector<T> results;
        results.reserve(tasks_.size());
        for (auto& t : tasks_) results.push_back(take_result(t));
        return results;
      }
    }
  }

 private:
  std::vector<task<T>> tasks_;
  std::vector<nested_scope> children_;
};

}  // namespace detail

// Runs the tasks concurrently, each in a scope of its own, and returns their results in the order
// given: a tuple (std::monostate for void), a vector, or nothing for a vector of task<void>. All of
// them have ended before it returns. If one fails the others go on; then the failure that came
// first in time is thrown. (asyncio.gather throws at once and leaves the others running: they would
// outlive what they borrow.) A cancellation reaches them all. Cancellation point.
//
//   auto [a, b] = co_await gather(fetch(1), fetch(2));
template <class... T>
[[nodiscard]] auto gather(task<T>... tasks) {
  return detail::gather_tuple<false, T...>(std::move(tasks)...);
}
template <class T>
[[nodiscard]] auto gather(std::vector<task<T>> tasks) {
  return detail::gather_vector<false, T>(std::move(tasks));
}

// The same, with failures as values: gather(return_exceptions=True). A cancellation of the
// surrounding scope is rethrown, not returned.
template <class... T>
[[nodiscard]] auto gather_settled(task<T>... tasks) {
  return detail::gather_tuple<true, T...>(std::move(tasks)...);
}
template <class T>
[[nodiscard]] auto gather_settled(std::vector<task<T>> tasks) {
  return detail::gather_vector<true, T>(std::move(tasks));
}

}  // namespace eddy::inline v1
