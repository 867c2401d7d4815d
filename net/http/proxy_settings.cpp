#include "proxy_settings.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "../url_text.hpp"
#include "environment.hpp"

namespace eddy::inline v1::http {

namespace {

std::string in_upper_case(std::string_view name) {
  std::string out(name);
  for (char& byte : out) {
    if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
  }
  return out;
}

// Of the first of these names that is there.
std::optional<std::string_view> either_case(const char* const* environment, std::string& name) {
  if (const auto value = variable_in(environment, name)) return value;
  const std::string upper = in_upper_case(name);
  const auto value = variable_in(environment, upper);
  if (value) name = upper;
  return value;
}

template <class Number>
bool read_number(std::string_view digits, Number least, Number most, Number& out) {
  const char* end = digits.data() + digits.size();
  const auto [stopped, failure] = std::from_chars(digits.data(), end, out);
  return failure == std::errc() && stopped == end && out >= least && out <= most;
}

struct host_and_port {
  std::string_view host;
  std::uint16_t port = 0;
};

// "host", "host:80", "[v6]", "[v6]:80", or an IPv6 address as it is.
std::optional<host_and_port> split_port(std::string_view word) {
  host_and_port out{word};
  std::size_t colon = word.find(':');
  if (word.starts_with('[')) {
    const std::size_t close = word.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.host = word.substr(1, close - 1);
    colon = close + 1;
    if (colon < word.size() && word[colon] != ':') return std::nullopt;
  } else if (colon != std::string_view::npos && word.find(':', colon + 1) == word.npos) {
    out.host = word.substr(0, colon);
  } else {
    colon = word.size();
  }
  if (colon < word.size() &&
      !read_number<std::uint16_t>(word.substr(colon + 1), 1, 65535, out.port)) {
    return std::nullopt;
  }
  return out;
}

bool begin_alike(const endpoint& left, const endpoint& right, unsigned bits) {
  if (left.is_ipv6() != right.is_ipv6()) return false;
  for (std::size_t i = 0; bits > 0; ++i) {
    const unsigned compared = std::min(bits, 8U);
    const unsigned difference = static_cast<unsigned>(left.bytes()[i] ^ right.bytes()[i]);
    if (difference >> (8U - compared) != 0) return false;
    bits -= compared;
  }
  return true;
}

// As a URL would have it, without dots around it; empty if no URL can have it.
std::string normalised_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(1);
  if (name.starts_with('.')) name.remove_prefix(1);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.find_first_of("@/?#[]:") != std::string_view::npos) return {};
  try {
    return std::string(url::parse_http("http://" + std::string(name)).host());
  } catch (const url_error&) {
    return {};
  }
}

bool is_at_or_below(std::string_view host, std::string_view name) {
  if (!host.ends_with(name)) return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

}  // namespace

no_proxy_list::no_proxy_list(std::string_view text) {
  constexpr std::string_view separators = ", \t";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) add(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void no_proxy_list::add(std::string_view word) {
  if (word == "*") everything_ = true;
  const auto parts = split_port(word);
  if (!parts) return;
  const std::size_t slash = parts->host.find('/');
  const std::string_view host = parts->host.substr(0, slash);
  if (endpoint::is_address(host)) {
    address_entry entry{endpoint::parse(host, 0), 0, parts->port};
    const unsigned all = entry.address.is_ipv6() ? 128 : 32;
    entry.bits = all;
    const bool has_bits = slash != std::string_view::npos;
    if (!has_bits || read_number(parts->host.substr(slash + 1), 0U, all, entry.bits)) {
      addresses_.push_back(entry);
    }
  } else if (std::string name = normalised_name(parts->host); !name.empty()) {
    names_.push_back({std::move(name), parts->port});
  }
}

bool no_proxy_list::contains(const url& to) const {
  if (everything_) return true;
  const auto is_for = [&to](std::uint16_t port) { return port == 0 || port == to.port(); };
  std::string_view host = to.host();
  if (endpoint::is_address(host)) {
    const endpoint address = endpoint::parse(host, 0);
    return std::any_of(addresses_.begin(), addresses_.end(), [&](const address_entry& entry) {
      return is_for(entry.port) && begin_alike(entry.address, address, entry.bits);
    });
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::any_of(names_.begin(), names_.end(), [&](const name_entry& entry) {
    return is_for(entry.port) && is_at_or_below(host, entry.name);
  });
}

proxy_settings::proxy_settings(proxy through, no_proxy_list without)
    : http_{std::move(through), {}}, https_(http_), without_(std::move(without)) {}

proxy_settings proxy_settings::from_environment(const char* const* environment) {
  proxy_settings out;
  out.http_ = read(environment, "http_proxy");
  out.https_ = read(environment, "https_proxy");
  std::string name = "no_proxy";
  if (const auto list = either_case(environment, name)) out.without_ = no_proxy_list(*list);
  return out;
}

proxy_settings::choice proxy_settings::read(const char* const* environment,
                                            std::string_view own_name) {
  std::string name(own_name);
  auto text =
      name == "http_proxy" ? variable_in(environment, name) : either_case(environment, name);
  if (!text) {
    name = "all_proxy";
    text = either_case(environment, name);
  }
  choice out;
  if (!text || url_syntax::without_surrounding_space(*text).empty()) return out;
  try {
    out.through = proxy::parse(*text);
  } catch (const invalid_proxy& problem) {
    out.problem = name + " in the environment: " + problem.what();
  }
  return out;
}

const proxy& proxy_settings::choose(const url& to) const {
  const choice& chosen = to.scheme() == "https" ? https_ : http_;
  if (!chosen.through.is_used() && chosen.problem.empty()) return none_;
  if (without_.contains(to)) return none_;
  if (!chosen.problem.empty()) throw invalid_proxy(chosen.problem);
  return chosen.through;
}

}  // namespace eddy::inline v1::http
