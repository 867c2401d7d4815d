// Lines and server-sent events, whole and cut everywhere.
#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <utility>

#include "../../net/http/event_stream_parser.hpp"
#include "parse_trace.hpp"

using eddy::http::event_stream_parser;
using eddy::http::line_splitter;
using namespace std::string_literals;

namespace {

std::string lines_of(const parse_trace::pieces& input, std::size_t most = 100) {
  line_splitter splitter(most);
  std::string all;
  try {
    for (std::string_view piece : input) {
      while (const auto line = splitter.next(piece)) all += "[" + *line + "]";
      if (!piece.empty()) return "not all was taken";
    }
    if (const auto line = splitter.finish()) all += "(" + *line + ")";
  } catch (const eddy::http::content_error& failure) {
    all += failure.what();
  }
  return all;
}

void check_lines(const std::string& text, const std::string& lines) {
  for (const auto& cut : parse_trace::every_cut(text)) CHECK(lines_of(cut) == lines);
}

// "type:data#id@retry", each part but the data where it is not the default.
std::string events_of(const parse_trace::pieces& input, std::size_t most = 1000) {
  event_stream_parser parser(most);
  std::string all;
  int count = 0;
  try {
    for (const std::string_view piece : input) {
      parser.feed(piece);
      while (const auto event = parser.next()) {
        if (count++ > 0) all += " / ";
        if (event->type != "message") all += event->type + ":";
        all += event->data;
        if (!event->last_id.empty()) all += "#" + event->last_id;
        if (event->retry_ms) all += "@" + std::to_string(*event->retry_ms);
      }
    }
  } catch (const eddy::http::content_error& failure) {
    all += failure.what();
  }
  return all;
}

void check_events(const std::string& text, const std::string& events) {
  CAPTURE(text);
  for (const auto& cut : parse_trace::every_cut(text)) CHECK(events_of(cut) == events);
}

}  // namespace

TEST_CASE("lines end with LF, CR or CRLF") {
  check_lines("", "");
  check_lines("a", "(a)");
  check_lines("a\n", "[a]");
  check_lines("a\nb\rc\r\nd", "[a][b][c](d)");
  check_lines("\n\r\r\n\n", "[][][][]");
  check_lines("a\r\n\r\nb\r", "[a][][b]");
  check_lines("a\n\rb", "[a][](b)");
  check_lines("a\0b\n"s, "[a\0b]"s);
}

TEST_CASE("a line is there as soon as the first byte of its end is") {
  line_splitter splitter(10);
  std::string_view text = "a\r";
  CHECK(splitter.next(text) == "a");
  text = "\nb";
  CHECK_FALSE(splitter.next(text));
  CHECK(splitter.finish() == "b");
}

TEST_CASE("lines are bounded") {
  const std::string most(100, 'x');
  check_lines(most + "\n" + most + "\r\n" + most, "[" + most + "][" + most + "](" + most + ")");
  const std::string message = "a line has more than max_line_bytes (100)";
  check_lines(most + "x", message);
  check_lines("a\n" + most + "x\n", "[a]" + message);
}

TEST_CASE("events: fields, comments and what ends them") {
  check_events("", "");
  check_events("data: a\n\n", "a");
  check_events("data:a\r\rdata:  b\r\n\r\n", "a /  b");
  check_events("data: a\ndata\ndata:b\n\n", "a\n\nb");
  check_events("event: tick\nid: 7\nretry: 250\ndata: a\n\ndata: b\n\n", "tick:a#7@250 / b#7@250");
  check_events(": comment\n:\n\ndata: a\n: more\n\n", "a");
  check_events("other: x\nDATA: y\ndata : z\ndata: a\n\n", "a");
  check_events("event: a\nevent: b\ndata: x\n\n", "b:x");
  check_events("event: a\nevent:\ndata: x\n\n", "x");
  check_events("data: no end\n", "");
  check_events("data: no end", "");
  // The examples of WHATWG HTML §9.2.6.
  check_events("data: YHOO\ndata: +2\ndata: 10\n\n", "YHOO\n+2\n10");
  check_events(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
               "event\n",
               "first event#1 / second event");
  check_events("data\n\ndata\ndata\n\ndata:", " / \n");
  check_events("data:test\n\ndata: test\n\n", "test / test");
}

TEST_CASE("events: without data there is none, but what was said of the stream holds") {
  check_events("event: lost\nid: 3\nretry: 5\n\ndata: a\n\n", "a#3@5");
  check_events("id: 3\ndata: a\n\nid\ndata: b\n\n", "a#3 / b");
  check_events("id: 3\nid: 4\0\ndata: a\n\n"s, "a#3");
  check_events("retry: 1x\nretry:\nretry: -1\nretry: 99999999999999999999\ndata: a\n\n", "a");
}

TEST_CASE("events are UTF-8, with a mark or without") {
  check_events("\xEF\xBB\xBF" "data: \xC3\xBC\xFF\n\n", "ü\uFFFD");
  check_events("\xEF\xBB\xBF\xEF\xBB\xBF" "data: lost\n\ndata: a\n\n", "a");
  check_events("\xFF\xFE" "data: lost\n\n", "");
}

TEST_CASE("events are bounded") {
  const std::string most(490, 'x');
  const std::string message = "a server-sent event has more than max_event_bytes (1000)";
  check_events("data: " + most + "\ndata: " + most + "\n\n", most + "\n" + most);
  check_events("data: " + most + "\ndata: " + most + "\ndata: " + std::string(30, 'x') + "\n\n",
               message);
  check_events("id: " + most + "\ndata: " + most + "\ndata: " + std::string(30, 'x') + "\n\n",
               message);
  check_events(": " + std::string(1000, 'x'), "a line has more than max_line_bytes (1000)");
  // Each event anew.
  std::string many;
  std::string all;
  for (int i = 0; i < 5; ++i) {
    many += "data: " + most + "\n\n";
    all += (i > 0 ? " / " : "") + most;
  }
  CHECK(events_of({many}) == all);
}
