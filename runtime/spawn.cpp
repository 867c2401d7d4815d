#include <cstring>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <new>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1::detail {

spawned* spawned::create(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                         spawned* parent, std::string_view name) {
  void* memory = allocate_frame(sizeof(spawned));
  auto* s = ::new (memory) spawned();
  if (!name.empty()) {
    s->name_ = new (std::nothrow) char[name.size() + 1];
    if (!s->name_) {
      free_frame(memory, sizeof(spawned));
      throw std::bad_alloc();
    }
    std::memcpy(s->name_, name.data(), name.size());
    s->name_[name.size()] = '\0';
  }
  s->where = s;
  s->root = s;
  s->loop = &loop;
  s->loop_serial_ = loop.serial;
  if (loop.current) s->host = loop.current->host;
  s->adopt(h, body);
  s->cancelled = parent ? parent->cancelled : state_of(loop).ending;
  s->link(parent);
  s->schedule();
  return s;
}

spawned* spawned::start(std::coroutine_handle<> h, promise_base& body, std::string_view name) {
  loop_core& loop = require_loop("spawn");
  return create(loop, h, body, loop.current, name);
}

spawned*& spawned::siblings() noexcept {
  return parent_ ? parent_->first_child_ : state_of(*loop).roots;
}

void spawned::link(spawned* parent) noexcept {
  parent_ = parent;
  prev_sibling_ = nullptr;
  next_sibling_ = siblings();
  if (next_sibling_) next_sibling_->prev_sibling_ = this;
  siblings() = this;
}

void spawned::unlink() noexcept {
  if (next_sibling_) next_sibling_->prev_sibling_ = prev_sibling_;
  (prev_sibling_ ? prev_sibling_->next_sibling_ : siblings()) = next_sibling_;
}

void spawned::cancel_more() noexcept {
  for (spawned* s = first_child_; s; s = s->next_sibling_) s->cancel();
}

std::coroutine_handle<> spawned::body_ended() noexcept {
  body_done_ = true;
  if (!first_child_) settle();
  return std::noop_coroutine();
}

// The result is not withheld any longer. A parent whose body is done may have waited for this.
void spawned::settle() noexcept {
  for (spawned* s = this; s;) {
    spawned* up = s->parent_;
    s->unlink();
    s->ended_ = true;
    if (s->joiner) {
      s->joiner->wake();
    } else if (!s->has_handle_) {
      s->retire();
    }
    s = up && up->body_done_ && !up->first_child_ ? up : nullptr;
  }
}

void spawned::report_unjoined() noexcept {
  if (joined || !body->error || is_cancellation(*loop, body->error)) return;
  state_of(*loop).report(body->error);
}

void spawned::retire() noexcept {
  report_unjoined();
  loop_state& home = state_of(*loop);
  next_sibling_ = home.retired;
  home.retired = this;
}

void spawned::destroy() noexcept {
  frame.destroy();
  delete[] name_;
  this->~spawned();
  free_frame(this, sizeof(spawned));
}

void spawned::handle_dropped() noexcept {
  has_handle_ = false;
  if (!ended_) {
    cancel();
    return;
  }
  if (joiner) return;
  // A handle may outlive its loop; then there is nobody to report to.
  if (runs_here(loop, loop_serial_)) {
    retire();
  } else {
    destroy();
  }
}

void spawned::detach() noexcept {
  if (ended_) {
    handle_dropped();
    return;
  }
  has_handle_ = false;
  spawned* up = parent_;
  unlink();
  link(nullptr);
  if (up && up->body_done_ && !up->first_child_) up->settle();
}

void spawned::take_result() {
  if (!ended_) {
    std::string text = "the result of task \"";
    text.append(name()).append("\": it has not ended");
    throw std::logic_error(text);
  }
  if (joined || joiner) throw std::logic_error("a task was joined twice: " + std::string(name()));
  joined = true;
  throw_if_cancelled();
}

void spawned::throw_if_cancelled() const {
  // The result of a task may be asked for when its loop is gone.
  const bool is_here = runs_here(loop, loop_serial_);
  const bool cancelled_here =
      is_here ? is_cancellation(*loop, body->error) : is_cancellation(body->error);
  if (!cancelled_here) return;
  throw task_cancelled("task \"" + std::string(name()) + "\" was cancelled");
}

bool join_base::start() noexcept {
  if (refused()) return true;
  if (task_->joined || task_->joiner) {
    twice_ = true;
    return false;  // at once: when the queue comes to this, the task may be gone
  }
  // Also when the task has ended: until this resumes, which may be in the next turn, the task must
  // not be freed with its handle nor joined by another.
  task_->joiner = this;
  if (task_->ended()) return complete_now();
  park();
  return true;
}

void join_base::on_cancel() noexcept {
  if (task_->joiner == this) {
    task_->joiner = nullptr;
    // The handle was dropped while this waited, and nobody else is left to free the task.
    if (task_->ended() && !task_->has_handle()) task_->retire();
  }
  drop();
}

void join_base::finish() {
  leave();
  if (twice_) throw std::logic_error("a task was joined twice: " + std::string(task_->name()));
  task_->joiner = nullptr;
  task_->joined = true;
  if (!task_->has_handle()) task_->retire();
  task_->throw_if_cancelled();
}

}  // namespace eddy::inline v1::detail
