#pragma once

#include <cstddef>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/task.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#if EDDY_HAVE_OPENSSL
#include <eddy/net/tls.hpp>
#endif

namespace eddy::inline v1 {
class tls_context;
}

namespace eddy::inline v1::http {

// An accepted connection, plain or with TLS, with the buffer that it is read into. An idle plain
// connection holds no buffer.
class server_stream {
 public:
  explicit server_stream(tcp_stream plain) noexcept : plain_(std::move(plain)) {}

  // The TLS handshake; the connection is lost if it does not succeed.
  task<> accept_tls(const tls_context& context);
  bool is_secure() const noexcept { return is_secure_; }

  // The next bytes, valid until the next call or until release_buffer(); empty at the end.
  task<std::span<const std::byte>> receive();
  void release_buffer() noexcept;

  task<> write_all(std::string_view bytes);
  task<> shutdown();
  [[nodiscard]] eddy::detail::close_awaiter close() noexcept;

 private:
  tcp_stream plain_;
  lease lease_;
#if EDDY_HAVE_OPENSSL
  tls_stream secure_;
  std::vector<std::byte> records_;
#endif
  bool is_secure_ = false;
};

}  // namespace eddy::inline v1::http
