#pragma once

#include <string>
#include <string_view>

#include "url_text.hpp"

// Hosts (RFC 3986 §3.2.2). `host` must lie inside `from`, whose fail() reports what is wrong.
namespace eddy::inline v1::url_syntax {

// The address between brackets, as RFC 5952 writes it. Zone identifiers and IPvFuture are refused.
[[nodiscard]] std::string normalised_ipv6(const source& from, std::string_view host);

// The host of a scheme that we know nothing about: requoted, in lower case.
[[nodiscard]] std::string normalised_reg_name(const source& from, std::string_view host);

// A name for DNS, or what looks like an IPv4 address, which stays as it is: percent-decoded, in
// punycode and lower case; letters, digits, '-', '.', '_' and '~' only; RFC 1035 lengths.
[[nodiscard]] std::string normalised_dns_host(const source& from, std::string_view host);

}  // namespace eddy::inline v1::url_syntax
