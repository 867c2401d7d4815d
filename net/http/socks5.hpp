// The client's side of SOCKS version 5 (RFC 1928) with user name and password (RFC 1929).
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/net/address.hpp>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// RFC 1928 §5 and RFC 1929 §2: each is preceded by one byte that holds its length.
inline constexpr std::size_t max_socks5_name_bytes = 255;
inline constexpr std::size_t max_socks5_credential_bytes = 255;

// Asks a SOCKS proxy for a connection, without a socket: bytes in, bytes out.
//
//   socks5_client client = socks5_client::to_host("example.com", 443);
//   while (!client.is_done()) {
//     if (!client.outgoing().empty()) { write_all(client.outgoing()); client.sent(); continue; }
//     const n = read_some(buffer.first(client.wanted()));
//     if (n == 0) { client.ended(); }
//     else client.feed(text_of(buffer.first(n)));
//     if (client.has_failed()) throw … client.failure();
//   }
//
// A read of at most wanted() bytes never takes anything of what follows the proxy's reply, and
// feed() does not consume it. Once it has failed it stays so.
class socks5_client {
 public:
  // The three kinds of address. `host` is a name of 1 to max_socks5_name_bytes bytes that the proxy
  // resolves; text that is an IP address goes as such. Throw http::invalid_request.
  [[nodiscard]] static socks5_client to_host(std::string_view host, std::uint16_t port);
  [[nodiscard]] static socks5_client to_address(const endpoint& address);

  // Offers these besides no authentication. Before anything was sent. Throws http::invalid_request
  // that says which is empty (the user) or too long, and how long it may be.
  void credentials(std::string_view user, std::string_view password);

  // What is to be sent now, all of it, before anything is read; then say sent().
  [[nodiscard]] std::string_view outgoing() const noexcept { return outgoing_; }
  void sent() noexcept { outgoing_.clear(); }

  // How many bytes of the proxy can be read without taking one too many; 0 when it is done, has
  // failed, or is to be sent something first.
  [[nodiscard]] std::size_t wanted() const noexcept;
  // What came from the proxy, in pieces of any size. Returns how many bytes were its to take.
  std::size_t feed(std::string_view bytes);
  // The connection's end.
  void ended();

  [[nodiscard]] bool is_done() const noexcept { return step_ == step::done; }
  [[nodiscard]] bool has_failed() const noexcept { return step_ == step::failed; }
  // "the SOCKS proxy refused: host unreachable (reply 4)"; without credentials.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  // The reply's code (RFC 1928 §6), 0 if it was not that which failed.
  [[nodiscard]] unsigned reply_code() const noexcept { return reply_code_; }

 private:
  enum class step : std::uint8_t { method, password_status, reply, done, failed };

  socks5_client() = default;
  void greet();
  void take_method();
  void take_password_status();
  void take_reply();
  void expect(step next, std::size_t bytes) noexcept;
  void fail(std::string why);

  std::string outgoing_;
  std::string request_;   // CONNECT, encoded
  std::string password_;  // the sub-negotiation, encoded; empty: none is offered
  std::string incoming_;  // of the message that is being read
  std::string failure_;
  std::size_t expected_ = 0;  // bytes of that message, as far as is known
  unsigned reply_code_ = 0;
  step step_ = step::method;
};

}  // namespace eddy::inline v1::http
