// How a request leaves, in one piece or while the response is watched for, and the head comes.
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <system_error>

#include "exchange.hpp"
#include "session_state.hpp"
#include "status.hpp"
#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

// How long a request waits for 100 Continue: RFC 9110 §10.1.1 says not indefinitely, Go and curl a
// second.
constexpr std::chrono::seconds continue_limit(1);

// Pieces of a body are collected up to here, a TLS record, and copied up to there.
constexpr std::size_t corked_bytes = 16 * 1024;
constexpr std::size_t copied_bytes = 64 * 1024;
// A body in memory goes in steps of this where somebody watches it: a write timeout, an observer.
constexpr std::size_t watched_bytes = 64 * 1024;

// A server that answers before it has read all of the request may close the connection, so that
// sending fails: its answer is what counts, and reading will say if there is none.
bool is_peers_doing(const std::system_error& e) {
  return e.code() == std::errc::broken_pipe || e.code() == std::errc::connection_reset;
}

// However the sending ends.
class sent_counter {
 public:
  sent_counter(request_progress& progress, const connection& c) : progress_(progress), c_(c) {}
  sent_counter(const sent_counter&) = delete;
  sent_counter& operator=(const sent_counter&) = delete;
  ~sent_counter() { progress_.sent(c_.sent()); }

 private:
  request_progress& progress_;
  const connection& c_;
};

// Stops the other half however this one ends.
class stop_at_end {
 public:
  explicit stop_at_end(stop_scope* other) noexcept : other_(other) {}
  stop_at_end(const stop_at_end&) = delete;
  stop_at_end& operator=(const stop_at_end&) = delete;
  ~stop_at_end() { other_->stop(); }

 private:
  stop_scope* other_;
};

}  // namespace

// The two directions of an exchange, each of which may end the other.
struct exchange::conversation {
  explicit conversation(bool starts_with_body) noexcept : body_begun(starts_with_body) {}

  stop_scope writing;
  stop_scope reading;
  event continued;  // the server wants the body
  bool body_begun;
};

task<> exchange::attempt() {
  connection& c = *slot_.get();
  c.begin(method_, session_->pool.buffers(), session_->spare_fields.take());
  const sent_counter counter(progress_, c);
  head_received_ = false;
  interim_.clear();
  early_body_.clear();
  if (!connection_persists(http_version::http_1_1, fields_)) c.taint();
  step_ = step::sending;
  if (body_rides_) {
    try {
      limit_ = clock_.from_now(timeout_kind::write);
      if (c.is_plain()) {
        co_await c.write_by(head_, limit_.at);
      } else {
        co_await with_deadline(limit_.at, c.write(head_));
      }
      progress_.tell_sent(head_);
    } catch (const std::system_error& e) {
      if (!is_peers_doing(e)) throw;
      c.taint();
    }
  } else {
    limit_ = clock_.total();
    co_await with_deadline(limit_.at, converse());
  }
  progress_.lap(&timings::send);
  first_byte_ = clock_.from_now(timeout_kind::first_byte);
  step_ = step::receiving_head;
  while (!head_received_) {
    const response_step next = c.next();
    if (next.event == response_event::interim) interim_came();
    if (next.event == response_event::head) head_came();
    if (next.event != response_event::need_more) continue;
    limit_ = head_limit();
    std::size_t got = 0;
    if (c.is_plain()) {
      lease came = co_await c.receive_by(limit_.at);
      got = c.hold(std::move(came));
    } else {
      got = co_await with_deadline(limit_.at, c.read());
    }
    arrived(got);
  }
}

// Every write of a body goes through here, the first with the head in front: a piece is what has to
// be taken within the write timeout.
task<> exchange::write_piece(std::string_view bytes) {
  const time_limit own = clock_.from_now(timeout_kind::write);
  try {
    co_await with_deadline(own.at, slot_.get()->write(bytes));
  } catch (const timeout_error&) {
    limit_ = own;
    throw;
  }
  std::size_t of_body = bytes.size();
  if (!head_told_) {
    head_told_ = true;
    progress_.tell_sent(head_);
    of_body -= head_.size();
  }
  if (of_body > 0) progress_.tell(trace_step::body_sent, of_body);
}

// Both directions at once, so that a server that answers before it has read everything (an echo, a
// refusal) cannot make both sides wait for each other for ever. Ends when the request has been
// sent, or when that has become pointless: then the connection is of no further use after the
// response.
task<> exchange::converse() {
  conversation talk(!expecting_);
  task<> up = upload(&talk);
  task<> down = watch(&talk);
  co_await gather(std::move(up), std::move(down));
}

task<> exchange::upload(conversation* talk) {
  const stop_at_end stop(&talk->reading);
  bool finished = false;
  try {
    finished = co_await talk->writing.run(write_parts(talk));
  } catch (const std::system_error& e) {
    if (source_failed_ || !is_peers_doing(e)) throw;
  }
  if (!finished) slot_.get()->taint();
}

task<> exchange::write_parts(conversation* talk) {
  std::string corked = head_;
  head_told_ = false;
  if (expecting_) {
    co_await write_piece(head_);
    corked.clear();
    // Whether it was said or not: RFC 9110 §10.1.1, a server may not know how.
    (void)co_await talk->continued.wait_for(continue_limit);
    talk->body_begun = true;
  }
  if (source()) {
    co_await write_source(std::move(corked));
  } else {
    if (!corked.empty()) co_await write_piece(corked);
    co_await write_body();
  }
}

// In one call, unless somebody wants to know whether it gets on.
task<> exchange::write_body() {
  const bool watched = clock_.has(timeout_kind::write) || session_->settings.observer;
  const std::size_t most = watched ? watched_bytes : body_.size();
  for (std::size_t at = 0; at < body_.size(); at += most) {
    co_await write_piece(std::string_view(body_).substr(at, most));
  }
}

// `out`: what goes out with the first piece. Small pieces leave together, and none waits for one
// that is not there yet. Large ones are not copied.
task<> exchange::write_source(std::string out) {
  body_source& from = *source();
  const bool chunked = from.size() == body_source::unknown_size;
  source_left_ = from.size();
  for (;;) {
    if (from.may_wait() && !out.empty()) {
      co_await write_piece(out);
      out.clear();
    }
    const std::string_view piece = co_await take_piece();
    if (piece.empty()) break;
    if (chunked) append_chunk_prefix(out, piece.size());
    const bool goes_alone =
        piece.size() > copied_bytes || (out.empty() && piece.size() >= corked_bytes);
    if (!goes_alone) out.append(piece);
    if (!goes_alone && chunked) out.append(chunk_end);
    if (!out.empty() && (goes_alone || out.size() >= corked_bytes)) {
      co_await write_piece(out);
      out.clear();
    }
    if (!goes_alone) continue;
    co_await write_piece(piece);
    if (chunked) out.append(chunk_end);
  }
  if (chunked) append_last_chunk(out);
  if (!out.empty()) co_await write_piece(out);
}

task<> exchange::watch(conversation* talk) {
  const stop_at_end stop(&talk->writing);
  try {
    co_await talk->reading.run(receive_early(talk));
  } catch (const std::exception&) {
    step_ = step::receiving_head;
    throw;
  }
}

// Until it is stopped because all has been sent, or a response says that the rest is not wanted.
task<> exchange::receive_early(conversation* talk) {
  connection& c = *slot_.get();
  for (;;) {
    const response_step next = c.next();
    switch (next.event) {
      case response_event::interim:
        interim_came();
        if (c.parser().head().status == continue_status) talk->continued.set();
        break;
      case response_event::head:
        head_came();
        // RFC 9112 §9.5: a client that sees an error stops sending; and one that was to be told to
        // begin does not.
        if (is_error(c.parser().head().status) || !talk->body_begun) co_return;
        break;
      case response_event::body:
        keep_early(next.body);
        break;
      case response_event::end:
        co_return;
      case response_event::need_more: {
        const std::size_t got = co_await c.read();
        const response_event then = arrived(got);
        if (then == response_event::end) co_return;
        break;
      }
    }
  }
}

void exchange::keep_early(std::span<const std::byte> body) {
  const bool has_own = settings_ && settings_->max_body_bytes;
  const std::size_t most =
      has_own ? *settings_->max_body_bytes : session_->settings.max_body_bytes;
  if (body.size() > most - early_body_.size()) {
    throw content_error("more than max_body_bytes (" + std::to_string(most) +
                        ") of the response came while the request was still being sent");
  }
  progress_.tell(trace_step::chunk, body.size());
  early_body_.append(reinterpret_cast<const char*>(body.data()), body.size());
}

}  // namespace eddy::inline v1::http
