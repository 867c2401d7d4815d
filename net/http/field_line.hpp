// The field line as nearly every peer writes it, cut sixteen bytes at a time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace eddy::inline v1::http {

// Where the parts of a field line lie.
struct field_cut {
  std::size_t name;
  std::size_t name_size;
  std::size_t value;
  std::size_t value_size;
  std::size_t next;  // where the next line begins
};

namespace detail {

// Vectors of GCC and Clang: of any processor, as baseline as SSE2 and NEON are.
using chunk = std::uint8_t __attribute__((vector_size(16)));
using chunk_mask = std::int8_t __attribute__((vector_size(16)));

inline chunk load_chunk(const char* at) noexcept {
  chunk bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

// The place of the first byte that is set, or sizeof(chunk).
inline std::size_t first_set(chunk_mask mask) noexcept {
#ifdef __SSE2__
  const auto bits = static_cast<unsigned>(_mm_movemask_epi8(std::bit_cast<__m128i>(mask)));
  return static_cast<std::size_t>(std::countr_zero(bits | 1U << sizeof(chunk)));
#else
  constexpr bool little = std::endian::native == std::endian::little;
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(mask);
  const auto first = [](std::uint64_t half) {
    return static_cast<std::size_t>(little ? std::countr_zero(half) : std::countl_zero(half)) / 8;
  };
  return halves[0] != 0 ? first(halves[0]) : 8 + first(halves[1]);
#endif
}

// Letters, digits and dashes: what names are made of that anybody uses.
inline chunk_mask not_in_usual_names(chunk bytes) noexcept {
  const chunk letters = (bytes | 0x20) - 'a';
  const chunk digits = bytes - '0';
  return ~((letters < 26) | (digits < 10) | (bytes == '-'));
}

inline chunk_mask controls(chunk bytes) noexcept { return (bytes < 0x20) | (bytes == 0x7F); }

// The first byte from `at` on that `wanted` finds; past the end of `bytes` less one chunk: it was
// not looked for further, because no whole chunk is left.
template <class Wanted>
std::size_t find_chunkwise(std::string_view bytes, std::size_t at, Wanted wanted) noexcept {
  while (at + sizeof(chunk) <= bytes.size()) {
    const std::size_t found = first_set(wanted(load_chunk(bytes.data() + at)));
    at += found;
    if (found < sizeof(chunk)) break;
  }
  return at;
}

}  // namespace detail

// Cuts the line at `from` in `bytes`, if it is "Name: value\r\n" with one space or none, a name of
// letters, digits and dashes, and a value without tabs and without spaces around it, and if sixteen
// bytes more follow. Whether another line is right it does not say: that is for
// head_parser::add_field.
inline bool cut_field_line(std::string_view bytes, std::size_t from, field_cut& cut) noexcept {
  const std::size_t colon = detail::find_chunkwise(bytes, from, detail::not_in_usual_names);
  if (colon == from || colon + 2 >= bytes.size() || bytes[colon] != ':') return false;
  const std::size_t value = colon + (bytes[colon + 1] == ' ' ? 2 : 1);
  const std::size_t end = detail::find_chunkwise(bytes, value, detail::controls);
  if (end + 2 > bytes.size() || bytes[end] != '\r' || bytes[end + 1] != '\n') return false;
  if (end > value && (bytes[value] == ' ' || bytes[end - 1] == ' ')) return false;
  cut = {from, colon - from, value, end - value, end + 2};
  return true;
}

}  // namespace eddy::inline v1::http
