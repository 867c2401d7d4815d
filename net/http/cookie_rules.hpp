// What may be a cookie, and which requests it belongs to (RFC 6265 §5.1). Pure functions.
#pragma once

#include <eddy/net/http/cookie.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

class url;

namespace http {

// "127.0.0.1", "::1", and what a resolver may take for an address: names that end in a number
// ("127.1", "0x7f.1"). They have no domains above them.
[[nodiscard]] bool is_address_like(std::string_view host) noexcept;

// Hosts are in lower case. §5.1.3.
[[nodiscard]] bool domain_matches(std::string_view host, std::string_view domain) noexcept;
// §5.1.4, both.
[[nodiscard]] bool path_matches(std::string_view asked, std::string_view of_cookie) noexcept;
[[nodiscard]] std::string_view default_path(std::string_view asked) noexcept;

// Whether nobody on the way can have read or written what goes there: TLS, or this machine.
[[nodiscard]] bool is_secure(const url& to) noexcept;

// A domain as somebody wrote it, with brackets or in upper case, as url::host() has it; nothing if
// it is none.
[[nodiscard]] std::optional<std::string> canonical_domain(std::string_view text);

// The same "__Secure-" and "__Host-" in any case (RFC 6265bis §4.1.3).
[[nodiscard]] bool has_host_prefix(std::string_view name) noexcept;

// Why a cookie with a canonical domain can be none: "its path is empty"; empty if it can.
[[nodiscard]] std::string fault_of(const cookie& c);

}  // namespace http
}  // namespace eddy::inline v1
