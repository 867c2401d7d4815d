// Digest access authentication (RFC 7616): the client's arithmetic and its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "challenge.hpp"
#include "digest_hash.hpp"

namespace eddy::inline v1::http {

// What a server said of a protection space. `domain` is not used: a challenge counts for its
// origin. Quality of protection is "auth", or none where the server knows none (RFC 2069);
// "auth-int" would need the whole body before the first byte of the request and is not offered.
struct digest_challenge {
  std::string realm;
  std::string nonce;
  std::optional<std::string> opaque;
  std::string algorithm;  // as it is written back; empty: the server named none, which means MD5
  digest_hash hash = digest_hash::md5;
  bool is_session = false;  // "-sess"
  bool has_qop = false;     // "auth" is among its qop values
  bool is_stale = false;    // the nonce was too old, the password was right
  bool wants_hashed_user = false;
  bool is_utf8 = false;
};

// Nothing if it is no Digest challenge, or one that we cannot answer.
[[nodiscard]] std::optional<digest_challenge> read_digest_challenge(const challenge& asked);

// The one to answer: the strongest hash; among equals the one that came first.
[[nodiscard]] std::optional<digest_challenge> strongest_digest(const challenge_list& asked);

// What the response to a challenge is made of.
struct digest_request {
  std::string_view user;
  std::string_view password;
  std::string_view method;
  std::string_view target;  // as it stands in the request line
  std::string_view cnonce;
  std::uint32_t nonce_count = 1;
};

// The value of an Authorization or Proxy-Authorization field. Throws http::error where the hash is
// not available.
[[nodiscard]] std::string digest_response(const digest_challenge& asked,
                                          const digest_request& request);

// Challenges that were seen, so that later requests answer them beforehand, each with the next
// nonce count. One per session, for servers and proxies; on the session's thread. The least
// recently used of more than `max_spaces` is forgotten, which costs a round trip.
class digest_state {
 public:
  static constexpr std::size_t max_spaces = 64;

  // Takes the place of what was known of this space and user.
  void learn(std::string_view space, std::string_view user, digest_challenge&& asked);
  // The next response there, if its challenge is known.
  [[nodiscard]] std::optional<std::string> respond(std::string_view space, digest_request request);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    std::string space;
    std::string user;
    digest_challenge asked;
    std::uint32_t nonce_count = 0;  // used so far
    // A session's key is made with the first one (RFC 7616 §3.4.2), so it stays.
    std::string session_cnonce;
  };

  std::size_t find(std::string_view space, std::string_view user) const noexcept;

  std::vector<entry> entries_;  // the least recently used first
};

}  // namespace eddy::inline v1::http
