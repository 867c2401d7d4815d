// The one wait / wake / cancel protocol of Eddy. Everything that suspends, in every module, is a
// `waiter`; everything that can be cancelled as one is a `scope`. Names in `detail` are not for
// users, but awaiters are built of them, so they stand in a header.
//
// A scope is one line of execution: a stack of awaited tasks with a single innermost wait, its
// `leaf`. A spawned task, a child of gather and the body of with_timeout are scopes. The leaf of a
// scope whose body waits for a gather is the gather's awaiter, which forwards a cancellation to its
// children; so no lists of children are kept for cancelling.
//
//   idle ──park──▶ waiting ──wake──▶ ready ──leave──▶ goes on
//    ▲                │                │
//  enter              └──on_cancel─────┴──▶ cancelled ──leave──▶ throws `cancelled`
//
// Invariants:
//  1. A leaf in state ready or cancelled and a scope in state start are on the ready queue exactly
//     once.
//  2. `scope::leaf` points to the innermost waiter from park() until leave(), so a waiter that was
//     granted something and is cancelled before it runs can hand the grant on (`on_cancel`).
//  3. on_cancel is called at most once for each wait: a scope is cancelled once, and a wait begun
//     in a cancelled scope never parks. (shield and finally do, for what no cancellation reaches.)
//  4. Nothing here resumes a coroutine except the loop, and the symmetric transfer between a task
//     and the one that awaits it.
//  5. Waking and cancelling never allocate and never throw.
//  6. A waiter is in one list at most: the ready queue, or the wait_list of what it waits for.
//     While it is in none, the word of the link is its own, or its timer's.
//  7. `loop_core::running` is a scope of the spawned task whose code runs. A nested scope hands it
//     on to its root when its body has ended, as it may be freed before the next resumption.
//  8. A scope has a body, and that a frame, from adopt() on; only a spawned task that is to make
//     its body itself starts without.
//
// Threads: all of it belongs to its loop's thread.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <eddy/runtime/cancelled.hpp>
#include <eddy/runtime/place_or_error.hpp>
#include <eddy/runtime/ready_queue.hpp>
#include <exception>
#include <source_location>
#include <utility>

namespace eddy::inline v1::detail {

class scope;
class spawned;
class waiter;
struct promise_base;

// Resumptions from the ready queue in one turn, and awaits that may complete without a suspend
// before one is made to yield. A poll of the engine costs about 110 ns, a resumption 5 ns, so that
// polling every 256 adds under 10 %.
inline constexpr int turn_budget = 256;

// Symmetric transfers before the stack is unwound to the loop. GCC makes no tail call of a
// transfer at -O0 nor under ASan and TSan (PR 100897); a frame there is below 1 KiB.
inline constexpr int transfer_limit = 128;

// A deadline that never comes, in nanoseconds of the loop's clock.
inline constexpr std::int64_t never_ns = INT64_MAX;

// Where one coroutine is suspended, and the scope it belongs to. The fields in the middle are a
// timer's: they fill the rest of a word, and with `state` are cleared by one store. GCC writes
// neighbours by one vector store, which takes longer to be read back than everything else in a
// yield; so they also keep `frame` and `where` apart.
struct suspension : ready_node {
  using ready_node::ready_node;

  bool relative;              // its limit is a duration
  bool limit_came;            // before what it waits for
  bool out_of_memory;         // there was none to arm it
  std::uint32_t timer_place;  // counted from one in the loop's timer heap; 0: not armed
  scope* where;
};

// The part of a loop that awaiters touch inline. The rest is in loop.cpp.
struct loop_core {
  ready_queue ready;
  std::coroutine_handle<> slot;  // the next handle after transfer_limit; drained before the queue
  std::uint32_t serial = 0;  // of the loops of its thread; see runs_here
  int transfers = 0;  // since one last went through the slot
  int budget = turn_budget;
  // There is more to do behind this resumption: drain the slot, free tasks, end the turn because
  // its budget is spent.
  bool step_has_more = false;
  scope* running = nullptr;  // whose code runs now, or one of the same spawned task; see current()
  scope* cancelling = nullptr;  // work list of cancel(), so that deep nesting does not recurse
  scope* cancelling_last = nullptr;
  std::exception_ptr cancellation;  // the error of every coroutine that `cancelled` has left

  void push(ready_node& node) noexcept { ready.push(node); }

  // The handle to return from await_suspend, with the depth of the stack bounded.
  std::coroutine_handle<> transfer(std::coroutine_handle<> next) noexcept {
    return ++transfers < transfer_limit ? next : through_slot(next);
  }
  std::coroutine_handle<> through_slot(std::coroutine_handle<> next) noexcept;

  void cancel(scope& target) noexcept;
  // The spawned task whose code runs now, or null.
  spawned* current() const noexcept;
};

// What may stand in the loop's timer heap, in the order of deadlines, ties by arming order. Every
// waiter is one, so that a wait with a limit needs neither a second object nor a second vtable.
class timer : public suspension {
 public:
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  // It is not armed any longer.
  virtual void fire() noexcept {}
  // Where the heap keeps the number of its arming. Who is in a list while it is armed has another
  // place for it.
  virtual std::uint64_t& arming() noexcept { return serial; }
  bool armed() const noexcept { return timer_place != 0; }

 protected:
  timer() noexcept { set_unarmed(); }
  // Of one that never has a limit, or sets all of it later.
  explicit timer(blank unset) noexcept : suspension(unset) {}
  ~timer() = default;
  void set_unarmed() noexcept {
    relative = limit_came = out_of_memory = false;
    timer_place = 0;
  }
};

// The promise of a coroutine of Eddy's. Its place is known, as no promise is over-aligned.
inline promise_base& promise_of(std::coroutine_handle<> frame) noexcept;

class scope : public ready_node {
 public:
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  // The body has ended, by value or exception. Returns who runs next.
  virtual std::coroutine_handle<> body_ended() noexcept = 0;
  virtual void cancel_more() noexcept {}
  // The spawned task that this is, or is part of.
  scope* root() noexcept { return nested_ ? above_ : this; }

  void cancel() noexcept {
    if (!cancelled) loop->cancel(*this);
  }
  // What the body has left, or where it waits. Not before there is a body.
  promise_base& body() const noexcept { return promise_of(frame); }
  bool has_body() const noexcept { return static_cast<bool>(frame); }

  // These fill the word that the state is in; the bits and the host are a spawned task's.
  bool cancelled = false;
  bool joined : 1 = false;

 protected:
  bool body_done_ : 1 = false;
  bool ended_ : 1 = false;
  bool has_handle_ : 1 = true;
  bool error_taken_ : 1 = false;
  bool named_ : 1 = false;
  bool nested_ : 1 = false;
  [[maybe_unused]] bool spare_ : 1 = false;  // all eight are written at once

 public:
  std::uint16_t redeliveries = 0;
  std::uint16_t host = 0;  // of the simulated network, where this runs
  waiter* leaf = nullptr;
  loop_core* loop = nullptr;

 protected:
  scope* above_ = nullptr;  // of a nested scope the root; of a spawned task its parent, if any

  scope() noexcept { frame = nullptr; }
  ~scope() = default;

  // Makes this a child of `outer`: same loop, cancelled if that is.
  void nest(scope& outer) noexcept {
    nested_ = true;
    above_ = outer.root();
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

// Inline: each function between a throw and its handler is unwound twice. A new object each time:
// to throw an exception_ptr is to copy it first, and what is to destroy that copy makes every
// resumption of the coroutine save two more registers. unhandled_exception() keeps none of them.
[[noreturn, gnu::always_inline]] inline void throw_cancelled() { throw cancelled(); }

class waiter : public timer {
 public:
  // The scope was cancelled while this waits or was woken but has not run. Either the wait ends
  // (drop(), after leaving whatever list it is in and handing on what it was granted), or it will
  // end by itself and keeps its result.
  virtual void on_cancel() noexcept = 0;

  void wake() noexcept {
    state = wait_state::ready;
    where->loop->push(*this);
  }

 protected:
  using timer::timer;
  ~waiter() = default;

  template <class Promise>
  void enter(std::coroutine_handle<Promise> h, std::source_location at) noexcept {
    frame = h;
    where = h.promise().where;
    state = wait_state::idle;  // also of one that was awaited before
    h.promise().at = at;
  }

  // First thing in every await_suspend: true if the scope is cancelled; `leave` will throw. The
  // delivery goes through the ready queue so that code that swallows it cannot hang the others.
  bool refused() noexcept {
    if (!where->cancelled) [[likely]] return false;
    refuse();
    return true;
  }
  // The result is there already. False: go on without a suspend. True: the budget of this turn is
  // spent, the waiter is on the ready queue with its result.
  bool complete_now() noexcept {
    if (--where->loop->budget > 0) return false;
    postpone();
    return true;
  }
  // The same for one who has counted itself and found the budget spent.
  void postpone() noexcept;
  void park() noexcept {
    state = wait_state::waiting;
    where->leaf = this;
  }
  // refused() where it is true; a call in a coroutine's own code that is not the last thing makes
  // every resumption save registers.
  void refuse() noexcept;
  // Ends the wait as cancelled, from on_cancel only.
  void drop() noexcept;
  // First thing in every await_resume: throws `cancelled` if the wait ended so. Who was woken
  // stays `ready` until it is awaited again.
  void leave() {
    if (left_cancelled()) [[unlikely]] throw_cancelled();
  }
  // The same for who throws it later: true if the wait ended so.
  bool left_cancelled() noexcept {
    if (state == wait_state::ready) [[likely]] {
      where->leaf = nullptr;
      return false;
    }
    if (state == wait_state::idle) return false;  // it did not suspend
    where->leaf = nullptr;
    return std::exchange(state, wait_state::idle) == wait_state::cancelled;
  }
};

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

// What the promises of task and generator share.
struct promise_base {
  std::coroutine_handle<> continuation;  // null: the body of a scope
  scope* where = nullptr;                // null: never awaited
  place_or_error at;

  bool failed() const noexcept { return at.failed(); }
  std::exception_ptr error() const noexcept { return at.error(); }  // null: it has not failed
  void fail(std::exception_ptr error) noexcept { at.fail(std::move(error)); }
  // What take() of a coroutine that has failed throws. Inline as throw_cancelled is.
  [[noreturn, gnu::always_inline]] void rethrow() { std::rethrow_exception(at.take_error()); }

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  void unhandled_exception() noexcept;
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

inline promise_base& promise_of(std::coroutine_handle<> frame) noexcept {
  return std::coroutine_handle<promise_base>::from_address(frame.address()).promise();
}

inline void scope::adopt(std::coroutine_handle<> h, promise_base& promise) noexcept {
  frame = h;
  promise.where = this;
}

// The loop of this thread, or null.
loop_core* current_loop() noexcept;
// Whether `loop`, which had this serial number and may be gone, is the loop of this thread. Its
// address alone would not tell: the next loop may have it.
bool runs_here(const loop_core* loop, std::uint32_t serial) noexcept;
// The same; throws std::logic_error that names `what` if there is none.
loop_core& require_loop(const char* what);

[[noreturn]] void throw_not_awaitable(bool empty);
// True if `error` is a cancellation, of this or of another loop.
bool is_cancellation(const loop_core& loop, const std::exception_ptr& error) noexcept;
// The same by its type only, which takes a throw; also when the loop is gone.
bool is_cancellation(const std::exception_ptr& error) noexcept;
// A frame is destroyed in the middle of its run: a programming error, named by debug builds.
void destroyed_while_running(const promise_base& promise) noexcept;

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

}  // namespace eddy::inline v1::detail
