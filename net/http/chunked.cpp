#include "chunked.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include <eddy/net/http/error.hpp>

#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int content_too_large = 413;

// 64 bits; leading zeros count, so that a size cannot be endless.
constexpr std::size_t max_size_digits = 16;
constexpr std::size_t line_end_bytes = 2;

// A caller may set the bound to the largest number there is.
constexpr std::size_t longest_size_line(std::size_t extension_bytes) {
  constexpr std::size_t rest = max_size_digits + line_end_bytes;
  return extension_bytes > SIZE_MAX - rest ? SIZE_MAX : extension_bytes + rest;
}

struct chunk_line {
  std::uint64_t size;
  std::size_t digits;
};

chunk_line parse_size(std::string_view line) {
  chunk_line parsed{0, 0};
  while (parsed.digits < line.size()) {
    const int value = grammar::hex_value(line[parsed.digits]);
    if (value < 0) break;
    if (++parsed.digits > max_size_digits) {
      throw protocol_error("chunk size " + quoted(line) + " has more than " +
                           std::to_string(max_size_digits) + " digits");
    }
    parsed.size = parsed.size << 4U | static_cast<std::uint64_t>(value);
  }
  if (parsed.digits == 0) {
    throw protocol_error("chunk size " + quoted(line) + " is not a hexadecimal number");
  }
  return parsed;
}

// RFC 9112 §7.1.1. What an extension says is not our business, only that it cannot be taken for a
// line end or for a part of the size.
void check_extension(std::string_view extension, std::string_view line) {
  const std::string_view trimmed = grammar::trim_whitespace(extension);
  if (!trimmed.empty() && trimmed.front() != ';') {
    throw protocol_error("chunk size line " + quoted(line) + " goes on after the size");
  }
  if (const auto bad = grammar::find_other(extension, grammar::field_text);
      bad != std::string_view::npos) {
    throw protocol_error("chunk extension in " + quoted(line) + " holds the control byte " +
                         hex_byte(extension[bad]));
  }
}

}  // namespace

chunked_decoder::chunked_decoder(const limits& bounds)
    : bounds_(bounds), trailers_(head_parser::kind::trailers, bounds) {}

void chunked_decoder::reset() noexcept {
  lines_.clear();
  trailers_.reset();
  data_ = {};
  state_ = state::awaits_size;
  chunk_left_ = decoded_ = declared_ = extension_debt_ = 0;
}

chunked_decoder::progress chunked_decoder::feed(std::string_view& input) {
  const std::size_t limit = bounds_.max_chunk_extension_bytes();
  const line_bound size_line{longest_size_line(limit), "chunk size line",
                             "max_chunk_extension_bytes", limit, content_too_large};
  while (!input.empty() && state_ != state::ended) {
    switch (state_) {
      case state::awaits_size: {
        const auto line = lines_.next(input, size_line);
        if (line) begin_chunk(*line);
        break;
      }
      case state::in_data: {
        data_ = input.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size())));
        input.remove_prefix(data_.size());
        chunk_left_ -= data_.size();
        decoded_ += data_.size();
        if (chunk_left_ == 0) state_ = state::awaits_data_cr;
        return progress::data;
      }
      case state::awaits_data_cr:
        expect('\r', input, state::awaits_data_lf);
        break;
      case state::awaits_data_lf:
        expect('\n', input, state::awaits_size);
        break;
      case state::in_trailers:
        if (trailers_.feed(input) == head_parser::progress::complete) state_ = state::ended;
        break;
      case state::ended:
        break;
    }
  }
  return state_ == state::ended ? progress::complete : progress::need_more;
}

void chunked_decoder::begin_chunk(std::string_view line) {
  const chunk_line parsed = parse_size(line);
  const std::string_view extension = line.substr(parsed.digits);
  check_extension(extension, line);
  charge_extension(extension.size());
  if (parsed.size == 0) {
    state_ = state::in_trailers;
    return;
  }
  const std::uint64_t limit = bounds_.max_body_bytes();
  if (parsed.size > limit || declared_ > limit - parsed.size) {
    throw protocol_error("chunked body exceeds max_body_bytes (" + std::to_string(limit) +
                             ") with a chunk of " + std::to_string(parsed.size) + " bytes after " +
                             std::to_string(declared_),
                         content_too_large);
  }
  declared_ += parsed.size;
  extension_debt_ -= std::min(extension_debt_, parsed.size);
  chunk_left_ = parsed.size;
  state_ = state::in_data;
}

void chunked_decoder::charge_extension(std::size_t bytes) {
  extension_debt_ += bytes;
  if (extension_debt_ > bounds_.max_chunk_extension_bytes()) {
    throw protocol_error("chunk extensions exceed max_chunk_extension_bytes (" +
                             std::to_string(bounds_.max_chunk_extension_bytes()) + ")",
                         content_too_large);
  }
}

void chunked_decoder::expect(char byte, std::string_view& input, state next) {
  if (input.front() != byte) {
    throw protocol_error("chunk data is followed by " + hex_byte(input.front()) +
                         " instead of CRLF");
  }
  input.remove_prefix(1);
  state_ = next;
}

}  // namespace eddy::inline v1::http
