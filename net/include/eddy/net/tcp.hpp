// TCP (RFC 9293): connecting and listening; reading and writing are those of byte_stream.
#pragma once

#include <eddy/net/address.hpp>
#include <eddy/runtime/stream.hpp>

namespace eddy::inline v1 {

// A TCP connection: a byte_stream, with its rules for threads, errors, cancellation and one reader
// and one writer. Nagle's algorithm is off from the start.
//
//   tcp_stream peer = co_await tcp_stream::connect("example.com", 80);
//   co_await peer.write_all("GET / HTTP/1.0\r\n\r\n");
//   std::string status = co_await peer.read_until("\r\n", 8192);
class tcp_stream : public byte_stream {
 public:
  using byte_stream::byte_stream;

  // Resolves the host and tries its addresses, IPv6 and IPv4 in turn: the next one when one has
  // failed, or has not answered for 250 ms (RFC 8305); the first connection is returned, the other
  // attempts end. Throws resolve_error, or a system_error with the last cause whose text names the
  // host and every address tried with its cause. Cancellation point.
  static task<tcp_stream> connect(std::string host, std::uint16_t port);
  static task<tcp_stream> connect(endpoint to);

  [[nodiscard]] endpoint local_address() const;
  // Known from the start; good after the connection has ended.
  [[nodiscard]] endpoint remote_address() const;
  // Nagle's algorithm off (the default) or on.
  void set_no_delay(bool on);
};

// How to listen. Chained setters.
class listen_options {
 public:
  listen_options() noexcept {}

  // Connections that the kernel keeps until they are accepted; default 1024, the kernel may cap it.
  listen_options& backlog(int connections) & noexcept {
    backlog_ = connections;
    return *this;
  }
  listen_options&& backlog(int connections) && noexcept { return std::move(backlog(connections)); }
  // Several listeners may share the port, and the kernel spreads connections: SO_REUSEPORT. Off.
  listen_options& reuse_port(bool on = true) & noexcept {
    reuse_port_ = on;
    return *this;
  }
  listen_options&& reuse_port(bool on = true) && noexcept { return std::move(reuse_port(on)); }

 private:
  friend class tcp_listener;
  int backlog_ = 1024;
  bool reuse_port_ = false;
};

// A listening socket. Move-only, of its loop's thread, as tcp_stream is; one accept at a time.
//
//   auto listener = tcp_listener::bind(endpoint::loopback(0));
//   while (true) {
//     tcp_stream peer = co_await listener.accept();
//     spawn(serve(std::move(peer))).detach();
//   }
class tcp_listener {
 public:
  tcp_listener() noexcept {}

  // Port 0: one that the system chooses; local_address() has it. Throws std::system_error that
  // names the address; std::logic_error outside a loop.
  [[nodiscard]] static tcp_listener bind(endpoint at, listen_options options = listen_options());

  [[nodiscard]] bool is_open() const noexcept { return owned_.is_open(); }
  [[nodiscard]] endpoint local_address() const;

  // The next connection. Connections that ended while they were queued are passed over. Throws
  // std::system_error; after one (too many open files, say) the listener is usable as before.
  // Cancellation point: a connection that came in spite of the cancellation is returned.
  task<tcp_stream> accept();

  // Ends a waiting accept with operation_canceled, refuses what is queued, and returns when the
  // descriptor has been closed.
  [[nodiscard]] detail::close_awaiter close() noexcept {
    return detail::close_awaiter(owned_.ref());
  }

 private:
  explicit tcp_listener(detail::descriptor_ref adopted) noexcept : owned_(std::move(adopted)) {}

  detail::owned_descriptor owned_;
};

}  // namespace eddy::inline v1
