// A tls_session on a tcp_stream.
#include <algorithm>
#include <eddy/sync/event.hpp>

#include "../runtime/stream_state.hpp"
#include "tls_session.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// How much is encrypted before it is sent: four records, so that a large write neither makes a copy
// of all of it nor a system call for each record.
constexpr std::size_t write_chunk = 64 * 1024;

constexpr const char* reading = "TLS: read from";
constexpr const char* writing = "TLS: write to";

// Something that one coroutine at a time does for all of them.
class shared_turn {
 public:
  shared_turn() noexcept {}
  bool taken() const noexcept { return taken_; }
  // Until the turn that is now taken has ended.
  untimed<event_wait> ended() noexcept { return ended_.wait(); }
  void take() noexcept { taken_ = true; }
  void give_up() noexcept {
    taken_ = false;
    ended_.set();
    ended_.reset();
  }

 private:
  event ended_;
  bool taken_ = false;
};

class turn_guard {
 public:
  explicit turn_guard(shared_turn& turn) noexcept : turn_(turn) { turn_.take(); }
  turn_guard(const turn_guard&) = delete;
  turn_guard& operator=(const turn_guard&) = delete;
  ~turn_guard() { turn_.give_up(); }

 private:
  shared_turn& turn_;
};

}  // namespace

// Shared by a stream and the coroutines that wait on it, as descriptor_state is.
struct tls_state {
  tls_state(tcp_stream&& raw, const tls_context& context, const std::string& host)
      : tcp(std::move(raw)), session(context, host), peer(host) {}
  tls_state(tcp_stream&& raw, const tls_context& context)
      : tcp(std::move(raw)), session(context), peer(tcp.remote_address().to_string()) {}

  unsigned references = 1;
  tcp_stream tcp;
  tls_session session;
  std::string peer;
  shared_turn sending_turn;
  shared_turn receiving_turn;
  // Encrypted bytes on their way, the first `sent` of which the kernel has. What a cancelled
  // coroutine leaves here the next one sends.
  std::string sending;
  std::size_t sent = 0;
  bool reader_waits = false;
  bool writer_waits = false;
  bool connection_ended = false;
  bool shut_down = false;
  const char* write_fault = nullptr;

  bool has_output() noexcept { return sent < sending.size() || !session.output().empty(); }
  // Whether a reader sends what the session has to answer. Not when another coroutine is sending,
  // who will send that, too; nor what a cancelled write has left: a peer that does not read must
  // not keep us from reading, or both wait for ever.
  bool may_answer() noexcept { return has_output() && !sending_turn.taken() && !write_fault; }
};

namespace {

class tls_ref {
 public:
  explicit tls_ref(tls_state* s) noexcept : state_(s) {
    if (state_) ++state_->references;
  }
  tls_ref(const tls_ref& other) noexcept : tls_ref(other.state_) {}
  tls_ref& operator=(const tls_ref&) = delete;
  ~tls_ref() {
    if (state_ && --state_->references == 0) delete state_;
  }
  tls_state* operator->() const noexcept { return state_; }
  tls_state& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  tls_state* state_;
};

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

// Sends all that is to be sent. A cancelled one leaves the rest for the next.
task<> flush(tls_ref s) {
  while (s->sending_turn.taken()) co_await s->sending_turn.ended();
  const turn_guard turn(s->sending_turn);
  while (s->has_output()) {
    if (s->sent == s->sending.size()) {
      s->sending.clear();
      s->sending.swap(s->session.output());
      s->sent = 0;
    }
    write_awaiter step(s->tcp.descriptor(), s->sending.data() + s->sent,
                       s->sending.size() - s->sent, &s->sent);
    co_await step;
  }
  // An idle stream holds no buffer.
  std::string().swap(s->sending);
  s->sent = 0;
}

// More bytes of the peer's for the session, unless another coroutine brings some.
task<> pull(tls_ref s) {
  if (s->session.has_input() || s->connection_ended) co_return;
  if (s->receiving_turn.taken()) {
    co_await s->receiving_turn.ended();
    co_return;
  }
  const turn_guard turn(s->receiving_turn);
  lease more = co_await s->tcp.receive();
  if (more.empty()) s->connection_ended = true;
  s->session.feed(std::move(more));
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

task<> shake_hands(tls_ref s) {
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
      throw tls_truncated(what + ": the peer closed the connection");
    }
    co_await pull(s);
  }
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

task<std::size_t> read_from(tls_ref s, std::span<std::byte> into) {
  check_usable(s, reading, s && s->reader_waits);
  if (into.empty()) co_return std::size_t{0};
  const flag_guard busy(s->reader_waits);
  for (;;) {
    std::size_t got = 0;
    const tls_session::step step = s->session.read(into, got);
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

// The writing side while a write is unfinished. If it stays so, the side is unusable.
class write_turn {
 public:
  explicit write_turn(const tls_ref& s) : state_(s) {
    check_usable(s, writing, s && s->writer_waits);
    if (s->shut_down) refuse(s, writing, "the stream was shut down for writing");
    if (s->write_fault) refuse(s, writing, s->write_fault);
    s->writer_waits = true;
  }
  write_turn(const write_turn&) = delete;
  write_turn& operator=(const write_turn&) = delete;
  ~write_turn() {
    state_->writer_waits = false;
    if (!finished_) {
      state_->write_fault = "an earlier write did not finish and may have sent a part of its bytes";
    }
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

const tls_ref& checked(const tls_ref& s, const char* what) {
  if (!s) throw std::logic_error(std::string(what) + " a stream that is empty or was moved from");
  return s;
}

}  // namespace
}  // namespace detail

task<tls_stream> tls_stream::connect(tcp_stream raw, std::string host, tls_context context) {
  tls_stream stream(new detail::tls_state(std::move(raw), context, host));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

task<tls_stream> tls_stream::accept(tcp_stream raw, tls_context context) {
  tls_stream stream(new detail::tls_state(std::move(raw), context));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

void tls_stream::release() noexcept {
  if (state_->tcp.is_open()) detail::descriptor_of(state_->tcp.descriptor()).release();
  if (--state_->references == 0) delete state_;
  state_ = nullptr;
}

bool tls_stream::is_open() const noexcept { return state_ && state_->tcp.is_open(); }

bool tls_stream::is_quiet() const noexcept {
  if (!is_open() || state_->connection_ended || state_->session.has_failed()) return false;
  const bool holds_input =
      state_->session.has_input() || SSL_has_pending(state_->session.native()) == 1;
  return !holds_input && detail::is_quiet(state_->tcp.descriptor());
}

task<std::size_t> tls_stream::read_some(std::span<std::byte> into) {
  return detail::read_from(detail::tls_ref(state_), into);
}

task<> tls_stream::write_all(std::span<const std::byte> bytes) {
  return detail::write_from(detail::tls_ref(state_), bytes);
}

task<> tls_stream::shutdown() { return detail::shut_down(detail::tls_ref(state_)); }

detail::close_awaiter tls_stream::close() noexcept {
  return detail::close_awaiter(state_ ? state_->tcp.descriptor() : detail::descriptor_ref());
}

endpoint tls_stream::local_address() const {
  return detail::checked(detail::tls_ref(state_), "local address of")->tcp.local_address();
}

endpoint tls_stream::remote_address() const {
  return detail::checked(detail::tls_ref(state_), "remote address of")->tcp.remote_address();
}

std::string tls_stream::version() const {
  const detail::tls_ref s(state_);
  return SSL_get_version(detail::checked(s, "TLS version of")->session.native());
}

std::string tls_stream::alpn() const {
  const detail::tls_ref s(state_);
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(detail::checked(s, "ALPN of")->session.native(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

}  // namespace eddy::inline v1
