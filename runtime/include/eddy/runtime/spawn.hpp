// Tasks that run on their own, and the handles that reach them.
#pragma once

#include <eddy/runtime/task.hpp>
#include <string_view>

namespace eddy::inline v1 {
namespace detail {

// A scope that spawned tasks are children of: a spawned task, or a task_group. It has not ended
// before they have, and cancelling it cancels them.
class task_scope : public scope {
 public:
  void cancel_more() noexcept override;
  // The body of a child has ended with this error; what the child has spawned may still run. True:
  // the error is taken care of, also if nobody joins the child.
  virtual bool take_error(const std::exception_ptr&) noexcept { return false; }
  // A child has left the list. Returns the spawned task that has ended thereby, or null.
  virtual spawned* child_left() noexcept = 0;

  // The same, but for the common case: a task whose body still runs does not mind.
  spawned* note_child_left() noexcept {
    return body_done_ || nested_ ? child_left() : nullptr;
  }

  spawned* first_child = nullptr;

 protected:
  task_scope() noexcept {}
  ~task_scope() = default;
};

// A spawned task: a scope that owns its body's frame and lives until it has ended and nobody holds
// its handle. The tree of parents and children serves two contracts: a task's result is withheld
// until what it spawned has ended, and the loop can end everything at the end of run.
//
// There may be a million that sleep, so it is as small as it can be: the rare name stands behind it
// in the same block, and what only a task that has ended needs is where its siblings were.
class spawned : public task_scope {
 public:
  static spawned* create(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                         task_scope* parent, std::string_view name);
  static spawned* start(std::coroutine_handle<> h, promise_base& body, std::string_view name) {
    return name.empty() ? start(h) : start_named(h, body, name);
  }

  std::coroutine_handle<> body_ended() noexcept final;
  spawned* child_left() noexcept final;
  // Makes the body that there is none of yet, in the task's first step. False: that has failed, and
  // *unmade_error() is what it threw.
  virtual bool make_body() noexcept { return true; }
  // Ended before its first step, or without one.
  void end_without_running(const std::exception_ptr& error) noexcept;
  bool failed() noexcept {
    if (has_body()) [[likely]] return body().failed();
    return failed_unmade();
  }
  // Null: it has not failed.
  std::exception_ptr error() noexcept { return has_body() ? body().error() : *unmade_error(); }

  // Nobody joins the task any more: it is cancelled, or left to its parent.
  void handle_dropped() noexcept;
  void handle_released() noexcept;
  void detach() noexcept;
  bool ended() const noexcept { return ended_; }
  const char* name() const noexcept {
    return named_ ? reinterpret_cast<const char*>(this) + own_bytes() : "";
  }
  bool has_handle() const noexcept { return has_handle_; }
  // Runs, is a child of that task, and nobody joins it yet.
  bool may_be_joined_by(const scope* by) const noexcept {
    return above_ == by && !ended_ && !joined && !joiner;
  }
  spawned* sibling() const noexcept { return next_sibling_; }
  // Ended, and nobody can reach it: reports an error that was never joined and leaves the rest to
  // the loop, as this may run in the task's own last step.
  void retire() noexcept;
  // Frees the frame and this.
  void destroy() noexcept;
  // Joins a task that has ended; throws std::logic_error (not ended, joined before) or
  // task_cancelled.
  void take_result();
  // What a join throws that the body has not left to it, or null.
  std::exception_ptr error_of_join();
  // Whether `from` is this task or one that this has to wait for, looking ancestor_limit levels up.
  bool waits_for(const spawned& from) const noexcept;

  waiter* joiner = nullptr;

 protected:
  spawned() noexcept {}
  ~spawned() = default;

  // A block for an object of so many bytes and its name behind it.
  static void* allocate(std::size_t own_bytes, std::string_view name);
  // Frees one in which nothing was constructed.
  static void release(void* block, std::size_t own_bytes, std::string_view name) noexcept;
  // Gives what was constructed there its name, its place in the tree and in the ready queue.
  void enrol(loop_core& loop, task_scope* parent, std::string_view name) noexcept;
  virtual std::size_t own_bytes() const noexcept { return sizeof(spawned); }
  // Calls the destructor; returns own_bytes().
  virtual std::size_t end_life() noexcept {
    this->spawned::~spawned();
    return sizeof(spawned);
  }
  // Of a task that has no body: what has ended it is kept by the one that was to make it.
  virtual std::exception_ptr* unmade_error() noexcept { return nullptr; }

 private:
  static spawned* start(std::coroutine_handle<> h);
  static spawned* start_named(std::coroutine_handle<> h, promise_base& body,
                              std::string_view name);
  static spawned* create_named(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                               task_scope* parent, std::string_view name);
  // `by` is the task that has spawned this, or null.
  void enrol_unnamed(loop_core& loop, task_scope* parent, const spawned* by) noexcept;
  task_scope* parent() const noexcept { return static_cast<task_scope*>(above_); }
  void take_name(std::string_view name) noexcept;
  void destroy_named() noexcept;
  spawned*& siblings() noexcept;
  void link(task_scope* parent) noexcept;
  void unlink() noexcept;
  bool failed_unmade() noexcept;
  void tell_parent() noexcept;
  spawned* end() noexcept;
  void end_upwards() noexcept;
  void settle() noexcept;
  void report_unjoined() noexcept;

  spawned* next_sibling_;  // of an ended one: in the loop's list of the retired
  union {
    spawned* prev_sibling_;
    std::uint32_t loop_serial_;  // of one that has ended, whose handle may outlive the loop
  };
};

inline spawned* loop_core::current() const noexcept {
  return running ? static_cast<spawned*>(running->root()) : nullptr;
}

class join_base : public waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit join_base(spawned* s) noexcept : task_(s) {}
  ~join_base() = default;
  bool start() noexcept;
  bool start_otherwise() noexcept;
  // The end of the wait. False: the task has no result, or this has not joined it.
  bool join_ended() noexcept;
  // Then: cancelled (this scope), task_cancelled, or std::logic_error (joined before, or by
  // itself). Null: the error of the body. The coroutine itself throws it; see throw_cancelled.
  std::exception_ptr join_error();
  // Throws it.
  void finish() {
    if (join_ended()) return;
    if (std::exception_ptr error = join_error()) std::rethrow_exception(std::move(error));
  }

  spawned* task_;

 private:
  enum class fault : std::uint8_t { none, cancelled, joined_twice, joins_itself };
  fault fault_ = fault::none;
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
    if (!join_ended()) [[unlikely]] {
      if (std::exception_ptr error = join_error()) std::rethrow_exception(std::move(error));
    }
    return static_cast<task_promise<T>&>(task_->body()).take();
  }
};

// What the handles of spawned tasks share. They differ in what dropping them does.
template <class T>
class spawned_handle {
 public:
  explicit operator bool() const noexcept { return task_ != nullptr; }

  // Requests cancellation of the task and of what it has spawned; returns at once.
  void cancel() noexcept {
    if (task_ && !task_->ended()) task_->cancel();
  }
  // True when the task and all that it spawned have ended. An empty handle is done.
  bool done() const noexcept { return !task_ || task_->ended(); }
  // The result of a task that is done, for callers that are no coroutines: joins without waiting.
  // Throws what the join would; std::logic_error if the task has not ended.
  T result() {
    if (!task_) throw_not_awaitable(true);
    task_->take_result();
    return static_cast<task_promise<T>&>(task_->body()).take();
  }

  // Waits for the task. Cancellation point.
  auto join() noexcept { return join_awaiter<T>(task_); }
  auto operator co_await() noexcept { return join_awaiter<T>(task_); }

 protected:
  explicit spawned_handle(spawned* task) noexcept : task_(task) {}
  ~spawned_handle() = default;
  spawned* take() noexcept { return std::exchange(task_, nullptr); }

  spawned* task_;
};

}  // namespace detail

// Reaches a spawned task: asyncio's Task. Move-only.
//
// Dropping it requests the task's cancellation and never waits; detach() lets the task live on its
// own. Joining (`co_await h`) waits for the task and returns its result, once: a second join throws
// std::logic_error, and so does a task that would join itself, or one whose child it is. Cancelling
// the joiner leaves the task as it was. A task that was cancelled throws task_cancelled to its
// joiner. An error that nobody can join any more reaches run_options::on_error. Keeps the task's
// frame: a handle of a task that has ended keeps its arguments as long. Thread: the loop's.
template <class T = void>
class [[nodiscard("dropping a join_handle cancels its task")]] join_handle final
    : public detail::spawned_handle<T> {
 public:
  join_handle() noexcept : detail::spawned_handle<T>(nullptr) {}
  explicit join_handle(detail::spawned* task) noexcept : detail::spawned_handle<T>(task) {}
  join_handle(join_handle&& other) noexcept : detail::spawned_handle<T>(other.take()) {}
  join_handle& operator=(join_handle&& other) noexcept {
    if (this != &other) {
      if (this->task_) this->task_->handle_dropped();
      this->task_ = other.take();
    }
    return *this;
  }
  ~join_handle() {
    if (this->task_) this->task_->handle_dropped();
  }

  // Hands the task to the loop, which cancels it at the end of `run`. The handle is empty then.
  void detach() noexcept {
    if (this->task_) this->take()->detach();
  }
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

// A spawned task that makes its body in its first step: by a callable with its arguments, which are
// in its own block. A coroutine that owned them and awaited the body would be a second frame.
template <class Maker>
class spawned_call final : public spawned {
 public:
  static spawned* create(loop_core& loop, task_scope* parent, std::string_view name,
                         Maker&& maker) {
    void* const block = allocate(sizeof(spawned_call), name);
    spawned_call* s = nullptr;
    try {
      s = ::new (block) spawned_call(std::move(maker));
    } catch (...) {
      release(block, sizeof(spawned_call), name);
      throw;
    }
    s->enrol(loop, parent, name);
    return s;
  }

  bool make_body() noexcept override {
    try {
      auto made = maker_();
      if (!made || made.frame().promise().where) throw_not_awaitable(!made);
      adopt(made.frame(), made.frame().promise());
      (void)made.release();
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

 private:
  explicit spawned_call(Maker&& maker) : maker_(std::move(maker)) {}
  ~spawned_call() = default;
  std::size_t own_bytes() const noexcept override { return sizeof(spawned_call); }
  std::size_t end_life() noexcept override {
    this->~spawned_call();
    return sizeof(spawned_call);
  }
  std::exception_ptr* unmade_error() noexcept override { return &error_; }

  Maker maker_;
  std::exception_ptr error_;
};

// fn(args...), all moved into a new task of `parent`.
template <class F, class... Args>
spawned* create_call(loop_core& loop, task_scope* parent, std::string_view name, F& fn,
                     Args&... args) {
  auto maker = [f = std::move(fn), ... a = std::move(args)]() mutable {
    return f(std::move(a)...);
  };
  return spawned_call<decltype(maker)>::create(loop, parent, name, std::move(maker));
}

// The same for a child of the task that runs now.
template <class F, class... Args>
spawned* start_call(std::string_view name, F& fn, Args&... args) {
  loop_core& loop = require_loop("spawn");
  return create_call(loop, loop.current(), name, fn, args...);
}

template <class R>
struct is_task : std::false_type {};
template <class T>
struct is_task<task<T>> : std::true_type {};

// What fn(args...) has as its result, fn being a coroutine function.
template <class F, class... Args>
using called_result = typename std::invoke_result_t<F&, Args...>::value_type;

}  // namespace detail

// The same for a coroutine function with its arguments: both are moved into the task, which calls
// it in its first step, so that captures and arguments live as long as the task. What fn throws
// before there is a coroutine is what the task ends with.
template <class F, class... Args>
  requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
auto spawn(F fn, Args... args) {
  return join_handle<detail::called_result<F, Args...>>(detail::start_call({}, fn, args...));
}

// The same with a name: spawn("reader", read_lines, std::move(stream)).
template <class F, class... Args>
  requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
auto spawn(std::string_view name, F fn, Args... args) {
  return join_handle<detail::called_result<F, Args...>>(detail::start_call(name, fn, args...));
}

}  // namespace eddy::inline v1
