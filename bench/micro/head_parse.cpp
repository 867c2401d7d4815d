// A typical response head, parsed as a whole and in pieces of 64 bytes. Every implementation leaves
// the fields where they outlive the bytes, but for the floor, which leaves views of them.
#include <strings.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../net/http/response_parser.hpp"
#include "checks.hpp"
#include "measuring.hpp"
#include "response_head.hpp"

namespace {

namespace http = eddy::http;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

found_head found_by(http::response_parser& parser) {
  const http::response_head head = parser.take_head();
  found_head found{head.status, head.fields.size(), 0, parser.keep_alive()};
  for (const auto& [name, value] : head.fields) found.bytes += name.size() + value.size();
  return found;
}

void parse(benchmark::State& state, std::size_t piece) {
  http::response_parser parser;
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    parser.begin("GET");
    std::string_view left = response_head_text;
    while (!parser.done()) {
      const http::response_step step = parser.feed(bytes_of(left.substr(0, piece)));
      left.remove_prefix(step.consumed);
    }
    good = good && is_right(found_by(parser));
  }
  m.stop(iterations_of(state));
  check(state, good);
}

void whole_eddy(benchmark::State& state) { parse(state, response_head_text.size()); }
BENCHMARK(whole_eddy)->Name("head_parse/eddy");

void pieces_eddy(benchmark::State& state) { parse(state, piece_bytes); }
BENCHMARK(pieces_eddy)->Name("head_parse_pieces/eddy");

// A scan for line ends and colons that believes what it sees.
class scanner {
 public:
  struct field {
    std::string_view name;
    std::string_view value;
  };

  // True once the head is complete.
  bool scan(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    found_ = {};
    fields_.clear();
    for (bool first = true;; first = false) {
      const auto* line_end =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (!line_end) return false;
      const auto size = static_cast<std::size_t>(line_end - at);
      if (first) {
        found_.status = std::atoi(at + std::strlen("HTTP/1.1 "));
      } else if (size <= 1) {
        return true;
      } else if (!add(at, size - 1)) {
        return false;
      }
      at = line_end + 1;
    }
  }
  const found_head& found() const { return found_; }
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  bool add(const char* line, std::size_t size) {
    const auto* colon = static_cast<const char*>(std::memchr(line, ':', size));
    if (!colon) return false;
    const auto name_size = static_cast<std::size_t>(colon - line);
    const std::string_view name(line, name_size);
    const std::string_view value(colon + 2, size - name_size - 2);
    fields_.push_back({name, value});
    ++found_.fields;
    found_.bytes += name.size() + value.size();
    if (is(name, "content-length")) body_bytes_ = std::strtoul(value.data(), nullptr, 10);
    if (is(name, "connection")) found_.keep_alive = is(value, "keep-alive");
    return true;
  }
  static bool is(std::string_view text, std::string_view lower) {
    return text.size() == lower.size() &&
           ::strncasecmp(text.data(), lower.data(), lower.size()) == 0;
  }

  found_head found_;
  std::vector<field> fields_;
  std::size_t body_bytes_ = 0;
};

void whole_floor(benchmark::State& state) {
  scanner scan;
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    std::string_view text = response_head_text;
    benchmark::DoNotOptimize(text);
    good = good && scan.scan(text) && is_right(scan.found()) && scan.body_bytes() == 0;
  }
  m.stop(iterations_of(state));
  check(state, good);
}
BENCHMARK(whole_floor)->Name("head_parse/floor");

// Gathered until the empty line is there, then scanned once, as by http/raw_client.c.
void pieces_floor(benchmark::State& state) {
  scanner scan;
  std::string gathered;
  bool good = true;
  measuring m(state);
  for (auto _ : state) {
    gathered.clear();
    std::size_t end = std::string::npos;
    for (std::size_t at = 0; end == std::string::npos; at += piece_bytes) {
      std::string_view piece = response_head_text.substr(at, piece_bytes);
      benchmark::DoNotOptimize(piece);
      const std::size_t seen = gathered.size() < 3 ? 0 : gathered.size() - 3;
      gathered.append(piece);
      end = gathered.find("\r\n\r\n", seen);
    }
    good = good && scan.scan(gathered) && is_right(scan.found()) && scan.body_bytes() == 0;
  }
  m.stop(iterations_of(state));
  check(state, good);
}
BENCHMARK(pieces_floor)->Name("head_parse_pieces/floor");

}  // namespace
