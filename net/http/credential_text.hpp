// What user names and passwords may be made of, and how URLs write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// Why this cannot be a user name or a password, or nothing: "has 5000 bytes, over the limit of
// 4096", "holds a control byte", "is not UTF-8". Never shows a byte of it.
[[nodiscard]] std::string credential_fault(std::string_view text, std::size_t most_bytes);

struct user_and_password {
  std::string user;
  std::string password;
};

// "user:password" of a URL, percent-decoded; the password begins after the first ':'.
[[nodiscard]] user_and_password decode_user_info(std::string_view user_info);

}  // namespace eddy::inline v1::http
