// Awaiting very many tasks, of which only some live at once.
#pragma once

#include <eddy/runtime/gather.hpp>
#include <optional>

namespace eddy::inline v1 {
namespace detail {

// The scope that runs this coroutine. Cancellation point.
class surrounding_scope final : public awaited<surrounding_scope> {
 public:
  surrounding_scope() noexcept {}
  bool start() noexcept { return refused() || complete_now(); }
  scope& await_resume() {
    leave();
    return *where;
  }
  void on_cancel() noexcept override { drop(); }
};

// One of the tasks that live now: its scope, and its place in the input.
class window_child {
 public:
  explicit window_child(std::size_t i) noexcept : index(i) {}
  window_child(const window_child&) = delete;
  window_child& operator=(const window_child&) = delete;

  // One for each element: from the recycler, like their frames.
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  nested_scope where;
  std::size_t index;
  window_child* next = nullptr;
  window_child* prev = nullptr;

 protected:
  ~window_child() = default;
};

// The untyped part. A coroutine awaits it again and again, each time for the end of one child,
// which it then frees. A child's end resumes the coroutine before any other child runs, so one at a
// time has ended and is not freed.
class window_base : public scope_owner {
 public:
  void on_cancel() noexcept override;
  std::coroutine_handle<> child_ended(nested_scope& child) noexcept override;

  // While this is awaited.
  bool start() noexcept;
  window_child& await_resume();

 protected:
  window_base(scope& outer, std::size_t most) noexcept : most_(most) { where = &outer; }
  ~window_base() = default;

  bool has_room() const noexcept { return live_ < most_ && !exhausted_; }
  bool scope_cancelled() const noexcept { return where->cancelled; }
  void launch(window_child& child, std::coroutine_handle<> h, promise_base& promise) noexcept;
  void forget(window_child& child) noexcept;
  // Nothing more is taken from the range: it is at its end, or the scope is cancelled, or taking
  // has failed.
  void exhausted() noexcept { exhausted_ = true; }
  void cut_off() noexcept { exhausted_ = cancelled_ = true; }
  void fail(std::exception_ptr error) noexcept;
  // A child has ended so. A failure that is `kept` as a value is none here.
  void note_failure(const std::exception_ptr& error, bool kept) noexcept;
  // Throws the failure that came first in time; else a cancellation that has ended or kept back a
  // child.
  void finish();

  bool idle() const noexcept { return live_ == 0; }

 private:
  window_child* first_ = nullptr;
  window_child* last_ = nullptr;
  std::size_t most_;
  std::size_t live_ = 0;
  window_child* ended_ = nullptr;
  std::exception_ptr failure_;
  bool exhausted_ = false;
  bool cancelled_ = false;
};

[[noreturn]] void throw_no_window();

template <class X>
concept any_task = requires { typename X::value_type; } &&
                   std::is_same_v<X, task<typename X::value_type>>;

// What gather takes from a range, by its shape: <ranges> costs 20,000 lines.
template <class R>
using taken_from = decltype(*std::declval<R&>().begin());
template <class R>
concept task_range = requires(R& r) {
  { r.begin() != r.end() };
  ++r.begin();
} && any_task<std::remove_cvref_t<taken_from<R>>> &&
  !std::is_const_v<std::remove_reference_t<taken_from<R>>>;

template <bool Settled, class T>
class window final : public awaited<window<Settled, T>, window_base> {
 public:
  using stored = std::conditional_t<Settled, settled<T>, T>;

  window(scope& outer, std::size_t most) noexcept
      : awaited<window<Settled, T>, window_base>(outer, most) {}

  using window_base::idle;

  // Starts children while there is room. An exception of the range ends it: what has started is
  // awaited.
  template <class Iterator, class End>
  void fill(Iterator& at, const End& end) noexcept {
    try {
      while (this->has_room()) {
        if (!(at != end)) return this->exhausted();
        if (this->scope_cancelled()) return this->cut_off();
        start_child(static_cast<task<T>&&>(*at));
        ++at;
      }
    } catch (...) {
      this->fail(std::current_exception());
      this->exhausted();
    }
  }

  // Keeps the result of a child that has ended, and frees it.
  void settle(window_child& ended) noexcept {
    auto& one = static_cast<child&>(ended);
    try {
      store(one.index, one.body);
    } catch (...) {
      this->fail(std::current_exception());
    }
    this->forget(one);
    delete &one;
  }

  auto results() {
    this->finish();
    if constexpr (!std::is_void_v<stored>) {
      std::vector<stored> values;
      values.reserve(count_);
      for (auto& v : values_) values.push_back(std::move(*v));
      return values;
    }
  }

 private:
  class child final : public window_child {
   public:
    child(task<T>&& t, std::size_t i) noexcept : window_child(i), body(std::move(t)) {}
    task<T> body;
  };

  void start_child(task<T>&& t) {
    require_startable(t);
    if constexpr (!std::is_void_v<stored>) values_.emplace_back();
    auto* one = new child(std::move(t), count_++);
    this->launch(*one, one->body.frame(), one->body.frame().promise());
  }

  void store([[maybe_unused]] std::size_t i, task<T>& t) {
    const std::exception_ptr error = t.frame().promise().error();
    if (error) this->note_failure(error, Settled);
    if constexpr (Settled) {
      values_[i].emplace(settle_result(t));
    } else if constexpr (!std::is_void_v<T>) {
      if (!error) values_[i].emplace(take_result(t));
    }
  }

  // In the order of the input; empty where a child has not ended, or has failed. Unused for void.
  std::vector<std::optional<non_void_t<stored>>> values_;
  std::size_t count_ = 0;
};

template <bool Settled, class T>
using window_results = decltype(std::declval<window<Settled, T>&>().results());

template <bool Settled, class T, class R>
task<window_results<Settled, T>> gather_range(std::size_t most, R range) {
  scope& here = co_await surrounding_scope();
  window<Settled, T> children(here, most);
  auto at = range.begin();
  const auto end = range.end();
  for (;;) {
    children.fill(at, end);
    if (children.idle()) break;
    window_child& ended = co_await children;
    children.settle(ended);
  }
  co_return children.results();
}

template <bool Settled, class R>
auto gather_at_most(std::size_t most, R&& range) {
  if (most == 0) throw_no_window();
  using T = typename std::remove_cvref_t<taken_from<R>>::value_type;
  return gather_range<Settled, T, R>(most, std::move(range));
}

}  // namespace detail

// gather for very many tasks: at most `limit` of them live at once, and each is made when there is
// room for it, if `range` makes them as it goes. Returns a vector of the results in the order of
// the range (nothing for void). Memory: `limit` children, and the results.
//
//   auto pages = co_await gather(20, urls | std::views::transform(fetch));
//
// `range` is anything with begin() and end() whose elements are tasks, gone through once. It is
// moved in: a view must not outlive what it looks at, a container is passed by std::move, and its
// tasks are moved out.
//
// As with gather, a failure lets the others go on, to the end of the range; then the one that came
// first in time is thrown. An exception that the range throws, also for an empty task, ends the
// range; what has started is awaited. A cancellation reaches those that live; no more are started,
// and `cancelled` is thrown, unless all had started and ended by a value in spite of it.
// std::invalid_argument if `limit` is 0. Cancellation point.
template <detail::task_range R>
[[nodiscard]] auto gather(std::size_t limit, R range) {
  return detail::gather_at_most<false>(limit, std::move(range));
}

// The same, with the children's failures as values. Those of the range, and a cancellation of the
// surrounding scope, are thrown.
template <detail::task_range R>
[[nodiscard]] auto gather_settled(std::size_t limit, R range) {
  return detail::gather_at_most<true>(limit, std::move(range));
}

}  // namespace eddy::inline v1
