#pragma once

#include <cstddef>
#include <string_view>

#include <eddy/net/http/limits.hpp>

#include "line_reader.hpp"
#include "message.hpp"

namespace eddy::inline v1::http {

// The part that requests, responses and trailer sections share (RFC 9112 §2.1, §5): a start line,
// which the owner interprets, then fields up to an empty line. Strict where leniency enables
// splitting: bare CR or LF, NUL, whitespace before the colon, line folding, a missing colon and an
// empty name are protocol errors.
class head_parser {
 public:
  enum class kind { response, request, trailers };
  enum class progress {
    need_more,   // all input was read
    start_line,  // start_line() is complete; call again for the fields
    complete,    // the empty line was read; fields() are final
  };

  head_parser(kind what, const limits& bounds);

  // Reads from the front of `input` and removes what it read.
  progress feed(std::string_view& input);

  // Valid until the next feed.
  std::string_view start_line() const noexcept { return start_line_; }
  const headers& fields() const noexcept { return fields_; }
  // The fields, in place of what is in `into`.
  void take_fields(headers& into) noexcept;

  // "response head", for messages.
  std::string_view section() const noexcept;
  // Bytes read of this section so far.
  std::size_t bytes() const noexcept { return used_ + lines_.pending(); }

  // With room for fields, if there is some to spare.
  void reset(headers&& room = {}) noexcept;

 private:
  std::size_t line_room() const noexcept;
  line_bound next_line_bound() const noexcept;
  void take_usual_fields(std::string_view& input);
  void add_field(std::string_view line);
  [[noreturn]] void refuse_name(std::string_view line) const;
  [[noreturn]] void refuse_value(std::string_view name, char bad) const;

  kind kind_;
  limits bounds_;
  line_reader lines_;
  headers fields_;
  std::string_view start_line_;
  std::size_t used_ = 0;  // bytes of complete lines
  bool start_line_read_;
};

// RFC 9112 §2.3, of a start line: HTTP/1.0 or HTTP/1.1, or a protocol_error. There has never been
// an HTTP/1.2.
http_version parse_version(std::string_view text, std::string_view line);

}  // namespace eddy::inline v1::http
