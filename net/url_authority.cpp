#include "url_authority.hpp"

#include <algorithm>
#include <limits>

#include "percent.hpp"
#include "url_host.hpp"

namespace eddy::inline v1::url_syntax {

namespace {

// Bytes that readers disagree about: some end the host at a backslash, some drop controls.
void check_bytes(const source& from, std::string_view text) {
  const std::size_t at = find_first(text, no_authority);
  if (at == text.size()) return;
  from.fail_at(text.substr(at), "authority has " + described(text[at]));
}

std::uint16_t parse_port(const source& from, std::string_view digits, host_rules rules) {
  constexpr unsigned highest = std::numeric_limits<std::uint16_t>::max();
  const unsigned lowest = rules == host_rules::dns ? 1 : 0;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) {
    from.fail_at(digits, "port " + from.quoted_piece(digits) + " is not a number");
  }
  unsigned port = 0;
  for (const char digit : digits) {
    // Saturated, so that no number of digits wraps into the range.
    port = std::min(port * 10 + static_cast<unsigned>(digit - '0'), highest + 1);
  }
  if (port < lowest || port > highest) {
    from.fail_at(digits, "port " + from.quoted_piece(digits) + " is not in " +
                             std::to_string(lowest) + ".." + std::to_string(highest));
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

authority parse_authority(const source& from, std::string_view text, host_rules rules) {
  check_bytes(from, text);
  authority out;
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    out.user_info = text.substr(0, at);
    text.remove_prefix(at + 1);
    const std::size_t second = text.find('@');
    if (second != std::string_view::npos) {
      from.fail_at(text.substr(second), "authority has a second '@' (in user info, write %40)");
    }
  }

  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) from.fail_at(text, "no ']' ends the IPv6 address");
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') {
      from.fail_at(rest, "the IPv6 address is followed by " + described(rest.front()));
    }
    out.ipv6 = true;
    out.host = normalised_ipv6(from, host);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    rest = text.substr(colon);
    const std::size_t second = rest.find(':', 1);
    if (second != std::string_view::npos) {
      from.fail_at(rest.substr(second),
                   "authority has a second ':' (an IPv6 address stands in brackets)");
    }
    out.host = rules == host_rules::dns ? normalised_dns_host(from, host)
                                        : normalised_reg_name(from, host);
  }

  if (rest.size() > 1) {
    out.has_port = true;
    out.port = parse_port(from, rest.substr(1), rules);
  }
  return out;
}

}  // namespace eddy::inline v1::url_syntax
