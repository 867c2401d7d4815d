#include <algorithm>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/url.hpp>
#include <utility>

#include "../percent.hpp"
#include "../url_authority.hpp"
#include "credential_text.hpp"
#include "socks5.hpp"

namespace eddy::inline v1::http {

namespace {

// curl's: CURL_DEFAULT_PROXY_PORT and CURL_DEFAULT_HTTPS_PROXY_PORT.
constexpr std::uint16_t default_port = 1080;
constexpr std::uint16_t default_https_port = 443;

constexpr std::string_view hidden_user_info = "***@";

struct scheme_name {
  std::string_view name;
  proxy::kind kind;
};

constexpr scheme_name schemes[] = {
    {"http", proxy::kind::http},
    {"https", proxy::kind::https},
    {"socks5", proxy::kind::socks5},
    {"socks5h", proxy::kind::socks5h},
};

// `text` without its user info, as messages show it.
struct proxy_text {
  std::string scheme;  // in lower case; empty: none was written
  std::string_view user_info;
  std::string shown;
  std::size_t authority_begin = 0;  // in `shown`
  std::size_t authority_end = 0;
};

[[noreturn]] void refuse(std::string_view shown, std::string_view why) {
  throw invalid_proxy("proxy " + url_syntax::quoted(shown) + ": " + std::string(why));
}

bool is_scheme(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
    return url_syntax::is_alpha(byte) || url_syntax::is_digit(byte) || byte == '+' || byte == '-' ||
           byte == '.';
  });
}

// Whatever stands before the last '@' may be a part of a password and is not shown.
proxy_text split(std::string_view text) {
  constexpr std::string_view mark = "://";
  proxy_text out;
  const std::size_t scheme_end = text.find(mark);
  if (scheme_end != std::string_view::npos && is_scheme(text.substr(0, scheme_end))) {
    out.scheme = text.substr(0, scheme_end);
    std::transform(out.scheme.begin(), out.scheme.end(), out.scheme.begin(), url_syntax::to_lower);
    text.remove_prefix(scheme_end + mark.size());
    out.shown.append(out.scheme).append(mark);
  }
  const std::size_t last_at = text.rfind('@');
  if (last_at != std::string_view::npos) {
    out.user_info = text.substr(0, last_at);
    text.remove_prefix(last_at + 1);
    out.shown.append(hidden_user_info);
  }
  out.authority_begin = out.shown.size();
  out.authority_end = out.authority_begin + std::min(text.find_first_of("/?#"), text.size());
  out.shown.append(text);
  const std::string_view tail = std::string_view(out.shown).substr(out.authority_end);
  if (!tail.empty() && tail != "/") refuse(out.shown, "something follows host and port");
  if (out.user_info.find_first_of("@/?#") != std::string_view::npos) {
    refuse(out.shown, "the user info has one of @/?# (write %40, %2F, %3F, %23)");
  }
  return out;
}

proxy::kind kind_of(const proxy_text& text) {
  if (text.scheme.empty()) return proxy::kind::http;
  for (const scheme_name& known : schemes) {
    if (known.name == text.scheme) return known.kind;
  }
  refuse(text.shown, "its scheme is not http, https, socks5 or socks5h");
}

url_syntax::authority authority_of(const proxy_text& text) {
  const std::string_view shown = text.shown;
  const url_syntax::source from(shown);
  const std::size_t size = text.authority_end - text.authority_begin;
  try {
    return url_syntax::parse_authority(from, shown.substr(text.authority_begin, size),
                                       url_syntax::host_rules::dns);
  } catch (const url_error& problem) {
    constexpr std::string_view instead_of = "URL";
    throw invalid_proxy("proxy" + std::string(problem.what()).substr(instead_of.size()));
  }
}

}  // namespace

invalid_proxy::~invalid_proxy() = default;

proxy proxy::parse(std::string_view text) {
  text = url_syntax::without_surrounding_space(text);
  if (text.empty()) throw invalid_proxy("a proxy cannot be empty; proxy::direct() is none");
  if (text.size() > max_url_length) {
    throw invalid_proxy("a proxy's text has " + std::to_string(text.size()) +
                        " bytes, over the limit of " + std::to_string(max_url_length));
  }
  const proxy_text parts = split(text);
  proxy out(kind_of(parts));
  url_syntax::authority where = authority_of(parts);
  out.host_ = std::move(where.host);
  out.port_ = where.has_port                ? where.port
              : out.kind_ == kind::https ? default_https_port
                                         : default_port;
  if (!parts.user_info.empty()) {
    const user_and_password decoded = decode_user_info(parts.user_info);
    out.credentials_ = http::auth(http::auth::kind::basic, decoded.user, decoded.password);
    out.check_credentials();
  }
  return out;
}

proxy& proxy::auth(http::auth credentials) & {
  std::swap(credentials_, credentials);
  try {
    check_credentials();
  } catch (...) {
    credentials_ = std::move(credentials);
    throw;
  }
  return *this;
}

void proxy::check_credentials() const {
  using sort = http::auth::kind;
  const auto refuse_credentials = [this](std::string_view why) { refuse(str(), why); };
  const auto check = [&](std::string_view what, std::string_view text) {
    const std::string fault = credential_fault(
        text, is_socks() ? max_socks5_credential_bytes : max_credential_bytes);
    if (!fault.empty()) refuse_credentials(std::string(what) + " " + fault);
  };
  const sort given = credentials_.which();
  if (given == sort::unset) return;
  if (!is_used()) refuse_credentials("there is nobody to give credentials to");
  if (given != sort::basic && (given != sort::digest || is_socks())) {
    refuse_credentials(is_socks() ? "a SOCKS proxy takes auth::basic only"
                                  : "a proxy takes auth::basic and auth::digest only");
  }
  check("its user name", credentials_.user());
  check("its password", credentials_.password());
  if (is_socks()) {
    if (credentials_.user().empty()) refuse_credentials("its user name is empty");
  } else if (given == sort::basic && credentials_.user().find(':') != std::string::npos) {
    refuse_credentials("its user name has a ':', at which proxies end it (RFC 7617 §2)");
  }
}

std::string proxy::str() const {
  for (const scheme_name& known : schemes) {
    if (known.kind != kind_) continue;
    const bool is_ipv6 = host_.find(':') != std::string::npos;
    std::string out(known.name);
    out.append(is_ipv6 ? "://[" : "://").append(host_).append(is_ipv6 ? "]:" : ":");
    return out.append(std::to_string(port_));
  }
  return "direct";
}

}  // namespace eddy::inline v1::http
