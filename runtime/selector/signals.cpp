// A signal handler can reach nothing but statics: this file holds the only mutable ones of the
// library, all constant-initialised.
//
// The handler walks the list of watches without a lock. Whoever takes a watch off the list, under
// the lock, then waits until the handlers that may have seen it have left: they are counted.
#include "signals.hpp"

#include <sched.h>
#include <signal.h>

#include <bit>
#include <cerrno>
#include <mutex>

namespace eddy::inline v1::detail {

namespace {

constinit std::atomic<signal_watch*> first_watch = nullptr;
constinit std::atomic<int> handlers_running = 0;
// For all that follows, and for changes of the list. Never taken by a handler.
constinit std::mutex table_lock;
// What was found when the first watch of a signal came.
constinit struct sigaction found_dispositions[signal_limit + 1] = {};

static_assert(std::atomic<signal_watch*>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

}  // namespace

const int interrupt_signal = SIGINT;

struct signal_table {
  // What the watches of a signal ask for, one of them left out.
  struct demand {
    bool every = false;
    bool once = false;
    bool over = false;  // the one of mode `once` has had its signal
  };

  static void on_signal(int signal) noexcept;
  static demand demand_for(int signal, const signal_watch* leaving) noexcept;
  static void adjust(int signal, const signal_watch* leaving) noexcept;
  static int add(signal_watch& w, int signal) noexcept;
  static void link(signal_watch& w) noexcept;
  static void unlink(signal_watch& w) noexcept;
};

extern "C" {
static void eddy_on_signal(int signal) { signal_table::on_signal(signal); }
}

void signal_table::on_signal(int signal) noexcept {
  const int saved = errno;
  handlers_running.fetch_add(1);
  const std::uint64_t bit = signal_watch::bit(signal);
  for (signal_watch* w = first_watch.load(); w; w = w->next_.load()) {
    if (!(w->wanted_.load() & bit)) continue;
    w->pending_.fetch_or(bit);
    w->bell_->ring();
  }
  handlers_running.fetch_sub(1);
  errno = saved;
}

signal_table::demand signal_table::demand_for(int signal, const signal_watch* leaving) noexcept {
  demand found;
  for (const signal_watch* w = first_watch.load(); w; w = w->next_.load()) {
    if (w == leaving || !(w->wanted_.load() & signal_watch::bit(signal))) continue;
    if (w->mode_ == signal_watch::mode::every) {
      found.every = true;
    } else {
      found.once = true;
      found.over = w->is_pending(signal);
    }
  }
  return found;
}

namespace {

int set_handler(int signal, bool for_once, struct sigaction* found) noexcept {
  struct sigaction action = {};
  action.sa_handler = eddy_on_signal;
  // On the alternate stack where a thread has one, as sanitizers and other runtimes give theirs.
  const int flags = SA_RESTART | SA_ONSTACK;
  action.sa_flags = for_once ? static_cast<int>(flags | SA_RESETHAND) : flags;
  sigemptyset(&action.sa_mask);
  return ::sigaction(signal, &action, found) == 0 ? 0 : -errno;
}

void set_default(int signal) noexcept {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

// Makes the disposition what the watches ask for that stay.
void signal_table::adjust(int signal, const signal_watch* leaving) noexcept {
  const demand wanted = demand_for(signal, leaving);
  if (!wanted.every && !wanted.once) {
    ::sigaction(signal, &found_dispositions[signal], nullptr);
    return;
  }
  (void)set_handler(signal, !wanted.every, nullptr);
  // Asked again once the handler is there, so that a signal in between is not overlooked.
  if (!wanted.every && demand_for(signal, leaving).over) set_default(signal);
}

void signal_table::link(signal_watch& w) noexcept {
  if (w.linked_) return;
  w.linked_ = true;
  w.next_.store(first_watch.load());
  first_watch.store(&w);
}

void signal_table::unlink(signal_watch& w) noexcept {
  if (!w.linked_) return;
  w.linked_ = false;
  std::atomic<signal_watch*>* at = &first_watch;
  while (at->load() != &w) at = &at->load()->next_;
  at->store(w.next_.load());
  // A handler on this very thread has ended before this goes on; the others are short.
  while (handlers_running.load() != 0) ::sched_yield();
}

int signal_table::add(signal_watch& w, int signal) noexcept {
  const std::uint64_t bit = signal_watch::bit(signal);
  const std::lock_guard lock(table_lock);
  if (w.wanted_.load() & bit) return 0;
  const demand others = demand_for(signal, nullptr);
  if (others.once && w.mode_ == signal_watch::mode::once) return -EBUSY;
  // Before the handler: the first signal that it gets is for this watch.
  w.wanted_.fetch_or(bit);
  link(w);
  if (others.every || others.once) {
    adjust(signal, nullptr);
    return 0;
  }
  const bool for_once = w.mode_ == signal_watch::mode::once;
  const int failed = set_handler(signal, for_once, &found_dispositions[signal]);
  if (!failed) return 0;
  w.wanted_.fetch_and(~bit);
  if (w.wanted_.load() == 0) unlink(w);
  return failed;
}

int signal_watch::add(int signal) noexcept {
  return why_not(signal) ? -EINVAL : signal_table::add(*this, signal);
}

void signal_watch::stop() noexcept {
  if (!linked_) return;
  const std::lock_guard lock(table_lock);
  // The dispositions first: a signal that comes now has either its old effect or its new one.
  for (std::uint64_t left = wanted_.load(); left != 0; left &= left - 1) {
    signal_table::adjust(std::countr_zero(left) + 1, this);
  }
  wanted_.store(0);
  signal_table::unlink(*this);
}

int signal_watch::take(int after) noexcept {
  const std::uint64_t pending = pending_.load();
  if (pending == 0) return 0;
  const std::uint64_t above = after < signal_limit ? pending & (~0ULL << after) : 0;
  const int signal = std::countr_zero(above ? above : pending) + 1;
  pending_.fetch_and(~bit(signal));
  return signal;
}

const char* signal_watch::why_not(int signal) noexcept {
  switch (signal) {
    case SIGKILL: return "SIGKILL cannot be caught";
    case SIGSTOP: return "SIGSTOP cannot be caught";
    case SIGSEGV: return "SIGSEGV is a fault of the program, which cannot go on after it";
    case SIGBUS: return "SIGBUS is a fault of the program, which cannot go on after it";
    case SIGFPE: return "SIGFPE is a fault of the program, which cannot go on after it";
    case SIGILL: return "SIGILL is a fault of the program, which cannot go on after it";
    default: break;
  }
  struct sigaction found;
  if (signal > 0 && signal <= signal_limit && ::sigaction(signal, nullptr, &found) == 0) {
    return nullptr;
  }
  return "there is no such signal";
}

}  // namespace eddy::inline v1::detail
