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
  SSL_CTX* context = nullptr;
  BIO_METHOD* transport = nullptr;
  std::once_flag trust_prepared;
  std::string protocol;  // for ALPN, in its wire form; empty: none
  bool verify = true;
  bool has_own_trust = false;
  bool has_certificate = false;
};

// The oldest error in this thread's OpenSSL queue, which is the cause of the others; empties it.
std::string take_openssl_reason();

}  // namespace eddy::inline v1::detail
