// Eddy's echo server by read_some(), into a buffer of each connection's own; examples/echo_server
// receives into the loop's.
//   read_some_server [--host ADDR] [--buffer BYTES] PORT
#include <csignal>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/spawn.hpp>
#include <system_error>
#include <vector>

#include "arguments.hpp"

namespace {

eddy::task<> echo(eddy::tcp_stream peer, std::size_t buffer_bytes) {
  try {
    std::vector<std::byte> buffer(buffer_bytes);
    while (true) {
      const std::size_t n = co_await peer.read_some(buffer);
      if (n == 0) break;
      co_await peer.write_all(std::span<const std::byte>(buffer.data(), n));
    }
  } catch (const std::system_error&) {
    // The peer has gone away.
  }
}

eddy::task<> accept_all(eddy::tcp_listener listener, std::size_t buffer_bytes) {
  while (true) {
    eddy::tcp_stream peer = co_await listener.accept();
    eddy::spawn(echo(std::move(peer), buffer_bytes)).detach();
  }
}

eddy::task<> serve(arguments given) {
  auto listener = eddy::tcp_listener::bind(eddy::endpoint::parse(given.host, given.port));
  eddy::signal_set stop(SIGINT, SIGTERM);
  std::printf("listening on %s\n", listener.local_address().to_string().c_str());
  std::fflush(stdout);
  auto serving = eddy::spawn(accept_all(std::move(listener), given.buffer));
  co_await stop.next();
}

}  // namespace

int main(int argc, char** argv) {
  const arguments given = arguments_of(argc, argv);
  try {
    eddy::run(serve(given));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_some_server: %s\n", error.what());
    return 1;
  }
}
