// Tasks that run side by side, each in a scope of its own: what gather and race are made of.
#pragma once

#include <eddy/runtime/nested_scope.hpp>
#include <tuple>
#include <variant>
#include <vector>

namespace eddy::inline v1::detail {

// The untyped part. All of the children have ended before the parent goes on; a cancellation of the
// parent's scope reaches them all.
class siblings : public scope_owner {
 public:
  void on_cancel() noexcept override { cancel_children(); }

 protected:
  siblings() noexcept {}
  ~siblings() = default;
  // Sets up `count` children, and waits. False if there is nothing to wait for.
  bool begin(nested_scope* first, std::size_t count) noexcept;
  void open(std::size_t i, std::coroutine_handle<> h, promise_base& promise) noexcept {
    children_[i].open(*this, *where, h, promise);
    children_[i].start();
  }
  void cancel_children() noexcept;
  // Notes how `child` ended. False: by the cancellation of its scope.
  bool note_end(nested_scope& child) noexcept;
  // One less runs: who is next.
  std::coroutine_handle<> one_less() noexcept;
  std::size_t index_of(const nested_scope& child) const noexcept {
    return static_cast<std::size_t>(&child - children_);
  }
  void rethrow_first_failure() {
    if (first_failure_) std::rethrow_exception(first_failure_->error());
  }
  bool any_cancelled() const noexcept { return any_cancelled_; }

 private:
  nested_scope* children_ = nullptr;
  std::size_t count_ = 0;
  std::size_t running_ = 0;
  promise_base* first_failure_ = nullptr;  // in time, not counting cancellations
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

// The tasks of a pack, with their scopes. Base is a kind of siblings.
template <class Base, class... T>
class sibling_pack : public Base {
 public:
  bool await_ready() const {
    std::apply([](const auto&... t) { (require_startable(t), ...); }, tasks_);
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    this->enter(h, at);
    if (this->refused()) return true;
    if (!this->begin(scopes_, sizeof...(T))) return this->complete_now();
    std::apply(
        [this](auto&... t) {
          std::size_t i = 0;
          (this->open(i++, t.frame(), t.frame().promise()), ...);
        },
        tasks_);
    return true;
  }

 protected:
  explicit sibling_pack(task<T>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}
  ~sibling_pack() = default;

  std::tuple<task<T>...> tasks_;

 private:
  nested_scope scopes_[sizeof...(T) == 0 ? 1 : sizeof...(T)];
};

// The same for a vector.
template <class Base, class T>
class sibling_vector : public Base {
 public:
  bool await_ready() const {
    for (const auto& t : tasks_) require_startable(t);
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    this->enter(h, at);
    if (this->refused()) return true;
    if (!this->begin(scopes_.data(), scopes_.size())) return this->complete_now();
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      this->open(i, tasks_[i].frame(), tasks_[i].frame().promise());
    }
    return true;
  }

 protected:
  explicit sibling_vector(std::vector<task<T>>&& tasks)
      : tasks_(std::move(tasks)), scopes_(tasks_.size()) {}
  ~sibling_vector() = default;

  std::vector<task<T>> tasks_;

 private:
  std::vector<nested_scope> scopes_;
};

}  // namespace eddy::inline v1::detail
