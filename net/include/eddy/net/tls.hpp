// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) over a TCP stream, by OpenSSL.
#pragma once

#include <eddy/net/tcp.hpp>

namespace eddy::inline v1 {

// What TLS or its configuration has against going on. The text names the peer or the file, and the
// reason as OpenSSL gives it.
class tls_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer's certificate does not prove that it is the host that was asked for: "certificate verify
// failed for example.com: self-signed certificate in certificate chain".
class certificate_error : public tls_error {
 public:
  using tls_error::tls_error;
};

// The connection ended without the peer's close_notify: someone may have cut it (RFC 8446 §6.1).
class tls_truncated : public tls_error {
 public:
  using tls_error::tls_error;
};

namespace detail {
struct tls_settings;
struct tls_state;
}  // namespace detail

// Whom to trust, and who we are. As a client, by default: the system's certificates are trusted,
// the chain is verified, and the host's name or IP address must be among the certificate's names
// (RFC 9525); SNI is sent unless the host is an address; TLS 1.2 or later. As a server it needs a
// certificate(), and asks clients for none.
//
// A handle: copies share one configuration. Configure it before its first use, keep it for the
// program's life: making one reads files. Copies may be used by several loops at once when
// configured. Sessions are not resumed.
//
//   tls_context trust;
//   trust.ca_file("site-ca.pem").alpn("http/1.1");
class tls_context {
 public:
  tls_context();
  tls_context(const tls_context& other) noexcept;
  tls_context& operator=(const tls_context& other) noexcept;
  ~tls_context();

  // Trust these certificates (PEM, one or more) and no others; repeated calls add up. Throws
  // tls_error.
  tls_context& ca_file(const std::string& path);
  // Off: anyone may claim to be the host. For tests.
  tls_context& verify(bool on);
  // Our own certificate with its chain, leaf first, and its key, both PEM. A key that is protected
  // by a password is refused. Throws tls_error.
  tls_context& certificate(const std::string& chain_path, const std::string& key_path);
  // The one application protocol we speak (RFC 7301): offered as a client; chosen as a server from
  // what the client offers, else none is chosen. Throws tls_error for a bad name.
  tls_context& alpn(std::string_view protocol);

  detail::tls_settings& settings() const noexcept { return *settings_; }

 private:
  detail::tls_settings* settings_;
};

// TLS on a TCP connection. Move-only; thread, lifetime and the rule of one reader and one writer
// are those of tcp_stream; a reader and a writer may wait at the same time. An idle stream holds no
// buffer.
//
// Errors: system_error from the connection, tls_error from TLS; after a tls_error the stream is
// unusable and says why. A clean end (the peer's close_notify) reads as 0; an end without one
// throws tls_truncated.
//
// Every wait is a cancellation point. A cancelled read loses no bytes. A cancelled write_all may
// have sent a part: later writes and shutdown throw tls_error, saying so; reading goes on. A
// cancelled handshake closes the connection.
//
//   tcp_stream raw = co_await tcp_stream::connect("example.com", 443);
//   tls_stream peer = co_await tls_stream::connect(std::move(raw), "example.com", trust);
class tls_stream {
 public:
  tls_stream() noexcept {}
  tls_stream(tls_stream&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  tls_stream& operator=(tls_stream&& other) noexcept {
    if (this != &other) {
      abandon();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  ~tls_stream() { abandon(); }

  // The handshake, as a client of `host` (a name or an address) and as a server. Throws
  // certificate_error (and tells the peer), tls_error.
  static task<tls_stream> connect(tcp_stream raw, std::string host, tls_context context);
  static task<tls_stream> accept(tcp_stream raw, tls_context context);

  [[nodiscard]] bool is_open() const noexcept;
  // For Eddy's own layers: true while nothing that the peer has sent is still to be read, data or
  // not, and it has not ended the stream.
  [[nodiscard]] bool is_quiet() const noexcept;

  // At least one byte; 0 at the clean end of the stream, or for an empty span.
  task<std::size_t> read_some(std::span<std::byte> into);
  // Returns when the kernel holds all of it, encrypted.
  task<> write_all(std::span<const std::byte> bytes);
  task<> write_all(std::string_view text) {
    return write_all(std::as_bytes(std::span<const char>(text.data(), text.size())));
  }
  // Sends our close_notify; does not wait for the peer's. Reading goes on. Nothing can be written
  // after it; a second shutdown does nothing.
  task<> shutdown();
  // Closes the connection, without a close_notify unless shutdown() sent one. As tcp_stream::close.
  [[nodiscard]] detail::close_awaiter close() noexcept;

  [[nodiscard]] endpoint local_address() const;
  [[nodiscard]] endpoint remote_address() const;
  // "TLSv1.3".
  [[nodiscard]] std::string version() const;
  // What was agreed on by ALPN; empty if nothing was.
  [[nodiscard]] std::string alpn() const;

 private:
  explicit tls_stream(detail::tls_state* adopted) noexcept : state_(adopted) {}
  void abandon() noexcept {
    if (state_) release();
  }
  void release() noexcept;

  detail::tls_state* state_ = nullptr;
};

}  // namespace eddy::inline v1
