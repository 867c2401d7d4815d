#include "pool_ledger.hpp"

#include <cassert>

namespace eddy::inline v1::http {

void entry_list::add(pool_entry& e) noexcept {
  e.newer = nullptr;
  e.older = newest_;
  (newest_ ? newest_->newer : oldest_) = &e;
  newest_ = &e;
  ++size_;
}

void entry_list::remove(pool_entry& e) noexcept {
  (e.older ? e.older->newer : oldest_) = e.newer;
  (e.newer ? e.newer->older : newest_) = e.older;
  e.older = e.newer = nullptr;
  --size_;
}

pool_host& pool_ledger::find(std::string_view origin) {
  if (!last_found_ || *last_found_->origin != origin) {
    auto at = hosts_.find(origin);
    if (at == hosts_.end()) {
      at = hosts_.emplace(std::string(origin), pool_host()).first;
      at->second.origin = &at->first;
    }
    last_found_ = &at->second;
  }
  ++last_found_->pins;
  return *last_found_;
}

void pool_ledger::unpin(pool_host& host) noexcept {
  --host.pins;
  forget_if_unused(host);
}

pool_ledger::decision pool_ledger::decide(const pool_host& host) const noexcept {
  if (host.newest_idle) return {answer::reuse, host.newest_idle};
  if (is_held_up(host)) return {answer::wait, nullptr};
  if (limit_ == 0 || slots_ < limit_) return {answer::open, nullptr};
  if (pool_entry* victim = idle_.oldest()) return {answer::evict, victim};
  return {answer::wait, nullptr};
}

void pool_ledger::take(pool_host& host, const decision& d) noexcept {
  if (d.entry) remove_idle(*d.entry);
  if (d.what == answer::evict) vacate(*d.entry->host);
  if (d.what == answer::evict || d.what == answer::open) add_slot(host);
}

void pool_ledger::enqueue(pool_request& r) noexcept {
  pool_host& host = *r.host;
  r.turn = ++last_turn_;
  r.behind = nullptr;
  r.before = host.last_waiting;
  (host.last_waiting ? host.last_waiting->behind : host.first_waiting) = &r;
  host.last_waiting = &r;
  line_.push_back(r);
  requeue(host);
}

void pool_ledger::withdraw(pool_request& r) noexcept {
  pool_host& host = *r.host;
  (r.before ? r.before->behind : host.first_waiting) = r.behind;
  (r.behind ? r.behind->before : host.last_waiting) = r.before;
  r.before = r.behind = nullptr;
  line_.remove(r);
  requeue(host);
}

// By its origin's own limit: a slot of another origin would not help.
bool pool_ledger::is_held_up(const pool_host& host) const noexcept {
  return limit_per_host_ > 0 && !host.newest_idle && host.slots >= limit_per_host_;
}

// After any change to a host or its line. Without a limit per host the line of all is enough.
void pool_ledger::requeue(pool_host& host) noexcept {
  if (limit_per_host_ == 0) return;
  const bool wanted = host.first_waiting && !is_held_up(host);
  if (host.is_queued && wanted && host.turn == host.first_waiting->turn) return;
  if (host.is_queued) servable_.remove(host);
  if (wanted) servable_.add(host, host.first_waiting->turn);
}

// The first one decides for all: if it is not held up by its own origin's limit, it waits for any
// slot, and if there is none, nobody has an idle connection to wait for either.
pool_request* pool_ledger::first_in_line(decision& d) const noexcept {
  pool_request* first = front_of_line();
  if (limit_per_host_ > 0) {
    const auto* host = static_cast<const pool_host*>(servable_.first());
    first = host ? host->first_waiting : nullptr;
  }
  if (!first) return nullptr;
  d = decide(*first->host);
  return d.what == answer::wait ? nullptr : first;
}

void pool_ledger::give_back(pool_entry& e, std::int64_t now_ns) noexcept {
  e.idle_since_ns = now_ns;
  idle_.add(e);
  pool_host& host = *e.host;
  e.newer_of_host = nullptr;
  e.older_of_host = host.newest_idle;
  if (host.newest_idle) host.newest_idle->newer_of_host = &e;
  host.newest_idle = &e;
  requeue(host);
}

void pool_ledger::vacate(pool_host& host) noexcept {
  assert(slots_ > 0 && host.slots > 0);
  --slots_;
  --host.slots;
  requeue(host);
  forget_if_unused(host);
}

pool_entry* pool_ledger::take_idle(std::int64_t since_ns) noexcept {
  pool_entry* e = idle_.oldest();
  if (!e || e->idle_since_ns > since_ns) return nullptr;
  remove_idle(*e);
  return e;
}

void pool_ledger::add_slot(pool_host& host) noexcept {
  ++host.slots;
  ++slots_;
  if (slots_ > most_slots_) most_slots_ = slots_;
  requeue(host);
}

void pool_ledger::remove_idle(pool_entry& e) noexcept {
  idle_.remove(e);
  if (e.older_of_host) e.older_of_host->newer_of_host = e.newer_of_host;
  (e.newer_of_host ? e.newer_of_host->older_of_host : e.host->newest_idle) = e.older_of_host;
  e.older_of_host = e.newer_of_host = nullptr;
  requeue(*e.host);
}

void pool_ledger::forget_if_unused(pool_host& host) noexcept {
  if (host.slots > 0 || host.pins > 0) return;
  if (last_found_ == &host) last_found_ = nullptr;
  hosts_.erase(hosts_.find(*host.origin));
}

}  // namespace eddy::inline v1::http
