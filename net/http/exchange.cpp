#include "exchange.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "response_state.hpp"
#include "retry.hpp"
#include "session_state.hpp"
#include "url_views.hpp"

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

exchange::exchange(request_builder& r)
    : session_(std::move(r.session_)),
      method_(r.method_),
      url_(r.url_),
      fields_(r.fields_),
      body_(r.body_),
      bodies_(r.bodies_),
      settings_(std::exchange(r.settings_, nullptr)),
      max_redirects_(r.max_redirects_ < 0 ? session_->settings.max_redirects : r.max_redirects_),
      progress_(session_->settings.observer, session_->counters),
      clock_(chosen_times(settings_.get(), session_->settings.times), progress_.begun_ns()) {
  session_->budget.earn();
  session_->memories.take(head_, fields_);
}

task<response> exchange::perform(request_builder request) {
  exchange work(request);
  try {
    work.progress_.enter(work.method_, work.url_);
    work.prepare();
    bool is_new = true;
    for (;;) {
      const bool needs_login = std::exchange(is_new, false) && work.begin_hop();
      if (needs_login) co_await work.look_up_login();
      co_await work.hop();
      if (work.is_challenged()) {
        co_await work.answer_challenge();
        continue;
      }
      const std::optional<std::int64_t> pause = work.pause_before_retry();
      if (pause) {
        co_await work.try_again(*pause);
        continue;
      }
      std::optional<redirection> next = work.next_hop();
      if (!next) break;
      co_await work.leave_hop();
      work.follow(std::move(*next));
      is_new = true;
    }
    work.step_ = step::receiving_body;
    co_return work.finish();
  } catch (...) {
    work.fail();
  }
}

// For the catch block.
void exchange::fail() {
  try {
    if (source_failed_ && !is_aborted()) rethrow_of_body(request_line_of(method_, url_), step_);
    rethrow_named(request_line_of(method_, url_), step_, limit_.kind, clock_, is_aborted());
  } catch (...) {
    progress_.failed_with_current();
    throw;
  }
}

task<> exchange::hop() {
  if (source()) co_await start_source();
  step_ = step::preparing;
  write_head();
  if (!acquire_now()) co_await wait_in_line();
  reused_ = has_usable_connection();
  if (reused_) {
    progress_.tell(trace_step::reused);
  } else {
    co_await connect();
  }
  for (bool is_retry = false;; is_retry = true) {
    try {
      co_await attempt();
      if (!is_expectation_refused()) co_return;
      expect_nothing();
      progress_.retried({}, slot_.get()->parser().head().status);
    } catch (const timeout_error&) {
      throw;
    } catch (const std::exception& e) {
      if (!retry_allowed(is_retry)) throw;
      progress_.retried(e.what(), 0);
    }
    reused_ = false;
    if (source()) co_await start_source();
    write_head();
    co_await connect();
  }
}

bool exchange::acquire_now() {
  step_ = step::queueing;
  progress_.tell(trace_step::queued);
  std::string room;
  slot_ = session_->pool.try_acquire(pool_key(room));
  return static_cast<bool>(slot_);
}

task<> exchange::wait_in_line() {
  std::string room;
  limit_ = clock_.from_now(timeout_kind::pool);
  task<connection_slot> turn = session_->pool.acquire(std::string(pool_key(room)));
  slot_ = co_await with_deadline(limit_.at, std::move(turn));
  progress_.lap(&timings::queue);
}

// What connections have in common that may carry each other's requests: a view of the URL, or of
// `room`.
std::string_view exchange::pool_key(std::string& room) const {
  if (is_routed()) return room = way().pool_key();
  if (url_.user_info().empty()) return origin_without_user_info(url_);
  return room = url_.origin();
}

// A request that a dead connection costs nothing but time need not ask the system about one whose
// response was read a moment ago. All others ask, however small the moment.
bool exchange::has_usable_connection() const noexcept {
  const connection* c = slot_.get();
  if (!c) return false;
  const bool is_repeatable =
      session_->settings.stale_retry && is_idempotent(method_) && can_send_body_again();
  if (is_repeatable && c->is_just_read(progress_.lap_ns())) return true;
  return c->is_usable();
}

bool exchange::retry_allowed(bool is_retry) const noexcept {
  const connection& c = *slot_.get();
  const failed_exchange facts = {reused_,      c.received() > 0,      is_idempotent(method_),
                                 c.sent() > 0, can_send_body_again(), is_retry};
  return session_->settings.stale_retry && !c.is_aborted() && may_retry(facts);
}

time_limit exchange::head_limit() const {
  const time_limit next = clock_.from_now(timeout_kind::read);
  return slot_.get()->received() == 0 && first_byte_.at < next.at ? first_byte_ : next;
}

response_event exchange::arrived(std::size_t bytes) {
  connection& c = *slot_.get();
  if (c.received() == 0 && bytes > 0) {
    if (reused_) session_->pool.count_reuse();
    progress_.lap(&timings::first_byte);
    progress_.tell(trace_step::first_byte, bytes);
  }
  progress_.received(bytes);
  return c.arrived(bytes);
}

void exchange::interim_came() {
  const response_head& head = slot_.get()->parser().head();
  interim_.emplace_back(head.status, name_of(head.version), head.reason, head.fields);
}

void exchange::head_came() {
  head_received_ = true;
  keep_cookies();
  progress_.tell(trace_step::head, 0, slot_.get()->parser().head().status);
}

response exchange::finish() {
  ++session_->counters.responses;
  session_->memories.put_back(head_, fields_);
  auto state = std::make_unique<response_state>(
      std::move(session_), std::move(slot_), clock_, std::move(method_), std::move(url_),
      std::move(history_), std::move(interim_), std::move(early_body_),
      std::move(progress_));
  if (settings_) {
    state->set_decoding(settings_->decompress);
    if (settings_->max_body_bytes) state->set_max_body_bytes(*settings_->max_body_bytes);
  }
  return response(state.release());
}

bool exchange::is_aborted() const noexcept {
  const connection* c = slot_.get();
  return c && c->is_aborted();
}

}  // namespace eddy::inline v1::http
