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
  auto at = hosts_.find(origin);
  if (at == hosts_.end()) {
    at = hosts_.emplace(std::string(origin), pool_host()).first;
    at->second.origin = &at->first;
  }
  ++at->second.pins;
  return at->second;
}

void pool_ledger::unpin(pool_host& host) noexcept {
  --host.pins;
  forget_if_unused(host);
}

pool_ledger::decision pool_ledger::decide(const pool_host& host) const noexcept {
  if (host.newest_idle) return {answer::reuse, host.newest_idle};
  if (limit_per_host_ > 0 && host.slots >= limit_per_host_) return {answer::wait, nullptr};
  if (limit_ == 0 || slots_ < limit_) return {answer::open, nullptr};
  if (pool_entry* victim = idle_.oldest()) return {answer::evict, victim};
  return {answer::wait, nullptr};
}

void pool_ledger::take(pool_host& host, const decision& d) noexcept {
  if (d.entry) remove_idle(*d.entry);
  if (d.what == answer::evict) vacate(*d.entry->host);
  if (d.what == answer::evict || d.what == answer::open) add_slot(host);
}

// Walks past those whose origin is at its own limit; without such a limit the first one decides for
// all of them.
pool_request* pool_ledger::first_in_line(decision& d) const noexcept {
  for (auto* w = line_.front(); w; w = static_cast<detail::waiter*>(w->next)) {
    auto* request = static_cast<pool_request*>(w);
    d = decide(*request->host);
    if (d.what != answer::wait) return request;
    if (limit_per_host_ == 0) return nullptr;
  }
  return nullptr;
}

void pool_ledger::give_back(pool_entry& e, std::int64_t now_ns) noexcept {
  e.idle_since_ns = now_ns;
  idle_.add(e);
  pool_host& host = *e.host;
  e.newer_of_host = nullptr;
  e.older_of_host = host.newest_idle;
  if (host.newest_idle) host.newest_idle->newer_of_host = &e;
  host.newest_idle = &e;
}

void pool_ledger::vacate(pool_host& host) noexcept {
  assert(slots_ > 0 && host.slots > 0);
  --slots_;
  --host.slots;
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
}

void pool_ledger::remove_idle(pool_entry& e) noexcept {
  idle_.remove(e);
  if (e.older_of_host) e.older_of_host->newer_of_host = e.newer_of_host;
  (e.newer_of_host ? e.newer_of_host->older_of_host : e.host->newest_idle) = e.older_of_host;
  e.older_of_host = e.newer_of_host = nullptr;
}

void pool_ledger::forget_if_unused(pool_host& host) noexcept {
  if (host.slots == 0 && host.pins == 0) hosts_.erase(hosts_.find(*host.origin));
}

}  // namespace eddy::inline v1::http
