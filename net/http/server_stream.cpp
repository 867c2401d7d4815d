#include "server_stream.hpp"

namespace eddy::inline v1::http {

#if EDDY_HAVE_OPENSSL

namespace {

// One record (RFC 8446 §5.1).
constexpr std::size_t record_bytes = 16 * 1024;

}  // namespace

task<> server_stream::accept_tls(const tls_context& context) {
  tcp_stream raw = std::move(plain_);
  tls_stream accepted = co_await tls_stream::accept(std::move(raw), context);
  secure_ = std::move(accepted);
  is_secure_ = true;
}

task<std::span<const std::byte>> server_stream::receive() {
  if (is_secure_) {
    records_.resize(record_bytes);
    const std::size_t got = co_await secure_.read_some(records_);
    co_return std::span<const std::byte>(records_).first(got);
  }
  lease_.reset();
  lease received = co_await plain_.receive();
  lease_ = std::move(received);
  co_return lease_.bytes();
}

void server_stream::release_buffer() noexcept {
  lease_.reset();
  std::vector<std::byte>().swap(records_);
}

task<> server_stream::write_all(std::string_view bytes) {
  if (is_secure_) {
    co_await secure_.write_all(bytes);
  } else {
    co_await plain_.write_all(bytes);
  }
}

task<> server_stream::shutdown() {
  if (is_secure_) {
    co_await secure_.shutdown();
  } else {
    plain_.shutdown();
  }
}

eddy::detail::close_awaiter server_stream::close() noexcept {
  if (is_secure_) return secure_.close();
  return plain_.close();
}

#else

// Never called: without TLS in the library there is no context to pass.
task<> server_stream::accept_tls(const tls_context&) { co_return; }

task<std::span<const std::byte>> server_stream::receive() {
  lease_.reset();
  lease received = co_await plain_.receive();
  lease_ = std::move(received);
  co_return lease_.bytes();
}

void server_stream::release_buffer() noexcept { lease_.reset(); }

task<> server_stream::write_all(std::string_view bytes) { co_await plain_.write_all(bytes); }

task<> server_stream::shutdown() {
  plain_.shutdown();
  co_return;
}

eddy::detail::close_awaiter server_stream::close() noexcept { return plain_.close(); }

#endif

}  // namespace eddy::inline v1::http
