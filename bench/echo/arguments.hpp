// The command line of the servers in C++: [--host ADDR] [--buffer BYTES] PORT.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

struct arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  // Of one read, by a server that keeps a buffer for each connection.
  std::size_t buffer = 4096;
};

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
  return wrong == std::errc() && end == text.data() + text.size();
}

// Ends the program where they are wrong.
inline arguments arguments_of(int argc, char** argv) {
  arguments out;
  bool good = argc > 1;
  bool has_port = false;
  for (int i = 1; i < argc && good; ++i) {
    const std::string_view word = argv[i];
    if (word == "--host" && i + 1 < argc) {
      out.host = argv[++i];
    } else if (word == "--buffer" && i + 1 < argc) {
      good = read_number(argv[++i], out.buffer) && out.buffer > 0;
    } else {
      good = !has_port && read_number(word, out.port);
      has_port = true;
    }
  }
  if (good && has_port) return out;
  std::fprintf(stderr, "usage: %s [--host ADDR] [--buffer BYTES] PORT\n", argv[0]);
  std::exit(2);
}
