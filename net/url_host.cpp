#include "url_host.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "idn.hpp"
#include "percent.hpp"

namespace eddy::inline v1::url_syntax {

namespace {

constexpr std::size_t max_dns_name = 253;  // RFC 1035 §2.3.4: 255 on the wire
constexpr std::size_t max_dns_label = 63;
// A longer name cannot fit in DNS: a label of punycode holds no more code points than bytes.
constexpr std::size_t max_unicode_name = 4 * max_dns_name;

bool is_ascii(char byte) noexcept { return static_cast<unsigned char>(byte) < 0x80; }

// Bytes outside ASCII pass: they are for to_punycode to judge.
std::string decoded(const source& from, std::string_view host) {
  std::string out;
  for (std::size_t i = 0; i < host.size(); ++i) {
    const std::string_view here = host.substr(i);
    if (const std::size_t plain = count_first(here, stands_in_dns_name); plain > 0) {
      const auto begin = static_cast<std::ptrdiff_t>(out.size());
      out.append(here.substr(0, plain));
      std::transform(out.begin() + begin, out.end(), out.begin() + begin, to_lower);
      i += plain - 1;
      continue;
    }
    char byte = host[i];
    const int value = decode_triplet(here);
    if (value >= 0) {
      byte = static_cast<char>(value);
      i += 2;
    } else if (byte == '%') {
      from.fail_at(here, "host has a '%' without two hexadecimal digits");
    }
    if (is_ascii(byte) && !is_unreserved(byte)) {
      from.fail_at(here, "host has " + described(byte) + (value >= 0 ? " percent-encoded" : ""));
    }
    out += to_lower(byte);
  }
  return out;
}

std::string punycode(const source& from, std::string_view host, const std::string& name) {
  if (name.size() > max_unicode_name) {
    from.fail_at(host, "host is " + std::to_string(name.size()) +
                           " bytes long, over the limit of " + std::to_string(max_unicode_name));
  }
  auto [ascii, problem] = to_punycode(name);
  if (!problem.empty()) from.fail_at(host, "host is not ASCII, and " + problem);
  // Compatibility forms become what they look like: U+FF0F becomes '/'.
  const auto wrong = std::find_if_not(ascii.begin(), ascii.end(), is_unreserved);
  if (wrong != ascii.end()) {
    from.fail_at(host, "host stands for " + quoted(ascii) + ", which has " + described(*wrong));
  }
  std::transform(ascii.begin(), ascii.end(), ascii.begin(), to_lower);
  return ascii;
}

void check_dns_lengths(const source& from, std::string_view host, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);  // the root, as in "example.com."
  if (name.size() > max_dns_name) {
    from.fail_at(host, "host is " + std::to_string(name.size()) +
                           " bytes long, over the limit of " + std::to_string(max_dns_name));
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (end == begin) from.fail_at(host, "host has an empty label");
    if (end - begin > max_dns_label) {
      from.fail_at(host, "host has a label of " + std::to_string(end - begin) +
                             " bytes, over the limit of " + std::to_string(max_dns_label));
    }
    begin = end + 1;
  }
}

}  // namespace

std::string normalised_ipv6(const source& from, std::string_view host) {
  if (host.find('%') != std::string_view::npos) {
    from.fail_at(host, "IPv6 address has a zone identifier, which a URL cannot carry,");
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr address{};
  const bool fits = host.size() < text.size();
  if (fits) std::copy(host.begin(), host.end(), text.begin());
  if (!fits || inet_pton(AF_INET6, text.data(), &address) != 1) {
    from.fail_at(host, from.quoted_piece(host) + " is not an IPv6 address");
  }
  return inet_ntop(AF_INET6, &address, text.data(), text.size());
}

std::string normalised_reg_name(const source& from, std::string_view host) {
  const std::size_t wrong = host.find_first_of(" []");
  if (wrong != std::string_view::npos) {
    from.fail_at(host.substr(wrong), "host has " + described(host[wrong]));
  }
  std::string out;
  append_requoted(out, host, component::reg_name);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '%') {
      i += 2;
    } else {
      out[i] = to_lower(out[i]);
    }
  }
  return out;
}

std::string normalised_dns_host(const source& from, std::string_view host) {
  if (host.empty()) from.fail("has no host");
  std::string name = decoded(from, host);
  if (!std::all_of(name.begin(), name.end(), is_ascii)) name = punycode(from, host, name);
  check_dns_lengths(from, host, name);
  return name;
}

}  // namespace eddy::inline v1::url_syntax
