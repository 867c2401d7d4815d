#include "digest_hash.hpp"

#include <eddy/net/http/error.hpp>

#include "../../runtime/quoted.hpp"

#if EDDY_HAVE_OPENSSL
#include <openssl/err.h>
#include <openssl/evp.h>
#endif

namespace eddy::inline v1::http {

namespace {

const char* name_of(digest_hash function) noexcept {
  switch (function) {
    case digest_hash::md5:
      return "MD5";
    case digest_hash::sha_256:
      return "SHA256";
    case digest_hash::sha_512_256:
      return "SHA512-256";
  }
  return "";
}

#if EDDY_HAVE_OPENSSL
// Bytes written to `out`, 0 if OpenSSL has no such function; its reasons are of no use to anybody.
std::size_t hash(digest_hash function, std::string_view data,
                 unsigned char (&out)[EVP_MAX_MD_SIZE]) noexcept {
  std::size_t size = 0;
  ::ERR_set_mark();
  const int done = ::EVP_Q_digest(nullptr, name_of(function), nullptr, data.data(), data.size(),
                                  out, &size);
  ::ERR_pop_to_mark();
  return done == 1 ? size : 0;
}
#endif

}  // namespace

bool has_digest_hash([[maybe_unused]] digest_hash function) noexcept {
#if EDDY_HAVE_OPENSSL
  unsigned char unused[EVP_MAX_MD_SIZE];
  return hash(function, {}, unused) != 0;
#else
  return false;
#endif
}

std::string hex_digest(digest_hash function, [[maybe_unused]] std::string_view data) {
  std::string out;
#if EDDY_HAVE_OPENSSL
  unsigned char bytes[EVP_MAX_MD_SIZE];
  const std::size_t size = hash(function, data, bytes);
  for (std::size_t i = 0; i < size; ++i) {
    detail::append_hex(out, static_cast<char>(bytes[i]));
  }
#endif
  if (out.empty()) {
    throw error(std::string("Digest authentication cannot compute ") + name_of(function) +
                ": OpenSSL is not there or does not allow it");
  }
  return out;
}

}  // namespace eddy::inline v1::http
