#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

#include "server_core.hpp"
#include "server_stream.hpp"

namespace eddy::inline v1::http {

// Whether a wait may be cut short by server::stop(), as by its timeout.
enum class waiting_for : bool { anything, idle };

// The bytes of one connection, each wait with a time limit: timeout_error. One reader, one writer.
class server_channel {
 public:
  server_channel(server_core& core, served_connection& slot, tcp_stream stream);

  // The TLS handshake, if the server has TLS.
  task<> secure();

  // Waits for bytes after all have been consumed; false at the end of the stream.
  task<bool> fill(std::chrono::nanoseconds most, waiting_for what);
  std::span<const std::byte> unread() const noexcept { return unread_; }
  void consume(std::size_t bytes) noexcept { unread_ = unread_.subspan(bytes); }
  // Gives the buffer back if nothing in it is unread.
  void release_buffer() noexcept {
    if (unread_.empty()) stream_.release_buffer();
  }

  // Borrows the bytes until it ends.
  task<> write(std::string_view bytes);
  // No more will be sent.
  task<> finish_writing();
  // Reads and drops what the client still sends, so that closing the connection with bytes unread
  // does not reset it and destroy the response on its way (RFC 9112 §9.6).
  task<> linger();
  [[nodiscard]] eddy::detail::close_awaiter close() noexcept { return stream_.close(); }

  // The connection is unusable. The reason, if `error` is what its user was told.
  bool failed() const noexcept { return failure_ != nullptr; }
  bool failed_with(const std::exception_ptr& error) const noexcept {
    return failure_ && failure_ == error;
  }

  bool is_secure() const noexcept { return stream_.is_secure(); }
  const endpoint& remote_address() const noexcept { return remote_; }

 private:
  server_core& core_;
  served_connection& slot_;
  endpoint remote_;
  server_stream stream_;
  std::span<const std::byte> unread_;
  std::exception_ptr failure_;
};

}  // namespace eddy::inline v1::http
