// How a request leaves: in one piece, or while the response is watched for.
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/timeout.hpp>
#include <system_error>

#include "exchange.hpp"
#include "session_state.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int first_error_status = 400;

// What a write timeout is given for: the kernel takes it whole.
constexpr std::size_t watched_piece_bytes = 64 * 1024;

// A server that answers before it has read all of the request may close the connection, so that
// sending fails: its answer is what counts, and reading will say if there is none.
bool is_peers_doing(const std::system_error& e) {
  return e.code() == std::errc::broken_pipe || e.code() == std::errc::connection_reset;
}

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

task<> exchange::send() {
  if (!body_rides_) {
    limit_ = clock_.total();
    co_await with_deadline(limit_.at, converse());
    co_return;
  }
  try {
    limit_ = clock_.from_now(timeout_kind::write);
    co_await with_deadline(limit_.at, slot_.get()->write(head_));
    progress_.tell(trace_step::request_sent, head_.size());
  } catch (const std::system_error& e) {
    if (!is_peers_doing(e)) throw;
    slot_.get()->taint();
  }
}

// Both directions at once, so that a server that answers before it has read everything (an echo, a
// refusal) cannot make both sides wait for each other for ever. Ends when the request has been
// sent, or when that has become pointless: then the connection is of no further use after the
// response.
task<> exchange::converse() {
  stop_scope writing;
  stop_scope reading;
  task<> up = upload(&writing, &reading);
  task<> down = watch(&writing, &reading);
  co_await gather(std::move(up), std::move(down));
}

task<> exchange::upload(stop_scope* writing, stop_scope* reading) {
  const stop_at_end stop(reading);
  bool finished = false;
  try {
    finished = co_await writing->run(write_parts());
  } catch (const std::system_error& e) {
    if (!is_peers_doing(e)) throw;
  }
  if (!finished) slot_.get()->taint();
}

task<> exchange::write_parts() {
  co_await write(head_);
  progress_.tell(trace_step::request_sent, head_.size());
  for (std::string_view rest = body_; !rest.empty();) {
    const std::string_view piece = rest.substr(0, piece_bytes());
    rest.remove_prefix(piece.size());
    co_await write(piece);
    progress_.tell(trace_step::body_sent, piece.size());
  }
}

// In one piece unless someone wants to know how it goes on.
std::size_t exchange::piece_bytes() const noexcept {
  const bool watched = clock_.has(timeout_kind::write) || session_->settings.observer;
  return watched ? watched_piece_bytes : body_.size();
}

task<> exchange::write(std::string_view bytes) {
  limit_ = clock_.from_now(timeout_kind::write);
  co_await with_deadline(limit_.at, slot_.get()->write(bytes));
}

task<> exchange::watch(stop_scope* writing, stop_scope* reading) {
  const stop_at_end stop(writing);
  co_await reading->run(receive_early());
}

// Until it is stopped because all has been sent, or a response says that the rest is not wanted.
task<> exchange::receive_early() {
  connection& c = *slot_.get();
  for (;;) {
    const response_step next = c.next();
    switch (next.event) {
      case response_event::interim:
        break;
      case response_event::head:
        head_came();
        // RFC 9112 §9.5: a client that sees an error stops sending.
        if (c.parser().head().status >= first_error_status) co_return;
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
  const std::size_t most = session_->settings.max_body_bytes;
  if (body.size() > most - early_body_.size()) {
    throw content_error("more than max_body_bytes (" + std::to_string(most) +
                        ") of the response came while the request was still being sent");
  }
  progress_.tell(trace_step::chunk, body.size());
  early_body_.append(reinterpret_cast<const char*>(body.data()), body.size());
}

}  // namespace eddy::inline v1::http
