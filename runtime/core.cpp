#include <eddy/runtime/core.hpp>
#include <cassert>
#include <cxxabi.h>
#include <eddy/runtime/cancelled.hpp>
#include <eddy/runtime/generator.hpp>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include "loop_state.hpp"
#include "thread_loops.hpp"

namespace eddy::inline v1::detail {

// Breadth first, by a list through the scopes themselves: a chain of a hundred thousand nested
// scopes must not take a stack of that depth. A scope that has not started is on the ready queue
// and has no leaf; the loop sees the flag.
void loop_core::cancel(scope& target) noexcept {
  target.cancelled = true;
  if (target.state == wait_state::start) return;
  target.next = nullptr;
  if (cancelling_last) {
    cancelling_last->next = &target;
    cancelling_last = &target;
    return;  // a caller further down the stack works the list off
  }
  cancelling = cancelling_last = &target;
  while (cancelling) {
    scope& at = *cancelling;
    if (at.leaf) at.leaf->on_cancel();
    at.cancel_more();
    cancelling = static_cast<scope*>(at.next);
  }
  cancelling_last = nullptr;
}

namespace {

[[noreturn, gnu::noinline]] void throw_no_loop(const char* what) {
  throw std::logic_error(std::string(what) + ": no loop runs on this thread; use eddy::run");
}

}  // namespace

[[gnu::noinline]] loop_core& require_loop(const char* what) {
  loop_core* const loop = loops_of_this_thread.current;
  if (!loop) [[unlikely]] throw_no_loop(what);
  return *loop;
}

// Not inline, as it would take registers from every coroutine.
void place_or_error::fail(std::exception_ptr error) noexcept {
  if (failed()) error_.~exception_ptr();
  ::new (static_cast<void*>(&error_)) std::exception_ptr(std::move(error));
}

// Whichever object was thrown, a cancellation is kept as the loop's own: here its type is at hand,
// later it takes a throw to know it. A foreign exception is a null pointer, and has no type to ask.
void promise_base::unhandled_exception() noexcept {
  std::exception_ptr error = std::current_exception();
  if (error && *abi::__cxa_current_exception_type() == typeid(cancelled)) {
    error = where->loop->cancellation;
  }
  fail(std::move(error));
}

std::coroutine_handle<> loop_core::through_slot(std::coroutine_handle<> next) noexcept {
  transfers = 0;
  slot = next;
  step_has_more = true;
  return std::noop_coroutine();
}

void waiter::postpone() noexcept {
  where->leaf = this;
  where->loop->step_has_more = true;
  wake();
}

void waiter::drop() noexcept {
  const bool queued = state == wait_state::ready;
  state = wait_state::cancelled;
  if (!queued) where->loop->push(*this);
}

void waiter::refuse() noexcept {
  state = wait_state::cancelled;
  where->leaf = this;
  report_ignored_cancellation(*where);
  where->loop->push(*this);
}

void throw_not_awaitable(bool empty) {
  throw std::logic_error(empty ? "an empty task, handle or generator was awaited"
                               : "a task was awaited or started twice");
}

void throw_generator_busy() {
  throw std::logic_error("next() of a generator while another next() of it waits");
}

bool is_cancellation(const loop_core& loop, const std::exception_ptr& error) noexcept {
  return error && (error == loop.cancellation || is_cancellation(error));
}

bool is_cancellation(const std::exception_ptr& error) noexcept {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

namespace {

// Redeliveries after which a task that swallows its cancellation is reported. A clean-up awaits a
// few times; a thousand is a loop.
constexpr std::uint16_t redelivery_limit = 1000;

std::string place_of(const scope& where) {
  if (!where.has_body() || where.body().at.place().line() == 0) return "not yet suspended";
  const std::source_location at = where.body().at.place();
  return std::string(at.file_name()) + ":" + std::to_string(at.line());
}

}  // namespace

void report_ignored_cancellation(scope& where) noexcept {
  if (where.redeliveries > redelivery_limit) return;
  if (++where.redeliveries <= redelivery_limit) return;
  const char* name = static_cast<spawned*>(where.root())->name();
  try {
    throw std::logic_error("task \"" + std::string(name) + "\" (its body waits at " +
                           place_of(where) + ") has swallowed " +
                           std::to_string(redelivery_limit) +
                           " cancellations: catch `cancelled` only to clean up, and rethrow it");
  } catch (...) {
    state_of(*where.loop).report(std::current_exception());
  }
}

void destroyed_while_running([[maybe_unused]] const promise_base& promise) noexcept {
  assert(false && "a task was destroyed in the middle of its run: cancel it and await its end");
}

}  // namespace eddy::inline v1::detail
