// A relay between two connections, which lets bytes through in pieces and up to a limit.
#pragma once

#include <algorithm>
#include <cstdint>

#include "streams.hpp"

namespace eddy_tests {

inline constexpr std::size_t no_limit = SIZE_MAX;

// Forwards until the limit or the end; returns how much.
inline eddy::task<std::size_t> forward(eddy::tcp_stream& from, eddy::tcp_stream& to,
                                       std::size_t limit) {
  std::size_t total = 0;
  std::byte piece[4096];
  while (total < limit) {
    const std::span<std::byte> room(piece, std::min(sizeof piece, limit - total));
    const std::size_t got = co_await from.read_some(room);
    if (got == 0) break;
    total += got;
    co_await to.write_all(room.first(got));
  }
  co_return std::size_t{total};
}

// What is there, but not more than `most` bytes.
inline eddy::task<> forward_piece(eddy::tcp_stream& from, eddy::tcp_stream& to, std::size_t most) {
  const std::string piece = co_await read_text(from, most);
  co_await to.write_all(piece);
}

class limits {
 public:
  limits(std::size_t to_server, std::size_t to_client) noexcept : up(to_server), down(to_client) {}
  std::size_t up;
  std::size_t down;
};

}  // namespace eddy_tests
