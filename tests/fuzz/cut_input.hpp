// For targets that check that a message means the same however its bytes arrive. A target defines
// check_cut; the rest is here. An input is one byte that the target makes its choices by, one that
// says how many of the following bytes are sizes of pieces, those, and the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../net/parse_trace.hpp"

// Aborts unless `message` cut like this means what it means as a whole.
void check_cut(std::uint8_t choice, std::string_view message, const parse_trace::pieces& cut);

struct cut_input {
  std::uint8_t choice = 0;
  std::string_view sizes;
  std::string_view message;

  cut_input(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t fixed_bytes = 2;
    if (size < fixed_bytes) return;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    choice = data[0];
    sizes = input.substr(fixed_bytes, data[1] % 8U);
    message = input.substr(fixed_bytes + sizes.size());
  }
};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cut_input input(data, size);
  check_cut(input.choice, input.message, parse_trace::cut_by(input.message, input.sizes));
  return 0;
}

// What the stored corpus is replayed with: whole, byte by byte, in two at every boundary.
extern "C" void replay_every_cut(const std::uint8_t* data, std::size_t size) {
  const cut_input input(data, size);
  const std::string message(input.message);
  for (const parse_trace::pieces& cut : parse_trace::every_cut(message)) {
    check_cut(input.choice, message, cut);
  }
}
