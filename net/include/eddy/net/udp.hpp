// UDP (RFC 768): datagrams.
#pragma once

#include <eddy/net/address.hpp>
#include <eddy/runtime/descriptor.hpp>
#include <span>
#include <string_view>
#include <utility>

namespace eddy::inline v1 {

// What receive_from brought. An empty datagram is one like any other: there is no end of a stream.
class datagram {
 public:
  datagram() noexcept {}
  datagram(std::size_t bytes, const endpoint& sender, bool was_cut) noexcept
      : size(bytes), from(sender), truncated(was_cut) {}

  std::size_t size = 0;  // bytes in the caller's memory
  endpoint from;
  bool truncated = false;  // it was longer; the rest is lost
};

namespace detail {

class receive_from_awaiter final
    : public awaited_operation<receive_from_awaiter, datagram_operation> {
 public:
  receive_from_awaiter(const descriptor_ref& socket, std::span<std::byte> into) noexcept
      : awaited_operation(op_code::receive_from), use_(socket, direction::reading) {
    data = into.data();
    size = into.size();
  }
  bool start() noexcept;
  datagram await_resume();

 private:
  descriptor_use use_;
};

class send_awaiter final : public awaited_operation<send_awaiter, datagram_operation> {
 public:
  // Without `to`: to the connected peer.
  send_awaiter(const descriptor_ref& socket, std::span<const std::byte> bytes,
               const endpoint* to = nullptr) noexcept;
  bool start() noexcept;
  void await_resume();

 private:
  descriptor_use use_;
};

}  // namespace detail

// How to open a socket. Chained setters.
class udp_options {
 public:
  udp_options() noexcept {}

  // Sending to broadcast addresses is allowed: SO_BROADCAST. Off.
  udp_options& broadcast(bool on = true) & noexcept {
    broadcast_ = on;
    return *this;
  }
  udp_options&& broadcast(bool on = true) && noexcept { return std::move(broadcast(on)); }
  // Several sockets may share the port, and the kernel spreads datagrams: SO_REUSEPORT. Off.
  udp_options& reuse_port(bool on = true) & noexcept {
    reuse_port_ = on;
    return *this;
  }
  udp_options&& reuse_port(bool on = true) && noexcept { return std::move(reuse_port(on)); }
  // What the kernel keeps for us and for the network, in bytes; the system's default if not set.
  // Linux doubles the number and caps it at net.core.rmem_max and wmem_max (socket(7)).
  udp_options& receive_buffer(int bytes) & noexcept {
    receive_buffer_ = bytes;
    return *this;
  }
  udp_options&& receive_buffer(int bytes) && noexcept { return std::move(receive_buffer(bytes)); }
  udp_options& send_buffer(int bytes) & noexcept {
    send_buffer_ = bytes;
    return *this;
  }
  udp_options&& send_buffer(int bytes) && noexcept { return std::move(send_buffer(bytes)); }

 private:
  friend class udp_socket;
  int receive_buffer_ = 0;
  int send_buffer_ = 0;
  bool broadcast_ = false;
  bool reuse_port_ = false;
};

enum class ip_family : std::uint8_t { v4, v6 };

// A UDP socket. Move-only; belongs to its loop's thread and is destroyed before `run` returns. One
// coroutine may receive and one may send at a time; a second of either gets std::logic_error.
//
// Errors are std::system_error with what was done and where; a datagram that is too large for UDP
// or for the network is message_size, and the text names its size. A connected socket hears of a
// peer's port without a socket (ICMP, RFC 1122 §4.1.3.3): the next send or receive reports
// connection_refused, once, and the socket is usable as before. An unconnected one does not.
//
// Every wait is a cancellation point without effect on the socket: a datagram that came in spite of
// it is returned. Destroying or closing the socket ends the waits of others with
// operation_canceled; moving it does not disturb them.
//
//   auto socket = udp_socket::bind(endpoint::loopback(0));
//   std::array<std::byte, 1500> room;
//   const datagram got = co_await socket.receive_from(room);
//   co_await socket.send_to(std::span(room).first(got.size), got.from);
class udp_socket {
 public:
  udp_socket() noexcept {}

  // Port 0: one that the system chooses; local_address() has it. An IPv6 socket takes no IPv4.
  // Throws std::system_error that names the address; std::logic_error outside a loop.
  [[nodiscard]] static udp_socket bind(endpoint at, udp_options options = udp_options());
  // Without an address of its own; the first send, or connect, gives it one.
  [[nodiscard]] static udp_socket open(ip_family family, udp_options options = udp_options());

  // From now on only datagrams of this peer are received, and send() goes there. Says nothing to
  // the peer; may be called again, for another one. No wait. Throws std::system_error.
  void connect(endpoint peer);

  // Returns when the kernel has the datagram. Allocates nothing.
  [[nodiscard]] detail::send_awaiter send_to(std::span<const std::byte> bytes,
                                             const endpoint& to) noexcept {
    return {owned_.ref(), bytes, &to};
  }
  [[nodiscard]] detail::send_awaiter send_to(std::string_view text, const endpoint& to) noexcept {
    return {owned_.ref(), std::as_bytes(std::span(text)), &to};
  }
  // To the connected peer.
  [[nodiscard]] detail::send_awaiter send(std::span<const std::byte> bytes) noexcept {
    return {owned_.ref(), bytes};
  }
  [[nodiscard]] detail::send_awaiter send(std::string_view text) noexcept {
    return {owned_.ref(), std::as_bytes(std::span(text))};
  }
  // The next datagram, with its sender. What does not fit is lost; into an empty span all of it.
  // Allocates nothing.
  [[nodiscard]] detail::receive_from_awaiter receive_from(std::span<std::byte> into) noexcept {
    return {owned_.ref(), into};
  }

  // True until closed or moved from.
  [[nodiscard]] bool is_open() const noexcept { return owned_.is_open(); }
  [[nodiscard]] endpoint local_address() const;
  // Ends the waits of others and returns when the descriptor has been closed. The second close does
  // nothing. In a cancelled scope the descriptor is closed all the same.
  [[nodiscard]] detail::close_awaiter close() noexcept {
    return detail::close_awaiter(owned_.ref());
  }

 private:
  explicit udp_socket(detail::descriptor_ref adopted) noexcept : owned_(std::move(adopted)) {}
  void configure(const udp_options& options, const endpoint* own);

  detail::owned_descriptor owned_;
};

}  // namespace eddy::inline v1
