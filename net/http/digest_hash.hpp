// The hash functions of Digest (RFC 7616 §3.2), by OpenSSL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

enum class digest_hash : std::uint8_t { md5, sha_256, sha_512_256 };

// Whether this build, and the OpenSSL that it runs with, can compute it: one that is restricted to
// FIPS 140 has no MD5.
[[nodiscard]] bool has_digest_hash(digest_hash function) noexcept;

// In lower-case hexadecimal. Throws http::error where there is none.
[[nodiscard]] std::string hex_digest(digest_hash function, std::string_view data);

}  // namespace eddy::inline v1::http
