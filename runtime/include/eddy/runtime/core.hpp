// The one wait / wake / cancel protocol of Eddy. Everything that suspends, in every module, is a
// `waiter`; everything that can be cancelled as one is a `scope`. Names in `detail` are not for
// users, but awaiters are built of them, so they stand in a header.
//
// A scope is one line of execution: a stack of awaited tasks with a single innermost wait, its
// `leaf`. A spawned task, a child of gather and the body of with_timeout are scopes. The leaf of a
// scope whose body waits for a gather is the gather's awaiter, which forwards a cancellation to its
// children; so no lists of children are kept for cancelling.
//
//   idle ──park──▶ waiting ──wake──▶ ready ──leave──▶ idle
//                     │                │
//                     └──on_cancel─────┴──▶ cancelled ──leave──▶ throws `cancelled`
//
// Invariants:
//  1. A waiter in state ready, cancelled or start is on the ready queue exactly once.
//  2. `scope::leaf` points to the innermost waiter from park() until leave(), so a waiter that was
//     granted something and is cancelled before it runs can hand the grant on (`on_cancel`).
//  3. on_cancel is called at most once for each wait: a scope is cancelled once, and a wait begun
//     in a cancelled scope never parks. (shield and finally do, for what no cancellation reaches.)
//  4. Nothing here resumes a coroutine except the loop, and the symmetric transfer between a task
//     and the one that awaits it.
//  5. Waking and cancelling never allocate and never throw.
//
// Threads: all of it belongs to its loop's thread.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>

namespace eddy::inline v1::detail {

class scope;
class spawned;
struct promise_base;

// Resumptions from the ready queue in one turn, and awaits that may complete without a suspend
// before one is made to yield. A poll of the engine costs about 110 ns, a resumption 5 ns, so that
// polling every 256 adds under 10 %.
inline constexpr int turn_budget = 256;

// Symmetric transfers in a row before the stack is unwound to the loop. GCC makes no tail call of a
// transfer at -O0 nor under ASan and TSan (PR 100897); a frame there is below 1 KiB.
inline constexpr int transfer_limit = 128;

// A deadline that never comes, in nanoseconds of the loop's clock.
inline constexpr std::int64_t never_ns = INT64_MAX;

enum class wait_state : std::uint8_t { idle, start, waiting, ready, cancelled };

// What the ready queue holds: a coroutine to resume and the scope it belongs to. An awaiter has its
// links when it is put into a list, and the others when it is awaited; to clear them before that is
// a fifth of the price of an await that need not wait.
struct ready_node {
  ready_node() noexcept {}

  ready_node* next;
  std::coroutine_handle<> frame;
  // Between the two: GCC writes neighbours by one vector store, which takes longer to be read back
  // than everything else in a yield.
  wait_state state = wait_state::idle;
  scope* where;
};

// The part of a loop that awaiters touch inline. The rest is in loop.cpp.
struct loop_core {
  ready_node* head = nullptr;
  ready_node* tail = nullptr;  // of no meaning while head is null
  std::coroutine_handle<> slot;  // the next handle after transfer_limit; drained before the queue
  std::uint32_t serial = 0;  // of the loops of its thread; see runs_here
  int transfers = 0;
  int budget = turn_budget;
  spawned* current = nullptr;  // the spawned task whose code runs now
  scope* cancelling = nullptr;  // work list of cancel(), so that deep nesting does not recurse
  scope* cancelling_last = nullptr;
  std::exception_ptr cancellation;  // the one `cancelled` object, thrown again and again

  void push(ready_node& node) noexcept {
    node.next = nullptr;
    (head ? tail->next : head) = &node;
    tail = &node;
  }

  // The handle to return from await_suspend, with the depth of the stack bounded.
  std::coroutine_handle<> transfer(std::coroutine_handle<> next) noexcept {
    if (++transfers < transfer_limit) return next;
    transfers = 0;
    slot = next;
    return std::noop_coroutine();
  }

  void cancel(scope& target) noexcept;
};

class waiter : public ready_node {
 public:
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  // The scope was cancelled while this waits or was woken but has not run. Either the wait ends
  // (drop(), after leaving whatever list it is in and handing on what it was granted), or it will
  // end by itself and keeps its result.
  virtual void on_cancel() noexcept = 0;

  void wake() noexcept;

  waiter* prev;  // with `next`: the links of a wait_list while waiting

 protected:
  waiter() noexcept {}
  ~waiter() = default;

  template <class Promise>
  void enter(std::coroutine_handle<Promise> h, std::source_location at) noexcept {
    frame = h;
    where = h.promise().where;
    h.promise().at = at;
  }

  // First thing in every await_suspend: true if the scope is cancelled; `leave` will throw. The
  // delivery goes through the ready queue so that code that swallows it cannot hang the others.
  bool refused() noexcept;
  // The result is there already. False: go on without a suspend. True: the budget of this turn is
  // spent, the waiter is on the ready queue with its result.
  bool complete_now() noexcept;
  void park() noexcept;
  // Ends the wait as cancelled, from on_cancel only.
  void drop() noexcept;
  // First thing in every await_resume: throws `cancelled` if the wait ended so.
  void leave();
};

class scope : public ready_node {
 public:
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  // The body has ended, by value or exception. Returns who runs next.
  virtual std::coroutine_handle<> body_ended() noexcept = 0;
  virtual void cancel_more() noexcept {}

  void cancel() noexcept {
    if (!cancelled) loop->cancel(*this);
  }

  waiter* leaf = nullptr;
  promise_base* body = nullptr;
  spawned* root = nullptr;
  loop_core* loop = nullptr;
  bool cancelled = false;
  std::uint16_t redeliveries = 0;

 protected:
  scope() noexcept {}
  ~scope() = default;

  // Makes this a child of `outer`: same loop, same spawned task, cancelled if that is.
  void nest(scope& outer) noexcept {
    where = this;
    root = outer.root;
    loop = outer.loop;
    cancelled = outer.cancelled;
  }
  inline void adopt(std::coroutine_handle<> h, promise_base& promise) noexcept;
  // Puts the first resume of the body on the ready queue.
  void schedule() noexcept {
    state = wait_state::start;
    loop->push(*this);
  }
};

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

// What the promises of task and generator share.
struct promise_base {
  std::coroutine_handle<> continuation;  // null: the body of a scope
  scope* where = nullptr;                // null: never awaited
  std::source_location at;               // of the await it is suspended in
  std::exception_ptr error;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  void unhandled_exception() noexcept { error = std::current_exception(); }
  // Whoever runs after this coroutine has ended.
  std::coroutine_handle<> ended() noexcept {
    loop_core& loop = *where->loop;
    return loop.transfer(continuation ? continuation : where->body_ended());
  }
};

struct final_awaiter {
  final_awaiter() noexcept {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) const noexcept {
    return h.promise().ended();
  }
  void await_resume() const noexcept {}
};

inline void scope::adopt(std::coroutine_handle<> h, promise_base& promise) noexcept {
  frame = h;
  body = &promise;
  promise.where = this;
}

// The loop of this thread, or null.
loop_core* current_loop() noexcept;
// Whether `loop`, which had this serial number and may be gone, is the loop of this thread. Its
// address alone would not tell: the next loop may have it.
bool runs_here(const loop_core* loop, std::uint32_t serial) noexcept;
// The same; throws std::logic_error that names `what` if there is none.
loop_core& require_loop(const char* what);

[[noreturn]] void throw_cancelled(loop_core& loop);
[[noreturn]] void throw_not_awaitable(bool empty);
[[noreturn]] void throw_generator_busy();
// True if `error` is a cancellation, of this or of another loop.
bool is_cancellation(const loop_core& loop, const std::exception_ptr& error) noexcept;
// The same by its type only, which takes a throw; also when the loop is gone.
bool is_cancellation(const std::exception_ptr& error) noexcept;
// The scope has swallowed very many cancellations: tell who, once.
void report_ignored_cancellation(scope& where) noexcept;
// A frame is destroyed in the middle of its run: a programming error, named by debug builds.
void destroyed_while_running(const promise_base& promise) noexcept;

inline void waiter::wake() noexcept {
  state = wait_state::ready;
  where->loop->push(*this);
}

inline bool waiter::refused() noexcept {
  if (!where->cancelled) return false;
  state = wait_state::cancelled;
  where->leaf = this;
  report_ignored_cancellation(*where);
  where->loop->push(*this);
  return true;
}

inline bool waiter::complete_now() noexcept {
  if (--where->loop->budget > 0) return false;
  where->leaf = this;
  wake();
  return true;
}

inline void waiter::park() noexcept {
  state = wait_state::waiting;
  where->leaf = this;
}

inline void waiter::drop() noexcept {
  const bool queued = state == wait_state::ready;
  state = wait_state::cancelled;
  if (!queued) where->loop->push(*this);
}

inline void waiter::leave() {
  if (state == wait_state::idle) return;  // it did not suspend
  where->leaf = nullptr;
  const bool was_cancelled = state == wait_state::cancelled;
  state = wait_state::idle;
  if (was_cancelled) throw_cancelled(*where->loop);
}

// What co_await calls of a waiter. The Awaiter has `bool start() noexcept`, which begins the wait:
// refused(), then complete_now() or park(); true suspends. And it has await_resume.
template <class Awaiter, class Base = waiter>
class awaited : public Base {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    this->enter(h, at);
    return static_cast<Awaiter*>(this)->start();
  }

 protected:
  using Base::Base;
  ~awaited() = default;
};

// An intrusive FIFO of waiters in state waiting. Owns nothing.
class wait_list {
 public:
  wait_list() noexcept {}
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  bool empty() const noexcept { return !first_; }
  std::size_t size() const noexcept { return size_; }
  waiter* front() const noexcept { return first_; }

  void push_back(waiter& w) noexcept {
    w.next = nullptr;
    w.prev = last_;
    if (last_) {
      last_->next = &w;
    } else {
      first_ = &w;
    }
    last_ = &w;
    ++size_;
  }

  void remove(waiter& w) noexcept {
    auto* after = static_cast<waiter*>(w.next);
    if (w.prev) {
      w.prev->next = after;
    } else {
      first_ = after;
    }
    if (after) {
      after->prev = w.prev;
    } else {
      last_ = w.prev;
    }
    --size_;
  }

  // Takes the one that has waited longest, of a list that is not empty.
  waiter& pop_front() noexcept {
    waiter& w = *first_;
    first_ = static_cast<waiter*>(w.next);
    (first_ ? first_->prev : last_) = nullptr;
    --size_;
    return w;
  }

  // Wakes the one that has waited longest; false if nobody waits.
  bool wake_one() noexcept {
    if (!first_) return false;
    pop_front().wake();
    return true;
  }

 private:
  waiter* first_ = nullptr;
  waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace eddy::inline v1::detail
