// A TLS server written directly on OpenSSL, with memory BIOs: a second opinion on our own, and the
// way to do to a client what a tls_stream would never do.
#pragma once

#include <openssl/ssl.h>

#include <eddy/net/tcp.hpp>
#include <stdexcept>

#include "certificates.hpp"

namespace eddy_tests {

class tls_peer {
 public:
  tls_peer(eddy::tcp_stream stream, const certificate& identity)
      : stream_(std::move(stream)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate_chain_file(context_, identity.chain.c_str());
    SSL_CTX_use_PrivateKey_file(context_, identity.key.c_str(), SSL_FILETYPE_PEM);
  }
  tls_peer(const tls_peer&) = delete;
  tls_peer& operator=(const tls_peer&) = delete;
  ~tls_peer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  void set_versions(int least, int most) {
    // Old versions exist only below the usual security level.
    if (most < TLS1_2_VERSION) SSL_CTX_set_cipher_list(context_, "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context_, least);
    SSL_CTX_set_max_proto_version(context_, most);
  }

  eddy::task<> handshake() {
    open();
    co_await until_done([this] { return SSL_accept(ssl_); });
  }
  eddy::task<> write(std::string text) {
    co_await until_done(
        [this, &text] { return SSL_write(ssl_, text.data(), static_cast<int>(text.size())); });
  }
  eddy::task<std::string> read() {
    std::string text(4096, '\0');
    const auto call = [this, &text] {
      return SSL_read(ssl_, text.data(), static_cast<int>(text.size()));
    };
    const int got = co_await until_done(call);
    text.resize(static_cast<std::size_t>(got));
    co_return std::move(text);
  }
  // The keys of this side change, and the client is asked to change its own (RFC 8446 §4.6.3).
  eddy::task<> update_keys() {
    SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
    co_await until_done([this] { return SSL_do_handshake(ssl_); });
  }
  // Asks a TLS 1.2 client for a new handshake; does not wait for what it says.
  eddy::task<> ask_to_renegotiate() {
    SSL_renegotiate(ssl_);
    SSL_do_handshake(ssl_);
    co_await flush();
  }
  eddy::task<> close_notify() {
    SSL_shutdown(ssl_);
    co_await flush();
  }

  std::string server_name() const {
    const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
  }
  eddy::tcp_stream& stream() noexcept { return stream_; }

 private:
  void open() {
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  eddy::task<> flush() {
    std::string out(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
    if (out.empty()) co_return;
    BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
    co_await stream_.write_all(out);
  }

  template <class Call>
  eddy::task<int> until_done(Call call) {
    while (true) {
      const int result = call();
      const int error = SSL_get_error(ssl_, result);
      co_await flush();
      if (result > 0) co_return int{result};
      if (error == SSL_ERROR_ZERO_RETURN) co_return 0;
      if (error != SSL_ERROR_WANT_READ) throw std::runtime_error("tls_peer: TLS has failed");
      const eddy::lease more = co_await stream_.receive();
      if (more.empty()) throw std::runtime_error("tls_peer: the connection ended");
      BIO_write(SSL_get_rbio(ssl_), more.bytes().data(), static_cast<int>(more.size()));
    }
  }

  eddy::tcp_stream stream_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

}  // namespace eddy_tests
