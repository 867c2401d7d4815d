// Connected streams on the loopback interface.
#pragma once

#include <eddy/net/tcp.hpp>
#include <eddy/runtime/gather.hpp>
#include <utility>

#include "byte_streams.hpp"

namespace eddy_tests {

struct stream_pair {
  stream_pair(eddy::tcp_stream a, eddy::tcp_stream b) noexcept
      : client(std::move(a)), server(std::move(b)) {}
  eddy::tcp_stream client;
  eddy::tcp_stream server;
};

inline eddy::task<stream_pair> connected_pair() {
  auto listener = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
  auto both =
      co_await eddy::gather(eddy::tcp_stream::connect(listener.local_address()), listener.accept());
  stream_pair pair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
  co_return std::move(pair);
}

}  // namespace eddy_tests
