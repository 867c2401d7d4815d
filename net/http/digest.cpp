#include "digest.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "../percent.hpp"
#include "grammar.hpp"

namespace eddy::inline v1::http {

namespace {

struct algorithm_name {
  std::string_view name;
  digest_hash hash;
  bool is_session;
};

// RFC 7616 §6.1
constexpr algorithm_name algorithms[] = {
    {"MD5", digest_hash::md5, false},
    {"MD5-sess", digest_hash::md5, true},
    {"SHA-256", digest_hash::sha_256, false},
    {"SHA-256-sess", digest_hash::sha_256, true},
    {"SHA-512-256", digest_hash::sha_512_256, false},
    {"SHA-512-256-sess", digest_hash::sha_512_256, true},
};

const algorithm_name* algorithm_called(std::string_view name) {
  for (const algorithm_name& known : algorithms) {
    if (grammar::equal_ignoring_case(known.name, name)) return &known;
  }
  return nullptr;
}

bool says(const challenge& asked, std::string_view name, std::string_view wanted) {
  const auto value = asked.get(name);
  return value && grammar::equal_ignoring_case(*value, wanted);
}

bool offers_auth(std::string_view qop_values) {
  bool found = false;
  grammar::for_each_element(qop_values, [&](std::string_view value) {
    found = found || grammar::equal_ignoring_case(value, "auth");
  });
  return found;
}

// Parts joined by ':', as every hash of Digest takes them.
template <class... Parts>
std::string joined(std::string_view first, const Parts&... parts) {
  std::string out(first);
  (out.append(":").append(parts), ...);
  return out;
}

std::string nonce_count_text(std::uint32_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (unsigned shift = 32; shift > 0; shift -= 4) {
    out.push_back(digits[count >> (shift - 4) & 15U]);
  }
  return out;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

// RFC 8187 §3.2: ext-value.
void append_extended(std::string& out, std::string_view text) {
  constexpr std::string_view marks = "!#$&+-.^_`|~";
  out.append("UTF-8''");
  for (const char byte : text) {
    const bool stands = grammar::is_letter(byte) || grammar::is_digit(byte) ||
                        marks.find(byte) != std::string_view::npos;
    if (stands) {
      out.push_back(byte);
    } else {
      url_syntax::append_triplet(out, byte);
    }
  }
}

// RFC 7616 §3.4.4: hashed, as text, or as text that no quoted string is sure to carry.
void append_user(std::string& out, const digest_challenge& asked, std::string_view user) {
  if (asked.wants_hashed_user) {
    out.append("username=");
    append_quoted_string(out, hex_digest(asked.hash, joined(user, asked.realm)));
  } else if (asked.is_utf8 && !is_ascii(user)) {
    out.append("username*=");
    append_extended(out, user);
  } else {
    out.append("username=");
    append_quoted_string(out, user);
  }
}

void append_param(std::string& out, std::string_view name, std::string_view value) {
  out.append(", ").append(name).push_back('=');
  append_quoted_string(out, value);
}

// RFC 7616 §3.4.1 to §3.4.3.
std::string response_hash(const digest_challenge& asked, const digest_request& request) {
  const auto hash = [&](const std::string& text) { return hex_digest(asked.hash, text); };
  std::string secret = hash(joined(request.user, asked.realm, request.password));
  if (asked.is_session) secret = hash(joined(secret, asked.nonce, request.cnonce));
  const std::string subject = hash(joined(request.method, request.target));
  if (!asked.has_qop) return hash(joined(secret, asked.nonce, subject));
  return hash(joined(secret, asked.nonce, nonce_count_text(request.nonce_count), request.cnonce,
                     "auth", subject));
}

}  // namespace

std::optional<digest_challenge> read_digest_challenge(const challenge& asked) {
  const auto realm = asked.get("realm");
  const auto nonce = asked.get("nonce");
  if (!grammar::equal_ignoring_case(asked.scheme, "Digest") || !realm || !nonce) {
    return std::nullopt;
  }
  const auto named = asked.get("algorithm");
  const algorithm_name* algorithm = algorithm_called(named.value_or("MD5"));
  if (!algorithm || !has_digest_hash(algorithm->hash)) return std::nullopt;

  digest_challenge out;
  out.realm = *realm;
  out.nonce = *nonce;
  if (const auto opaque = asked.get("opaque")) out.opaque = std::string(*opaque);
  if (named) out.algorithm = algorithm->name;
  out.hash = algorithm->hash;
  out.is_session = algorithm->is_session;
  const auto qop = asked.get("qop");
  out.has_qop = qop && offers_auth(*qop);
  // Without qop no client nonce is sent, which a session's key is made of.
  if ((qop && !out.has_qop) || (out.is_session && !qop)) return std::nullopt;
  out.is_stale = says(asked, "stale", "true");
  out.wants_hashed_user = says(asked, "userhash", "true");
  out.is_utf8 = says(asked, "charset", "UTF-8");
  return out;
}

std::optional<digest_challenge> strongest_digest(const challenge_list& asked) {
  std::optional<digest_challenge> best;
  for (const challenge& one : asked.challenges) {
    std::optional<digest_challenge> read = read_digest_challenge(one);
    if (read && (!best || read->hash > best->hash)) best = std::move(read);
  }
  return best;
}

std::string digest_response(const digest_challenge& asked, const digest_request& request) {
  std::string out = "Digest ";
  append_user(out, asked, request.user);
  append_param(out, "realm", asked.realm);
  append_param(out, "uri", request.target);
  if (!asked.algorithm.empty()) out.append(", algorithm=").append(asked.algorithm);
  append_param(out, "nonce", asked.nonce);
  if (asked.has_qop) {
    out.append(", nc=").append(nonce_count_text(request.nonce_count));
    append_param(out, "cnonce", request.cnonce);
    out.append(", qop=auth");
  }
  append_param(out, "response", response_hash(asked, request));
  if (asked.opaque) append_param(out, "opaque", *asked.opaque);
  if (asked.wants_hashed_user) out.append(", userhash=true");
  return out;
}

// Several requests may be challenged at once and with one nonce: what was counted of it stays, for
// a server takes a count that comes twice for a replay.
void digest_state::learn(std::string_view space, std::string_view user, digest_challenge&& asked) {
  const std::size_t known = find(space, user);
  if (known < entries_.size()) {
    entry& old = entries_[known];
    if (old.asked.nonce != asked.nonce) old.nonce_count = 0;
    old.asked = std::move(asked);
    return;
  }
  if (entries_.size() == max_spaces) entries_.erase(entries_.begin());
  entry& fresh = entries_.emplace_back();
  fresh.space = space;
  fresh.user = user;
  fresh.asked = std::move(asked);
}

std::optional<std::string> digest_state::respond(std::string_view space, digest_request request) {
  const std::size_t known = find(space, request.user);
  if (known == entries_.size()) return std::nullopt;
  const auto place = entries_.begin() + static_cast<std::ptrdiff_t>(known);
  if (place->nonce_count == std::numeric_limits<std::uint32_t>::max()) {
    entries_.erase(place);
    return std::nullopt;
  }
  std::rotate(place, place + 1, entries_.end());
  entry& used = entries_.back();
  if (used.asked.is_session) {
    if (used.nonce_count == 0) used.session_cnonce = request.cnonce;
    request.cnonce = used.session_cnonce;
  }
  request.nonce_count = ++used.nonce_count;
  return digest_response(used.asked, request);
}

std::size_t digest_state::find(std::string_view space, std::string_view user) const noexcept {
  std::size_t i = 0;
  while (i < entries_.size() && (entries_[i].space != space || entries_[i].user != user)) ++i;
  return i;
}

}  // namespace eddy::inline v1::http
