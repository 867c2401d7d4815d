#include <cassert>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/feed.hpp>
#include <eddy/runtime/generator_operators.hpp>
#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/spawn.hpp>
#include <stdexcept>
#include <string>

namespace eddy::inline v1::detail {

void require_positive(std::size_t n, const char* what) {
  if (n == 0) throw std::invalid_argument(std::string(what) + " must not be 0");
}

// Of the conductor, for the slots. The feed itself is the leaf: it is what a cancellation reaches.
class conductor_wait {
 public:
  explicit conductor_wait(feed_base& f) noexcept : feed_(f) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    feed_.enter(h, at);
    if (feed_.refused()) return true;
    feed_.open_all();
    if (feed_.open_.empty()) return feed_.complete_now();
    feed_.park();
    return true;
  }
  void await_resume() {
    feed_.leave();
    if (feed_.error_) std::rethrow_exception(feed_.error_);
  }

 private:
  feed_base& feed_;
};

namespace {

task<> conduct(feed_ref shared) {
  feed_base& tasks = *shared;
  co_await conductor_wait(tasks);
}

}  // namespace

std::coroutine_handle<> feed_slot::child_ended(nested_scope&) noexcept {
  return home_.slot_ended(*this);
}

void feed_base::destroy_slots() noexcept {
  line_first_ = line_last_ = nullptr;
  while (feed_slot* slot = owned_) {
    owned_ = slot->next_owned_;
    delete slot;
  }
}

bool feed_base::conductor_ended() const noexcept { return conductor_->ended(); }

void feed_base::start() {
  task<> body = conduct(feed_ref(*this));
  conductor_ = spawned::start(body.frame(), body.frame().promise(), name_);
  (void)body.release();
}

void feed_base::stop() noexcept {
  stopping_ = true;
  if (running()) conductor_->cancel();
}

void feed_base::abandon() noexcept {
  assert(!consumer_ && "a feed was destroyed while a task waits for it");
  closed_ = true;
  if (conductor_) conductor_->handle_dropped();
  drop_ref();
}

// The wait ends when those that run have ended.
void feed_base::on_cancel() noexcept {
  for (auto* w = open_.front(); w; w = open_.after(*w)) w->on_cancel();
}

void feed_base::open_all() noexcept {
  opened_ = true;
  // The last one owned is at the front of the list: turned round, so that they start in the order
  // in which they were given.
  feed_slot* in_order = nullptr;
  while (feed_slot* slot = owned_) {
    owned_ = slot->next_owned_;
    slot->next_owned_ = in_order;
    in_order = slot;
  }
  owned_ = in_order;
  for (feed_slot* slot = owned_; slot; slot = slot->next_owned_) launch(*slot);
}

void feed_base::launch(feed_slot& slot) noexcept {
  open_.push_back(slot);
  if (ordered_ && slot.kind_ == feed_slot::kind::result) stand_in_line(slot);
  slot.scope_.open(slot, *where, slot.body_, *slot.promise_);
  slot.scope_.start();
}

void feed_base::stand_in_line(feed_slot& slot) noexcept {
  slot.next_in_line_ = nullptr;
  (line_last_ ? line_last_->next_in_line_ : line_first_) = &slot;
  line_last_ = &slot;
}

void feed_base::fill(feed_slot& slot) noexcept {
  slot.filled_ = true;
  if (!ordered_) stand_in_line(slot);
  if (!has_element() || !consumer_ || consumer_->state != wait_state::waiting) return;
  conductor_->joiner = nullptr;
  consumer_->wake();
}

bool feed_base::has_element() const noexcept {
  return !closed_ && line_first_ && line_first_->filled_;
}

feed_slot* feed_base::leave_line() noexcept {
  feed_slot* const first = line_first_;
  line_first_ = first->next_in_line_;
  if (!line_first_) line_last_ = nullptr;
  first->filled_ = false;
  return first;
}

std::coroutine_handle<> feed_base::slot_ended(feed_slot& slot) noexcept {
  open_.remove(slot);
  const std::exception_ptr error = slot.promise_->error();
  if (error) {
    if (!is_cancellation(*slot.scope_.loop, error)) {
      if (!error_) error_ = error;
    } else if (!stopping_) {
      cut_short_ = true;
    }
    stop();
  } else if (slot.kind_ == feed_slot::kind::result && !stopping_) {
    fill(slot);
  }
  return open_.empty() ? frame : std::noop_coroutine();
}

// Once, of what ended the tasks before their time.
void feed_base::throw_failure() {
  if (conductor_) conductor_->joined = true;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  if (!std::exchange(cut_short_, false)) return;
  throw task_cancelled("the tasks of " + std::string(name_) + " were cancelled");
}

bool feed_wait::check() const {
  if (!feed_) throw_not_awaitable(true);
  if (feed_->busy()) {
    throw std::logic_error(std::string(feed_->name_) + (closing_ ? ": close()" : ": next()") +
                           " while another next() or close() of it waits");
  }
  return false;
}

bool feed_wait::start() noexcept {
  feed_base& f = *feed_;
  if (closing_) {
    f.closed_ = true;
    f.stop();
  }
  if (refused()) return true;
  if (!f.conductor_ && !f.closed_) {
    try {
      f.start();
    } catch (...) {
      start_error_ = std::current_exception();
      return false;
    }
  }
  f.consumer_ = this;
  if (f.has_element() || !f.running()) return complete_now();
  f.conductor_->joiner = this;
  park();
  return true;
}

void feed_wait::withdraw() noexcept {
  if (feed_->consumer_ != this) return;
  feed_->consumer_ = nullptr;
  if (feed_->conductor_) feed_->conductor_->joiner = nullptr;
}

void feed_wait::on_cancel() noexcept {
  withdraw();
  drop();
}

feed_slot* feed_wait::finish() {
  feed_base& f = *feed_;
  withdraw();
  leave();
  if (start_error_) std::rethrow_exception(start_error_);
  if (f.has_element()) return f.leave_line();
  if (!f.closed_ && !f.opened_) f.cut_short_ = true;  // cancelled before it began
  if (closing_) f.cut_short_ = false;
  f.closed_ = true;
  f.destroy_slots();
  f.throw_failure();
  return nullptr;
}

bool offer_wait::start() noexcept {
  if (refused()) return true;
  slot_.offer_ = this;
  park();
  slot_.offered();
  return true;
}

void offer_wait::await_resume() {
  slot_.offer_ = nullptr;
  leave();
}

// What is offered stays in line: it was there before.
void offer_wait::on_cancel() noexcept {
  slot_.offer_ = nullptr;
  drop();
}

void offer_slot::taken() noexcept {
  if (offer_) std::exchange(offer_, nullptr)->wake();
}

bool room_wait::start() noexcept {
  if (refused()) return true;
  if (window_.used_ < window_.limit_) return complete_now();
  window_.waiter_ = this;
  park();
  return true;
}

void room_wait::on_cancel() noexcept {
  window_.waiter_ = nullptr;
  drop();
}

void read_ahead::give_back() noexcept {
  --used_;
  if (waiter_) std::exchange(waiter_, nullptr)->wake();
}

}  // namespace eddy::inline v1::detail
