#include <eddy/net/http/error.hpp>

#include "../../net/http/charset.hpp"
#include "../../net/http/event_stream_parser.hpp"
#include "../../net/http/line_splitter.hpp"
#include "../../net/http/media_type.hpp"
#include "../../net/http/utf8.hpp"
#include "cut_input.hpp"

namespace {

constexpr std::size_t most_bytes = 60;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_utf8(std::string_view text) {
  std::string same;
  require(eddy::http::append_valid_utf8(same, text) == text.size() && same == text);
}

std::string text_of(std::string_view label, const parse_trace::pieces& input) {
  eddy::http::charset_decoder decoder(eddy::http::require_charset(label));
  std::string text;
  for (const std::string_view piece : input) decoder.decode(piece, text);
  decoder.finish(text);
  require_utf8(text);
  return text;
}

std::string lines_of(const parse_trace::pieces& input) {
  eddy::http::line_splitter splitter(most_bytes);
  std::string lines;
  try {
    for (std::string_view piece : input) {
      while (const auto line = splitter.next(piece)) lines += *line + "\n";
      require(piece.empty());
    }
    lines += splitter.finish().value_or("");
  } catch (const eddy::http::content_error&) {
    lines += "\r";
  }
  return lines;
}

std::string events_of(const parse_trace::pieces& input) {
  eddy::http::event_stream_parser parser(most_bytes);
  std::string events;
  try {
    for (const std::string_view piece : input) {
      parser.feed(piece);
      while (const auto event = parser.next()) {
        require_utf8(event->data);
        events += event->type + "\r" + event->data + "\r" + event->last_id + "\r" +
                  std::to_string(event->retry_ms.value_or(0)) + "\r";
      }
    }
  } catch (const eddy::http::content_error& failure) {
    events += failure.what();
  }
  return events;
}

}  // namespace

// Text, lines, events and a Content-Type in turn, and what comes out is UTF-8. The choice is of the
// charset.
void check_cut(std::uint8_t choice, std::string_view text, const parse_trace::pieces& cut) {
  const std::string_view labels[] = {"utf-8",   "latin1",      "utf-16le", "utf-16be",
                                     "gb18030", "shift_jis",   "euc-jp",   "euc-kr",
                                     "big5",    "iso-2022-jp", "koi8-r",   "windows-1255"};
  const std::size_t known = EDDY_HAVE_ICONV ? std::size(labels) : 2;
  const std::string_view label = labels[choice % known];
  require(text_of(label, {text}) == text_of(label, cut));
  require(lines_of({text}) == lines_of(cut));
  require(events_of({text}) == events_of(cut));
  const auto type = eddy::http::parse_media_type(text);
  if (type.charset) (void)eddy::http::find_charset(*type.charset);
}
