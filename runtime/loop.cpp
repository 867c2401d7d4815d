#include <algorithm>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/loop.hpp>
#include <new>
#include <stdexcept>

#include "loop_state.hpp"
#include "selector/system.hpp"
#include "thread_loops.hpp"

namespace eddy::inline v1 {
namespace detail {

constinit thread_local thread_loops loops_of_this_thread;

namespace {

std::exception_ptr make_cancellation() noexcept {
  try {
    throw cancelled();
  } catch (...) {
    return std::current_exception();
  }
}

loop_settings&& checked(loop_settings&& s) {
  if (current_loop()) {
    throw std::logic_error(
        "run: a loop runs on this thread already; await the task, or spawn it there");
  }
  if (s.offload_threads == 0) {
    const unsigned wanted = system::core_count() + 4;
    s.offload_threads = wanted < 32 ? wanted : 32;
  }
  if (s.resolver_threads == 0) s.resolver_threads = 1;
  return std::move(s);
}

}  // namespace

[[gnu::noinline]] loop_core* current_loop() noexcept { return loops_of_this_thread.current; }

[[gnu::noinline]] bool runs_here(const loop_core* loop, std::uint32_t serial) noexcept {
  return loops_of_this_thread.runs(loop, serial);
}

loop_state::loop_state(loop_settings&& s, loop* host)
    : settings(checked(std::move(s))),
      selector(settings.selector),
      signals(selector),
      mail(new mailbox(selector)),
      handle(mail),
      own_face(host ? nullptr : detail_loop_access::make(*this, handle)),
      face(host ? host : own_face.get()),
      offloads(settings.offload_threads),
      names(settings.resolver_threads) {
  cancellation = make_cancellation();
  if (settings.cancel_on_interrupt && !signals.watch_interrupt()) {
    mail->close();
    mail->let_go();
    throw std::logic_error("cancel_on_interrupt: another loop of this process uses it");
  }
  loops_of_this_thread.current = this;
  serial = ++loops_of_this_thread.made;
}

loop_state::~loop_state() {
  free_retired();  // main's arguments may have held the last handles
  signals.end();
  loops_of_this_thread.current = nullptr;
  own_face.reset();
  mail->let_go();
}

void loop_state::turn() {
  deliver_mail();
  run_ready();
  if (ended()) return;
  wait(never_ns);
  expire();
}

void loop_state::poll(std::int64_t timeout_ns) {
  polling = true;
  deliver_mail();
  run_ready();
  wait(timeout_ns == 0 ? 0 : deadline_after(system::clock_ns(), timeout_ns));
  expire();
  deliver_mail();
  run_ready();
  wait(0);
  (void)mail->may_sleep();
  polling = false;
  if (first_error) std::rethrow_exception(std::exchange(first_error, nullptr));
}

std::int64_t loop_state::idle_time() const noexcept {
  // Also what the host itself has begun since, by cancelling a task or dropping a stream.
  if (!ready.empty() || selector.has_untold() || !mail->may_sleep()) return 0;
  const std::int64_t deadline = timers.first_deadline();
  if (deadline == never_ns) return never_ns;
  return std::max<std::int64_t>(deadline - system::clock_ns(), 0);
}

bool loop_state::ended() const noexcept {
  if (ending) return roots == nullptr;
  return main_task && main_task->ended();
}

void loop_state::deliver_mail() noexcept {
  for (detail::mail* m = mail->take_all(); m;) {
    // Read first: delivering may free the mail.
    detail::mail* after = m->next_mail;
    try {
      m->deliver();
    } catch (...) {
      report(std::current_exception());
    }
    m = after;
  }
}

// Who spends the budget ends the turn: otherwise all that is behind it would go through the queue
// at each of its awaits until the turn is over, which costs more than the poll of a new one. A node
// may be gone when it has run: what is behind it is read before, and of the last one nothing is.
void loop_state::run_ready() {
  int left = selector.begin_turn(*this);
  budget = left;
  while (left > 0 && !ready.empty()) {
    ready_node* node = &ready.first();
    while (node != &ready.last()) [[likely]] {
      ready_node* const next = node->next;
      resume(*node);
      node = next;
      if (step_has_more && !finish_step()) left = 1;
      if (--left == 0) {
        ready.begin_at(*node);
        break;
      }
    }
    if (left == 0) break;
    ready.clear();
    // Laundered for speed: the compiler would read its state before the test in the loop above.
    resume(*std::launder(node));
    if (step_has_more && !finish_step()) left = 1;
    --left;
  }
  running = nullptr;
}

[[gnu::always_inline]] inline void loop_state::resume(ready_node& node) {
  if (node.state == wait_state::start) [[unlikely]] return start(static_cast<scope&>(node));
  running = promise_of(node.frame).where;
  node.frame.resume();
}

// What is rare behind a resumption. False: the budget is spent, so that this was the turn's last.
bool loop_state::finish_step() noexcept {
  while (slot) std::exchange(slot, nullptr).resume();
  if (retired) free_retired();
  step_has_more = false;
  return budget > 0;
}

void loop_state::start(scope& where) {
  running = &where;
  where.state = wait_state::idle;
  if (where.cancelled || !where.has_body()) [[unlikely]] return start_otherwise(where);
  where.frame.resume();
}

// A body that was cancelled before its first step never takes one. Only a spawned task starts
// without a body.
void loop_state::start_otherwise(scope& where) {
  if (where.has_body()) {
    where.body().fail(cancellation);
    return where.body_ended().resume();
  }
  auto& task = static_cast<spawned&>(where);
  if (where.cancelled) return task.end_without_running(cancellation);
  if (!task.make_body()) return (void)task.body_ended();
  where.frame.resume();
}

void loop_state::wait(std::int64_t limit_ns) {
  all_ran_ = ready.empty();
  if (!all_ran_) {
    // To ask about descriptors that there are not is more than a quarter of a turn of short steps.
    if (selector.has_descriptors()) selector.wait(0);
  } else if (limit_ns == 0 || !mail->may_sleep()) {
    selector.wait(0);
  } else {
    // A deadline before the clock's epoch is due as well, and not the selector's "for ever".
    const std::int64_t deadline = std::min(timers.first_deadline(), limit_ns);
    selector.wait(std::max<std::int64_t>(deadline, 0));
    mail->awake();
  }
  if (signals.came() && !interrupted && signals.interrupt_seen()) {
    interrupted = true;
    main_task->cancel();
  }
}

void loop_state::expire() noexcept {
  if (timers.empty()) return;
  const std::int64_t now = system::clock_ns();
  if (all_ran_) polled_ns = now;
  while (timer* t = timers.pop_due(now)) t->fire();
}

// What is freed with a task may spawn: nobody's children.
void loop_state::free_retired() noexcept {
  running = nullptr;
  while (spawned* s = retired) {
    retired = s->sibling();
    s->destroy();
  }
}

bool loop_state::handled(std::exception_ptr& error) noexcept {
  if (!settings.on_error) return false;
  // What the handler spawns is nobody's child: this may be the last step of a task that has
  // ended.
  scope* const ran = std::exchange(running, nullptr);
  try {
    settings.on_error(std::move(error));
    error = nullptr;
  } catch (...) {
    error = std::current_exception();
  }
  running = ran;
  return !error;
}

void loop_state::report_further(std::exception_ptr error) noexcept {
  if (!main_task) return report(std::move(error));
  if (!handled(error) && !further_error) further_error = std::move(error);
}

void loop_state::report(std::exception_ptr error) noexcept {
  if (handled(error) || first_error) return;
  first_error = std::move(error);
  if (main_task) main_task->cancel();
}

void loop_state::run_main(spawned& task) {
  main_task = &task;
  while (!ended()) turn();
}

// Detached tasks first, while everything still works; then the mail that was accepted, which may
// start tasks that are born cancelled.
void loop_state::end_everything() {
  ending = true;
  for (spawned* s = roots; s; s = s->sibling()) s->cancel();
  while (!ended()) turn();
  mail->close();
  deliver_mail();
  while (!ended()) turn();
  free_retired();
}

runner::runner(run_options&& options) : state_(nullptr) {
  state_ = detail_run_access::make(std::move(options), nullptr);
}

void runner::finish() {
  std::exchange(main_, nullptr)->destroy();
  if (state_->first_error) std::rethrow_exception(state_->first_error);
}

runner::~runner() {
  if (main_) main_->destroy();
  delete state_;
}

void runner::drive(std::coroutine_handle<> h, promise_base& body) {
  loop_state& loop = *state_;
  try {
    main_ = spawned::create(loop, h, body, nullptr, "main");
  } catch (...) {
    h.destroy();
    throw;
  }
  loop.run_main(*main_);
  main_->joined = true;
  loop.end_everything();
  if (loop.first_error) std::rethrow_exception(loop.first_error);
  const bool cancelled = is_cancellation(loop, body.error());
  // An error of main's own comes first: it may be the one that this came after.
  if (loop.further_error && (!body.failed() || cancelled)) {
    std::rethrow_exception(loop.further_error);
  }
  if (!cancelled) return;
  if (loop.interrupted) throw interrupted("interrupted by SIGINT");
  throw task_cancelled("the main task was cancelled");
}

}  // namespace detail
}  // namespace eddy::inline v1
