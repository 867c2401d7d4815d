#include "tls_session.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "url_text.hpp"

namespace eddy::inline v1::detail {

// OpenSSL's end of the transport.
struct tls_transport {
  static tls_session& of(BIO* bio) { return *static_cast<tls_session*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, std::size_t most, std::size_t* got) {
    tls_session& s = of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t count = std::min(most, s.input_.size() - s.used_);
    if (count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(out, s.input_.bytes().data() + s.used_, count);
    s.used_ += count;
    if (!s.has_input()) s.feed(lease());
    *got = count;
    return 1;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    try {
      of(bio).output_.append(data, size);
    } catch (...) {
      return 0;
    }
    *written = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
};

BIO_METHOD* new_tls_transport() {
  BIO_METHOD* m = BIO_meth_new(BIO_TYPE_MEM, "eddy");
  if (!m) return nullptr;
  BIO_meth_set_read_ex(m, tls_transport::read);
  BIO_meth_set_write_ex(m, tls_transport::write);
  BIO_meth_set_ctrl(m, tls_transport::control);
  BIO_meth_set_create(m, tls_transport::create);
  return m;
}

namespace {

// Records carry at most 16 KiB each; with header, padding and tag they grow by less than this.
constexpr std::size_t record_size = 16 * 1024;
constexpr std::size_t record_growth = 256;
// To a client of TLS 1.3: what OpenSSL and browsers hold to be enough, for two connections at once.
constexpr std::size_t tickets_given = 2;

std::string without_final_dot(const std::string& host) {
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

// An empty name, or one with a NUL in it, would switch OpenSSL's check off or mislead it; one that
// begins with a dot would stand for all names below it.
void check_host(const std::string& host) {
  bool sound = !host.empty() && !host.starts_with('.') && host.find("..") == host.npos;
  for (const char c : host) sound = sound && c > ' ' && c <= '~';
  if (!sound) throw tls_error("TLS with " + url_syntax::quoted(host) + ": not a host name");
}

}  // namespace

tls_session::tls_session(as_client, const tls_context& context, const std::string& host,
                         const tls_options& options)
    : context_(context), peer_(without_final_dot(host)), shelf_(options.sessions()) {
  check_host(peer_);
  context_.settings().prepare_trust();
  open();
  try {
    SSL_set_connect_state(ssl_);
    expect(peer_);
    if (!options.protocol().empty()) offer(options.protocol());
    if (shelf_) resume_from(options);
  } catch (...) {
    SSL_free(ssl_);
    throw;
  }
}

tls_session::tls_session(as_server, const tls_context& context, const std::string& client)
    : context_(context), peer_(client), shelf_(nullptr) {
  const tls_settings& settings = context_.settings();
  if (!settings.has_certificate) {
    throw tls_error("TLS as a server: the tls_context has no certificate");
  }
  open();
  SSL_set_accept_state(ssl_);
  if (settings.gives_tickets) {
    SSL_clear_options(ssl_, SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl_, tickets_given);
  }
  SSL_set_verify(ssl_, SSL_VERIFY_NONE, nullptr);
  if (settings.client_trust) ask_for_certificate();
}

tls_session::~tls_session() { SSL_free(ssl_); }

void tls_session::open() {
  ERR_clear_error();
  ssl_ = SSL_new(context_.settings().context);
  BIO* transport = ssl_ ? BIO_new(context_.settings().transport) : nullptr;
  if (!transport) {
    SSL_free(ssl_);
    throw tls_error("cannot open a TLS session: " + take_openssl_reason());
  }
  BIO_set_data(transport, this);
  SSL_set_bio(ssl_, transport, transport);
}

// RFC 9525 §6: only the subject alternative names count, never the common name.
void tls_session::expect(const std::string& host) {
  const bool is_address = endpoint::is_address(host);
  bool done = is_address || SSL_set_tlsext_host_name(ssl_, host.c_str()) == 1;
  if (!context_.settings().verify) {
    SSL_set_verify(ssl_, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_set_verify(ssl_, SSL_VERIFY_PEER, nullptr);
    SSL_set_hostflags(ssl_,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_address) {
      const endpoint at = endpoint::parse(host, 0);
      done = X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl_), at.bytes().data(),
                                       at.is_ipv6() ? 16 : 4) == 1;
    } else {
      done = done && SSL_set1_host(ssl_, host.c_str()) == 1;
    }
  }
  if (!done) throw tls_error("TLS with " + host + ": " + take_openssl_reason());
}

void tls_session::offer(const std::string& protocol) {
  const std::string wire = alpn_wire_form(protocol);
  // Unlike its siblings it returns 0 when all is well.
  if (SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size())) != 0) {
    throw tls_error("TLS with " + peer_ + ": " + take_openssl_reason());
  }
}

void tls_session::resume_from(const tls_options& options) {
  use_.emplace(context_, peer_, options.key());
  SSL_clear_options(ssl_, SSL_OP_NO_TICKET);
  SSL_set_app_data(ssl_, this);
  const owned_session kept = shelf_->take(*use_, now());
  // One that cannot be offered costs a full handshake, no more.
  if (kept) SSL_set_session(ssl_, kept.get());
  ERR_clear_error();
}

void tls_session::ask_for_certificate() {
  SSL_set_verify(ssl_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_set1_verify_cert_store(ssl_, context_.settings().client_trust);
}

// Of a copy: a connection that ends without close_notify spoils its own.
void tls_session::keep(SSL_SESSION* fresh) {
  owned_session copy(SSL_SESSION_dup(fresh));
  if (copy) shelf_->put(*use_, std::move(copy), now());
}

int keep_tls_session(SSL* of, SSL_SESSION* fresh) noexcept {
  auto* session = static_cast<tls_session*>(SSL_get_app_data(of));
  if (!session) return 0;
  ERR_set_mark();
  try {
    session->keep(fresh);
  } catch (const std::exception&) {
    // No memory, or no loop any more: then nothing is kept.
  }
  ERR_pop_to_mark();
  return 0;
}

void tls_session::forget_kept() noexcept {
  if (shelf_) shelf_->forget(*use_);
}

void tls_session::feed(lease input) noexcept {
  input_ = std::move(input);
  used_ = 0;
}

tls_session::step tls_session::judge(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
      return step::done;
    case SSL_ERROR_WANT_READ:
      return step::wants_input;
    case SSL_ERROR_ZERO_RETURN:
      return step::ended;
    default:
      break;
  }
  failed_ = true;
  forget_kept();
  diagnose();
  return step::failed;
}

void tls_session::diagnose() {
  const unsigned long newest = ERR_peek_last_error();
  const int code = ERR_GET_LIB(newest) == ERR_LIB_SSL ? ERR_GET_REASON(newest) : 0;
  const long verdict = SSL_get_verify_result(ssl_);
  if (code == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
    bad_certificate_ = true;
    reason_ = X509_verify_cert_error_string(verdict);
  } else if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    bad_certificate_ = true;
    reason_ = "the client has shown none";
  } else {
    reason_ = take_openssl_reason();
  }
  if (code == SSL_R_UNSUPPORTED_PROTOCOL || code == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
    const bool least_1_3 = SSL_get_min_proto_version(ssl_) == TLS1_3_VERSION;
    reason_ += least_1_3 ? "; needed is TLS 1.3" : "; needed is TLS 1.2 or later";
  }
  ERR_clear_error();
}

tls_session::step tls_session::handshake() {
  ERR_clear_error();
  const step outcome = judge(SSL_do_handshake(ssl_));
  hands_shaken_ = outcome == step::done;
  return outcome;
}

tls_session::step tls_session::read(std::span<std::byte> into, std::size_t& got) {
  ERR_clear_error();
  return judge(SSL_read_ex(ssl_, into.data(), into.size(), &got));
}

tls_session::step tls_session::write(std::span<const std::byte> bytes) {
  const std::size_t records = bytes.size() / record_size + 1;
  output_.reserve(output_.size() + bytes.size() + records * record_growth);
  ERR_clear_error();
  std::size_t written = 0;
  return judge(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written));
}

tls_session::step tls_session::close_notify() {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_);
  // 0: ours is sent, the peer's has not come.
  return result >= 0 ? step::done : judge(result);
}

std::string tls_session::peer_subject() const {
  const X509* shown = SSL_get0_peer_certificate(ssl_);
  BIO* text = shown ? BIO_new(BIO_s_mem()) : nullptr;
  if (!text) return {};
  // UTF-8 as it is; control characters are escaped.
  constexpr unsigned long form = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
  X509_NAME_print_ex(text, X509_get_subject_name(shown), 0, form);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  std::string out(data, size > 0 ? static_cast<std::size_t>(size) : 0);
  BIO_free(text);
  return out;
}

void tls_session::throw_failure(const std::string& what) const {
  if (bad_certificate_)
    throw certificate_error("certificate verify failed for " + peer_ + ": " + reason_);
  if (!hands_shaken_) throw tls_handshake_error(what + ": " + reason_);
  throw tls_error(what + ": " + reason_);
}

}  // namespace eddy::inline v1::detail
