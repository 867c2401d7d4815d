#include <cstring>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <new>
#include <stdexcept>
#include <string>

#include "loop_state.hpp"
#include "thread_loops.hpp"

namespace eddy::inline v1::detail {

namespace {

// How far up a join looks for itself: a join in a deep tree stays cheap.
constexpr int ancestor_limit = 256;

}  // namespace

void task_scope::cancel_more() noexcept {
  for (spawned* s = first_child; s; s = s->sibling()) s->cancel();
}

namespace {

// What a message shows of a name: up to its first NUL, by which its length is found again.
std::string_view shown(std::string_view name) noexcept { return name.substr(0, name.find('\0')); }

std::size_t room_for(std::string_view name) noexcept {
  name = shown(name);
  return name.empty() ? 0 : name.size() + 1;
}

}  // namespace

void* spawned::allocate(std::size_t own_bytes, std::string_view name) {
  return allocate_frame(name.empty() ? own_bytes : own_bytes + room_for(name));
}

void spawned::release(void* block, std::size_t own_bytes, std::string_view name) noexcept {
  free_frame(block, own_bytes + room_for(name));
}

void spawned::take_name(std::string_view name) noexcept {
  name = shown(name);
  if (name.empty()) return;
  named_ = true;
  char* const behind = reinterpret_cast<char*>(this) + own_bytes();
  std::memcpy(behind, name.data(), name.size());
  behind[name.size()] = '\0';
}

void spawned::enrol(loop_core& to, task_scope* parent, std::string_view name) noexcept {
  if (!name.empty()) take_name(name);
  enrol_unnamed(to, parent, to.current());
}

inline void spawned::enrol_unnamed(loop_core& to, task_scope* parent, const spawned* by) noexcept {
  loop = &to;
  if (by) host = by->host;
  cancelled = parent ? parent->cancelled : state_of(to).ending;
  link(parent);
  schedule();
}

[[gnu::noinline]] spawned* spawned::create_named(loop_core& loop, std::coroutine_handle<> h,
                                                 promise_base& body, task_scope* parent,
                                                 std::string_view name) {
  auto* s = ::new (allocate(sizeof(spawned), name)) spawned();
  s->adopt(h, body);
  s->enrol(loop, parent, name);
  return s;
}

spawned* spawned::create(loop_core& loop, std::coroutine_handle<> h, promise_base& body,
                         task_scope* parent, std::string_view name) {
  if (!name.empty()) return create_named(loop, h, body, parent, name);
  auto* s = ::new (allocate_frame(sizeof(spawned))) spawned();
  s->adopt(h, body);
  s->enrol_unnamed(loop, parent, loop.current());
  return s;
}

spawned* spawned::start_named(std::coroutine_handle<> h, promise_base& body,
                              std::string_view name) {
  loop_core& loop = require_loop("spawn");
  return create_named(loop, h, body, loop.current(), name);
}

// The same, but that less has to outlive the allocation.
spawned* spawned::start(std::coroutine_handle<> h) {
  loop_core* const here = loops_of_this_thread.current;
  loop_core& loop = here ? *here : require_loop("spawn");
  auto* s = ::new (allocate_frame(sizeof(spawned))) spawned();
  s->adopt(h, promise_of(h));
  spawned* const parent = loop.current();
  s->enrol_unnamed(loop, parent, parent);
  return s;
}

spawned*& spawned::siblings() noexcept {
  return parent() ? parent()->first_child : state_of(*loop).roots;
}

void spawned::link(task_scope* to) noexcept {
  above_ = to;
  prev_sibling_ = nullptr;
  next_sibling_ = siblings();
  if (next_sibling_) next_sibling_->prev_sibling_ = this;
  siblings() = this;
}

void spawned::unlink() noexcept {
  if (next_sibling_) next_sibling_->prev_sibling_ = prev_sibling_;
  (prev_sibling_ ? prev_sibling_->next_sibling_ : siblings()) = next_sibling_;
}

[[gnu::noinline]] bool spawned::failed_unmade() noexcept {
  return static_cast<bool>(*unmade_error());
}

[[gnu::noinline]] void spawned::tell_parent() noexcept {
  if (parent()) error_taken_ = parent()->take_error(error());
}

std::coroutine_handle<> spawned::body_ended() noexcept {
  body_done_ = true;
  if (failed()) [[unlikely]] tell_parent();
  if (!first_child) settle();
  return std::noop_coroutine();
}

void spawned::end_without_running(const std::exception_ptr& why) noexcept {
  if (has_body()) {
    body().fail(why);
  } else {
    *unmade_error() = why;
  }
  (void)body_ended();
}

spawned* spawned::child_left() noexcept { return body_done_ && !first_child ? this : nullptr; }

// The result is not withheld any longer. Returns the parent if it has waited for this to end.
inline spawned* spawned::end() noexcept {
  task_scope* const up = parent();
  unlink();
  ended_ = true;
  loop_serial_ = loop->serial;
  if (joiner) {
    joiner->wake();
  } else if (!has_handle_) {
    retire();
  }
  return up ? up->note_child_left() : nullptr;
}

[[gnu::noinline]] void spawned::end_upwards() noexcept {
  for (spawned* s = this; s;) s = s->end();
}

inline void spawned::settle() noexcept {
  spawned* const above = end();
  if (above) [[unlikely]] above->end_upwards();
}

void spawned::report_unjoined() noexcept {
  if (!failed() || error_taken_ || is_cancellation(*loop, error())) return;
  state_of(*loop).report(error());
}

void spawned::retire() noexcept {
  if (!joined) report_unjoined();
  loop_state& home = state_of(*loop);
  next_sibling_ = home.retired;
  home.retired = this;
  home.step_has_more = true;
}

void spawned::destroy() noexcept {
  if (has_body()) frame.destroy();
  if (named_) return destroy_named();
  free_frame(this, end_life());
}

void spawned::destroy_named() noexcept {
  const std::size_t behind = room_for(name());
  free_frame(this, end_life() + behind);
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
  if (loops_of_this_thread.runs(loop, loop_serial_)) {
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
  task_scope* const up = parent();
  unlink();
  link(nullptr);
  spawned* const ended = up ? up->child_left() : nullptr;
  if (ended) ended->settle();
}

bool spawned::waits_for(const spawned& from) const noexcept {
  if (this == &from) return true;
  if (ended_ || (parent() && parent()->root() == &from)) return false;
  const spawned* at = &from;
  for (int level = 0; level < ancestor_limit && at->parent(); ++level) {
    at = static_cast<spawned*>(at->parent()->root());
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
  if (std::exception_ptr error = error_of_join()) std::rethrow_exception(std::move(error));
}

std::exception_ptr spawned::error_of_join() {
  std::exception_ptr error = this->error();
  if (!error) return nullptr;
  // The result of a task may be asked for when its loop is gone.
  const bool is_here = loops_of_this_thread.runs(loop, loop_serial_);
  const bool cancelled_here =
      is_here ? is_cancellation(*loop, error) : is_cancellation(error);
  if (!cancelled_here && has_body()) return nullptr;
  if (!cancelled_here) return error;
  return std::make_exception_ptr(
      task_cancelled("task \"" + std::string(name()) + "\" was cancelled"));
}

// What joins its own child, as most do, waits for no other task by it.
bool join_base::start() noexcept {
  if (where->cancelled || !task_->may_be_joined_by(where->root())) return start_otherwise();
  task_->joiner = this;
  park();
  return true;
}

[[gnu::noinline]] bool join_base::start_otherwise() noexcept {
  if (refused()) return true;
  // Faults are told at once: when the queue comes to this, the task may be gone.
  if (task_->waits_for(*static_cast<spawned*>(where->root()))) {
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

namespace {

// A call of its own at the very end, so that a join has nothing to keep meanwhile.
[[gnu::noinline]] bool retired(spawned& task, bool has_result) noexcept {
  task.retire();
  return has_result;
}

}  // namespace

bool join_base::join_ended() noexcept {
  if (state == wait_state::ready) [[likely]] {
    where->leaf = nullptr;
  } else {
    if (left_cancelled()) fault_ = fault::cancelled;
    if (fault_ != fault::none) return false;
  }
  task_->joiner = nullptr;
  task_->joined = true;
  const bool has_result = !task_->failed();
  if (!task_->has_handle()) [[unlikely]] return retired(*task_, has_result);
  return has_result;
}

std::exception_ptr join_base::join_error() {
  switch (fault_) {
    case fault::none: return task_->error_of_join();
    case fault::cancelled: return where->loop->cancellation;
    case fault::joined_twice:
      return std::make_exception_ptr(
          std::logic_error("a task was joined twice: " + std::string(task_->name())));
    case fault::joins_itself:
      return std::make_exception_ptr(
          std::logic_error("task \"" + std::string(task_->name()) +
                           "\" is joined by itself or by a task that it waits for"));
  }
  return nullptr;
}

}  // namespace eddy::inline v1::detail
