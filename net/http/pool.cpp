#include "pool.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/gather.hpp>
#include <vector>

namespace eddy::inline v1::http {

namespace {

[[noreturn]] void throw_closed() { throw error("the session is closed"); }

connection* as_connection(pool_entry* e) noexcept { return static_cast<connection*>(e); }

}  // namespace

connection_slot::connection_slot(connection_pool& pool, pool_host& host,
                                 std::unique_ptr<connection> reused,
                                 std::unique_ptr<connection> evicted) noexcept
    : pool_(&pool), host_(&host), connection_(std::move(reused)), evicted_(std::move(evicted)) {
  if (connection_) pool_->in_use_.add(*connection_);
  if (evicted_) pool_->in_use_.add(*evicted_);
}

std::unique_ptr<connection> connection_slot::take_closing() noexcept {
  std::unique_ptr<connection>& closing = evicted_ ? evicted_ : connection_;
  if (closing) pool_->in_use_.remove(*closing);
  return std::move(closing);
}

connection& connection_slot::adopt(std::unique_ptr<connection> fresh) noexcept {
  connection_ = std::move(fresh);
  connection_->host = host_;
  pool_->in_use_.add(*connection_);
  ++pool_->opened_;
  return *connection_;
}

void connection_slot::close_evicted(connection_pool& pool) noexcept {
  if (evicted_) pool.in_use_.remove(*evicted_);
  evicted_.reset();
}

bool connection_slot::has_loop() const noexcept { return !pool_ || pool_->has_loop(); }

void connection_slot::keep() noexcept {
  if (pool_) keep(detail::now_ns(pool_->loop_));
}

void connection_slot::keep(std::int64_t now_ns) noexcept {
  if (!pool_) return;
  connection_pool& pool = *std::exchange(pool_, nullptr);
  close_evicted(pool);
  if (!connection_) {
    pool.vacate(*host_);
    return;
  }
  pool.in_use_.remove(*connection_);
  pool.keep(*host_, std::move(connection_), now_ns);
}

void connection_slot::drop() noexcept {
  if (!pool_) return;
  connection_pool& pool = *std::exchange(pool_, nullptr);
  close_evicted(pool);
  if (connection_) pool.in_use_.remove(*connection_);
  connection_.reset();
  pool.vacate(*host_);
}

slot_request::slot_request(connection_pool& pool, std::string_view origin) : pool_(pool) {
  host = &pool.ledger_.find(origin);
}

slot_request::~slot_request() { pool_.ledger_.unpin(*host); }

bool slot_request::start() noexcept {
  if (refused()) return true;
  turned_away_ = pool_.closed_;
  if (turned_away_) return complete_now();
  const pool_ledger::decision d = pool_.ledger_.decide(*host);
  if (d.what != pool_ledger::answer::wait) {
    granted_ = pool_.make_slot(*host, d);
    return complete_now();
  }
  pool_.ledger_.enqueue(*this);
  park();
  return true;
}

connection_slot slot_request::await_resume() {
  leave();
  if (turned_away_) throw_closed();
  return std::move(granted_);
}

void slot_request::on_cancel() noexcept {
  if (state == detail::wait_state::waiting) {
    pool_.ledger_.withdraw(*this);
  } else {
    granted_.keep();
  }
  drop();
}

task<connection_slot> connection_pool::acquire(std::string origin) {
  slot_request request(*this, origin);
  connection_slot slot = co_await request;
  co_return std::move(slot);
}

connection_slot connection_pool::try_acquire(std::string_view origin) {
  if (closed_) throw_closed();
  pool_host& host = ledger_.find(origin);
  connection_slot slot;
  const pool_ledger::decision d = ledger_.decide(host);
  if (d.what != pool_ledger::answer::wait) slot = make_slot(host, d);
  ledger_.unpin(host);
  return slot;
}

connection_slot connection_pool::make_slot(pool_host& host,
                                           const pool_ledger::decision& d) noexcept {
  ledger_.take(host, d);
  std::unique_ptr<connection> found(as_connection(d.entry));
  if (d.what != pool_ledger::answer::reuse) {
    return connection_slot(*this, host, nullptr, std::move(found));
  }
  return connection_slot(*this, host, std::move(found), nullptr);
}

void connection_pool::serve() noexcept {
  pool_ledger::decision d;
  while (pool_request* first = ledger_.first_in_line(d)) {
    ledger_.withdraw(*first);
    auto& request = static_cast<slot_request&>(*first);
    request.granted_ = make_slot(*request.host, d);
    request.wake();
  }
}

void connection_pool::keep(pool_host& host, std::unique_ptr<connection> c,
                           std::int64_t now_ns) noexcept {
  if (closed_ || retired_ || keep_alive_ns_ == 0 || c->is_aborted()) {
    c.reset();
    vacate(host);
    return;
  }
  c->rest(buffers_);
  ledger_.give_back(*c.release(), now_ns);
  serve();
  schedule_expiry();
}

void connection_pool::vacate(pool_host& host) noexcept {
  ledger_.vacate(host);
  serve();
}

// One timer for all: whoever has been idle longest is due first. Without memory for it the
// connections are closed with the session.
void connection_pool::schedule_expiry() noexcept {
  const pool_entry* oldest = ledger_.oldest_idle();
  if (!oldest || armed() || keep_alive_ns_ == detail::never_ns) return;
  (void)detail::arm(loop_, *this, detail::deadline_after(oldest->idle_since_ns, keep_alive_ns_));
}

void connection_pool::fire() noexcept {
  const std::int64_t since = detail::now_ns(loop_) - keep_alive_ns_;
  while (pool_entry* e = ledger_.take_idle(since)) {
    pool_host& host = *e->host;
    delete as_connection(e);
    vacate(host);
  }
  if (ledger_.slots() == 0) buffers_.clear();
  schedule_expiry();
}

void connection_pool::retire() noexcept {
  retired_ = true;
  buffers_.clear();
  // A loop that has ended took its timers with it.
  if (armed() && has_loop()) detail::disarm(loop_, *this);
  while (pool_entry* e = ledger_.take_idle(detail::never_ns)) {
    pool_host& host = *e->host;
    delete as_connection(e);
    vacate(host);
  }
}

connection* connection_pool::next_to_abort() noexcept {
  for (pool_entry* e = in_use_.oldest(); e; e = e->newer) {
    if (!as_connection(e)->is_aborted()) return as_connection(e);
  }
  return nullptr;
}

task<> connection_pool::close() {
  closed_ = true;
  closing_.set();
  while (pool_request* r = ledger_.front_of_line()) {
    ledger_.withdraw(*r);
    static_cast<slot_request*>(r)->turned_away_ = true;
    r->wake();
  }
  // All at once: each may take as long as a goodbye may.
  std::vector<task<>> farewells;
  while (pool_entry* e = ledger_.take_idle(detail::never_ns)) {
    const std::unique_ptr<connection> idle(as_connection(e));
    ledger_.vacate(*e->host);
    farewells.push_back(idle->close_idle());
  }
  co_await gather(std::move(farewells));
  while (connection* c = next_to_abort()) {
    c->abort();
    co_await c->close();
  }
  none_connecting_.reset();
  while (connecting_ > 0) co_await none_connecting_.wait();
}

}  // namespace eddy::inline v1::http
