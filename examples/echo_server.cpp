// echo_server: sends back what it receives. One loop, one task for each connection; a connection
// that waits holds no buffer. Prints one line when it listens, runs until SIGINT or SIGTERM.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/signals.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <string>
#include <system_error>

#include "options.hpp"

namespace {

// Out of descriptors or memory: those that are connected go on, and may give some back.
constexpr auto accept_pause = std::chrono::milliseconds(100);

eddy::task<> echo(eddy::tcp_stream peer) {
  try {
    while (true) {
      const eddy::lease received = co_await peer.receive();
      if (received.empty()) break;
      co_await peer.write_all(received.bytes());
    }
  } catch (const std::system_error&) {
    // The peer has gone away; there is nobody to tell.
  }
}

eddy::task<> accept_all(eddy::tcp_listener listener) {
  while (true) {
    std::string trouble;
    try {
      eddy::tcp_stream peer = co_await listener.accept();
      eddy::spawn(echo(std::move(peer))).detach();
    } catch (const std::system_error& error) {
      trouble = error.what();
    }
    if (trouble.empty()) continue;
    std::fprintf(stderr, "echo_server: %s\n", trouble.c_str());
    co_await eddy::sleep(accept_pause);
  }
}

eddy::task<> serve(std::string host, std::uint16_t port) {
  auto listener = eddy::tcp_listener::bind(eddy::endpoint::parse(host, port));
  eddy::signal_set stop(SIGINT, SIGTERM);
  std::printf("listening on %s\n", listener.local_address().to_string().c_str());
  std::fflush(stdout);
  auto serving = eddy::spawn(accept_all(std::move(listener)));
  co_await stop.next();
  // Dropping the handle ends the accepting, and the end of `run` the connections.
}

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  CLI::App app("Sends back what it receives, until SIGINT or SIGTERM.", "echo_server");
  app.add_option("--host", host, "The address to listen on (default 127.0.0.1)");
  app.add_option("port", port, "The port; 0 for a free one")->required();
  parse_or_exit(app, argc, argv);
  try {
    eddy::run(serve(host, port));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_server: %s\n", error.what());
    return 1;
  }
}
