#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cstring>
#include <stdexcept>

#include "tls_session.hpp"
#include "tls_settings.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// Without it OpenSSL asks for the password of a protected key on the terminal.
int no_password(char*, int, int, void*) { return -1; }

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* settings) {
  const std::string& ours = static_cast<const tls_settings*>(settings)->protocol;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(
      &found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

[[noreturn]] void fail_file(const char* what, const std::string& path) {
  throw tls_error(std::string(what) + " " + path + ": " + take_openssl_reason());
}

// A folder is searched when a certificate is looked for, and one that cannot be read would then
// look like one without it.
void check_folder(const std::string& path) {
  BIO* opened = BIO_new_file((path + "/.").c_str(), "r");
  if (!opened) fail_file("CA certificates in", path);
  BIO_free(opened);
}

}  // namespace

std::string take_openssl_reason() {
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  if (first == 0) return "no reason given";
  if (ERR_SYSTEM_ERROR(first)) return std::strerror(ERR_GET_REASON(first));
  const char* reason = ERR_reason_error_string(first);
  return reason ? reason : "OpenSSL error " + std::to_string(first);
}

tls_settings::tls_settings() {
  ERR_clear_error();
  context = SSL_CTX_new(TLS_method());
  transport = new_tls_transport();
  if (!context || !transport || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    BIO_meth_free(transport);
    SSL_CTX_free(context);
    throw tls_error("cannot set up TLS: " + take_openssl_reason());
  }
  // Renegotiation would let the peer make a write wait for a read at any time. Tickets that the
  // peer does not read would turn its close into a reset.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  // Clients' sessions are kept in a tls_session_store or not at all; servers' are in their tickets.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_tls_session);
  // Without a name for their place, a server that asks for certificates resumes no session.
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("eddy"), 4);
  // An idle connection holds no record buffers: 34 KiB otherwise.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  // Who is given to ca_file() is trusted, also if somebody else has signed it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

tls_settings::~tls_settings() {
  X509_STORE_free(client_trust);
  SSL_CTX_free(context);
  BIO_meth_free(transport);
}

void tls_settings::prepare_trust() {
  std::call_once(trust_prepared, [this] {
    // A system without certificates trusts nobody, which the verification says.
    if (verify && (trusts_system || !has_own_trust)) SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();
  });
}

}  // namespace detail

tls_context::tls_context() : settings_(new detail::tls_settings) {}

tls_context::tls_context(const tls_context& other) noexcept : settings_(other.settings_) {
  settings_->references.fetch_add(1, std::memory_order_relaxed);
}

tls_context& tls_context::operator=(const tls_context& other) noexcept {
  tls_context copy(other);
  std::swap(settings_, copy.settings_);
  return *this;
}

tls_context::~tls_context() {
  if (settings_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete settings_;
}

tls_context& tls_context::ca_file(const std::string& path) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(settings_->context, path.c_str()) != 1) {
    detail::fail_file("CA certificates", path);
  }
  settings_->has_own_trust = true;
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::ca_directory(const std::string& path) {
  ERR_clear_error();
  detail::check_folder(path);
  if (SSL_CTX_load_verify_dir(settings_->context, path.c_str()) != 1) {
    detail::fail_file("CA certificates in", path);
  }
  settings_->has_own_trust = true;
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::trust_system() {
  settings_->trusts_system = true;
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::verify(bool on) {
  settings_->verify = on;
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::min_version(tls_version least) {
  if (least != tls_version::tls_1_2 && least != tls_version::tls_1_3) {
    throw std::invalid_argument("tls_context::min_version: must be TLS 1.2 or TLS 1.3");
  }
  const int wanted = least == tls_version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  ERR_clear_error();
  if (SSL_CTX_set_min_proto_version(settings_->context, wanted) != 1) {
    throw tls_error("cannot set the least version of TLS: " + detail::take_openssl_reason());
  }
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::certificate(const std::string& chain_path, const std::string& key_path) {
  SSL_CTX* context = settings_->context;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, chain_path.c_str()) != 1) {
    detail::fail_file("certificate", chain_path);
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_path.c_str(), SSL_FILETYPE_PEM) != 1) {
    detail::fail_file("private key", key_path);
  }
  settings_->has_certificate = true;
  ++settings_->revision;
  return *this;
}

std::string detail::alpn_wire_form(std::string_view protocol) {
  constexpr std::size_t longest = 255;  // RFC 7301 §3.1
  if (protocol.empty() || protocol.size() > longest) {
    throw tls_error("ALPN protocol of " + std::to_string(protocol.size()) +
                    " bytes: must have 1 to 255");
  }
  return std::string(1, static_cast<char>(protocol.size())).append(protocol);
}

tls_context& tls_context::alpn(std::string_view protocol) {
  std::string& wire = settings_->protocol;
  wire = detail::alpn_wire_form(protocol);
  // Unlike its siblings it returns 0 when all is well.
  if (SSL_CTX_set_alpn_protos(settings_->context,
                              reinterpret_cast<const unsigned char*>(wire.data()),
                              static_cast<unsigned>(wire.size())) != 0) {
    throw tls_error("cannot set the ALPN protocol: " + detail::take_openssl_reason());
  }
  SSL_CTX_set_alpn_select_cb(settings_->context, detail::choose_protocol, settings_);
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::client_ca_file(const std::string& path) {
  constexpr const char* what = "CA certificates for clients";
  ERR_clear_error();
  X509_STORE*& trust = settings_->client_trust;
  if (!trust) trust = X509_STORE_new();
  if (!trust || X509_STORE_load_file(trust, path.c_str()) != 1) detail::fail_file(what, path);
  // Whose certificates will do is said to the clients, so that they can choose one (RFC 8446
  // §4.2.4).
  STACK_OF(X509_NAME)* names = SSL_CTX_get_client_CA_list(settings_->context);
  if (!names) {
    names = sk_X509_NAME_new_null();
    if (!names) detail::fail_file(what, path);
    SSL_CTX_set_client_CA_list(settings_->context, names);
  }
  if (SSL_add_file_cert_subjects_to_stack(names, path.c_str()) != 1) detail::fail_file(what, path);
  ++settings_->revision;
  return *this;
}

tls_context& tls_context::tickets(bool on) {
  settings_->gives_tickets = on;
  ++settings_->revision;
  return *this;
}

}  // namespace eddy::inline v1
