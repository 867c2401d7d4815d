// TLS without a socket: bytes in, bytes out. OpenSSL reads what was fed and writes into a string,
// so no call of it ever waits.
#pragma once

#include <openssl/ssl.h>

#include <eddy/runtime/lease.hpp>

#include "tls_settings.hpp"

namespace eddy::inline v1::detail {

// How OpenSSL reaches a tls_session. Null if there is no memory.
BIO_METHOD* new_tls_transport();

class tls_session {
 public:
  // What came of a call: it is done; it needs more of the peer's bytes; the peer has ended the
  // stream (close_notify); TLS has failed for good, see throw_failure.
  enum class step { done, wants_input, ended, failed };

  // As a client of `host`, which the peer's certificate must name; as a server. Throws tls_error.
  tls_session(const tls_context& context, const std::string& host);
  explicit tls_session(const tls_context& context);
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
  // What is to be sent to the peer; the caller takes it away.
  std::string& output() noexcept { return output_; }

  // After `failed`: throws certificate_error or tls_error; `what` says what was done with whom.
  [[noreturn]] void throw_failure(const std::string& what) const;
  bool has_failed() const noexcept { return failed_; }

  SSL* native() const noexcept { return ssl_; }

 private:
  friend struct tls_transport;
  void open();
  void expect(const std::string& host);
  step judge(int result);

  tls_context context_;
  SSL* ssl_ = nullptr;
  lease input_;
  std::size_t used_ = 0;
  std::string output_;
  std::string host_;
  std::string reason_;
  bool failed_ = false;
  bool bad_certificate_ = false;
};

}  // namespace eddy::inline v1::detail
