// Tasks that end together: asyncio's TaskGroup, trio's nursery.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/spawn.hpp>
#include <tuple>

namespace eddy::inline v1 {

class task_group;
namespace detail {
class group_wait;
}

// The errors of a task_group, in the order in which they came: the first is the one that
// with_task_group throws. Cancellations are none. Passed to with_task_group by whoever wants more
// than the first; emptied when the group starts; lives longer than the group.
//
//   task_group_errors errors;
//   try {
//     co_await with_task_group(errors, body);
//   } catch (const std::system_error&) {
//     for (const std::exception_ptr& e : errors) log(e);
//   }
class task_group_errors {
 public:
  task_group_errors() noexcept {}
  task_group_errors(const task_group_errors&) = delete;
  task_group_errors& operator=(const task_group_errors&) = delete;
  ~task_group_errors() { clear(); }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const std::exception_ptr& operator[](std::size_t i) const noexcept { return all_[i]; }
  const std::exception_ptr* begin() const noexcept { return all_; }
  const std::exception_ptr* end() const noexcept { return all_ + size_; }

 private:
  friend class task_group;
  void clear() noexcept;
  // False without memory.
  bool add(const std::exception_ptr& error) noexcept;

  // Not a std::vector, which is a third of what this header would cost.
  std::exception_ptr* all_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

// Reaches a child of a task_group. Move-only. Dropping it leaves the child as it is: the group owns
// it. Joining (`co_await h`) is as for a join_handle: once, task_cancelled if the child was
// cancelled, and what the child threw if it failed. (The group throws that too; so a joiner inside
// the group is cancelled before it sees it.) Keeps the child's frame: a handle that outlives the
// group keeps the arguments of the child as long.
template <class T = void>
class child_handle final : public detail::spawned_handle<T> {
 public:
  child_handle() noexcept : detail::spawned_handle<T>(nullptr) {}
  explicit child_handle(detail::spawned* task) noexcept : detail::spawned_handle<T>(task) {}
  child_handle(child_handle&& other) noexcept : detail::spawned_handle<T>(other.take()) {}
  child_handle& operator=(child_handle&& other) noexcept {
    if (this != &other) {
      if (this->task_) this->task_->handle_released();
      this->task_ = other.take();
    }
    return *this;
  }
  ~child_handle() {
    if (this->task_) this->task_->handle_released();
  }
};

// A region in which tasks run that have all ended before it is left. Given to the body of
// with_task_group, which may give references to it to the children: each of them may spawn.
//
// The first failure, of the body or of a child, cancels all others at once; so does cancel(). What
// is spawned into a group that is cancelled is born cancelled, and never runs. A child that was
// cancelled is no failure. A child is freed when it has ended and nobody holds its handle, not at
// the end of the group. Thread: the loop's.
class task_group final : private detail::task_scope {
 public:
  // For with_task_group: what is awaited until the group has ended.
  explicit task_group(detail::waiter& awaited) noexcept : awaited_(awaited) {}

  // Starts `child`, at the end of the ready queue. It may borrow what outlives the call of
  // with_task_group. `name` is copied and shown in messages. Throws std::logic_error when the group
  // has ended, or from another thread.
  template <class T>
  child_handle<T> spawn(task<T> child, std::string_view name = {}) {
    if (!child || child.frame().promise().where) detail::throw_not_awaitable(!child);
    detail::loop_core& home = open_loop();
    auto* s = detail::spawned::create(home, child.frame(), child.frame().promise(), this, name);
    (void)child.release();
    return added<T>(s);
  }
  // The same for a coroutine function with its arguments: both are moved into the child, which
  // calls it in its first step, so that captures and arguments live as long as it runs.
  template <class F, class... Args>
    requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
  auto spawn(F fn, Args... args) {
    return spawn(std::string_view(), std::move(fn), std::move(args)...);
  }
  // The same with a name: group.spawn("reader", read_lines, std::move(stream)).
  template <class F, class... Args>
    requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
  auto spawn(std::string_view name, F fn, Args... args) {
    auto* s = detail::create_call(open_loop(), this, name, fn, args...);
    return added<detail::called_result<F, Args...>>(s);
  }

  // Requests cancellation of the body and of all children, and returns at once. The group absorbs
  // it: with_task_group returns as usual.
  void cancel() noexcept;
  // Whether the group is being cancelled: by cancel(), by a failure, or from outside.
  bool is_cancelled() const noexcept { return cancelled; }
  // The children that have not ended.
  std::size_t size() const noexcept { return size_; }

 private:
  friend class detail::group_wait;

  std::coroutine_handle<> body_ended() noexcept override;
  bool take_error(const std::exception_ptr& error) noexcept override;
  detail::spawned* child_left() noexcept override;
  // Its loop, if a child can be spawned here and now; throws std::logic_error.
  detail::loop_core& open_loop() const;
  template <class T>
  child_handle<T> added(detail::spawned* child) noexcept {
    ++size_;
    return child_handle<T>(child);
  }
  void open(detail::scope& outer, task_group_errors* collected) noexcept;
  void no_body(const std::exception_ptr& error) noexcept;
  void end_if_done() noexcept;

  detail::waiter& awaited_;
  task_group_errors* collected_ = nullptr;
  std::exception_ptr first_error_;
  std::size_t size_ = 0;
  bool asked_ = false;  // by cancel()
  bool any_cancelled_ = false;
  bool body_done_ = false;
  bool ended_ = true;
};

namespace detail {

// The untyped part of with_task_group. The body runs in the group's own scope; the leaf of the
// scope that awaits the group is this.
class group_wait : public waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit group_wait(task_group_errors* collected) noexcept
      : group_(*this), collected_(collected) {}
  ~group_wait() = default;
  // False if the scope is cancelled: nothing starts.
  bool open() noexcept;
  std::coroutine_handle<> start(std::coroutine_handle<> h, promise_base& promise) noexcept;
  // The callable has thrown, and returned no body.
  void no_body(const std::exception_ptr& error) noexcept { group_.no_body(error); }
  // Throws cancelled or the first error. False: cancel() has ended the body, there is no result.
  bool finish();

  task_group group_;

 private:
  task_group_errors* collected_;
  bool outer_cancelled_ = false;
};

[[noreturn]] void throw_group_cancelled();

template <class F, class... Args>
class group_awaiter final : public group_wait {
 public:
  using body_type = std::invoke_result_t<F&, task_group&, Args...>;
  using result = typename body_type::value_type;

  template <class G, class... Given>
  group_awaiter(task_group_errors* collected, G&& fn, Given&&... args)
      : group_wait(collected), fn_(std::forward<G>(fn)), args_(std::forward<Given>(args)...) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> h,
      std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (!open()) return std::noop_coroutine();
    try {
      body_ = std::apply([this](Args&... args) { return fn_(group_, std::move(args)...); }, args_);
      if (!body_ || body_.frame().promise().where) throw_not_awaitable(!body_);
    } catch (...) {
      no_body(std::current_exception());
      return std::noop_coroutine();
    }
    return start(body_.frame(), body_.frame().promise());
  }
  result await_resume() {
    const bool has_result = finish();
    if constexpr (std::is_void_v<result>) {
      if (has_result) body_.frame().promise().take();
    } else {
      if (!has_result) throw_group_cancelled();
      return body_.frame().promise().take();
    }
  }

 private:
  F fn_;
  std::tuple<Args...> args_;
  body_type body_;
};

template <class F, class... Args>
concept group_body = is_task<std::invoke_result_t<F&, task_group&, Args...>>::value;

template <class F>
constexpr void require_safe_group_body() noexcept {
  static_assert(safe_callable<F>,
                "GCC before 13 destroys the captures of an inline lambda twice inside co_await: "
                "name the lambda first, or pass its captures as arguments of with_task_group");
}

}  // namespace detail

// Runs fn(group, args...), a coroutine that spawns children into `group`, and returns what it
// returns, when it and all children have ended: by value, exception or cancellation. `fn` and
// `args` are copied or moved in and live as long as the group.
//
//   co_await with_task_group([&](task_group& group) -> task<> {
//     group.spawn(serve(first));
//     group.spawn("second", serve, std::ref(second));
//     co_return;
//   });
//
// A failure of the body or of a child cancels the others in that very moment, and is thrown once
// they have ended. Errors that come after it go to `errors`, if given; else to
// run_options::on_error; without a handler `run` throws the first such error at its end, if it has
// nothing else to throw. So no error is lost, and main is not cancelled for one whose group has
// failed already.
//
// A cancellation of the surrounding scope reaches the body and the children, and is thrown unless a
// failure came first or all ended with a value in spite of it. group.cancel() is absorbed: a body
// that was cancelled by it returns nothing, and from a group with a result task_cancelled is
// thrown. Cancellation point. On GCC before 13, name a lambda that captures by value first.
template <class F, class... Args>
  requires detail::group_body<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto with_task_group(F&& fn, Args&&... args) {
  detail::require_safe_group_body<F>();
  return detail::group_awaiter<std::decay_t<F>, std::decay_t<Args>...>(
      nullptr, std::forward<F>(fn), std::forward<Args>(args)...);
}

// The same, with all errors kept in `errors`.
template <class F, class... Args>
  requires detail::group_body<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] auto with_task_group(task_group_errors& errors, F&& fn, Args&&... args) {
  detail::require_safe_group_body<F>();
  return detail::group_awaiter<std::decay_t<F>, std::decay_t<Args>...>(
      &errors, std::forward<F>(fn), std::forward<Args>(args)...);
}

}  // namespace eddy::inline v1
