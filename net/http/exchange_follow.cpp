// What follows from a response's head: another request, or none.
#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>

#include "../../runtime/selector/system.hpp"
#include "drain.hpp"
#include "exchange.hpp"
#include "retry.hpp"
#include "session_state.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

// For jitter, which does without if there is none.
std::uint64_t random_number() noexcept {
  std::uint64_t number = 0;
  (void)detail::system::fill_random(&number, sizeof number);
  return number;
}

// Whoever pauses holds no connection that close() could end.
task<> pause_for(std::int64_t ns, event& closing) {
  const bool closed = co_await closing.wait_for(std::chrono::nanoseconds(ns));
  if (closed) throw error("the session was closed");
}

}  // namespace

std::optional<redirection> exchange::next_hop() const {
  if (max_redirects_ == 0) return std::nullopt;
  const response_head& head = slot_.get()->parser().head();
  std::optional<redirection> next = redirection_of(method_, url_, head.status, head.fields);
  if (next && history_.size() >= static_cast<std::size_t>(max_redirects_)) {
    throw too_many_redirects("more than max_redirects (" + std::to_string(max_redirects_) +
                             "), the first from " + place_of(history_.front().url()));
  }
  return next;
}

// Reads the rest of a body that nobody wants if that is little, so that its connection stays.
task<> exchange::leave_hop() {
  step_ = step::redirecting;
  connection& c = *slot_.get();
  if (!takes_long_to_drain(c.parser())) {
    const time_point until = std::min(clock_.total().at, now() + most_drain_time);
    try {
      co_await with_deadline(until, drain());
    } catch (const std::exception&) {
      // Whatever it is, it concerns a body that nobody wants, and costs the connection.
    }
  }
  if (c.is_reusable()) {
    slot_.keep();
  } else {
    slot_.drop();
  }
}

const retry_policy& exchange::policy() const noexcept {
  return settings_ && settings_->retries ? *settings_->retries : session_->settings.retries;
}

// Nothing: the response is the answer.
std::optional<std::int64_t> exchange::pause_before_retry() const {
  const response_head& head = slot_.get()->parser().head();
  if (!is_error(head.status)) return std::nullopt;
  const refused_request facts = {head.status, attempts_, is_idempotent(method_),
                                 can_send_body_again()};
  if (!wants_retry(policy(), facts)) return std::nullopt;
  const auto pause = retry_delay_ns(policy(), head.fields, attempts_, random_number());
  if (!pause || !clock_.has_time_for(*pause) || !session_->budget.spend()) return std::nullopt;
  return pause;
}

// Without a connection meanwhile.
task<> exchange::try_again(std::int64_t pause_ns) {
  const int status = slot_.get()->parser().head().status;
  co_await leave_hop();
  step_ = step::pausing;
  limit_ = clock_.total();
  progress_.lap(&timings::receive);
  task<> pause = pause_for(pause_ns, session_->pool.closing());
  co_await with_deadline(limit_.at, std::move(pause));
  progress_.lap(&timings::pause);
  ++attempts_;
  progress_.retried({}, status);
}

task<> exchange::drain() {
  connection& c = *slot_.get();
  for (std::size_t size = 0; size <= most_drained_bytes;) {
    const response_step next = c.next();
    size += next.consumed;
    if (next.event == response_event::end) co_return;
    if (next.event != response_event::need_more) continue;
    const std::size_t got = co_await c.read();
    arrived(got);
  }
}

void exchange::follow(redirection&& r) {
  if (!r.becomes_get && !can_send_body_again()) {
    throw error(std::to_string(r.status) + " redirects to " + place_of(r.to) +
                ", and the body, which is not kept, cannot be sent again");
  }
  history_.emplace_back(std::move(url_), r.status);
  url_ = std::move(r.to);
  prepare_fields(fields_, r);
  if (r.new_origin) has_cookie_field_ = has_authorization_ = false;
  if (r.becomes_get) {
    method_ = "GET";
    drop_body();
  }
  progress_.lap(&timings::receive);
  progress_.redirected(method_, url_, r.status);
}

}  // namespace eddy::inline v1::http
