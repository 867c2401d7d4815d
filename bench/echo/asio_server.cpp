// A rival: standalone Asio, one thread, C++20 awaitables, as its tutorial's echo server.
//   asio_server [--host ADDR] [--buffer BYTES] PORT
// Tuned as its users would: one thread told to the context, so that nothing is locked; no Nagle; a
// buffer in each session, of a size that holds a request.
#include <asio.hpp>
#include <vector>

#include "arguments.hpp"

namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket peer, std::size_t buffer_bytes) {
  try {
    std::vector<char> buffer(buffer_bytes);
    for (;;) {
      const std::size_t n =
          co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(peer, asio::buffer(buffer.data(), n), asio::use_awaitable);
    }
  } catch (const std::system_error&) {
    // The end of the stream is an error there.
  }
}

asio::awaitable<void> accept_all(tcp::acceptor acceptor, std::size_t buffer_bytes) {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    tcp::socket peer = co_await acceptor.async_accept(asio::use_awaitable);
    peer.set_option(tcp::no_delay(true));
    asio::co_spawn(executor, echo(std::move(peer), buffer_bytes), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const arguments given = arguments_of(argc, argv);
  try {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::make_address(given.host), given.port}, true);
    acceptor.listen(4096);
    asio::signal_set stop(context, SIGINT, SIGTERM);
    stop.async_wait([&](const std::error_code&, int) { context.stop(); });
    const tcp::endpoint at = acceptor.local_endpoint();
    std::printf("listening on %s:%u\n", at.address().to_string().c_str(), unsigned{at.port()});
    std::fflush(stdout);
    asio::co_spawn(context, accept_all(std::move(acceptor), given.buffer), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio_server: %s\n", error.what());
    return 1;
  }
}
