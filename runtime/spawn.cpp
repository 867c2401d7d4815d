#include <cstring>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <new>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// How far up a join looks for itself: a join in a deep tree stays cheap.
constexpr int ancestor_limit = 256;

}  // namespace

void task_scope::cancel_more() noexcept {
  for (spawned* s = first_child; s; s = s->sibling()) s->cancel();
}

spawned* spawned::create(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                         task_scope* parent, std::string_view name) {
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
  return parent_ ? parent_->first_child : state_of(*loop).roots;
}

void spawned::link(task_scope* parent) noexcept {
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

std::coroutine_handle<> spawned::body_ended() noexcept {
  body_done_ = true;
  if (body->error && parent_) error_taken_ = parent_->take_error(body->error);
  if (!first_child) settle();
  return std::noop_coroutine();
}

spawned* spawned::child_left() noexcept { return body_done_ && !first_child ? this : nullptr; }

// The result is not withheld any longer. A parent whose body is done may have waited for this.
void spawned::settle() noexcept {
  for (spawned* s = this; s;) {
    task_scope* up = s->parent_;
    s->unlink();
    s->ended_ = true;
    if (s->joiner) {
      s->joiner->wake();
    } else if (!s->has_handle_) {
      s->retire();
    }
    s = up ? up->child_left() : nullptr;
  }
}

void spawned::report_unjoined() noexcept {
  if (joined || !body->error || error_taken_ || is_cancellation(*loop, body->error)) return;
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
  const bool running = !ended_;
  handle_released();
  if (running) cancel();
}

void spawned::handle_released() noexcept {
  has_handle_ = false;
  if (!ended_ || joiner) return;
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
  task_scope* const up = parent_;
  unlink();
  link(nullptr);
  spawned* const ended = up ? up->child_left() : nullptr;
  if (ended) ended->settle();
}

bool spawned::waits_for(const spawned& from) const noexcept {
  if (this == &from) return true;
  if (ended_ || (parent_ && parent_->root == &from)) return false;
  const spawned* at = &from;
  for (int level = 0; level < ancestor_limit && at->parent_; ++level) {
    at = at->parent_->root;
    if (at == this) return true;
  }
  return false;
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
  if (!body->error) return;
  // The result of a task may be asked for when its loop is gone.
  const bool is_here = runs_here(loop, loop_serial_);
  const bool cancelled_here =
      is_here ? is_cancellation(*loop, body->error) : is_cancellation(body->error);
  if (!cancelled_here) return;
  throw task_cancelled("task \"" + std::string(name()) + "\" was cancelled");
}

bool join_base::start() noexcept {
  if (refused()) return true;
  // Faults are told at once: when the queue comes to this, the task may be gone.
  if (where->root && task_->waits_for(*where->root)) {
    fault_ = fault::joins_itself;
    return false;
  }
  if (task_->joined || task_->joiner) {
    fault_ = fault::joined_twice;
    return false;
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
  if (fault_ == fault::joined_twice) {
    throw std::logic_error("a task was joined twice: " + std::string(task_->name()));
  }
  if (fault_ == fault::joins_itself) {
    throw std::logic_error("task \"" + std::string(task_->name()) +
                           "\" is joined by itself or by a task that it waits for");
  }
  task_->joiner = nullptr;
  task_->joined = true;
  if (!task_->has_handle()) task_->retire();
  task_->throw_if_cancelled();
}

}  // namespace eddy::inline v1::detail
