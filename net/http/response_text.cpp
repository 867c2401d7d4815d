// A response as text: whole, as lines, as events, as JSON.
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/json.hpp>
#include <eddy/runtime/generator.hpp>

#include "bytes_view.hpp"
#include "event_stream_parser.hpp"
#include "failure.hpp"
#include "line_splitter.hpp"
#include "media_type.hpp"
#include "quoted.hpp"
#include "response_state.hpp"
#include "utf8.hpp"

namespace eddy::inline v1::http {

namespace {

// What is read at a time on the way to lines and events: what a connection reads at a time.
constexpr std::size_t piece_bytes = 16 * 1024;

// U+FEFF as UTF-8 at its beginning is none of a text's characters.
constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

std::string to_utf8(std::string bytes, const charset& from) {
  const bool as_it_is = is_utf8(from) && !bytes.starts_with(utf8_mark) && is_valid_utf8(bytes);
  if (as_it_is) return bytes;
  charset_decoder decoder(from);
  std::string text;
  decoder.decode(bytes, text);
  decoder.finish(text);
  return text;
}

}  // namespace

const charset& response_state::charset_of_text(const charset& fallback) const {
  const media_type type = parse_media_type(head_.fields.get("Content-Type").value_or(""));
  if (!type.charset || type.charset->empty()) return fallback;
  if (const charset* const found = find_charset(*type.charset)) return *found;
  throw content_error(request() + ": reading the response: unknown charset " +
                      quoted(*type.charset) + "; bytes() gives the body as it is");
}

task<std::string> response_state::text(share self, const charset& fallback) {
  const std::string request = self->request();
  const charset& from = self->charset_of_text(fallback);
  std::string bytes = co_await collect<std::string>(std::move(self));
  try {
    co_return to_utf8(std::move(bytes), from);
  } catch (const content_error& e) {
    throw content_error(request + ": reading the response: " + e.what());
  }
}

task<json> response_state::parse_json(share self) {
  const std::string request = self->request();
  const std::string bytes = co_await collect<std::string>(std::move(self));
  try {
    co_return json::parse(bytes);
  } catch (const json_error& e) {
    throw json_error(request + ": reading the response: " + e.what());
  }
}

generator<std::string> response_state::lines(share self, std::size_t max_line_bytes) {
  const charset& from = self->charset_of_text(require_charset("utf-8"));
  self->claim();
  try {
    charset_decoder decoder(from);
    line_splitter splitter(max_line_bytes);
    std::vector<std::byte> piece(piece_bytes);
    std::string text;
    for (bool ended = false; !ended;) {
      const std::size_t got = co_await self->pull(piece);
      ended = got == 0;
      text.clear();
      if (ended) {
        decoder.finish(text);
      } else {
        decoder.decode(text_of(std::span(piece).first(got)), text);
      }
      std::string_view rest = text;
      for (;;) {
        std::optional<std::string> line = splitter.next(rest);
        if (!line) break;
        co_yield *std::move(line);
      }
    }
    std::optional<std::string> last = splitter.finish();
    if (last) co_yield *std::move(last);
  } catch (...) {
    self->fail_beside();
  }
}

void response_state::check_is_event_stream() const {
  const std::string_view type = head_.fields.get("Content-Type").value_or("");
  if (parse_media_type(type).essence == "text/event-stream") return;
  throw content_error(request() + ": reading the response: Content-Type is " + quoted(type) +
                      ", not text/event-stream");
}

generator<server_sent_event> response_state::events(share self, std::size_t max_event_bytes) {
  self->check_is_event_stream();
  self->claim();
  try {
    event_stream_parser parser(max_event_bytes);
    std::vector<std::byte> piece(piece_bytes);
    for (;;) {
      const std::size_t got = co_await self->pull(piece);
      if (got == 0) break;
      parser.feed(text_of(std::span(piece).first(got)));
      for (;;) {
        std::optional<server_sent_event> event = parser.next();
        if (!event) break;
        co_yield *std::move(event);
      }
    }
  } catch (...) {
    self->fail_beside();
  }
}

}  // namespace eddy::inline v1::http
