// Signals of the simulated world: sent by the program itself, by sim::raise.
#include "../signals.hpp"

#include <signal.h>

#include <bit>
#include <cerrno>

#include "world.hpp"

namespace eddy::inline v1::detail {

const int interrupt_signal = SIGINT;

// The watches of a world are a list that hangs on it.
struct signal_table {
  static int add(signal_watch& w, int signal) noexcept;
  static void remove(signal_watch& w) noexcept;
  static bool deliver(simulation::world& to, int signal) noexcept;
};

int signal_table::add(signal_watch& w, int signal) noexcept {
  simulation::world& place = simulation::here();
  const std::uint64_t bit = signal_watch::bit(signal);
  const bool once = w.mode_ == signal_watch::mode::once;
  for (const signal_watch* other = place.first_watch; once && other; other = other->next_.load()) {
    const bool is_rival = other != &w && other->mode_ == signal_watch::mode::once;
    if (is_rival && (other->wanted_.load() & bit) != 0) return -EBUSY;
  }
  w.wanted_.fetch_or(bit);
  if (w.linked_) return 0;
  w.linked_ = true;
  w.next_.store(place.first_watch);
  place.first_watch = &w;
  return 0;
}

void signal_table::remove(signal_watch& w) noexcept {
  if (!w.linked_) return;
  w.linked_ = false;
  simulation::world& place = simulation::here();
  if (place.first_watch == &w) {
    place.first_watch = w.next_.load();
    return;
  }
  signal_watch* before = place.first_watch;
  while (before->next_.load() != &w) before = before->next_.load();
  before->next_.store(w.next_.load());
}

// False if nobody wants it: it would have its default effect.
bool signal_table::deliver(simulation::world& to, int signal) noexcept {
  const std::uint64_t bit = signal_watch::bit(signal);
  bool wanted = false;
  for (signal_watch* w = to.first_watch; w; w = w->next_.load()) {
    if (!(w->wanted_.load() & bit)) continue;
    const bool is_over = w->mode_ == signal_watch::mode::once && w->is_pending(signal);
    wanted = wanted || !is_over;
    w->pending_.fetch_or(bit);
    w->bell_->ring();
  }
  return wanted;
}

bool simulation::world::raise(int signal) noexcept {
  note(trace::signal, std::int64_t{signal});
  return signal_table::deliver(*this, signal);
}

int signal_watch::add(int signal) noexcept {
  return why_not(signal) ? -EINVAL : signal_table::add(*this, signal);
}

void signal_watch::stop() noexcept { signal_table::remove(*this); }

int signal_watch::take(int after) noexcept {
  const std::uint64_t pending = pending_.load();
  if (pending == 0) return 0;
  const std::uint64_t above = after < signal_limit ? pending & (~0ULL << after) : 0;
  const int signal = std::countr_zero(above ? above : pending) + 1;
  pending_.fetch_and(~bit(signal));
  return signal;
}

// As in a real process.
const char* signal_watch::why_not(int signal) noexcept {
  switch (signal) {
    case SIGKILL: return "SIGKILL cannot be caught";
    case SIGSTOP: return "SIGSTOP cannot be caught";
    case SIGSEGV: return "SIGSEGV is a fault of the program, which cannot go on after it";
    case SIGBUS: return "SIGBUS is a fault of the program, which cannot go on after it";
    case SIGFPE: return "SIGFPE is a fault of the program, which cannot go on after it";
    case SIGILL: return "SIGILL is a fault of the program, which cannot go on after it";
    default: return signal > 0 && signal <= signal_limit ? nullptr : "there is no such signal";
  }
}

}  // namespace eddy::inline v1::detail
