#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/task_group.hpp>
#include <new>
#include <stdexcept>
#include <utility>

#include "loop_state.hpp"

namespace eddy::inline v1 {

void task_group_errors::clear() noexcept {
  delete[] std::exchange(all_, nullptr);
  size_ = room_ = 0;
}

bool task_group_errors::add(const std::exception_ptr& error) noexcept {
  if (size_ == room_) {
    const std::size_t more = room_ == 0 ? 4 : 2 * room_;
    auto* const moved = new (std::nothrow) std::exception_ptr[more];
    if (!moved) return false;
    for (std::size_t i = 0; i < size_; ++i) moved[i] = std::move(all_[i]);
    delete[] std::exchange(all_, moved);
    room_ = more;
  }
  all_[size_++] = error;
  return true;
}

void task_group::open(detail::scope& outer, task_group_errors* collected) noexcept {
  nest(outer);
  collected_ = collected;
  if (collected_) collected_->clear();
  ended_ = false;
}

detail::loop_core& task_group::open_loop() const {
  if (ended_) {
    throw std::logic_error("task_group::spawn: the group has ended, or is not awaited yet");
  }
  if (detail::current_loop() != loop) {
    throw std::logic_error("task_group::spawn: this is not the thread of the group's loop");
  }
  return *loop;
}

void task_group::cancel() noexcept {
  if (ended_) return;
  asked_ = true;
  scope::cancel();
}

// In the last step of a child, or of the body.
bool task_group::take_error(const std::exception_ptr& error) noexcept {
  if (detail::is_cancellation(*loop, error)) {
    any_cancelled_ = true;
    return true;
  }
  scope::cancel();
  const bool kept = collected_ && collected_->add(error);
  if (!first_error_) {
    first_error_ = error;
  } else if (!kept) {
    detail::state_of(*loop).report_further(error);
  }
  return true;
}

// A body that leaves by an exception of whatever kind has given up on its children.
std::coroutine_handle<> task_group::body_ended() noexcept {
  body_done_ = true;
  if (body().failed()) {
    take_error(body().error());
    scope::cancel();
  }
  end_if_done();
  return std::noop_coroutine();
}

void task_group::no_body(const std::exception_ptr& error) noexcept {
  body_done_ = true;
  take_error(error);
  scope::cancel();
  end_if_done();
}

detail::spawned* task_group::child_left() noexcept {
  --size_;
  end_if_done();
  return nullptr;
}

// By way of the ready queue: the child that has ended last is freed before the group's parent goes
// on, which owns what the child's arguments may refer to.
void task_group::end_if_done() noexcept {
  if (!body_done_ || size_ > 0) return;
  ended_ = true;
  awaited_.wake();
}

namespace detail {

bool group_wait::open() noexcept {
  if (refused()) return false;
  park();
  group_.open(*where, collected_);
  return true;
}

std::coroutine_handle<> group_wait::start(std::coroutine_handle<> h,
                                          promise_base& promise) noexcept {
  group_.adopt(h, promise);
  if (!group_.cancelled) return where->loop->transfer(h);
  // What made the body was no coroutine, and has cancelled the group.
  promise.fail(where->loop->cancellation);
  return group_.body_ended();
}

// When all have ended the results are there, and the cancellation meets the next suspension.
void group_wait::on_cancel() noexcept {
  if (group_.ended_) return;
  outer_cancelled_ = true;
  static_cast<scope&>(group_).cancel();
}

// A failure comes before a cancellation of this scope: the cancellation stays pending, the failure
// would be lost.
bool group_wait::finish() {
  leave();
  if (group_.first_error_) std::rethrow_exception(group_.first_error_);
  if (outer_cancelled_ && group_.any_cancelled_) throw_cancelled();
  if (group_.has_body() && !group_.body().failed()) return true;
  if (group_.asked_) return false;
  throw_cancelled();
}

void throw_group_cancelled() {
  throw task_cancelled("the body of a task_group was ended by task_group::cancel");
}

}  // namespace detail
}  // namespace eddy::inline v1
