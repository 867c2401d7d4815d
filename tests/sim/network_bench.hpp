// Runs of one program in many simulated worlds.
#pragma once

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/sim.hpp>
#include <eddy/runtime/sim_network.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>
#include <string>
#include <system_error>

namespace network_bench {

// The trace hash of one run in the world of that seed.
inline std::uint64_t run_with(std::uint64_t seed, eddy::task<> (*program)()) {
  const eddy::sim::world here(eddy::sim::options().seed(seed));
  eddy::run(program());
  return here.trace_hash();
}

// The calm world and `count` others. The first few run twice, to the same end.
inline void for_seeds(std::uint64_t count, eddy::task<> (*program)()) {
  constexpr std::uint64_t replayed = 8;
  for (std::uint64_t seed = 0; seed <= count; ++seed) {
    CAPTURE(seed);
    const std::uint64_t hash = run_with(seed, program);
    if (seed < replayed) CHECK(run_with(seed, program) == hash);
  }
}

// The errno value with which it fails; 0 if it does not.
template <class T>
eddy::task<int> error_of(eddy::task<T> body) {
  try {
    (void)co_await std::move(body);
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}
template <>
inline eddy::task<int> error_of(eddy::task<void> body) {
  try {
    co_await std::move(body);
  } catch (const std::system_error& e) {
    co_return e.code().value();
  }
  co_return 0;
}

inline eddy::task<> write(eddy::byte_stream& s, std::string text) { co_await s.write_all(text); }

inline eddy::task<std::string> everything_from(eddy::byte_stream& s) {
  std::string out;
  for (;;) {
    eddy::lease got = co_await s.receive();
    if (got.empty()) co_return std::move(out);
    out.append(got.text());
  }
}

// A connection from "localhost" to "server".
inline constexpr std::uint16_t port = 8000;

struct wire {
  eddy::tcp_stream client;
  eddy::tcp_stream server;
  eddy::tcp_listener listener;
};

inline eddy::task<> accept_into(wire& out, eddy::event& listening) {
  out.listener = eddy::tcp_listener::bind(eddy::endpoint::any(port));
  listening.set();
  out.server = co_await out.listener.accept();
}

inline eddy::task<> connect_hosts(wire& out) {
  eddy::sim::network net;
  const eddy::sim::host server = net.add_host("server");
  eddy::event listening;
  auto accepting = server.spawn(accept_into(out, listening));
  co_await listening.wait();
  out.client = co_await eddy::tcp_stream::connect("server", port);
  co_await accepting;
}

}  // namespace network_bench
