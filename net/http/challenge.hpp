// What a server asks for in WWW-Authenticate, and a proxy in Proxy-Authenticate (RFC 9110 §11).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::inline v1::http {

// All fields of one response together, and what they hold.
inline constexpr std::size_t max_challenge_bytes = 8 * 1024;
inline constexpr std::size_t max_challenges = 16;
inline constexpr std::size_t max_challenge_params = 32;

// `Digest realm="a", nonce=b`, or `Negotiate dG9rZW4=`.
struct challenge {
  struct param {
    std::string name;   // as it came; compares without regard to case
    std::string value;  // without its quotes and backslashes
  };

  // The value of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;

  std::string scheme;
  std::string token68;
  std::vector<param> params;  // no name twice
};

struct challenge_list {
  std::vector<challenge> challenges;
  std::string problem;  // what was wrong with the first thing that was left out; else empty
};

// Every challenge of the fields, in order. Nothing here is an error, for a response that asks in a
// way that nobody understands is a response still: a challenge that breaks the grammar, repeats a
// name or exceeds a bound is left out, and with it what follows in its field, where nobody can say
// what belongs to what.
[[nodiscard]] challenge_list parse_challenges(const std::vector<std::string_view>& fields);

// RFC 9110 §11.2: token68, but for the '=' at its end.
[[nodiscard]] bool is_token68(char byte);

// `"value"`, escaped: the other direction.
void append_quoted_string(std::string& out, std::string_view value);

}  // namespace eddy::inline v1::http
