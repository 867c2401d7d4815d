#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <eddy/net/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/event.hpp>
#include <exception>
#include <list>
#include <string_view>
#include <utility>

namespace eddy::inline v1::http {

// One connection, as the server sees it.
struct served_connection {
  join_handle<> task;
  // The wait of a connection that owes nobody an answer: stop() cuts it short.
  eddy::detail::timeout_base* idle_wait = nullptr;
};

// What the server, its accepting task and its connections share. Counted without atomics: all of it
// belongs to one loop's thread.
struct server_core {
  server_core(tcp_listener socket, server_options&& options);
  server_core(const server_core&) = delete;
  server_core& operator=(const server_core&) = delete;
  ~server_core();

  void report(std::exception_ptr error, std::string_view during);
  void stop() noexcept;
  void cancel_connections() noexcept;
  void forget(std::list<served_connection>::iterator slot) noexcept;

  const std::size_t max_connections;
  const std::chrono::nanoseconds idle_timeout;
  const std::chrono::nanoseconds header_timeout;
  const std::chrono::nanoseconds read_timeout;
  const std::chrono::nanoseconds write_timeout;
  const std::chrono::nanoseconds grace;
  const std::size_t body_limit;
  const http::limits bounds;
  const tls_context* const tls;  // ours, or null
  callable<void(std::exception_ptr, std::string_view)> on_error;

  std::size_t references = 0;
  tcp_listener listener;
  const endpoint address;
  server_handler handler;
  std::list<served_connection> slots;
  event changed;  // a connection has ended, or stop() was called
  std::uint64_t accepted = 0;
  std::uint64_t requests = 0;
  bool serving = false;
  bool stopping = false;
};

class server_core_ref {
 public:
  explicit server_core_ref(server_core* core) noexcept : core_(core) { ++core_->references; }
  server_core_ref(const server_core_ref& other) noexcept : server_core_ref(other.core_) {}
  server_core_ref& operator=(const server_core_ref&) = delete;
  ~server_core_ref() {
    if (--core_->references == 0) delete core_;
  }
  server_core& operator*() const noexcept { return *core_; }
  server_core* operator->() const noexcept { return core_; }

 private:
  server_core* core_;
};

// Accepts and serves until stop(); all connections have ended when it returns or throws.
task<> run_server(server_core_ref core);

}  // namespace eddy::inline v1::http
