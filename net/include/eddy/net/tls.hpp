// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) over any of Eddy's streams, by OpenSSL.
#pragma once

#include <eddy/net/tcp.hpp>

namespace eddy::inline v1 {

// What TLS or its configuration has against going on. The text names the peer or the file, and the
// reason as OpenSSL gives it.
class tls_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer's certificate does not prove that it is the host that was asked for, or a client that
// the server's authorities know: "certificate verify failed for example.com: self-signed
// certificate in certificate chain".
class certificate_error : public tls_error {
 public:
  using tls_error::tls_error;
};

// A handshake that failed for another reason: no common version, an alert of the peer's (our
// certificate, perhaps, or its lack), a peer that does not speak TLS.
class tls_handshake_error : public tls_error {
 public:
  using tls_error::tls_error;
};

// The peer ended or reset the connection during the handshake, without a word of TLS about why.
class tls_handshake_closed : public tls_handshake_error {
 public:
  using tls_handshake_error::tls_handshake_error;
};

// The connection ended without the peer's close_notify: someone may have cut it (RFC 8446 §6.1).
class tls_truncated : public tls_error {
 public:
  using tls_error::tls_error;
};

// Versions before 1.2 are broken (RFC 8996); Eddy speaks none of them.
enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };

namespace detail {
struct tls_settings;
struct tls_state;
struct tls_session_shelf;
}  // namespace detail

// Whom to trust, and who we are. As a client, by default: the system's certificates are trusted,
// the chain is verified, and the host's name or IP address must be among the certificate's names
// (RFC 9525); SNI is sent unless the host is an address; TLS 1.2 or later. As a server it needs a
// certificate(), and asks clients for none unless client_ca_file() is called.
//
// A handle: copies share one configuration. Configure it before its first use, keep it for the
// program's life: making one reads files. Copies may be used by several loops at once when
// configured.
//
//   tls_context trust;
//   trust.ca_file("site-ca.pem").alpn("http/1.1");
class tls_context {
 public:
  tls_context();
  tls_context(const tls_context& other) noexcept;
  tls_context& operator=(const tls_context& other) noexcept;
  ~tls_context();

  // Trust these certificates (PEM, one or more), and those of ca_directory(), and no others;
  // repeated calls add up. Throws tls_error.
  tls_context& ca_file(const std::string& path);
  // A folder of certificates with the names that `openssl rehash` gives them, read when one is
  // looked for. Throws tls_error.
  tls_context& ca_directory(const std::string& path);
  // Trust the system's certificates as well as those of ca_file() and ca_directory().
  tls_context& trust_system();
  // Off: anyone may claim to be the host. For tests.
  tls_context& verify(bool on);
  // Peers that cannot speak it, or a later one, are refused; by default 1.2. Throws
  // std::invalid_argument for what is no tls_version.
  tls_context& min_version(tls_version least);
  // Our own certificate with its chain, leaf first, and its key, both PEM: as a server, and as a
  // client of servers that ask for one. A key that is protected by a password is refused. Throws
  // tls_error.
  tls_context& certificate(const std::string& chain_path, const std::string& key_path);
  // The one application protocol we speak (RFC 7301): offered as a client; chosen as a server from
  // what the client offers, else none is chosen. Throws tls_error for a bad name.
  tls_context& alpn(std::string_view protocol);

  // As a server: clients must show a certificate that one of these (PEM, one or more) vouches for;
  // repeated calls add up. Throws tls_error.
  tls_context& client_ca_file(const std::string& path);
  // As a server: clients get tickets with which they can resume (RFC 8446 §4.6.1, RFC 5077). Off by
  // default: a client that closes without having read its tickets resets the connection, which may
  // cost what it sent last.
  tls_context& tickets(bool on);

  detail::tls_settings& settings() const noexcept { return *settings_; }

 private:
  detail::tls_settings* settings_;
};

// Sessions that a client can resume (RFC 8446 §2.2, RFC 5077), which spares both sides the
// certificates. Whoever keeps a pool of connections keeps one of these beside it.
//
// A session is resumed only with the same key, host and tls_context, unchanged since, and while the
// certificate that was verified when it was made is valid; at most for an hour. A TLS 1.3 ticket is
// used once (RFC 8446 §C.4). The least recently used session goes when there are more than `limit`.
//
// A handle: copies share one store. Of one loop's thread. Nothing waits or throws.
//
//   tls_session_store sessions;
//   auto peer = co_await tls_stream::connect(
//       std::move(raw), "example.com", trust, tls_options().resume(sessions, "example.com:443"));
class tls_session_store {
 public:
  static constexpr std::size_t default_limit = 128;
  // Of one key: enough for a pool that opens several connections to a host at once.
  static constexpr std::size_t tickets_per_key = 8;

  // A limit of 0: nothing is kept.
  explicit tls_session_store(std::size_t limit = default_limit);
  tls_session_store(const tls_session_store& other) noexcept;
  tls_session_store& operator=(const tls_session_store& other) noexcept;
  ~tls_session_store();

  [[nodiscard]] std::size_t size() const noexcept;
  void clear() noexcept;

 private:
  friend class tls_options;
  struct none {};
  explicit tls_session_store(none) noexcept {}

  detail::tls_session_shelf* shelf_ = nullptr;
};

// Of one client's connection. Chained setters.
class tls_options {
 public:
  tls_options() noexcept : sessions_(tls_session_store::none()) {}

  // Offer this protocol in place of the context's (RFC 7301). connect throws tls_error for a bad
  // name.
  tls_options& alpn(std::string_view protocol) & {
    protocol_ = protocol;
    return *this;
  }
  tls_options&& alpn(std::string_view protocol) && { return std::move(alpn(protocol)); }
  // Resume a session of the store's, if it has one, and put new ones there. The key says what must
  // not be mixed besides host and context: the port, and the proxy on the way.
  tls_options& resume(const tls_session_store& store, std::string_view key) & {
    sessions_ = store;
    key_ = key;
    return *this;
  }
  tls_options&& resume(const tls_session_store& store, std::string_view key) && {
    return std::move(resume(store, key));
  }

  // For Eddy's own layers.
  const std::string& protocol() const noexcept { return protocol_; }
  detail::tls_session_shelf* sessions() const noexcept { return sessions_.shelf_; }
  const std::string& key() const noexcept { return key_; }

 private:
  std::string protocol_;
  std::string key_;
  tls_session_store sessions_;
};

// TLS on a connection: a tcp_stream, a unix_stream, or another tls_stream (an https origin behind
// an https proxy), which it takes over. Move-only; thread, lifetime and the rule of one reader and
// one writer are those of byte_stream; a reader and a writer may wait at the same time. An idle
// stream holds no buffer.
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
  // certificate_error (and tells the peer), tls_handshake_closed, tls_handshake_error; tls_error
  // for a host that is none, a bad ALPN protocol, a server without a certificate. In TLS 1.3 a
  // server that refuses our certificate says so after the handshake: the first read throws.
  static task<tls_stream> connect(byte_stream raw, std::string host, tls_context context,
                                  tls_options options = tls_options());
  static task<tls_stream> connect(tls_stream raw, std::string host, tls_context context,
                                  tls_options options = tls_options());
  static task<tls_stream> accept(byte_stream raw, tls_context context);
  static task<tls_stream> accept(tls_stream raw, tls_context context);

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
  // Closes the connection, without a close_notify unless shutdown() sent one, and not the one of
  // the TLS below. As byte_stream::close.
  [[nodiscard]] detail::close_awaiter close() noexcept;

  // Of the TCP connection at the bottom; std::logic_error if it is another kind.
  [[nodiscard]] endpoint local_address() const;
  [[nodiscard]] endpoint remote_address() const;
  // "TLSv1.3".
  [[nodiscard]] std::string version() const;
  // What was agreed on by ALPN; empty if nothing was.
  [[nodiscard]] std::string alpn() const;
  // Whether the handshake resumed an earlier session.
  [[nodiscard]] bool resumed() const;
  // The subject of the peer's certificate as RFC 4514 writes it: "CN=ann,O=Site"; empty if the peer
  // showed none. Worth what the verification was worth.
  [[nodiscard]] std::string peer_subject() const;

 private:
  friend struct detail::tls_state;
  explicit tls_stream(detail::tls_state* adopted) noexcept : state_(adopted) {}
  void abandon() noexcept {
    if (state_) release();
  }
  void release() noexcept;

  detail::tls_state* state_ = nullptr;
};

}  // namespace eddy::inline v1
