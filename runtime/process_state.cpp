// A child's end: waiting for it, and seeing to it that no zombie stays.
#include "process_state.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/timer.hpp>

#include "selector/system.hpp"

namespace eddy::inline v1::detail {

namespace {

// Where the system has no descriptor for a child's end (Linux before 5.3, some sandboxes), one
// looks again and again, as CPython's subprocess does, and so seldom in the end that it costs
// nothing. Also after a kqueue has told of an end that waitpid does not know of yet.
constexpr auto first_pause = std::chrono::milliseconds(1);
constexpr std::chrono::milliseconds longest_pause{50};

// Waits for a child on another thread; owns all that it needs.
class reaper final : public job {
 public:
  explicit reaper(int pid) noexcept : pid_(pid) {}
  ~reaper() = default;
  void run() noexcept override {
    system::await_child(pid_);
    delete this;
  }

 private:
  int pid_;
};

template <class Start>
void with_reaper(int pid, Start start) {
  auto* fresh = new reaper(pid);
  try {
    start(*fresh);
  } catch (...) {
    delete fresh;
    throw;
  }
}

// For those who wait while another watches: woken at the end, or when it is their turn to watch.
class turn_awaiter final : public listed_waiter {
 public:
  explicit turn_awaiter(wait_list& list) noexcept : list_(list) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (refused()) return true;
    park();
    list_.push_back(*this);
    return true;
  }
  void await_resume() { leave(); }
  void on_cancel() noexcept override {
    if (state == wait_state::waiting) {
      list_.remove(*this);
    } else {
      list_.wake_one();
    }
    drop();
  }

 private:
  wait_list& list_;
};

class watching {
 public:
  explicit watching(process_state& p) noexcept : process_(p) { p.watched = true; }
  watching(const watching&) = delete;
  watching& operator=(const watching&) = delete;
  ~watching() {
    process_.watched = false;
    if (process_.ended) {
      process_.close_watch();
    } else {
      process_.waiting.wake_one();
    }
  }

 private:
  process_state& process_;
};

// Of a child that was killed; so it does not take long.
void reap_elsewhere(loop_core& loop, int pid) noexcept {
  if (current_loop() != &loop) return system::await_child(pid);
  try {
    with_reaper(pid, [&](reaper& r) { state_of(loop).offloads.submit(r); });
  } catch (...) {
    system::await_child(pid);  // no thread and no memory: what is left is this
  }
}

// Of a child that may outlive this process.
void reap_some_day(int pid) noexcept {
  try {
    with_reaper(pid, run_apart);
  } catch (...) {
    // Without a thread for it, it stays a zombie from its end to that of this process.
  }
}

}  // namespace

void keep_process(process_state& p) noexcept { ++p.references; }

void let_process_go(process_state& p) noexcept {
  if (--p.references == 0) delete &p;
}

process_state::~process_state() {
  close_watch();
  if (look()) return;
  if (lives_on) {
    reap_some_day(pid);
  } else {
    reap_elsewhere(*loop, pid);
  }
}

void process_state::begin(int child) noexcept {
  pid = child;
  ended = false;
  watch = system::watch_child(child);
}

void process_state::close_watch() noexcept {
  const int closing = std::exchange(watch, -1);
  if (closing < 0) return;
  if (runs_here(loop, loop_serial)) engine_of(*loop).forget(closing);
  system::file_close(closing);
}

bool process_state::look() noexcept {
  if (ended) return true;
  system::child_end end;
  const int found = system::reap_child(pid, end);
  if (found == 0) return false;
  ended = true;
  if (found < 0) lost = found;
  status = exit_status(end.signalled, end.number);
  if (!watched) close_watch();
  while (waiting.wake_one()) {
  }
  return true;
}

bool process_state::signal(int number) {
  if (look()) return false;
  const int failed = system::signal_child(pid, watch, number);
  if (failed == 0) return true;
  if (failed == -ESRCH) return false;
  throw_os_error(failed, ("send signal " + std::to_string(number) + " to").c_str(), name.c_str());
}

void process_state::abandon() noexcept {
  if (!lives_on && !look()) system::signal_child(pid, watch, system::kill_signal);
}

task<> await_end(process_ref child) {
  process_state& p = *child;
  while (!p.look()) {
    if (p.watched) {
      co_await turn_awaiter(p.waiting);
      continue;
    }
    const watching from_now_on(p);
    for (auto pause = first_pause; !p.look(); pause = std::min(pause * 2, longest_pause)) {
      if (p.watch >= 0) {
        co_await wait_readable(p.watch);
        if (p.look()) break;
      }
      co_await sleep(pause);
    }
  }
}

}  // namespace eddy::inline v1::detail
