// Field lines: that the way for those that are as most are comes to the same as the way for all.
#include <doctest/doctest.h>

#include <string>

#include "../../net/http/field_line.hpp"
#include "parse_trace.hpp"

namespace {

constexpr std::string_view body = "a body of some bytes";

std::string response_with(std::string_view line) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(line) + "\r\nLast: one\r\n\r\n" + std::string(body);
}

// Byte by byte nothing is known of a line before it is whole, and each goes the way for all.
void check_both_ways(const std::string& line) {
  CAPTURE(line);
  const std::string bytes = response_with(line);
  parse_trace::pieces single;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    single.push_back(std::string_view(bytes).substr(i, 1));
  }
  const auto whole = parse_trace::response("GET", {bytes}, {});
  const auto cut = parse_trace::response("GET", single, {});
  CHECK(whole.events == cut.events);
  CHECK(whole.error == cut.error);
}

// Where chunks of sixteen bytes begin and end, and around it.
constexpr std::size_t places[] = {0, 1, 7, 14, 15, 16, 17, 31, 32};

}  // namespace

TEST_CASE("field lines: any byte at any place of a name") {
  const std::string name = "X-Name-Of-More-Than-Thirty-Two-Bytes";
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::size_t place : places) {
      std::string line = name + ": value";
      line[place] = static_cast<char>(byte);
      check_both_ways(line);
    }
  }
}

TEST_CASE("field lines: any byte at any place of a value") {
  const std::string value = "a value of more than thirty-two bytes";
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::size_t place : places) {
      std::string line = "X: " + value;
      line[3 + place] = static_cast<char>(byte);
      check_both_ways(line);
    }
  }
}

TEST_CASE("field lines: of any length, with any space around the value") {
  for (std::size_t name = 0; name < 40; ++name) {
    for (std::size_t value = 0; value < 40; ++value) {
      for (const char* before : {"", " ", "  ", "\t"}) {
        for (const char* after : {"", " ", "\t "}) {
          std::string line(name, 'n');
          check_both_ways(line.append(":").append(before).append(value, 'v').append(after));
        }
      }
    }
  }
}

TEST_CASE("cut_field_line says where the parts lie") {
  using eddy::http::cut_field_line;
  eddy::http::field_cut cut{};
  const std::string lines = "Skipped: 1\r\nServer: nginx\r\nAnd sixteen bytes more";
  REQUIRE(cut_field_line(lines, 12, cut));
  CHECK(lines.substr(cut.name, cut.name_size) == "Server");
  CHECK(lines.substr(cut.value, cut.value_size) == "nginx");
  CHECK(lines.substr(cut.next) == "And sixteen bytes more");
  // Nearer to the end a chunk would go beyond it.
  CHECK_FALSE(cut_field_line("Server: nginx\r\n\r\n", 0, cut));
  for (const char* other : {": v", "Na me: v", "Name : v", "Name:  v", "Name: v ", "Name: a\tb",
                            "Na_me: v", "Name: a\rb", "Name: a\x7f", "Name: v\n"}) {
    CAPTURE(other);
    CHECK_FALSE(cut_field_line(std::string(other) + "\r\nAnd sixteen bytes more", 0, cut));
  }
}
