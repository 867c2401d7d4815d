#include "utf8.hpp"

#include <algorithm>

namespace eddy::inline v1::http {

namespace {

enum class verdict : std::uint8_t { good, bad, cut };

struct sequence {
  std::size_t size;
  verdict is;
};

// How a sequence goes on: so many bytes, the first of them within bounds of its own.
struct continuation {
  std::size_t bytes;
  unsigned least;
  unsigned most;
};

constexpr continuation after(unsigned lead) {
  if (lead < 0xC2) return {0, 0, 0};
  if (lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

unsigned value_of(char byte) { return static_cast<unsigned char>(byte); }

bool is_ascii(char byte) { return value_of(byte) < 0x80; }

// The one that begins with a byte that is not ASCII.
sequence sequence_at(std::string_view bytes) {
  continuation rest = after(value_of(bytes.front()));
  if (rest.bytes == 0) return {1, verdict::bad};
  for (std::size_t i = 1; i <= rest.bytes; ++i) {
    if (i == bytes.size()) return {i, verdict::cut};
    const unsigned value = value_of(bytes[i]);
    if (value < rest.least || value > rest.most) return {i, verdict::bad};
    rest.least = 0x80;
    rest.most = 0xBF;
  }
  return {rest.bytes + 1, verdict::good};
}

}  // namespace

void append_code_point(std::string& out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  const auto put_low = [&](unsigned shift) { put(0x80U | (code_point >> shift & 0x3FU)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | code_point >> 6U);
    put_low(0);
  } else if (code_point < 0x10000) {
    put(0xE0U | code_point >> 12U);
    put_low(6);
    put_low(0);
  } else {
    put(0xF0U | code_point >> 18U);
    put_low(12);
    put_low(6);
    put_low(0);
  }
}

std::size_t append_valid_utf8(std::string& out, std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::string_view rest = bytes.substr(at);
    const auto other = std::find_if_not(rest.begin(), rest.end(), is_ascii);
    const auto run = static_cast<std::size_t>(other - rest.begin());
    out.append(rest.substr(0, run));
    at += run;
    if (at == bytes.size()) break;
    const sequence next = sequence_at(rest.substr(run));
    if (next.is == verdict::cut) break;
    out.append(next.is == verdict::good ? bytes.substr(at, next.size) : replacement_character);
    at += next.size;
  }
  return at;
}

bool is_valid_utf8(std::string_view bytes) noexcept {
  for (;;) {
    const auto other = std::find_if_not(bytes.begin(), bytes.end(), is_ascii);
    bytes.remove_prefix(static_cast<std::size_t>(other - bytes.begin()));
    if (bytes.empty()) return true;
    const sequence next = sequence_at(bytes);
    if (next.is != verdict::good) return false;
    bytes.remove_prefix(next.size);
  }
}

}  // namespace eddy::inline v1::http
