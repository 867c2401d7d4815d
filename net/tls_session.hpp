// TLS without a socket: bytes in, bytes out. OpenSSL reads what was fed and writes into a string,
// so no call of it ever waits.
#pragma once

#include <openssl/ssl.h>

#include <eddy/runtime/lease.hpp>
#include <optional>

#include "tls_session_shelf.hpp"
#include "tls_settings.hpp"

namespace eddy::inline v1::detail {

// How OpenSSL reaches a tls_session. Null if there is no memory.
BIO_METHOD* new_tls_transport();

// Which side of the handshake.
struct as_client {};
struct as_server {};

class tls_session {
 public:
  // What came of a call: it is done; it needs more of the peer's bytes; the peer has ended the
  // stream (close_notify); TLS has failed for good, see throw_failure.
  enum class step { done, wants_input, ended, failed };

  // As a client of `host`, which the peer's certificate must name; as a server of `client`, as
  // messages name it. Throws tls_error.
  tls_session(as_client, const tls_context& context, const std::string& host,
              const tls_options& options);
  tls_session(as_server, const tls_context& context, const std::string& client);
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;
  ~tls_session();

  step handshake();
  step read(std::span<std::byte> into, std::size_t& got);
  // All of `bytes` at once.
  step write(std::span<const std::byte> bytes);
  step close_notify();

  // More of the peer's bytes, when those before are used up.
  void feed(lease input) noexcept;
  bool has_input() const noexcept { return used_ < input_.size(); }
  // Whether something of the peer's is with us that no read has delivered, data or not.
  bool holds_input() const noexcept { return has_input() || SSL_has_pending(ssl_) == 1; }
  bool peer_has_ended() const noexcept {
    return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  // What is to be sent to the peer; the caller takes it away.
  std::string& output() noexcept { return output_; }

  // After `failed`: throws certificate_error or tls_error; `what` says what was done with whom.
  [[noreturn]] void throw_failure(const std::string& what) const;
  bool has_failed() const noexcept { return failed_; }
  // A server that ends a handshake like this is not asked to resume again.
  void forget_kept() noexcept;

  // As RFC 4514 writes it; empty if the peer has shown no certificate.
  std::string peer_subject() const;
  SSL* native() const noexcept { return ssl_; }

 private:
  friend struct tls_transport;
  friend int keep_tls_session(SSL* of, SSL_SESSION* fresh) noexcept;
  void open();
  void expect(const std::string& host);
  void offer(const std::string& protocol);
  void resume_from(const tls_options& options);
  void ask_for_certificate();
  void keep(SSL_SESSION* fresh);
  step judge(int result);
  void diagnose();

  tls_context context_;
  SSL* ssl_ = nullptr;
  lease input_;
  std::size_t used_ = 0;
  std::string output_;
  std::string peer_;
  std::string reason_;
  bool failed_ = false;
  bool bad_certificate_ = false;
  bool hands_shaken_ = false;
  shelf_ref shelf_;
  std::optional<session_use> use_;  // with a shelf
};

}  // namespace eddy::inline v1::detail
