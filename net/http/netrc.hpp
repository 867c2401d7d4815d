// Logins from a file ~/.netrc, as ftp(1), curl and Python know it: text in, values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::inline v1::http {

// Bounds on the text, on a line and on a word of it; curl's.
inline constexpr std::size_t max_netrc_bytes = 128 * 1024;
inline constexpr std::size_t max_netrc_line_bytes = 16 * 1024;
inline constexpr std::size_t max_netrc_word_bytes = 4096;

struct netrc_entry {
  std::string machine;  // empty: "default"
  std::string login;
  std::string password;
  bool has_login = false;
  bool has_password = false;
};

// Words between white space: "machine NAME" or "default", then "login", "password" and "account"
// with a word each; HTTP has no use for the last one's. A word in double quotes may hold spaces,
// and \" \\ \n \r \t. "#" where a keyword could stand begins a comment, "macdef" what is skipped
// as far as an empty line.
class netrc {
 public:
  netrc() = default;

  // Throws http::error that names the line, and shows none of its words: one may be a password.
  [[nodiscard]] static netrc parse(std::string_view text);

  // The first entry for the host, in any case, else the default one; with a login given, the first
  // of these that has it. Null if there is none.
  [[nodiscard]] const netrc_entry* find(std::string_view host) const noexcept;
  [[nodiscard]] const netrc_entry* find(std::string_view host,
                                        std::string_view login) const noexcept;

  [[nodiscard]] const std::vector<netrc_entry>& entries() const& noexcept { return entries_; }
  [[nodiscard]] std::vector<netrc_entry> entries() && noexcept { return std::move(entries_); }

 private:
  class reader;

  template <class Predicate>
  const netrc_entry* find_if(std::string_view host, Predicate fits) const noexcept;

  std::vector<netrc_entry> entries_;
};

}  // namespace eddy::inline v1::http
