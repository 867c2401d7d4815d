#include "exchange.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "response_state.hpp"
#include "retry.hpp"
#include "session_state.hpp"

namespace eddy::inline v1::http {

namespace {

timeouts chosen_times(const request_settings* own, timeouts sessions) {
  for (std::size_t i = 0; own && i < timeout_kinds; ++i) {
    const auto kind = static_cast<timeout_kind>(i);
    if (own->times_set[i]) sessions[kind] = own->times[kind];
  }
  return sessions;
}

}  // namespace

exchange::exchange(request_builder&& r)
    : session_(std::move(r.session_)),
      method_(std::move(r.method_)),
      url_(std::move(r.url_)),
      fields_(std::move(r.fields_)),
      body_(std::move(r.body_)),
      bodies_(r.bodies_),
      settings_(std::exchange(r.settings_, nullptr)),
      max_redirects_(r.max_redirects_ < 0 ? session_->settings.max_redirects : r.max_redirects_),
      clock_(chosen_times(settings_.get(), session_->settings.times)) {}

task<response> exchange::run() {
  try {
    prepare();
    for (;;) {
      co_await hop();
      std::optional<redirection> next = next_hop();
      if (!next) break;
      co_await leave_hop();
      follow(std::move(*next));
    }
    step_ = step::receiving_body;
    co_return finish();
  } catch (...) {
    if (source_failed_ && !is_aborted()) rethrow_of_body(request_line_of(method_, url_), step_);
    rethrow_named(request_line_of(method_, url_), step_, limit_.kind, clock_, is_aborted());
  }
}

task<> exchange::hop() {
  if (source()) co_await start_source();
  step_ = step::preparing;
  write_head();
  co_await acquire();
  bool reused = has_usable_connection();
  if (!reused) co_await connect();
  for (bool is_retry = false;; is_retry = true) {
    try {
      co_await attempt();
      if (!is_expectation_refused()) co_return;
      expect_nothing();
    } catch (const timeout_error&) {
      throw;
    } catch (const std::exception&) {
      if (!retry_allowed(reused, is_retry)) throw;
    }
    reused = false;
    if (source()) co_await start_source();
    write_head();
    co_await connect();
  }
}

task<> exchange::acquire() {
  step_ = step::queueing;
  std::string origin = url_.origin();
  slot_ = session_->pool.try_acquire(origin);
  if (slot_) co_return;
  limit_ = clock_.total();
  task<connection_slot> turn = session_->pool.acquire(std::move(origin));
  slot_ = co_await with_deadline(limit_.at, std::move(turn));
}

bool exchange::has_usable_connection() const noexcept {
  const connection* c = slot_.get();
  return c && c->is_usable();
}

// In the slot that is ours already: neither a stale connection nor a retry goes to the end of the
// line again.
task<> exchange::connect() {
  step_ = step::connecting;
  connection_pool& pool = session_->pool;
  const connection_pool::connecting_mark mark(pool);
  limit_ = clock_.from_now(timeout_kind::connect);
  const std::unique_ptr<connection> old = slot_.take_closing();
  if (old) co_await old->close_idle();
  if (pool.is_closed()) throw error("the session is closed");
  connection& fresh = slot_.adopt(std::make_unique<connection>(session_->settings.bounds));
  task<> opening = fresh.open(session_->destination_of(url_));
  co_await with_deadline(limit_.at, std::move(opening));
  if (fresh.is_aborted()) throw error("the session was closed");
}

task<> exchange::attempt() {
  slot_.get()->begin(method_);
  head_received_ = false;
  early_body_.clear();
  if (!connection_persists(http_version::http_1_1, fields_)) slot_.get()->taint();
  step_ = step::sending;
  co_await send();
  step_ = step::receiving_head;
  co_await receive_head();
}

bool exchange::retry_allowed(bool reused, bool is_retry) const noexcept {
  const connection& c = *slot_.get();
  const failed_exchange facts = {reused, c.received() > 0, is_idempotent(method_), c.sent() > 0,
                                 is_retry};
  return !c.is_aborted() && may_retry(facts) && can_send_body_again();
}

task<> exchange::receive_head() {
  connection& c = *slot_.get();
  while (!head_received_) {
    const response_step next = c.next();
    head_received_ = next.event == response_event::head;
    if (next.event != response_event::need_more) continue;
    limit_ = clock_.from_now(timeout_kind::read);
    const std::size_t got = co_await with_deadline(limit_.at, c.read());
    c.arrived(got);
  }
}

response exchange::finish() {
  std::string request = request_line_of(method_, url_);
  response_head head = slot_.get()->take_head();
  return response(new response_state(std::move(session_), std::move(slot_), clock_,
                                     std::move(request), std::move(head), std::move(url_),
                                     std::move(history_), std::move(early_body_)));
}

bool exchange::is_aborted() const noexcept {
  const connection* c = slot_.get();
  return c && c->is_aborted();
}

}  // namespace eddy::inline v1::http
