// What carries one HTTP connection: a byte_stream (TCP, a unix socket), or TLS on one.
#pragma once

#include <eddy/net/tcp.hpp>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>

#include "../../runtime/limited_stream.hpp"
#if EDDY_HAVE_OPENSSL
#include <eddy/net/tls.hpp>
#endif

namespace eddy::inline v1::http {

// A sum of streams with what HTTP needs of them; their rules about threads, cancellation and errors
// hold. Must outlive the tasks that its members return.
class transport {
 public:
  transport() noexcept {}
  explicit transport(tcp_stream stream)
      : remote_(stream.remote_address()), plain_(std::move(stream)) {}
  explicit transport(unix_stream stream) noexcept : plain_(std::move(stream)) {}

#if EDDY_HAVE_OPENSSL
  // TLS with the server `host` through `under`, which it takes over: also if that is TLS. Throws
  // what tls_stream::connect does; the connection is closed then, as by a cancellation.
  static task<transport> secure(transport under, std::string host, tls_context trust,
                                tls_options options);
#endif

  bool is_open() const noexcept;
  // Of the TCP connection; nothing for a unix socket.
  const std::optional<endpoint>& remote_address() const noexcept { return remote_; }

  // True if the peer has neither sent anything nor ended the connection since the last read: what
  // an idle connection must be to carry another request. One system call. What the peer does a
  // moment later is found out by the exchange.
  bool is_quiet() const noexcept;
  // The same by what is known without a system call: true if the last read was in this turn of the
  // loop, not long before `now_ns`, and took all there was. What came since is not known. Of TCP
  // only: elsewhere a read may stop with more behind it.
  bool was_just_emptied(std::int64_t now_ns) const noexcept;

  // A read is over: for was_just_emptied().
  void note_read() noexcept;

  // Without TLS, for receive_by() and write_by().
  bool is_plain() const noexcept;
  detail::limited_receive receive_by(time_point at) noexcept {
    return {plain_.descriptor(), took_all_, detail::limit::at(at)};
  }
  detail::limited_write write_by(std::string_view bytes, std::size_t& sent,
                                 time_point at) noexcept {
    return {plain_.descriptor(), bytes, sent, detail::limit::at(at)};
  }

  // At least one byte; 0 at the end.
  task<std::size_t> read_some(std::span<std::byte> into);
  // All of `bytes`. `sent` gets how many the peer may have seen, however it ends.
  task<> write_all(std::string_view bytes, std::size_t* sent);

  // Tells the peer that nothing more will be sent, where the protocol has words for it: TLS's
  // close_notify (RFC 8446 §6.1).
  task<> say_goodbye();
  // As byte_stream::close.
  detail::close_awaiter close() noexcept;

 private:
  std::optional<endpoint> remote_;
  std::int64_t emptied_ns_ = 0;  // the poll before the read that took all there was; 0: it did not
  bool took_all_ = false;         // as far as that is known
  byte_stream plain_;
#if EDDY_HAVE_OPENSSL
  tls_stream secure_;
  bool is_secure_ = false;
#endif
};

}  // namespace eddy::inline v1::http
