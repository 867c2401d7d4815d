#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/framing.hpp"

using eddy::http::body_end;
using eddy::http::headers;
using eddy::http::http_version;

namespace {

using field_list = std::vector<std::pair<std::string, std::string>>;

headers make(const field_list& list) {
  headers fields;
  for (const auto& [name, value] : list) fields.add(name, value);
  return fields;
}

struct response_sample {
  std::string method;
  int status;
  field_list fields;
  body_end end;
  std::uint64_t size = 0;
  bool ambiguous = false;
};

}  // namespace

TEST_CASE("response framing follows RFC 9112 section 6.3 in its order") {
  const field_list sized = {{"Content-Length", "5"}};
  const field_list chunked = {{"Transfer-Encoding", "chunked"}};
  const std::vector<response_sample> samples = {
      {"GET", 200, {}, body_end::until_close},
      {"GET", 200, sized, body_end::sized, 5},
      {"GET", 200, {{"content-length", "0"}}, body_end::sized, 0},
      {"GET", 200, {{"Content-Length", "0005"}}, body_end::sized, 5},
      {"GET", 200, {{"Content-Length", "18446744073709551615"}}, body_end::sized, UINT64_MAX},
      {"GET", 200, {{"Content-Length", "5, 5"}}, body_end::sized, 5},
      {"GET", 200, {{"Content-Length", "5"}, {"Content-Length", "5"}}, body_end::sized, 5},
      {"GET", 200, chunked, body_end::chunked},
      {"GET", 200, {{"transfer-encoding", "CHUNKED"}}, body_end::chunked},
      {"GET", 404, sized, body_end::sized, 5},
      {"POST", 500, {}, body_end::until_close},
      {"HEAD", 200, sized, body_end::none},
      {"HEAD", 200, chunked, body_end::none},
      {"HEAD", 200, {}, body_end::none},
      {"head", 200, sized, body_end::sized, 5},  // methods are case-sensitive
      {"GET", 304, sized, body_end::none},
      {"GET", 204, {}, body_end::none},
      {"GET", 204, {{"Content-Length", "0"}}, body_end::none},
      {"GET", 204, sized, body_end::none, 0, true},
      {"GET", 204, chunked, body_end::none, 0, true},
      {"GET", 100, {}, body_end::none},
      {"GET", 103, sized, body_end::none, 0, true},
      {"GET", 205, {}, body_end::until_close},
      {"GET", 101, {}, body_end::tunnel},
      {"CONNECT", 200, {}, body_end::tunnel},
      {"CONNECT", 299, sized,
       body_end::tunnel},  // lengths in it are ignored, RFC 9110 section 9.3.6
      {"CONNECT", 204, chunked, body_end::tunnel},
      {"CONNECT", 407, sized, body_end::sized, 5},
  };
  for (const response_sample& it : samples) {
    CAPTURE(it.method);
    CAPTURE(it.status);
    const auto framing =
        eddy::http::response_framing(it.method, http_version::http_1_1, it.status, make(it.fields));
    CHECK(framing.end == it.end);
    CHECK(framing.size == it.size);
    CHECK(framing.ambiguous == it.ambiguous);
  }
}

TEST_CASE("request framing: no length means no body") {
  const auto framing = [](const field_list& fields) {
    return eddy::http::request_framing(http_version::http_1_1, make(fields));
  };
  CHECK(framing({}).end == body_end::none);
  CHECK(framing({{"Content-Length", "7"}}).end == body_end::sized);
  CHECK(framing({{"Content-Length", "7"}}).size == 7);
  CHECK(framing({{"Transfer-Encoding", "chunked"}}).end == body_end::chunked);
}

TEST_CASE("framing refuses what recipients disagree on") {
  struct sample {
    field_list fields;
    std::string message;
    int answer = 400;
  };
  const std::string big = "Content-Length \"18446744073709551616\" does not fit in 64 bits";
  const std::vector<sample> samples = {
      {{{"Content-Length", ""}}, "Content-Length is empty"},
      {{{"Content-Length", "5,"}}, "Content-Length is empty"},
      {{{"Content-Length", ",5"}}, "Content-Length is empty"},
      {{{"Content-Length", "5, 6"}}, "Content-Length is both \"5\" and \"6\""},
      {{{"Content-Length", "5, 05"}}, "Content-Length is both \"5\" and \"05\""},
      {{{"Content-Length", "5"}, {"content-length", "6"}},
       "Content-Length is both \"5\" and \"6\""},
      {{{"Content-Length", "-5"}}, "Content-Length \"-5\" is not a number"},
      {{{"Content-Length", "+5"}}, "Content-Length \"+5\" is not a number"},
      {{{"Content-Length", "0x5"}}, "Content-Length \"0x5\" is not a number"},
      {{{"Content-Length", "5 5"}}, "Content-Length \"5 5\" is not a number"},
      {{{"Content-Length", "5.0"}}, "Content-Length \"5.0\" is not a number"},
      {{{"Content-Length", "18446744073709551616"}}, big},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
       "both Transfer-Encoding and Content-Length (5)"},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
       "both Transfer-Encoding and Content-Length (5)"},
      {{{"Transfer-Encoding", "chunked, chunked"}},
       "second \"chunked\" in Transfer-Encoding \"chunked, chunked\""},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       "second \"chunked\" in Transfer-Encoding \"chunked\""},
      {{{"Transfer-Encoding", "chunked, gzip"}},
       "coding after \"chunked\" in Transfer-Encoding \"chunked, gzip\""},
      {{{"Transfer-Encoding", "gzip, chunked"}},
       "unsupported coding in Transfer-Encoding \"gzip, chunked\"",
       501},
      {{{"Transfer-Encoding", "gzip"}}, "unsupported coding in Transfer-Encoding \"gzip\"", 501},
      {{{"Transfer-Encoding", "identity"}},
       "unsupported coding in Transfer-Encoding \"identity\"",
       501},
      {{{"Transfer-Encoding", "xchunked"}},
       "unsupported coding in Transfer-Encoding \"xchunked\"",
       501},
      {{{"Transfer-Encoding", "chunked;q=1"}},
       "unsupported coding in Transfer-Encoding \"chunked;q=1\"",
       501},
      {{{"Transfer-Encoding", "\"chunked\""}},
       "unsupported coding in Transfer-Encoding \"\\\"chunked\\\"\"",
       501},
      {{{"Transfer-Encoding", ""}}, "empty coding in Transfer-Encoding \"\""},
      {{{"Transfer-Encoding", "chunked,"}}, "empty coding in Transfer-Encoding \"chunked,\""},
      {{{"Transfer-Encoding", ", chunked"}}, "empty coding in Transfer-Encoding \", chunked\""},
  };
  for (const sample& it : samples) {
    CAPTURE(it.message);
    const headers fields = make(it.fields);
    for (const bool is_request : {false, true}) {
      try {
        if (is_request) {
          eddy::http::request_framing(http_version::http_1_1, fields);
        } else {
          eddy::http::response_framing("GET", http_version::http_1_1, 200, fields);
        }
        FAIL("accepted");
      } catch (const eddy::http::protocol_error& failure) {
        CHECK(failure.what() == it.message);
        CHECK(failure.answer_status() == it.answer);
      }
    }
  }
}

TEST_CASE("framing refuses malformed lengths even where no body follows") {
  CHECK_THROWS_AS(eddy::http::response_framing("HEAD", http_version::http_1_1, 200,
                                               make({{"Content-Length", "x"}})),
                  eddy::http::protocol_error);
  CHECK_THROWS_AS(eddy::http::response_framing("GET", http_version::http_1_1, 304,
                                               make({{"Content-Length", "1, 2"}})),
                  eddy::http::protocol_error);
}

TEST_CASE("framing refuses chunked in HTTP/1.0") {
  const headers fields = make({{"Transfer-Encoding", "chunked"}});
  CHECK_THROWS_WITH(eddy::http::response_framing("GET", http_version::http_1_0, 200, fields),
                    "Transfer-Encoding in an HTTP/1.0 message");
  CHECK_THROWS_WITH(eddy::http::request_framing(http_version::http_1_0, fields),
                    "Transfer-Encoding in an HTTP/1.0 message");
}

TEST_CASE("connection persistence") {
  const auto persists = [](http_version version, const field_list& fields) {
    return eddy::http::connection_persists(version, make(fields));
  };
  CHECK(persists(http_version::http_1_1, {}));
  CHECK(persists(http_version::http_1_1, {{"Connection", "upgrade"}}));
  CHECK_FALSE(persists(http_version::http_1_1, {{"Connection", "close"}}));
  CHECK_FALSE(persists(http_version::http_1_1, {{"connection", "upgrade, CLOSE"}}));
  CHECK_FALSE(persists(http_version::http_1_1, {{"Connection", "x"}, {"Connection", "close"}}));
  CHECK_FALSE(persists(http_version::http_1_1, {{"Connection", "keep-alive, close"}}));
  CHECK(persists(http_version::http_1_1, {{"Connection", "closed"}}));
  CHECK_FALSE(persists(http_version::http_1_0, {}));
  CHECK(persists(http_version::http_1_0, {{"Connection", "Keep-Alive"}}));
  CHECK_FALSE(persists(http_version::http_1_0, {{"Connection", "keep-alive, close"}}));
}
