#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <eddy/net/http/error.hpp>
#include <eddy/net/http/headers.hpp>

#include "parse_trace.hpp"

using eddy::http::headers;
using parse_trace::in_braces;

TEST_CASE("headers keep order and duplicates") {
  headers fields;
  CHECK(fields.empty());
  fields.add("Set-Cookie", "a=1").add("Host", "example.com").add("set-cookie", "b=2");
  CHECK(fields.size() == 3);
  CHECK(in_braces(fields) == "{Set-Cookie: a=1, Host: example.com, set-cookie: b=2}");
}

TEST_CASE("headers look names up without regard to case") {
  headers fields;
  fields.add("X-Count", "1").add("x-count", "2").add("X-Counter", "3").add("Empty", "");
  CHECK(fields.get("X-COUNT") == "1");
  CHECK(fields.get_all("x-Count") == std::vector<std::string_view>{"1", "2"});
  CHECK(fields.get_combined("X-Count") == "1, 2");
  CHECK(fields.get("Empty") == "");
  CHECK(fields.contains("empty"));
  CHECK_FALSE(fields.contains("X-Coun"));
  CHECK(fields.get("absent") == std::nullopt);
  CHECK(fields.get_combined("absent") == std::nullopt);
  CHECK(fields.get_all("absent").empty());
}

TEST_CASE("headers compare names in ASCII only") {
  // '[' and '{', '@' and '`' differ by the bit that tells letters' cases apart.
  headers fields;
  fields.add("a^b", "1").add("k`", "2");
  CHECK_FALSE(fields.contains("a~b"));
  CHECK_FALSE(fields.contains("k@"));
}

TEST_CASE("headers look past names that look alike") {
  // Of one length, with the same ends.
  headers fields;
  fields.add("X-Able", "1").add("X-Axle", "2");
  CHECK(fields.get("x-axle") == "2");
  CHECK_FALSE(fields.contains("X-Ante"));
  CHECK(fields.get("") == std::nullopt);
  CHECK(fields.remove("X-Able") == 1);
  CHECK_FALSE(fields.contains("X-Able"));
  CHECK(fields.get("X-Axle") == "2");
  headers moved = std::move(fields);
  CHECK(moved.contains("X-Axle"));
  const headers copied = moved;
  moved.clear();
  CHECK_FALSE(moved.contains("X-Axle"));
  CHECK(copied.get("X-AXLE") == "2");
}

TEST_CASE("headers take names and values from themselves") {
  headers fields;
  for (int i = 0; i < 200; ++i) {
    fields.add("A-Name", "a value of some length " + std::to_string(i));
    const auto first = *fields.begin();
    fields.add(first.name, first.value);
    fields.set(first.name, first.value);
    REQUIRE(in_braces(fields) == "{A-Name: a value of some length 0}");
  }
}

TEST_CASE("headers::set replaces all of a name at the first one's place") {
  headers fields;
  fields.add("A", "1").add("B", "2").add("a", "3").add("C", "4");
  fields.set("a", "5");
  CHECK(in_braces(fields) == "{a: 5, B: 2, C: 4}");
  fields.set("D", "6");
  CHECK(in_braces(fields) == "{a: 5, B: 2, C: 4, D: 6}");
}

TEST_CASE("headers::remove says how many there were") {
  headers fields;
  fields.add("A", "1").add("B", "2").add("a", "3");
  CHECK(fields.remove("A") == 2);
  CHECK(fields.remove("A") == 0);
  CHECK(in_braces(fields) == "{B: 2}");
  fields.clear();
  CHECK(fields.empty());
}

TEST_CASE("headers chain on a temporary") {
  const headers fields = headers().add("A", "1").set("B", "2");
  CHECK(in_braces(fields) == "{A: 1, B: 2}");
}

TEST_CASE("headers trim whitespace around values and keep it inside") {
  headers fields;
  fields.add("A", " \t one\t two \t").set("B", "\t").add("C", "caf\xC3\xA9");
  CHECK(fields.get("A") == "one\t two");
  CHECK(fields.get("B") == "");
  CHECK(fields.get("C") == "caf\xC3\xA9");
}

TEST_CASE("headers accept views into themselves") {
  headers fields;
  fields.add("Original", std::string(40, 'x'));
  for (int i = 0; i < 50; ++i) {
    fields.add("Copy-" + std::to_string(i), *fields.get("Original"));
    const auto last = *std::next(fields.begin(), i);
    fields.add(last.name, last.value);
    fields.remove("nothing");
  }
  for (const auto& [name, value] : fields) CHECK(value == std::string(40, 'x'));
  fields.set("Original", *fields.get("Copy-49"));
  CHECK(fields.get("original") == std::string(40, 'x'));
}

TEST_CASE("headers are values") {
  headers original;
  original.add("A", "1");
  headers copy = original;
  copy.set("A", "2");
  CHECK(original.get("A") == "1");
  const headers moved = std::move(copy);
  CHECK(moved.get("A") == "2");
}

TEST_CASE("headers refuse what could split a message and name the field") {
  struct sample {
    std::string name;
    std::string value;
    std::string message;
  };
  using namespace std::string_literals;
  const std::vector<sample> samples = {
      {"", "x", "header name is empty"},
      {"A B", "x", "header name \"A B\" holds 0x20, which no token may"},
      {"A:", "x", "header name \"A:\" holds 0x3a, which no token may"},
      {"A\r\nB", "x", "header name \"A\\x0d\\x0aB\" holds 0x0d, which no token may"},
      {"\xC3\xA9", "x", "header name \"\\xc3\\xa9\" holds 0xc3, which no token may"},
      {"A", "x\r\nB: y", "value of header \"A\" holds the control byte 0x0d"},
      {"A", "x\ny", "value of header \"A\" holds the control byte 0x0a"},
      {"A", "x\0y"s, "value of header \"A\" holds the control byte 0x00"},
      {"A", "x\x7Fy", "value of header \"A\" holds the control byte 0x7f"},
      {"A", "\x1B[31m", "value of header \"A\" holds the control byte 0x1b"},
      {"A", "x\r", "value of header \"A\" holds the control byte 0x0d"},
  };
  for (const sample& it : samples) {
    CAPTURE(it.message);
    headers fields;
    fields.add("Kept", "1");
    CHECK_THROWS_WITH_AS(fields.add(it.name, it.value), it.message.c_str(),
                         eddy::http::invalid_request);
    CHECK_THROWS_WITH_AS(fields.set(it.name, it.value), it.message.c_str(),
                         eddy::http::invalid_request);
    CHECK(in_braces(fields) == "{Kept: 1}");
  }
}

TEST_CASE("every byte is judged wherever it stands in a value") {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(value);
        const bool is_control = (value < 0x20 && value != '\t') || value == 0x7F;
        bool refused = false;
        try {
          headers().add("Name", text);
        } catch (const eddy::http::invalid_request&) {
          refused = true;
        }
        if (refused != is_control) FAIL("byte ", value, " at ", at, " of ", size);
      }
    }
  }
}

TEST_CASE("a header set again and again does not grow the object") {
  headers fields;
  fields.add("Other", "value");
  for (int i = 0; i < 1000; ++i) fields.set("Counter", std::to_string(i));
  CHECK(in_braces(fields) == "{Other: value, Counter: 999}");
  CHECK(fields.get("Counter")->data() - fields.get("Other")->data() < 20);
}

TEST_CASE("http errors") {
  CHECK(std::string(eddy::http::status_error(404, "Not Found", "http://a/b").what()) ==
        "404 Not Found for http://a/b");
  CHECK(std::string(eddy::http::status_error(500, "", "http://a/").what()) == "500 for http://a/");
  CHECK(std::string(eddy::http::status_error(500, "a\x1B[0m", "http://a/").what()) ==
        "500 a\\x1b[0m for http://a/");
  CHECK(eddy::http::status_error(503, "", "").status() == 503);
  CHECK(eddy::http::protocol_error("x").answer_status() == 400);
  CHECK_THROWS_AS(throw eddy::http::content_error("x"), eddy::http::error);
}
