// How bytes move between a tls_session and what carries it.
#include <algorithm>
#include <cstdlib>
#include <new>
#include <system_error>

#include "tls_state.hpp"

namespace eddy::inline v1::detail {

namespace {

// How much is encrypted before it is sent: four records, so that a large write neither makes a copy
// of all of it nor a system call for each record.
constexpr std::size_t write_chunk = 64 * 1024;
// What one record of the TLS below can bring (RFC 8446 §5.1).
constexpr std::size_t record_bytes = 16 * 1024;

constexpr const char* reading = "TLS: read from";
constexpr const char* writing = "TLS: write to";

[[noreturn]] void refuse(const tls_ref& s, const char* what, const char* why) {
  throw tls_error(std::string(what) + " " + s->peer + ": " + why);
}

void check_usable(const tls_ref& s, const char* what, bool busy) {
  if (!s) throw std::logic_error(std::string(what) + " a stream that is empty or was moved from");
  if (busy) {
    throw std::logic_error(std::string(what) + " " + s->peer +
                           ": another coroutine is doing that already");
  }
  if (s->session.has_failed()) {
    s->session.throw_failure(std::string(what) + " " + s->peer + ": TLS has failed before");
  }
}

void check_writable(const tls_ref& s) {
  check_usable(s, writing, s && s->writer_waits);
  if (s->shut_down) refuse(s, writing, "the stream was shut down for writing");
  if (s->write_fault) refuse(s, writing, s->write_fault);
}

// The next piece of what is to be sent becomes output of the TLS below. It never needs input for
// that: renegotiation is off.
void hand_down(tls_state& s) {
  const tls_ref below(s.below());
  check_writable(below);
  const std::size_t size = std::min(s.sending.size() - s.sent, write_chunk);
  const auto piece = std::as_bytes(std::span<const char>(s.sending.data() + s.sent, size));
  if (below->session.write(piece) != tls_session::step::done) {
    below->session.throw_failure(std::string(writing) + " " + below->peer);
  }
  s.sent += size;
}

// Sends all that is to be sent. A cancelled one leaves the rest for the next.
task<> flush(tls_ref s) {
  while (s->sending_turn.taken()) co_await s->sending_turn.ended();
  const turn_guard turn(s->sending_turn);
  while (s->has_output()) {
    if (s->below() && s->below()->has_output()) {
      co_await flush(tls_ref(s->below()));
      continue;
    }
    if (s->sent == s->sending.size()) {
      s->sending.clear();
      s->sending.swap(s->session.output());
      s->sent = 0;
    }
    if (s->below()) {
      hand_down(*s);
      continue;
    }
    counted_write_awaiter step(s->raw.descriptor(), s->sending.data() + s->sent,
                               s->sending.size() - s->sent, s->sent);
    co_await step;
  }
  // An idle stream holds no buffer.
  std::string().swap(s->sending);
  s->sent = 0;
}

task<lease> receive_from(tls_ref s);

// More of what carries us; nothing at the end.
void deliver(const tls_ref& s, lease more) noexcept {
  if (more.empty()) s->connection_ended = true;
  s->session.feed(std::move(more));
}

// More bytes of the peer's for the session, unless another coroutine brings some.
task<> pull(tls_ref s) {
  if (s->session.has_input() || s->connection_ended) co_return;
  if (s->receiving_turn.taken()) {
    co_await s->receiving_turn.ended();
    co_return;
  }
  const turn_guard turn(s->receiving_turn);
  if (s->below()) {
    lease more = co_await receive_from(tls_ref(s->below()));
    deliver(s, std::move(more));
    co_return;
  }
  lease more = co_await s->raw.receive();
  deliver(s, std::move(more));
}

// The session has failed and may have an alert for the peer, which may not want to hear it.
task<> send_alert(tls_ref s) {
  if (!s->may_answer()) co_return;
  try {
    co_await flush(s);
  } catch (const std::exception&) {
    co_return;
  }
}

task<> exchange_hellos(tls_ref s) {
  const std::string what = "TLS handshake with " + s->peer;
  for (;;) {
    const tls_session::step step = s->session.handshake();
    if (step == tls_session::step::failed) {
      co_await send_alert(s);
      s->session.throw_failure(what);
    }
    if (s->has_output()) co_await flush(s);
    if (step == tls_session::step::done) co_return;
    if (step == tls_session::step::ended || s->connection_ended) {
      throw tls_handshake_closed(what + ": the peer closed the connection");
    }
    co_await pull(s);
  }
}

bool is_gone(const std::error_code& code) noexcept {
  return code == std::errc::connection_reset || code == std::errc::broken_pipe ||
         code == std::errc::connection_aborted;
}

class flag_guard {
 public:
  explicit flag_guard(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  flag_guard(const flag_guard&) = delete;
  flag_guard& operator=(const flag_guard&) = delete;
  ~flag_guard() { flag_ = false; }

 private:
  bool& flag_;
};

// Attempt(tls_session&, std::size_t& got) is one try to read.
template <class Attempt>
task<std::size_t> read_by(tls_ref s, Attempt attempt) {
  check_usable(s, reading, s && s->reader_waits);
  const flag_guard busy(s->reader_waits);
  for (;;) {
    std::size_t got = 0;
    const tls_session::step step = attempt(s->session, got);
    // What the session has to answer is sent by the next read that waits, or the next write: a
    // cancellation here would lose the bytes.
    if (step == tls_session::step::done) co_return got;
    if (step == tls_session::step::ended) co_return std::size_t{0};
    if (step == tls_session::step::failed) {
      co_await send_alert(s);
      s->session.throw_failure(std::string(reading) + " " + s->peer);
    }
    if (s->may_answer()) co_await flush(s);
    if (s->connection_ended && !s->session.has_input()) {
      throw tls_truncated(std::string(reading) + " " + s->peer +
                          ": the connection ended without close_notify; data may be missing");
    }
    co_await pull(s);
  }
}

// A record's worth of memory, for as long as there is a record.
class record_block {
 public:
  record_block() noexcept {}
  record_block(const record_block&) = delete;
  record_block& operator=(const record_block&) = delete;
  ~record_block() { std::free(data_); }

  // A stream that waits holds none.
  tls_session::step read(tls_session& session, std::size_t& got) {
    if (!session.holds_input() && !session.peer_has_ended()) return tls_session::step::wants_input;
    data_ = static_cast<std::byte*>(std::malloc(record_bytes));
    if (!data_) throw std::bad_alloc();
    const tls_session::step step = session.read({data_, record_bytes}, got);
    if (step != tls_session::step::done) std::free(std::exchange(data_, nullptr));
    return step;
  }
  lease lend(loop_core& loop, std::size_t size) noexcept {
    if (size == 0) return lease();
    return lease(loop, std::exchange(data_, nullptr), size, malloc_buffer);
  }

 private:
  std::byte* data_ = nullptr;
};

// As byte_stream::receive, for the TLS above.
task<lease> receive_from(tls_ref s) {
  record_block block;
  const auto attempt = [&block](tls_session& session, std::size_t& got) {
    return block.read(session, got);
  };
  const std::size_t got = co_await read_by(s, attempt);
  co_return block.lend(*descriptor_of(s->descriptor()).loop, got);
}

// The writing side while a write is unfinished. If it stays so, the side is unusable.
class write_turn {
 public:
  explicit write_turn(const tls_ref& s) : state_(s) {
    check_writable(s);
    s->writer_waits = true;
  }
  write_turn(const write_turn&) = delete;
  write_turn& operator=(const write_turn&) = delete;
  ~write_turn() {
    state_->writer_waits = false;
    if (finished_) return;
    state_->spoil_writing("an earlier write did not finish and may have sent a part of its bytes");
  }
  void finish() noexcept { finished_ = true; }

 private:
  const tls_ref& state_;
  bool finished_ = false;
};

// One call of the session's that writes, with the reads that it may need.
template <class Call>
task<> write_step(tls_ref s, Call call) {
  for (;;) {
    const tls_session::step step = call(s->session);
    if (step == tls_session::step::failed) {
      co_await send_alert(s);
      s->session.throw_failure(std::string(writing) + " " + s->peer);
    }
    if (s->has_output()) co_await flush(s);
    if (step != tls_session::step::wants_input) co_return;
    if (s->connection_ended) refuse(s, writing, "the peer closed the connection");
    co_await pull(s);
  }
}

}  // namespace

task<> shake_hands(tls_ref s) {
  const std::string what = "TLS handshake with " + s->peer + ": ";
  try {
    co_await exchange_hellos(s);
  } catch (const std::system_error& e) {
    s->session.forget_kept();
    if (is_gone(e.code())) throw tls_handshake_closed(what + e.what());
    throw;
  } catch (const tls_truncated& e) {
    // Of the TLS below: an end that is no better than that of a connection.
    s->session.forget_kept();
    throw tls_handshake_closed(what + e.what());
  } catch (const tls_handshake_closed&) {
    s->session.forget_kept();
    throw;
  }
}

task<std::size_t> read_from(tls_ref s, std::span<std::byte> into) {
  return read_by(s, [into](tls_session& session, std::size_t& got) {
    return into.empty() ? tls_session::step::done : session.read(into, got);
  });
}

task<> write_from(tls_ref s, std::span<const std::byte> bytes) {
  write_turn turn(s);
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), write_chunk));
    const auto write = [chunk](tls_session& session) { return session.write(chunk); };
    co_await write_step(s, write);
    bytes = bytes.subspan(chunk.size());
  }
  turn.finish();
}

task<> shut_down(tls_ref s) {
  if (s && s->shut_down) co_return;
  write_turn turn(s);
  co_await write_step(s, [](tls_session& session) { return session.close_notify(); });
  s->shut_down = true;
  turn.finish();
}

}  // namespace eddy::inline v1::detail
