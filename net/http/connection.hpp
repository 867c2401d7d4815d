// One HTTP/1.1 connection, from the client's side.
#pragma once

#include <memory>

#include "dialer.hpp"
#include "pool_ledger.hpp"
#include "response_parser.hpp"
#include "spare_memory.hpp"
#include "stop_scope.hpp"
#include "transport.hpp"

namespace eddy::inline v1::http {

// A transport with a parser and a read buffer: the pieces of an exchange, put together by
// `exchange` and `response_state`. Thread: its loop's. Bytes that came lie in memory of the loop's
// until they have been read; who waits for some holds none. With TLS, whose records are decrypted
// into memory of our own, that is held while an exchange is under way. Destroying it closes the
// transport at once.
class connection final : public pool_entry {
 public:
  explicit connection(const limits& bounds) : parser_(bounds) {}

  // Connects. Throws what the dialer throws; if abort() ends it, nothing: is_aborted() tells. `by`
  // and `watch` outlive the task.
  task<> open(dialer& by, route to, dial_watch& watch);

  // Whether it may carry another request: nothing has come on it since the last one, not even its
  // end. Asks the system. A read that is always pending would know it for free and end dead
  // connections early, but would be an operation without a coroutine that awaits it, to be
  // cancelled before each exchange; and it would not close the gap between the look and the write,
  // which is what the retry is for.
  bool is_usable() const noexcept { return !aborted_ && transport_.is_quiet(); }
  // The same without asking the system, for a request that may be sent again: true only if nothing
  // had come when the response was read, in this very turn. `now_ns`: about now.
  bool is_just_read(std::int64_t now_ns) const noexcept {
    return !aborted_ && transport_.was_just_emptied(now_ns);
  }

  // A new exchange: the response will be one to `method`. The fields of its head will lie in
  // `room`, and what TLS decrypts in a buffer of `spare`.
  void begin(std::string_view method, read_buffers& spare, headers&& room);
  task<> write(std::string_view bytes) { return transport_.write_all(bytes, &sent_); }
  // The same, and the same as read() below, without a frame, and ended with timeout_error at a
  // point in time: only if is_plain(). hold() keeps what was received, and says how much it is.
  bool is_plain() const noexcept { return transport_.is_plain(); }
  detail::limited_write write_by(std::string_view bytes, time_point at) noexcept {
    return transport_.write_by(bytes, sent_, at);
  }
  detail::limited_receive receive_by(time_point at) noexcept {
    lent_.reset();
    return transport_.receive_by(at);
  }
  std::size_t hold(lease&& came) noexcept {
    lent_ = std::move(came);
    return lent_.size();
  }

  // The next event that needs no reading; pieces of the body are good until the next read begins.
  response_step next();
  // After need_more. Await read(), then tell arrived() its result; that is an event only at the end
  // of the stream, and may then throw protocol_error for what is missing.
  task<std::size_t> read();
  response_event arrived(std::size_t bytes);

  // Of the peer: the proxy's, if there is one; none on a unix socket.
  const std::optional<endpoint>& remote_address() const noexcept {
    return transport_.remote_address();
  }

  response_head take_head() noexcept { return parser_.take_head(); }
  headers take_trailers() noexcept { return parser_.take_trailers(); }
  const response_parser& parser() const noexcept { return parser_; }

  // Something happened that forbids another exchange, whatever the parser says.
  void taint() noexcept { tainted_ = true; }
  // After the exchange: whether another one may follow.
  bool is_reusable() const noexcept;
  // Gives the memory that was read into back.
  void rest(read_buffers& spare) noexcept {
    lent_.reset();
    spare.put_back(std::move(buffer_));
  }

  // The loop has ended: what came and was not read is gone with it.
  void abandon() noexcept {
    lent_.abandon();
    unparsed_ = {};
  }

  // Of this exchange: bytes that the peer may have seen, bytes that came.
  std::size_t sent() const noexcept { return sent_; }
  std::size_t received() const noexcept { return received_; }

  // Ends connecting, or forbids any further use. The transport is closed by close().
  void abort() noexcept {
    aborted_ = true;
    connecting_.stop();
  }
  bool is_aborted() const noexcept { return aborted_; }
  // Ends the waits of others on it and returns when the transport is closed. The connection may be
  // destroyed meanwhile.
  task<> close();
  // The same between two exchanges: says goodbye first.
  task<> close_idle();

 private:
  task<> dial(dialer& by, route to, dial_watch& watch);

  transport transport_;
  response_parser parser_;
  lease lent_;                   // without TLS: what came with the last read
  read_buffers::buffer buffer_;  // of TLS: the same
  std::span<const std::byte> unparsed_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  stop_scope connecting_;
  bool tainted_ = false;
  bool aborted_ = false;
};

}  // namespace eddy::inline v1::http
