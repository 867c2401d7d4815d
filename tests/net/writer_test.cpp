#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/writer.hpp"
#include "parse_trace.hpp"

using eddy::http::headers;
using eddy::http::invalid_request;

TEST_CASE("a request head has Host first and the rest in order") {
  std::string out = "kept ";
  eddy::http::append_request_head(
      out, "GET", "/a?b",
      headers().add("Accept", "*/*").add("host", "a:80").add("X", "1").add("x", ""));
  CHECK(out == "kept GET /a?b HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nX: 1\r\nx: \r\n\r\n");
}

TEST_CASE("a request head is refused before a byte is written") {
  struct sample {
    std::string method;
    std::string target;
    headers fields;
    std::string error;
  };
  using namespace std::string_literals;
  const headers host = headers().add("Host", "a");
  const auto with = [&](std::string_view name, std::string_view value) {
    return headers(host).add(name, value);
  };
  const std::vector<sample> samples = {
      {"", "/", host, "method \"\" is not a token"},
      {"GET /", "/", host, "method \"GET /\" is not a token"},
      {"GET\r\nX: y", "/", host, "method \"GET\\x0d\\x0aX: y\" is not a token"},
      {"GET", "", host, "request target is empty"},
      {"GET", "/a b", host, "request target \"/a b\" holds 0x20"},
      {"GET", "/\r\nX: y", host, "request target \"/\\x0d\\x0aX: y\" holds 0x0d"},
      {"GET", "/\n", host, "request target \"/\\x0a\" holds 0x0a"},
      {"GET", "/\0"s, host, "request target \"/\\x00\" holds 0x00"},
      {"GET", "/\x7F", host, "request target \"/\\x7f\" holds 0x7f"},
      {"GET", "/\xC3\xA9", host, "request target \"/\\xc3\\xa9\" holds 0xc3"},
      {"GET", "/a#b", host, "request target \"/a#b\" holds 0x23"},
      {"GET", "/", headers(), "request has 0 Host headers instead of one"},
      {"GET", "/", with("HOST", "b"), "request has 2 Host headers instead of one"},
      {"GET", "/", headers().add("Host", "a/b"), "Host \"a/b\" is not a host and port"},
      {"GET", "/", headers().add("Host", "u@a"), "Host \"u@a\" is not a host and port"},
      {"GET", "/", with("Content-Length", "1").add("Transfer-Encoding", "chunked"),
       "both Content-Length and Transfer-Encoding in one message"},
      {"GET", "/", with("Content-Length", "1").add("content-length", "1"),
       "more than one Content-Length"},
      {"GET", "/", with("Transfer-Encoding", "chunked").add("Transfer-Encoding", "chunked"),
       "more than one Transfer-Encoding"},
      {"GET", "/", with("Content-Length", "-1"), "Content-Length \"-1\" is not a number"},
      {"GET", "/", with("Content-Length", ""), "Content-Length \"\" is not a number"},
      {"GET", "/", with("Transfer-Encoding", "gzip, chunked"),
       "Transfer-Encoding \"gzip, chunked\" is not \"chunked\""},
  };
  for (const sample& it : samples) {
    CAPTURE(it.error);
    std::string out = "kept";
    CHECK_THROWS_WITH_AS(eddy::http::append_request_head(out, it.method, it.target, it.fields),
                         it.error.c_str(), invalid_request);
    CHECK(out == "kept");
  }
}

TEST_CASE("a response head") {
  std::string out;
  eddy::http::append_response_head(out, 200, "", headers().add("Content-Length", "0"));
  CHECK(out == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  out.clear();
  eddy::http::append_response_head(out, 404, "Gone fishing", headers());
  CHECK(out == "HTTP/1.1 404 Gone fishing\r\n\r\n");
  out.clear();
  eddy::http::append_response_head(out, 799, "", headers());
  CHECK(out == "HTTP/1.1 799 \r\n\r\n");
}

TEST_CASE("a response head is refused before a byte is written") {
  const auto refuse = [](int status, std::string_view reason, const headers& fields) {
    std::string out;
    try {
      eddy::http::append_response_head(out, status, reason, fields);
    } catch (const invalid_request& failure) {
      CHECK(out.empty());
      return std::string(failure.what());
    }
    return "accepted " + out;
  };
  CHECK(refuse(99, "", {}) == "status 99 is not from 100 to 999");
  CHECK(refuse(1000, "", {}) == "status 1000 is not from 100 to 999");
  CHECK(refuse(200, "a\r\nb", {}) == "reason \"a\\x0d\\x0ab\" holds the control byte 0x0d");
  CHECK(refuse(204, "", headers().add("Content-Length", "0")) ==
        "response 204 must not announce a body");
  CHECK(refuse(100, "", headers().add("Transfer-Encoding", "chunked")) ==
        "response 100 must not announce a body");
  CHECK(refuse(200, "", headers().add("Transfer-Encoding", "chunked").add("Content-Length", "1")) ==
        "both Content-Length and Transfer-Encoding in one message");
}

TEST_CASE("reason phrases") {
  CHECK(eddy::http::reason_phrase(100) == "Continue");
  CHECK(eddy::http::reason_phrase(418) == "");
  CHECK(eddy::http::reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(eddy::http::reason_phrase(511) == "Network Authentication Required");
  CHECK(eddy::http::reason_phrase(99) == "");
  CHECK(eddy::http::reason_phrase(512) == "");
}

TEST_CASE("chunks") {
  std::string out;
  eddy::http::append_chunk_prefix(out, 255);
  eddy::http::append_chunk_prefix(out, UINT64_MAX);
  CHECK(out == "ff\r\nffffffffffffffff\r\n");
  CHECK_THROWS_AS(eddy::http::append_chunk_prefix(out, 0), invalid_request);
  out.clear();
  eddy::http::append_last_chunk(out);
  CHECK(out == "0\r\n\r\n");
  out.clear();
  eddy::http::append_last_chunk(out, headers().add("Digest", "x"));
  CHECK(out == "0\r\nDigest: x\r\n\r\n");
  out.clear();
  CHECK_THROWS_WITH(eddy::http::append_last_chunk(out, headers().add("content-length", "1")),
                    "header \"content-length\" must not be sent as a trailer");
  CHECK(out.empty());
}

TEST_CASE("what the writer writes, the parsers read back") {
  std::string request;
  const headers fields = headers().add("Host", "a").add("Transfer-Encoding", "chunked");
  eddy::http::append_request_head(request, "POST", "/f", fields);
  std::string response;
  eddy::http::append_response_head(response, 200, "",
                                   headers().add("Transfer-Encoding", "chunked"));
  for (std::string* message : {&request, &response}) {
    eddy::http::append_chunk_prefix(*message, 5);
    message->append("hello").append(eddy::http::chunk_end);
    eddy::http::append_last_chunk(*message, headers().add("T", "u"));
  }
  CHECK(parse_trace::request(parse_trace::whole(request)).events ==
        "head POST /f {Host: a, Transfer-Encoding: chunked} / body hello / trailers {T: u} / end / "
        "keep-alive");
  CHECK(parse_trace::response("POST", parse_trace::whole(response)).events ==
        "head 200 OK {Transfer-Encoding: chunked} / body hello / trailers {T: u} / end / "
        "keep-alive");
}
