#include "event_stream_parser.hpp"

#include <algorithm>
#include <charconv>
#include <eddy/net/http/error.hpp>
#include <utility>

#include "grammar.hpp"

namespace eddy::inline v1::http {

event_stream_parser::event_stream_parser(std::size_t max_event_bytes)
    : max_event_bytes_(max_event_bytes),
      decoder_(require_charset("utf-8"), charset_decoder::marks::utf_8_only),
      lines_(max_event_bytes) {
  building_.type.clear();
}

void event_stream_parser::feed(std::string_view bytes) {
  text_.clear();
  decoder_.decode(bytes, text_);
  rest_ = text_;
}

std::optional<server_sent_event> event_stream_parser::next() {
  while (const std::optional<std::string> line = lines_.next(rest_)) {
    if (!line->empty()) {
      take_field(*line);
    } else if (std::optional<server_sent_event> event = end_event()) {
      return event;
    }
  }
  return std::nullopt;
}

void event_stream_parser::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  // What begins with a colon is a comment, and what has another name means nothing.
  if (name == "data") take_data(value);
  if (name == "event") building_.type = value;
  if (name == "id" && value.find('\0') == std::string_view::npos) building_.last_id = value;
  if (name == "retry") take_retry(value);
}

void event_stream_parser::take_data(std::string_view value) {
  if (has_data_) building_.data.push_back('\n');
  has_data_ = true;
  const std::size_t used =
      building_.data.size() + building_.type.size() + building_.last_id.size();
  if (used > max_event_bytes_ || value.size() > max_event_bytes_ - used) {
    throw content_error("a server-sent event has more than max_event_bytes (" +
                        std::to_string(max_event_bytes_) + ")");
  }
  building_.data.append(value);
}

// Digits only; a number that is too large to mean anything is ignored as other text is.
void event_stream_parser::take_retry(std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), grammar::is_digit)) return;
  std::uint64_t ms = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (failure == std::errc()) building_.retry_ms = ms;
}

// At an empty line. Without data there is no event, but what was said of the stream holds.
std::optional<server_sent_event> event_stream_parser::end_event() {
  const bool complete = std::exchange(has_data_, false);
  server_sent_event following;
  following.type.clear();
  following.last_id = building_.last_id;
  following.retry_ms = building_.retry_ms;
  server_sent_event event = std::exchange(building_, std::move(following));
  if (event.type.empty()) event.type = "message";
  if (!complete) return std::nullopt;
  return event;
}

}  // namespace eddy::inline v1::http
