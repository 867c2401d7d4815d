// A small HTTP/1.1 server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <eddy/net/address.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/http/limits.hpp>
#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/task.hpp>
#include <exception>
#include <span>
#include <string>
#include <string_view>

namespace eddy::inline v1 {
class tls_context;
}

namespace eddy::inline v1::http {

class server_exchange;
struct server_core;

// What a client asks for. Lives while its handler runs; one coroutine at a time reads its body.
// Views that it hands out live as long.
class server_request {
 public:
  server_request(const server_request&) = delete;
  server_request& operator=(const server_request&) = delete;

  [[nodiscard]] std::string_view method() const noexcept;
  // As it stands in the request line (RFC 9112 §3.2), not decoded: "/search?q=%C3%BC".
  [[nodiscard]] std::string_view target() const noexcept;
  // The parts of the target, not decoded: "/search" and "q=%C3%BC". Of an absolute URI the path
  // only; "*" for "*".
  [[nodiscard]] std::string_view path() const noexcept;
  [[nodiscard]] std::string_view query() const noexcept;
  [[nodiscard]] const http::headers& headers() const noexcept;
  [[nodiscard]] endpoint remote_address() const;
  [[nodiscard]] bool is_secure() const noexcept;

  // The next bytes of the body, 0 at its end. A client that waits for it is told "100 Continue"
  // first (RFC 9110 §10.1.1). Throws protocol_error for what breaks the framing or a bound,
  // timeout_error, and what the connection throws; if the handler lets such an error pass, the
  // client gets the right status. Cancellation point.
  [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> into);
  // The rest of the body, of at most `limit` bytes (protocol_error with status 413 beyond), or of
  // server_options::body_limit.
  [[nodiscard]] task<std::string> body(std::size_t limit);
  [[nodiscard]] task<std::string> body();
  // The fields after a chunked body that has been read to its end.
  [[nodiscard]] const http::headers& trailers() const noexcept;

 private:
  friend class server_exchange;
  explicit server_request(server_exchange& exchange) noexcept : exchange_(&exchange) {}
  server_exchange* exchange_;
};

// How a handler answers: send() alone, or start(), write() as often as it likes, finish(). Lives
// while its handler runs; used by one coroutine at a time. The bytes given to it are copied or
// moved in at the call; what the client does not get in time (server_options::write_timeout) or
// cannot be sent throws. Each call must be awaited. Cancellation points; a cancelled one ends the
// connection.
//
// To HEAD, and with the statuses 204 and 304, no body is sent, whatever is given (RFC 9110 §9.3.2,
// §15). A body of 204 throws. Content-Length, Transfer-Encoding and whether the connection persists
// are decided here; a handler that sets one of the first two gets invalid_request, a field
// "Connection: close" is obeyed. Statuses are 200 to 999. A second send or start, or a write or
// finish outside of start … finish, throws std::logic_error.
//
//   co_await reply.send(200, "text/html", page);
//
//   co_await reply.start(200);
//   while (auto row = co_await rows.next()) co_await reply.write(*row);
//   co_await reply.finish();
class server_response {
 public:
  server_response(const server_response&) = delete;
  server_response& operator=(const server_response&) = delete;

  // The fields to send; before send or start.
  [[nodiscard]] http::headers& headers() noexcept;
  server_response& header(std::string_view name, std::string_view value);

  // The whole response. An empty content type sends no such field.
  [[nodiscard]] task<> send(int status, std::string_view content_type, std::string body);
  [[nodiscard]] task<> send(int status);

  // A response whose body follows: chunked (to HTTP/1.0: until the connection ends), or of exactly
  // `size` bytes.
  [[nodiscard]] task<> start(int status);
  [[nodiscard]] task<> start(int status, std::uint64_t size);
  [[nodiscard]] task<> write(std::string_view bytes);
  [[nodiscard]] task<> write(std::span<const std::byte> bytes);
  // The end of the body. Done for a handler that returns without it.
  [[nodiscard]] task<> finish();

  // Whether the status has been decided, by send or start.
  [[nodiscard]] bool started() const noexcept;

 private:
  friend class server_exchange;
  explicit server_response(server_exchange& exchange) noexcept : exchange_(&exchange) {}
  server_exchange* exchange_;
};

// Answers one request. It may keep the references while it runs. What it throws is answered with
// 500 if nothing has been sent, and ends the connection.
using server_handler = callable<task<>(server_request&, server_response&)>;

// Chained setters; each says its default. Move-only.
class server_options {
 public:
  server_options();
  server_options(server_options&&) noexcept;
  server_options& operator=(server_options&&) noexcept;
  ~server_options();

  // Connections at a time; more wait in the kernel's queue. Default 1024.
  server_options& max_connections(std::size_t most) &;
  server_options&& max_connections(std::size_t most) &&;
  // The kernel's queue of connections; default 1024.
  server_options& backlog(int connections) &;
  server_options&& backlog(int connections) &&;
  // How long a connection may be idle between requests; default 75 s (nginx).
  server_options& idle_timeout(std::chrono::nanoseconds most) &;
  server_options&& idle_timeout(std::chrono::nanoseconds most) &&;
  // From the first byte of a request to the end of its head, and from the connection to its first
  // byte, TLS handshake included; then 408. Default 30 s.
  server_options& header_timeout(std::chrono::nanoseconds most) &;
  server_options&& header_timeout(std::chrono::nanoseconds most) &&;
  // How long a body may pause; then timeout_error in the handler, 408. Default 60 s.
  server_options& read_timeout(std::chrono::nanoseconds most) &;
  server_options&& read_timeout(std::chrono::nanoseconds most) &&;
  // How long the client may take for each 256 KiB of a response. Default 60 s.
  server_options& write_timeout(std::chrono::nanoseconds most) &;
  server_options&& write_timeout(std::chrono::nanoseconds most) &&;
  // What stop() gives to running exchanges. Default 10 s.
  server_options& grace(std::chrono::nanoseconds most) &;
  server_options&& grace(std::chrono::nanoseconds most) &&;
  // Bytes of a request body; beyond: 413. Default 1 MiB (nginx, aiohttp).
  server_options& body_limit(std::size_t most) &;
  server_options&& body_limit(std::size_t most) &&;
  // The other bounds on requests. Its max_body_bytes yields to body_limit.
  server_options& limits(const http::limits& bounds) &;
  server_options&& limits(const http::limits& bounds) &&;
  // Serve HTTPS. The context needs a certificate. Default: plain HTTP. Not there in a library that
  // was built without TLS.
  server_options& tls(const tls_context& context) &;
  server_options&& tls(const tls_context& context) &&;
  // Called with what a handler threw, and the request: "GET /page from 127.0.0.1:4444". What
  // only says that the client has gone or broke the protocol is not reported. Default: nobody is
  // told.
  server_options& on_error(callable<void(std::exception_ptr, std::string_view)> told) &;
  server_options&& on_error(callable<void(std::exception_ptr, std::string_view)> told) &&;

 private:
  friend struct server_core;
  friend class server;
  static void destroy(const tls_context* context) noexcept;
  std::size_t max_connections_ = 1024;
  int backlog_ = 1024;
  std::chrono::nanoseconds idle_timeout_ = std::chrono::seconds(75);
  std::chrono::nanoseconds header_timeout_ = std::chrono::seconds(30);
  std::chrono::nanoseconds read_timeout_ = std::chrono::seconds(60);
  std::chrono::nanoseconds write_timeout_ = std::chrono::seconds(60);
  std::chrono::nanoseconds grace_ = std::chrono::seconds(10);
  std::size_t body_limit_ = std::size_t{1} << 20U;
  http::limits limits_;
  tls_context* tls_ = nullptr;  // ours
  callable<void(std::exception_ptr, std::string_view)> on_error_;
};

struct server_statistics {
  std::uint64_t accepted_connections = 0;
  std::size_t open_connections = 0;
  std::uint64_t requests = 0;  // whose head was understood
};

// An origin server for HTTP/1.1 and 1.0 (RFC 9110, RFC 9112), plain or with TLS. Requests of a
// connection are answered in order, also pipelined ones. Bad input gets 400, 408, 413, 414, 431,
// 501 or 505 with a line of text, and the connection ends. A body that the handler has not read is
// read and dropped up to 256 KiB; beyond, the connection ends.
//
// Every connection is a task of its own, and all have ended when serve() returns or throws.
// Cancelling serve() cancels the handlers. Move-only; of its loop's thread. Destroying a server
// that serves is allowed: serving goes on until it is cancelled.
//
//   auto site = http::server::listen(endpoint::loopback(8080));
//   co_await site.serve([](http::server_request& request, http::server_response& reply) -> task<> {
//     co_await reply.send(200, "text/plain", "You asked for " + std::string(request.path()));
//   });
class server {
 public:
  // Port 0: one that the system chooses; local_address() has it. Throws std::system_error that
  // names the address; std::logic_error outside a loop. Connections queue from now on.
  [[nodiscard]] static server listen(endpoint at, server_options options = server_options());

  server() noexcept {}
  server(server&& other) noexcept;
  server& operator=(server&& other) noexcept;
  ~server();

  // Serves until stop(), once. Throws what makes listening impossible, after the connections have
  // ended. When descriptors or memory are out it pauses accepting for a moment. Cancellation point.
  [[nodiscard]] task<> serve(server_handler handler);

  // Accepts no more, closes idle connections, lets running exchanges finish, and cancels them after
  // server_options::grace. Returns at once; serve() returns when all is done. Handlers may call it.
  void stop();

  [[nodiscard]] endpoint local_address() const;
  [[nodiscard]] server_statistics statistics() const;

 private:
  explicit server(server_core* core) noexcept : core_(core) {}
  server_core& core(const char* what) const;
  server_core* core_ = nullptr;
};

}  // namespace eddy::inline v1::http
