#include "cookie_rules.hpp"

#include <algorithm>
#include <eddy/net/url.hpp>

#include "cookie_text.hpp"
#include "grammar.hpp"
#include "public_suffix.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view secure_prefix = "__secure-";
constexpr std::string_view host_prefix = "__host-";

bool begins_with(std::string_view text, std::string_view lower) noexcept {
  return grammar::equal_ignoring_case(text.substr(0, lower.size()), lower);
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), grammar::is_digit);
}

// 127.0.0.0/8 in the one form that every reader takes for it.
bool is_loopback_ipv4(std::string_view host) noexcept {
  std::size_t parts = 0;
  for (; parts < 4; ++parts) {
    const std::size_t end = std::min(host.find('.'), host.size());
    const std::string_view part = host.substr(0, end);
    if (!all_digits(part) || part.size() > 3 || (part.size() > 1 && part.front() == '0') ||
        (part.size() == 3 && part > "255") || (parts == 0 && part != "127")) {
      return false;
    }
    if ((end == host.size()) != (parts == 3)) return false;
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return true;
}

bool is_trimmed(std::string_view text) {
  return grammar::trim_whitespace(text).size() == text.size();
}

// Of a name or a value: what would end it early, or be lost, in a field or in a file.
std::string fault_of_text(std::string_view what, std::string_view text) {
  if (has_control_byte(text)) return std::string(what) + " has a control byte";
  if (text.find(';') != std::string_view::npos) return std::string(what) + " has a semicolon";
  if (!is_trimmed(text)) return std::string(what) + " begins or ends with white space";
  return {};
}

std::string fault_of_domain(const cookie& c) {
  if (c.domain.empty()) return "it has no domain";
  if (c.host_only) return {};
  const std::string shown = "its domain " + quoted(c.domain);
  if (is_address_like(c.domain)) return shown + " is an address: it has no names below it";
  if (c.domain.back() == '.') return shown + " ends in a dot: it is for that host only";
  if (is_public_suffix(c.domain)) return shown + " is a public suffix: it is for that host only";
  return {};
}

std::string fault_of_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return "its path does not begin with a slash";
  if (path.size() > max_cookie_attribute_bytes) {
    return "its path has " + std::to_string(path.size()) + " bytes, the limit is " +
           std::to_string(max_cookie_attribute_bytes);
  }
  return fault_of_text("its path", path);
}

std::string fault_of_prefix(const cookie& c) {
  if (begins_with(c.name, secure_prefix) && !c.secure) return "__Secure- asks for Secure";
  if (!has_host_prefix(c.name)) return {};
  if (!c.secure || !c.host_only || c.path != "/") {
    return "__Host- asks for Secure, the path / and one host only";
  }
  return {};
}

}  // namespace

bool is_address_like(std::string_view host) noexcept {
  if (host.find(':') != std::string_view::npos) return true;
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (all_digits(last)) return true;
  if (last.size() < 2 || last[0] != '0' || grammar::to_lower(last[1]) != 'x') return false;
  last.remove_prefix(2);
  return std::all_of(last.begin(), last.end(),
                     [](char byte) { return grammar::hex_value(byte) >= 0; });
}

bool domain_matches(std::string_view host, std::string_view domain) noexcept {
  if (host == domain) return true;
  return !domain.empty() && host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_address_like(host);
}

bool path_matches(std::string_view asked, std::string_view of_cookie) noexcept {
  if (!asked.starts_with(of_cookie)) return false;
  return asked.size() == of_cookie.size() || of_cookie.ends_with('/') ||
         asked[of_cookie.size()] == '/';
}

std::string_view default_path(std::string_view asked) noexcept {
  const std::size_t last = asked.rfind('/');
  if (asked.empty() || asked.front() != '/' || last == 0) return "/";
  return asked.substr(0, last);
}

bool is_secure(const url& to) noexcept {
  return to.scheme() == "https" || to.host() == "localhost" || to.host() == "::1" ||
         is_loopback_ipv4(to.host());
}

std::optional<std::string> canonical_domain(std::string_view text) {
  const bool is_ipv6 = text.find(':') != std::string_view::npos;
  if (is_ipv6 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  // What a URL could read otherwise than as a host.
  if (text.empty() || has_control_byte(text) ||
      text.find_first_of("/?#@\\%[] ") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string page(is_ipv6 ? "http://[" : "http://");
  page.append(text).append(is_ipv6 ? "]/" : "/");
  try {
    return std::string(url::parse_http(page).host());
  } catch (const url_error&) {
    return std::nullopt;
  }
}

bool has_host_prefix(std::string_view name) noexcept { return begins_with(name, host_prefix); }

std::string fault_of(const cookie& c) {
  if (c.name.empty()) return "it has no name";
  if (c.name.find('=') != std::string::npos) return "its name has an equals sign";
  if (c.name.size() + c.value.size() > max_cookie_bytes) {
    return "its name and value have " + std::to_string(c.name.size() + c.value.size()) +
           " bytes, the limit is " + std::to_string(max_cookie_bytes);
  }
  std::string fault = fault_of_text("its name", c.name);
  if (fault.empty()) fault = fault_of_text("its value", c.value);
  if (fault.empty()) fault = fault_of_domain(c);
  if (fault.empty()) fault = fault_of_path(c.path);
  if (fault.empty()) fault = fault_of_prefix(c);
  return fault;
}

}  // namespace eddy::inline v1::http
