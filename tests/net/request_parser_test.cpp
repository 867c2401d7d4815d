#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "../../net/http/request_parser.hpp"
#include "parse_trace.hpp"

using eddy::http::limits;
using eddy::http::request_event;
using eddy::http::request_parser;
using parse_trace::every_cut;
using parse_trace::outcome;

namespace {

struct message {
  std::string bytes;
  std::string events;
};

const std::vector<message>& messages() {
  static const std::vector<message> all = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "head GET / {Host: a} / end / keep-alive"},
      {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "head GET / {Host: a} / end / keep-alive"},
      {"GET /a?b=c|d HTTP/1.1\r\nHost: a.example:80\r\nConnection: close\r\n\r\n",
       "head GET /a?b=c|d {Host: a.example:80, Connection: close} / end"},
      {"GET / HTTP/1.0\r\n\r\n", "head GET / HTTP/1.0 {} / end"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
       "head GET / HTTP/1.0 {Connection: keep-alive} / end / keep-alive"},
      {"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
       "head GET http://a/b {Host: a} / end / keep-alive"},
      {"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", "head OPTIONS * {Host: } / end / keep-alive"},
      {"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
       "head CONNECT [::1]:443 {Host: [::1]:443} / end / keep-alive"},
      {"POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
       "head POST /f {Host: a, Content-Length: 5} / body hello / end / keep-alive"},
      {"POST /f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n",
       "head POST /f {Host: a, Transfer-Encoding: chunked} / body hello / trailers {T: u} / end / "
       "keep-alive"},
      {"PUT /f HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nok",
       "head PUT /f {Host: a, Expect: 100-Continue, Content-Length: 2} / expects 100-continue / "
       "body ok / end / keep-alive"},
      {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
       "head GET / {Host: a, Expect: 100-continue} / end / keep-alive"},
      {"M-SEARCH /~x HTTP/1.1\r\nHost: a_b\r\n\r\n",
       "head M-SEARCH /~x {Host: a_b} / end / keep-alive"},
  };
  return all;
}

}  // namespace

TEST_CASE("requests, cut everywhere, with and without bytes after them") {
  for (const message& it : messages()) {
    CAPTURE(it.bytes);
    for (const std::string& after : {std::string(), std::string("GET /next HTTP/1.1\r\n")}) {
      const std::string bytes = it.bytes + after;
      for (const auto& cut : every_cut(bytes)) {
        const outcome result = parse_trace::request(cut);
        CHECK(result.error == "");
        CHECK(result.events == it.events);
        CHECK(result.consumed == it.bytes.size());
      }
    }
  }
}

TEST_CASE("a truncated request is an error, but a connection closed between two is not") {
  for (const message& it : messages()) {
    CAPTURE(it.bytes);
    const std::size_t begun = it.bytes.starts_with("\r\n") ? 3 : 1;
    for (std::size_t size = begun; size < it.bytes.size(); ++size) {
      const auto cut = parse_trace::whole(std::string_view(it.bytes).substr(0, size));
      CHECK(parse_trace::request(cut).error.starts_with("connection closed "));
    }
  }
  const auto error = [](std::string_view bytes) {
    return parse_trace::request(parse_trace::whole(bytes)).error;
  };
  CHECK(error("") == "");
  CHECK(error("\r\n") == "");
  CHECK(error("GET /") == "connection closed after 5 bytes of the request head");
  CHECK(error("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe") ==
        "connection closed after 2 of 5 bytes of the request body");
  CHECK(error("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe") ==
        "connection closed after 2 bytes of a chunked request body, before its end");
}

TEST_CASE("malformed requests, cut everywhere, with the status to answer") {
  struct malformed {
    std::string bytes;
    std::string error;
    int answer = 400;
  };
  using namespace std::string_literals;
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::vector<malformed> samples = {
      {"\x16\x03\x01"s, "request starts with 0x16, which no method does"},
      {"\nGET / HTTP/1.1\r\n", "request starts with 0x0a, which no method does"},
      {" GET / HTTP/1.1\r\n", "request starts with 0x20, which no method does"},
      {"\r\n\r\nGET / HTTP/1.1\r\n", "request starts with 0x0d, which no method does"},
      {"\rGET / HTTP/1.1\r\n", "method \"\\x0dGET\" is not a token"},
      {"GET\r\n", "request line \"GET\" is not a method, a target and a version"},
      {"GET /\r\n", "request line \"GET /\" is not a method, a target and a version"},
      {"GET  HTTP/1.1\r\n", "request target is empty"},
      {"GET\t/ HTTP/1.1\r\n", "method \"GET\\x09/\" is not a token"},
      {"G{T / HTTP/1.1\r\n", "method \"G{T\" is not a token"},
      {"GET / / HTTP/1.1\r\n",
       "version \"/ HTTP/1.1\" in \"GET / / HTTP/1.1\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"GET / HTTP/1.1 \r\n",
       "version \"HTTP/1.1 \" in \"GET / HTTP/1.1 \" is neither HTTP/1.1 nor HTTP/1.0", 505},
      {"GET / http/1.1\r\n",
       "version \"http/1.1\" in \"GET / http/1.1\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       "version \"HTTP/2.0\" in \"PRI * HTTP/2.0\" is neither HTTP/1.1 nor HTTP/1.0", 505},
      {"GET a HTTP/1.1\r\n", "request target \"a\" has no form that \"GET\" allows"},
      {"GET * HTTP/1.1\r\n", "request target \"*\" has no form that \"GET\" allows"},
      {"GET a:80 HTTP/1.1\r\n", "request target \"a:80\" has no form that \"GET\" allows"},
      {"CONNECT /a HTTP/1.1\r\n", "request target \"/a\" has no form that \"CONNECT\" allows"},
      {"CONNECT a HTTP/1.1\r\n", "request target \"a\" has no form that \"CONNECT\" allows"},
      {"GET /a#b HTTP/1.1\r\n", "request target \"/a#b\" holds 0x23"},
      {"GET /\xC3\xA9 HTTP/1.1\r\n", "request target \"/\\xc3\\xa9\" holds 0xc3"},
      {"GET /a\0b HTTP/1.1\r\n"s, "request target \"/a\\x00b\" holds 0x00"},
      {"GET /a\tb HTTP/1.1\r\n", "request target \"/a\\x09b\" holds 0x09"},
      {"GET / HTTP/1.1\n", "bare LF after \"GET / HTTP/1.1\" in the request line"},
      {get + "\r\n", "HTTP/1.1 request without Host"},
      {get + "Host: a\r\nHost: a\r\n\r\n", "request has more than one Host"},
      {get + "Host: a, b\r\n\r\n", "Host \"a, b\" is not a host and port"},
      {get + "Host: u@a\r\n\r\n", "Host \"u@a\" is not a host and port"},
      {get + "Host: a/b\r\n\r\n", "Host \"a/b\" is not a host and port"},
      {get + "Host : a\r\n\r\n",
       "whitespace before the colon of field \"Host \" in the request head"},
      {get + "Host: a\r\n b\r\n\r\n", "folded line \" b\" in the request head"},
      {get + "Host: a\rb\r\n\r\n",
       "value of field \"Host\" in the request head holds the control byte 0x0d"},
      {get + "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       "Content-Length is both \"1\" and \"2\""},
      {get + "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "both Transfer-Encoding and Content-Length (1)"},
      {get + "Host: a\r\nTransfer-Encoding: gzip\r\n\r\n",
       "unsupported coding in Transfer-Encoding \"gzip\"", 501},
      {get + "Host: a\r\nTransfer-Encoding : chunked\r\n\r\n",
       "whitespace before the colon of field \"Transfer-Encoding \" in the request head"},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "Transfer-Encoding in an HTTP/1.0 message"},
      {get + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx",
       "bare LF after \"1\" in the chunk size line"},
  };
  for (const malformed& it : samples) {
    CAPTURE(it.bytes);
    for (const auto& cut : every_cut(it.bytes)) {
      const outcome result = parse_trace::request(cut);
      CHECK(result.error == it.error);
      CHECK(result.answer_status == it.answer);
    }
  }
}

TEST_CASE("request bounds name themselves and the status to answer, cut everywhere") {
  struct bounded {
    limits bounds;
    std::string bytes;
    std::string error;
    int answer;
  };
  const std::string get = "GET / HTTP/1.1\r\n";  // 16 bytes
  const std::vector<bounded> samples = {
      {limits().max_start_line_bytes(15), get, "request line exceeds max_start_line_bytes (15)",
       414},
      {limits().max_head_bytes(20), get + "Host: a\r\n", "request head exceeds max_head_bytes (20)",
       431},
      {limits().max_header_count(1), get + "Host: a\r\nB: c\r\n",
       "request head has more fields than max_header_count (1)", 431},
      {limits().max_body_bytes(4), get + "Host: a\r\nContent-Length: 5\r\n\r\n",
       "request body of 5 bytes exceeds max_body_bytes (4)", 413},
      {limits().max_body_bytes(4), get + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
       "chunked body exceeds max_body_bytes (4) with a chunk of 5 bytes after 0", 413},
  };
  for (const bounded& it : samples) {
    CAPTURE(it.error);
    for (const auto& cut : every_cut(it.bytes)) {
      const outcome result = parse_trace::request(cut, it.bounds);
      CHECK(result.error == it.error);
      CHECK(result.answer_status == it.answer);
    }
  }
}

TEST_CASE("pipelined requests come out one by one") {
  request_parser parser;
  const std::string one = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
  const std::string bytes = one + one + one;
  auto rest = eddy::http::bytes_of(bytes);
  for (int round = 0; round < 3; ++round) {
    if (round > 0) parser.begin();
    CHECK_FALSE(parser.request_begun());
    auto step = parser.feed(rest);
    CHECK(step.event == request_event::head);
    CHECK(parser.request_begun());
    CHECK(parser.take_head().target == "/a");
    CHECK_THROWS_AS(parser.begin(), std::logic_error);
    rest = rest.subspan(step.consumed);
    step = parser.feed(rest);
    CHECK(step.event == request_event::body);
    CHECK(step.body.data() == rest.data());  // a view, not a copy
    rest = rest.subspan(step.consumed);
    CHECK(parser.feed(rest).event == request_event::end);
    CHECK(parser.feed(rest).consumed == 0);
  }
  CHECK(rest.empty());
}

TEST_CASE("request_parser refuses use that its state forbids") {
  SUBCASE("another request after Connection: close") {
    request_parser parser;
    parser.feed(eddy::http::bytes_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK(parser.feed({}).event == request_event::end);
    CHECK_THROWS_AS(parser.begin(), std::logic_error);
  }
  SUBCASE("anything after an error") {
    request_parser parser;
    CHECK_THROWS_AS(parser.feed(eddy::http::bytes_of("?\r\n")), eddy::http::protocol_error);
    CHECK_THROWS_AS(parser.feed({}), std::logic_error);
    CHECK_FALSE(parser.keep_alive());
  }
}
