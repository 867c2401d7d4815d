#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "../../net/http/response_parser.hpp"
#include "parse_trace.hpp"

using eddy::http::limits;
using eddy::http::response_event;
using eddy::http::response_parser;
using parse_trace::every_cut;
using parse_trace::outcome;

namespace {

struct message {
  std::string method;
  std::string bytes;
  std::string events;
};

// Every message here ends by itself, so that trailing bytes make sense.
const std::vector<message>& self_delimited_messages() {
  static const std::vector<message> messages = {
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
       "head 200 OK {Content-Length: 5} / body hello / end"},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "head 200 OK {Content-Length: 0} / end"},
      {"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "head 200  {Content-Length: 0} / end"},
      {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "head 200  {Content-Length: 0} / end"},
      {"GET", "HTTP/1.1 404 Not \t Found\r\ncontent-length:1\r\nX:\r\nX: \t y \t\r\n\r\n!",
       "head 404 Not \t Found {content-length: 1, X: , X: y} / body ! / end"},
      {"GET", "HTTP/1.1 999 Caf\xC3\xA9\r\nContent-Length: 0\r\nA: \xFF\r\n\r\n",
       "head 999 Caf\xC3\xA9 {Content-Length: 0, A: \xFF} / end"},
      {"POST",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
       "head 200 OK {Transfer-Encoding: chunked} / body hello! / end"},
      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nDigest: z\r\n\r\n",
       "head 200 OK {Transfer-Encoding: Chunked} / trailers {Digest: z} / end"},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
       "head 200 OK {Content-Length: 5} / end"},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "head 200 OK {Transfer-Encoding: chunked} / end"},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
       "head 304 Not Modified {Content-Length: 5} / end"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "head 204 No Content {} / end"},
      {"PUT",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "interim 100 Continue {} / interim 103 Early Hints {Link: </a>} / "
       "head 200 OK {Content-Length: 2} / body ok / end"},
      {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
       "head 200 OK HTTP/1.0 {Connection: keep-alive, Content-Length: 2} / body ok / end"},
  };
  return messages;
}

}  // namespace

TEST_CASE("responses that end by themselves, cut everywhere") {
  for (const message& it : self_delimited_messages()) {
    CAPTURE(it.bytes);
    for (const auto& cut : every_cut(it.bytes)) {
      const outcome result = parse_trace::response(it.method, cut);
      CHECK(result.error == "");
      CHECK(result.events == it.events + " / keep-alive");
      CHECK(result.consumed == it.bytes.size());
    }
  }
}

TEST_CASE("bytes after a response are not consumed and end the connection's use") {
  for (const message& it : self_delimited_messages()) {
    CAPTURE(it.bytes);
    const std::string bytes = it.bytes + "HTTP/1.1 200 OK\r\n";
    for (const auto& cut : every_cut(bytes)) {
      const outcome result = parse_trace::response(it.method, cut);
      CHECK(result.error == "");
      CHECK(result.events == it.events);
      CHECK(result.consumed == it.bytes.size());
    }
  }
}

TEST_CASE("a truncated response is an error that says how much is missing") {
  for (const message& it : self_delimited_messages()) {
    CAPTURE(it.bytes);
    for (std::size_t size = 0; size < it.bytes.size(); ++size) {
      const auto cut = parse_trace::whole(std::string_view(it.bytes).substr(0, size));
      CHECK(parse_trace::response(it.method, cut).error.starts_with("connection closed "));
    }
  }
  const auto error = [](std::string_view bytes) {
    return parse_trace::response("GET", parse_trace::whole(bytes)).error;
  };
  CHECK(error("") == "connection closed before the response");
  CHECK(error("HTTP/1.1 2") == "connection closed after 10 bytes of the response head");
  CHECK(error("HTTP/1.1 200 OK\r\nA: b\r\n") ==
        "connection closed after 23 bytes of the response head");
  CHECK(error("HTTP/1.1 100 Continue\r\n\r\n") ==
        "connection closed between an interim response and the final one");
  CHECK(error("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789") ==
        "connection closed after 10 of 20 bytes of the response body");
  CHECK(error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe") ==
        "connection closed after 2 bytes of a chunked response body, before its end");
}

TEST_CASE("responses that leave no connection to reuse, cut everywhere") {
  const std::vector<message> messages = {
      {"GET", "HTTP/1.1 200 OK\r\n\r\nuntil close", "head 200 OK {} / body until close / end"},
      {"GET", "HTTP/1.1 200 OK\r\n\r\n", "head 200 OK {} / end"},
      {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "head 200 OK HTTP/1.0 {Content-Length: 2} / body ok / end"},
      {"GET", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok",
       "head 200 OK {Connection: x, Close, Content-Length: 2} / body ok / end"},
      {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
       "head 204 No Content {Content-Length: 5} / end"},
      {"GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
       "head 204 No Content {Transfer-Encoding: chunked} / end"},
      {"GET",
       "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
       "interim 103 Early Hints {Content-Length: 5} / head 204 No Content {} / end"},
      {"CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
       "head 200 OK {Content-Length: 5} / end"},
  };
  for (const message& it : messages) {
    CAPTURE(it.bytes);
    for (const auto& cut : every_cut(it.bytes)) {
      const outcome result = parse_trace::response(it.method, cut);
      CHECK(result.error == "");
      CHECK(result.events == it.events);
    }
  }
}

TEST_CASE("malformed responses, cut everywhere") {
  struct malformed {
    std::string bytes;
    std::string error;
  };
  using namespace std::string_literals;
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<malformed> samples = {
      // What is not HTTP/1 at all is told from its first bytes, without waiting for a line end.
      {"SSH-2.0-OpenSSH_9.2\r\n", "response starts with \"SSH-2\" instead of \"HTTP/\""},
      {"\x15\x03\x01\x00\x02\x02"s,
       "response starts with \"\\x15\\x03\\x01\\x00\\x02\" instead of \"HTTP/\""},
      {"\x00\x00\x12\x04\x00\x00"s,
       "response starts with \"\\x00\\x00\\x12\\x04\\x00\" instead of \"HTTP/\""},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       "response starts with \"PRI *\" instead of \"HTTP/\""},
      {"<html>", "response starts with \"<html\" instead of \"HTTP/\""},
      {"hi\n", "response starts with \"hi\\x0a\" instead of \"HTTP/\""},
      {"\r\nHTTP/1.1 200 OK\r\n", "response starts with \"\\x0d\\x0a\" instead of \"HTTP/\""},
      {"http/1.1 200 OK\r\n", "response starts with \"http/\" instead of \"HTTP/\""},
      {"ICY 200 OK\r\n", "response starts with \"ICY 2\" instead of \"HTTP/\""},
      {"HTTP/1.1 100 Continue\r\n\r\n<html>",
       "response starts with \"<html\" instead of \"HTTP/\""},
      {"HTTP/2 200\r\n", "version \"HTTP/2\" in \"HTTP/2 200\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"HTTP/1.2 200 OK\r\n",
       "version \"HTTP/1.2\" in \"HTTP/1.2 200 OK\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"HTTP/1.10 200 OK\r\n",
       "version \"HTTP/1.10\" in \"HTTP/1.10 200 OK\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"HTTP/\r\n", "version \"HTTP/\" in \"HTTP/\" is neither HTTP/1.1 nor HTTP/1.0"},
      {"HTTP/1.1\r\n", "status \"\" in status line \"HTTP/1.1\" is not a number from 100 to 999"},
      {"HTTP/1.1  200 OK\r\n",
       "status \"\" in status line \"HTTP/1.1  200 OK\" is not a number from 100 to 999"},
      {"HTTP/1.1 20 OK\r\n",
       "status \"20\" in status line \"HTTP/1.1 20 OK\" is not a number from 100 to 999"},
      {"HTTP/1.1 2000 OK\r\n",
       "status \"2000\" in status line \"HTTP/1.1 2000 OK\" is not a number from 100 to 999"},
      {"HTTP/1.1 099 OK\r\n",
       "status \"099\" in status line \"HTTP/1.1 099 OK\" is not a number from 100 to 999"},
      {"HTTP/1.1 200\tOK\r\n",
       "status \"200\\x09OK\" in status line \"HTTP/1.1 200\\x09OK\" is not a number from 100 to "
       "999"},
      {"HTTP/1.1 2x0 OK\r\n",
       "status \"2x0\" in status line \"HTTP/1.1 2x0 OK\" is not a number from 100 to 999"},
      {"HTTP/1.1 200 O\rK\r\n",
       "reason in status line \"HTTP/1.1 200 O\\x0dK\" holds the control byte 0x0d"},
      {"HTTP/1.1 200 O\0K\r\n"s,
       "reason in status line \"HTTP/1.1 200 O\\x00K\" holds the control byte 0x00"},
      {"HTTP/1.1 200 OK\n", "bare LF after \"HTTP/1.1 200 OK\" in the status line"},
      {ok + "A: b\n\r\n", "bare LF after \"A: b\" in the response head"},
      {ok + "A: b\r\n\n", "bare LF after \"\" in the response head"},
      {ok + "A: b\rC: d\r\n\r\n",
       "value of field \"A\" in the response head holds the control byte 0x0d"},
      {ok + "A: b\r\r\n\r\n",
       "value of field \"A\" in the response head holds the control byte 0x0d"},
      {ok + "A: b\0c\r\n\r\n"s,
       "value of field \"A\" in the response head holds the control byte 0x00"},
      {ok + "A : b\r\n\r\n", "whitespace before the colon of field \"A \" in the response head"},
      {ok + "A\t: b\r\n\r\n",
       "whitespace before the colon of field \"A\\x09\" in the response head"},
      {ok + "A: b\r\n c\r\n\r\n", "folded line \" c\" in the response head"},
      {ok + " A: b\r\n\r\n", "folded line \" A: b\" in the response head"},
      {ok + "A: b\r\n\tc\r\n\r\n", "folded line \"\\x09c\" in the response head"},
      {ok + "nothing\r\n\r\n", "line \"nothing\" without a colon in the response head"},
      {ok + ": b\r\n\r\n", "line \": b\" with an empty field name in the response head"},
      {ok + "A B: c\r\n\r\n",
       "field name \"A B\" in the response head holds 0x20, which no token may"},
      {ok + "A\0: c\r\n\r\n"s,
       "field name \"A\\x00\" in the response head holds 0x00, which no token may"},
      {ok + "\xEF\xBB\xBF"
            "A: c\r\n\r\n",
       "field name \"\\xef\\xbb\\xbfA\" in the response head holds 0xef, which no token may"},
      {ok + "Content-Length: 5x\r\n\r\n", "Content-Length \"5x\" is not a number"},
      {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       "both Transfer-Encoding and Content-Length (5)"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n",
       "101 Switching Protocols to a request that asked for no upgrade"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
       "chunk data is followed by 0x58 instead of CRLF"},
  };
  for (const malformed& it : samples) {
    CAPTURE(it.bytes);
    for (const auto& cut : every_cut(it.bytes)) {
      CHECK(parse_trace::response("GET", cut).error == it.error);
    }
  }
}

TEST_CASE("response bounds name themselves, cut everywhere") {
  struct bounded {
    limits bounds;
    std::string bytes;
    std::string error;  // empty: just within the bound
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";  // 17 bytes
  const std::vector<bounded> samples = {
      {limits().max_head_bytes(25), ok + "A: b\r\n\r\n", ""},
      {limits().max_head_bytes(24), ok + "A: b\r\n\r\n",
       "response head exceeds max_head_bytes (24)"},
      {limits().max_head_bytes(20), ok + "A: bbbbbbbbbbbbbb",
       "response head exceeds max_head_bytes (20)"},
      {limits().max_head_bytes(10), ok, "response head exceeds max_head_bytes (10)"},
      {limits().max_start_line_bytes(17), ok + "\r\n", ""},
      {limits().max_start_line_bytes(16), ok, "status line exceeds max_start_line_bytes (16)"},
      // A reason phrase has no bound of its own.
      {limits().max_start_line_bytes(64), "HTTP/1.1 200 " + std::string(49, 'r') + "\r\n\r\n", ""},
      {limits().max_start_line_bytes(64), "HTTP/1.1 200 " + std::string(50, 'r') + "\r\n\r\n",
       "status line exceeds max_start_line_bytes (64)"},
      {limits().max_header_count(2), ok + "A: 1\r\nB: 2\r\n\r\n", ""},
      {limits().max_header_count(1), ok + "A: 1\r\nB: 2\r\n\r\n",
       "response head has more fields than max_header_count (1)"},
      {limits().max_interim_responses(1), "HTTP/1.1 100 C\r\n\r\n" + ok + "\r\n", ""},
      {limits().max_interim_responses(1), "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
       "more interim responses than max_interim_responses (1)"},
      {limits().max_body_bytes(5), ok + "Content-Length: 5\r\n\r\nhello", ""},
      {limits().max_body_bytes(5), ok + "Content-Length: 6\r\n\r\n",
       "response body of at least 6 bytes exceeds max_body_bytes (5)"},
      {limits().max_body_bytes(5), ok + "\r\nhello", ""},
      {limits().max_body_bytes(5), ok + "\r\nhello!",
       "response body of at least 6 bytes exceeds max_body_bytes (5)"},
      {limits().max_body_bytes(5), ok + "Transfer-Encoding: chunked\r\n\r\n6\r\n",
       "chunked body exceeds max_body_bytes (5) with a chunk of 6 bytes after 0"},
  };
  for (const bounded& it : samples) {
    CAPTURE(it.bytes);
    for (const auto& cut : every_cut(it.bytes)) {
      CHECK(parse_trace::response("GET", cut, it.bounds).error == it.error);
    }
  }
}

TEST_CASE("an endless line is given up at the bound, not at its end") {
  response_parser parser(limits().max_head_bytes(1000));
  parser.begin("GET");
  parser.feed(eddy::http::bytes_of("HTTP/1.1 200 OK\r\nA: "));
  const std::string piece(100, 'x');
  std::size_t fed = 0;
  CHECK_THROWS_AS(for (;; ++fed) parser.feed(eddy::http::bytes_of(piece)),
                  eddy::http::protocol_error);
  CHECK(fed == 9);
}

TEST_CASE("a connection carries one response after another") {
  response_parser parser;
  CHECK_FALSE(parser.keep_alive());
  for (int round = 0; round < 3; ++round) {
    parser.begin("GET");
    CHECK_THROWS_AS(parser.begin("GET"), std::logic_error);
    auto bytes = eddy::http::bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    auto step = parser.feed(bytes);
    CHECK(step.event == response_event::head);
    CHECK_FALSE(parser.keep_alive());
    CHECK(parser.take_head().fields.get("content-length") == "2");
    bytes = bytes.subspan(step.consumed);
    step = parser.feed(bytes);
    CHECK(step.event == response_event::body);
    CHECK(step.body.data() == bytes.data());  // a view, not a copy
    CHECK(parser.feed({}).event == response_event::end);
    CHECK(parser.done());
    CHECK(parser.keep_alive());
  }
}

TEST_CASE("response_parser refuses use that its state forbids") {
  SUBCASE("bytes before a request") {
    response_parser parser;
    CHECK(parser.feed({}).event == response_event::need_more);
    CHECK_THROWS_WITH_AS(parser.feed(eddy::http::bytes_of("H")),
                         "bytes from the server before any request", eddy::http::protocol_error);
    CHECK_THROWS_AS(parser.begin("GET"), std::logic_error);
  }
  SUBCASE("anything after an error") {
    response_parser parser;
    parser.begin("GET");
    CHECK_THROWS_AS(parser.feed(eddy::http::bytes_of("nonsense")), eddy::http::protocol_error);
    CHECK_THROWS_AS(parser.feed({}), std::logic_error);
    CHECK_THROWS_AS(parser.begin("GET"), std::logic_error);
    CHECK_FALSE(parser.keep_alive());
  }
  SUBCASE("another request where the first left bytes over") {
    response_parser parser;
    parser.begin("HEAD");
    const auto bytes = eddy::http::bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const auto step = parser.feed(bytes);
    CHECK(step.event == response_event::head);
    CHECK(parser.feed({}).event == response_event::end);
    CHECK(parser.keep_alive());
    CHECK(parser.feed(bytes.subspan(step.consumed)).event == response_event::end);
    CHECK_FALSE(parser.keep_alive());
    CHECK_THROWS_AS(parser.begin("GET"), std::logic_error);
  }
  SUBCASE("another request after the connection ended") {
    response_parser parser;
    parser.begin("HEAD");
    parser.feed(eddy::http::bytes_of("HTTP/1.1 200 OK\r\n\r\n"));
    CHECK(parser.finish() == response_event::end);
    CHECK_FALSE(parser.keep_alive());
  }
}

TEST_CASE("a tunnel's bytes are left to their owner") {
  const std::string_view bytes = "HTTP/1.1 200 OK\r\n\r\ntunnel";
  const outcome result = parse_trace::response("CONNECT", parse_trace::whole(bytes));
  CHECK(result.events == "head 200 OK {} / end");
  CHECK(result.consumed == bytes.size() - 6);
}
