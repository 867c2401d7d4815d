#pragma once

#include <eddy/net/http/server_sent_event.hpp>

#include "charset.hpp"
#include "line_splitter.hpp"

namespace eddy::inline v1::http {

// The body of a text/event-stream in, events out, however it was cut (WHATWG HTML §9.2.5, §9.2.6).
// It is UTF-8, with a byte order mark or without; bytes that are none become U+FFFD. An event that
// is not ended by an empty line when the stream ends is none. An event whose fields have more than
// `max_event_bytes` together, or a line that has, throws content_error. One owner, one thread.
//
//   parser.feed(bytes);   // as often as bytes come
//   while (auto event = parser.next()) use(*event);
class event_stream_parser {
 public:
  explicit event_stream_parser(std::size_t max_event_bytes);

  // Only when next() has nothing more.
  void feed(std::string_view bytes);
  std::optional<server_sent_event> next();

 private:
  void take_field(std::string_view line);
  void take_data(std::string_view value);
  void take_retry(std::string_view value);
  std::optional<server_sent_event> end_event();

  std::size_t max_event_bytes_;
  charset_decoder decoder_;
  std::string text_;           // decoded,
  std::string_view rest_;      // and of that, what is not parsed yet
  line_splitter lines_;
  server_sent_event building_;
  bool has_data_ = false;
};

}  // namespace eddy::inline v1::http
