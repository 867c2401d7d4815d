#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <eddy/net/http/limits.hpp>

#include "chunked.hpp"
#include "framing.hpp"
#include "head_parser.hpp"
#include "message.hpp"

namespace eddy::inline v1::http {

enum class request_event : std::uint8_t {
  need_more,  // all bytes were consumed; feed more, or finish() if the connection ended
  head,       // head() or take_head()
  body,       // a piece of the body
  end,        // the message is complete: trailers(), keep_alive()
};

struct request_step {
  request_event event;
  std::size_t consumed;             // of the bytes fed
  std::span<const std::byte> body;  // with `body`: a view into the bytes fed
};

// The server's reading side of one HTTP/1.1 connection (RFC 9112): bytes in, events out, no I/O.
// One owner, one thread. It is driven like response_parser; after `end`, begin() prepares for the
// next request, whose bytes may already be there (pipelining). A client that breaks the grammar or
// a bound makes feed or finish throw protocol_error, whose answer_status() is what to answer before
// closing; from then on only destruction is allowed.
class request_parser {
 public:
  explicit request_parser(const limits& bounds = limits());

  // Ready for the next request. Throws std::logic_error unless the last one is complete and
  // keep_alive().
  void begin();

  request_step feed(std::span<const std::byte> bytes);

  // The client closed the connection. Returns when that was between two requests, otherwise throws
  // protocol_error saying how much of what was missing.
  void finish();

  const request_head& head() const noexcept { return head_; }
  request_head take_head() noexcept;
  // Kept apart from the head's fields; empty unless the body was chunked and has ended.
  const headers& trailers() const noexcept { return chunks_.trailers(); }

  body_framing framing() const noexcept { return framing_; }
  // Whether a byte of the current request has arrived: until then a connection is idle and may be
  // closed at will.
  bool request_begun() const noexcept;
  // Whether the client waits for "100 Continue" before it sends the body (RFC 9110 §10.1.1).
  bool expects_continue() const noexcept { return expects_continue_; }
  bool done() const noexcept { return state_ == state::done; }
  // Whether the client wants to send another request on this connection; known from the head on.
  bool keep_alive() const noexcept;

 private:
  enum class state : std::uint8_t {
    awaits_head,  // the request line or fields are missing
    awaits_body,  // the head was handed out
    done,         // the message is complete
    failed,       // feed or finish threw
  };

  request_step step(std::string_view input);
  request_step read_head(std::string_view input);
  request_step read_body(std::string_view input);
  void check_first_byte(char byte) const;
  void parse_request_line(std::string_view line);
  void complete_head();
  std::string what_is_missing() const;

  limits bounds_;
  head_parser head_parser_;
  chunked_decoder chunks_;
  request_head head_;
  body_framing framing_;
  std::uint64_t body_bytes_ = 0;  // of a sized body
  state state_ = state::awaits_head;
  bool empty_line_skipped_ = false;
  bool persists_ = false;
  bool expects_continue_ = false;
};

}  // namespace eddy::inline v1::http
