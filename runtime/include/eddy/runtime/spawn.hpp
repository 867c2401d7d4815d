// Tasks that run on their own, and the handles that reach them.
#pragma once

#include <eddy/runtime/task.hpp>
#include <string_view>

namespace eddy::inline v1 {
namespace detail {

// A spawned task: a scope that owns its body's frame and lives until it has ended and nobody holds
// its handle. The tree of parents and children serves two contracts: a task's result is withheld
// until what it spawned has ended, and the loop can end everything at the end of run.
class spawned final : public scope {
 public:
  static spawned* create(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                         spawned* parent, std::string_view name);
  static spawned* start(std::coroutine_handle<> h, promise_base& body, std::string_view name);

  std::coroutine_handle<> body_ended() noexcept override;
  void cancel_more() noexcept override;

  void handle_dropped() noexcept;
  void detach() noexcept;
  bool ended() const noexcept { return ended_; }
  const char* name() const noexcept { return name_ ? name_ : ""; }
  bool has_handle() const noexcept { return has_handle_; }
  spawned* sibling() const noexcept { return next_sibling_; }
  spawned* first_child() const noexcept { return first_child_; }
  // Ended, and nobody can reach it: reports an error that was never joined and leaves the rest to
  // the loop, as this may run in the task's own last step.
  void retire() noexcept;
  // Frees the frame and this.
  void destroy() noexcept;
  // Joins a task that has ended; throws std::logic_error (not ended, joined before) or
  // task_cancelled.
  void take_result();
  void throw_if_cancelled() const;

  waiter* joiner = nullptr;
  bool joined = false;
  std::uint16_t host = 0;  // of the simulated network, where this runs

 private:
  spawned() noexcept {}
  ~spawned() = default;
  spawned*& siblings() noexcept;
  void link(spawned* parent) noexcept;
  void unlink() noexcept;
  void settle() noexcept;
  void report_unjoined() noexcept;

  spawned* parent_ = nullptr;
  spawned* first_child_ = nullptr;
  spawned* next_sibling_ = nullptr;
  spawned* prev_sibling_ = nullptr;
  char* name_ = nullptr;
  std::uint32_t loop_serial_ = 0;
  bool body_done_ = false;
  bool ended_ = false;
  bool has_handle_ = true;
};

class join_base : public waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit join_base(spawned* s) noexcept : task_(s) {}
  ~join_base() = default;
  bool start() noexcept;
  // Throws cancelled (this scope), std::logic_error (joined before) or task_cancelled.
  void finish();

  spawned* task_;

 private:
  bool twice_ = false;
};

template <class T>
class join_awaiter final : public join_base {
 public:
  explicit join_awaiter(spawned* s) noexcept : join_base(s) {}
  bool await_ready() const {
    if (!task_) throw_not_awaitable(true);
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  T await_resume() {
    finish();
    return static_cast<task_promise<T>*>(task_->body)->take();
  }
};

}  // namespace detail

// Reaches a spawned task: asyncio's Task. Move-only.
//
// Dropping it requests the task's cancellation and never waits; detach() lets the task live on its
// own. Joining (`co_await h`) waits for the task and returns its result, once: a second join throws
// std::logic_error. Cancelling the joiner leaves the task as it was. A task that was cancelled
// throws task_cancelled to its joiner. An error that nobody can join any more reaches
// run_options::on_error. Thread: the loop's.
template <class T = void>
class [[nodiscard("dropping a join_handle cancels its task")]] join_handle {
 public:
  join_handle() noexcept {}
  explicit join_handle(detail::spawned* task) noexcept : task_(task) {}
  join_handle(join_handle&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  join_handle& operator=(join_handle&& other) noexcept {
    if (this != &other) {
      if (task_) task_->handle_dropped();
      task_ = std::exchange(other.task_, nullptr);
    }
    return *this;
  }
  ~join_handle() {
    if (task_) task_->handle_dropped();
  }

  explicit operator bool() const noexcept { return task_ != nullptr; }

  // Requests cancellation of the task and of what it has spawned; returns at once.
  void cancel() noexcept {
    if (task_ && !task_->ended()) task_->cancel();
  }
  // True when the task and all that it spawned have ended. An empty handle is done.
  bool done() const noexcept { return !task_ || task_->ended(); }
  // Hands the task to the loop, which cancels it at the end of `run`. The handle is empty then.
  void detach() noexcept {
    if (task_) std::exchange(task_, nullptr)->detach();
  }

  // The result of a task that is done, for callers that are no coroutines: joins without waiting.
  // Throws what the join would; std::logic_error if the task has not ended.
  T result() {
    if (!task_) detail::throw_not_awaitable(true);
    task_->take_result();
    return static_cast<detail::task_promise<T>*>(task_->body)->take();
  }

  // Waits for the task. Cancellation point.
  auto join() noexcept { return detail::join_awaiter<T>(task_); }
  auto operator co_await() noexcept { return detail::join_awaiter<T>(task_); }

 private:
  detail::spawned* task_ = nullptr;
};

// Starts `body` as a task of its own, at the end of the ready queue. It becomes a child of the
// spawned task that calls this, whose result is withheld until the child has ended, and which
// cancels it when it is cancelled itself; so it may borrow what outlives that task. `name` is
// copied and shown in messages. Throws std::logic_error outside a loop.
template <class T>
join_handle<T> spawn(task<T> body, std::string_view name = {}) {
  if (!body || body.frame().promise().where) detail::throw_not_awaitable(!body);
  auto* s = detail::spawned::start(body.frame(), body.frame().promise(), name);
  (void)body.release();
  return join_handle<T>(s);
}

namespace detail {

template <class F, class... Args>
std::invoke_result_t<F&, Args...> own_and_call(F fn, Args... args) {
  co_return co_await fn(std::move(args)...);
}

template <class R>
struct is_task : std::false_type {};
template <class T>
struct is_task<task<T>> : std::true_type {};

}  // namespace detail

// The same for a coroutine function with its arguments: both are moved into the task's frame, so
// that captures and arguments live as long as the task runs.
template <class F, class... Args>
  requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
auto spawn(F fn, Args... args) {
  return spawn(detail::own_and_call<F, Args...>(std::move(fn), std::move(args)...));
}

}  // namespace eddy::inline v1
