// What the copies of a tls_context share.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <eddy/net/tls.hpp>
#include <mutex>

namespace eddy::inline v1::detail {

struct tls_settings {
  tls_settings();
  tls_settings(const tls_settings&) = delete;
  tls_settings& operator=(const tls_settings&) = delete;
  ~tls_settings();

  // Loads the system's certificates unless others were given. At the first client's handshake: it
  // takes some ten milliseconds, which a server need not spend.
  void prepare_trust();

  std::atomic<unsigned> references{1};
  // Counts the changes: a session made before one is not resumed after it.
  unsigned revision = 0;
  SSL_CTX* context = nullptr;
  BIO_METHOD* transport = nullptr;
  X509_STORE* client_trust = nullptr;  // null: clients are asked for no certificate
  std::once_flag trust_prepared;
  std::string protocol;  // for ALPN, in its wire form; empty: none
  bool verify = true;
  bool has_own_trust = false;
  bool trusts_system = false;
  bool has_certificate = false;
  bool gives_tickets = false;
};

// One protocol as ALPN sends it (RFC 7301 §3.1). Throws tls_error.
std::string alpn_wire_form(std::string_view protocol);

// The oldest error in this thread's OpenSSL queue, which is the cause of the others; empties it.
std::string take_openssl_reason();

// Once a client has a session that it could resume. Defined beside tls_session.
int keep_tls_session(SSL* of, SSL_SESSION* fresh) noexcept;

}  // namespace eddy::inline v1::detail
