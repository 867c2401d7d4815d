#pragma once

#include <array>
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

enum class response_event : std::uint8_t {
  need_more,  // all bytes were consumed; feed more, or finish() if the connection ended
  interim,    // a 1xx response: head() until the next feed
  head,       // the final response: head() or take_head()
  body,       // a piece of the body
  end,        // the message is complete: trailers(), keep_alive()
};

struct response_step {
  response_event event;
  std::size_t consumed;             // of the bytes fed
  std::span<const std::byte> body;  // with `body`: a view into the bytes fed
};

// The client's reading side of one HTTP/1.1 connection (RFC 9112): bytes in, events out, no I/O.
// One owner, one thread.
//
//   parser.begin("GET");
//   for (;;) {
//     const response_step step = parser.feed(bytes);
//     bytes = bytes.subspan(step.consumed);
//     … act on step.event; after need_more read more bytes, after end stop
//   }
//
// Call feed again after every event but need_more and end, with no bytes if none are left: a body
// that is complete already says `end` without another read. Bytes after the message are never
// consumed. A peer that breaks the grammar or a bound makes feed or finish throw protocol_error;
// from then on only destruction is allowed.
class response_parser {
 public:
  explicit response_parser(const limits& bounds = limits());

  // Ready for the response to a request of that method. Throws std::logic_error while a response is
  // under way and when the connection cannot carry another one. The fields will lie in `room`.
  void begin(std::string_view method, headers&& room = {});

  response_step feed(std::span<const std::byte> bytes);

  // The peer closed the connection: ends a body that is framed so, and throws protocol_error saying
  // how much of what was missing otherwise.
  response_event finish();

  const response_head& head() const noexcept { return head_; }
  response_head take_head() noexcept;
  // Kept apart from the head's fields; empty unless the body was chunked and has ended.
  const headers& trailers() const noexcept { return chunks_.trailers(); }
  headers take_trailers() noexcept { return chunks_.take_trailers(); }

  body_framing framing() const noexcept { return framing_; }
  // Of a sized body: what has not been handed out yet.
  std::uint64_t body_bytes_left() const noexcept {
    return framing_.end == body_end::sized ? framing_.size - body_bytes_ : 0;
  }
  // Whether the message is complete.
  bool done() const noexcept { return state_ == state::done; }
  // Whether the connection may carry another request: the message is complete, both version and
  // Connection agree, its end did not need the connection's, and nothing was left over.
  bool keep_alive() const noexcept;

 private:
  enum class state : std::uint8_t {
    idle,         // begin() comes next
    awaits_head,  // a status line or fields are missing
    awaits_body,  // the head was handed out
    done,         // the message is complete
    failed,       // feed or finish threw
  };

  response_step step(std::string_view input);
  response_step read_head(std::string_view input);
  response_step read_body(std::string_view input);
  response_step read_chunks(std::string_view input);
  response_step end_message(std::size_t consumed, std::string_view rest);
  response_event complete_head();
  void forget_head() noexcept;
  void check_protocol_name(std::string_view input);
  void parse_status_line(std::string_view line);
  void check_body_bound(std::uint64_t bytes) const;
  std::string what_is_missing() const;

  static constexpr std::string_view protocol_name = "HTTP/";

  limits bounds_;
  head_parser head_parser_;
  chunked_decoder chunks_;
  response_head head_;
  std::string method_;
  body_framing framing_;
  std::uint64_t body_bytes_ = 0;  // of a sized body or one until close
  std::size_t interim_responses_ = 0;
  std::array<char, protocol_name.size()> first_bytes_{};
  std::size_t first_bytes_seen_ = 0;
  state state_ = state::idle;
  bool persists_ = false;  // the final head says that the server keeps the connection open
  bool reusable_ = true;   // nothing seen on this connection forbids it
};

}  // namespace eddy::inline v1::http
