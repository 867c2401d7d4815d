#include "exchange.hpp"

#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "content_decoder.hpp"
#include "response_state.hpp"
#include "retry.hpp"
#include "session_state.hpp"
#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

// What is read of a redirection's body so that its connection can be used again: more than an error
// page, less than a new connection costs. And for how long.
constexpr std::size_t drain_bytes = 64 * 1024;
constexpr std::int64_t drain_ns = 1'000'000'000;

// A request up to this size is sent before anything is read: the kernel takes it at once (send
// buffers begin at 16 KiB and more), so neither side can wait for the other to read. It also goes
// out in one system call.
constexpr std::size_t small_request_bytes = 16 * 1024;

std::int64_t chosen(std::int64_t own, std::int64_t sessions) { return own < 0 ? sessions : own; }

bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

exchange::exchange(request_builder&& r)
    : session_(std::move(r.session_)),
      method_(std::move(r.method_)),
      url_(std::move(r.url_)),
      fields_(std::move(r.fields_)),
      body_(std::move(r.body_)),
      max_redirects_(r.max_redirects_ < 0 ? session_->settings.max_redirects : r.max_redirects_),
      clock_({chosen(r.total_ns_, session_->settings.times.total_ns),
              chosen(r.connect_ns_, session_->settings.times.connect_ns),
              chosen(r.read_ns_, session_->settings.times.read_ns)}) {}

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
    rethrow_named(request_line_of(method_, url_), step_, limit_.kind, clock_, is_aborted());
  }
}

void exchange::prepare() {
  for (const char* name : {"Content-Length", "Transfer-Encoding"}) {
    if (fields_.contains(name)) {
      throw invalid_request(std::string(name) + " follows from the body and cannot be set");
    }
  }
  if (method_ == "CONNECT")
    throw invalid_request("CONNECT makes a tunnel, which this is no way to");
  add_defaults();
}

void exchange::add_defaults() {
  for (const auto& [name, value] : session_->settings.fields) {
    if (!fields_.contains(name)) fields_.add(name, value);
  }
  if (!fields_.contains("Accept")) fields_.add("Accept", "*/*");
  // A range is one of the encoded content, which cannot be decoded from the middle.
  const std::string_view encodings = accepted_encodings();
  if (encodings != "identity" && !fields_.contains("Accept-Encoding") &&
      !fields_.contains("Range")) {
    fields_.add("Accept-Encoding", encodings);
  }
}

task<> exchange::hop() {
  step_ = step::preparing;
  write_head();
  co_await acquire();
  bool reused = has_usable_connection();
  if (!reused) co_await connect();
  for (bool is_retry = false;; is_retry = true) {
    try {
      co_await attempt();
      co_return;
    } catch (const timeout_error&) {
      throw;
    } catch (const std::exception&) {
      if (!retry_allowed(reused, is_retry)) throw;
    }
    reused = false;
    co_await connect();
  }
}

void exchange::write_head() {
  if (!fields_.contains("Host")) fields_.add("Host", url_.authority());
  fields_.remove("Content-Length");
  if (!body_.empty() || expects_body(method_)) {
    fields_.add("Content-Length", std::to_string(body_.size()));
  }
  head_.clear();
  append_request_head(head_, method_, url_.target(), fields_);
  body_rides_ = head_.size() + body_.size() <= small_request_bytes;
  if (body_rides_) head_.append(body_);
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
  limit_ = clock_.connect();
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
  return !c.is_aborted() && may_retry(facts);
}

task<> exchange::receive_head() {
  connection& c = *slot_.get();
  while (!head_received_) {
    const response_step next = c.next();
    head_received_ = next.event == response_event::head;
    if (next.event != response_event::need_more) continue;
    limit_ = clock_.read();
    const std::size_t got = co_await with_deadline(limit_.at, c.read());
    c.arrived(got);
  }
}

std::optional<redirection> exchange::next_hop() const {
  if (max_redirects_ == 0) return std::nullopt;
  const response_head& head = slot_.get()->parser().head();
  std::optional<redirection> next = redirection_of(method_, url_, head.status, head.fields);
  if (next && history_.size() >= static_cast<std::size_t>(max_redirects_)) {
    throw too_many_redirects("more than max_redirects (" + std::to_string(max_redirects_) +
                             "), the first from " + request_line_of("GET", history_.front().url()));
  }
  return next;
}

// Reads the rest of a redirection's body if that is little, so that its connection stays.
task<> exchange::leave_hop() {
  step_ = step::redirecting;
  connection& c = *slot_.get();
  const body_framing framing = c.parser().framing();
  const bool hopeless = framing.end == body_end::until_close || framing.size > drain_bytes;
  if (!hopeless) {
    const exchange_clock patience({drain_ns, detail::never_ns, detail::never_ns});
    const time_point until = std::min(clock_.total().at, patience.total().at);
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

task<> exchange::drain() {
  connection& c = *slot_.get();
  for (std::size_t size = 0; size <= drain_bytes;) {
    const response_step next = c.next();
    size += next.consumed;
    if (next.event == response_event::end) co_return;
    if (next.event != response_event::need_more) continue;
    const std::size_t got = co_await c.read();
    c.arrived(got);
  }
}

void exchange::follow(redirection&& r) {
  history_.emplace_back(std::move(url_), r.status);
  url_ = std::move(r.to);
  prepare_fields(fields_, r);
  if (!r.becomes_get) return;
  method_ = "GET";
  body_.clear();
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
