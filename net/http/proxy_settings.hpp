// Which proxy a URL goes through.
#pragma once

#include <cstdint>
#include <eddy/net/address.hpp>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::inline v1::http {

// The hosts that are reached without a proxy, as NO_PROXY lists them: between commas and spaces
//   *                       every host
//   example.com             the host and those below it; so do .example.com and *.example.com
//   192.0.2.7, 2001:db8::1  an address, whichever way it is written; also [2001:db8::1]
//   10.0.0.0/8, fc00::/7    addresses that begin with so many bits
// each but the first and the last with a port behind it, "example.com:8080", or for every port.
// Names match without regard to case and to a dot at their end. What is none of these matches
// nothing. A name is never looked up, so an address matches no name.
class no_proxy_list {
 public:
  no_proxy_list() noexcept {}
  explicit no_proxy_list(std::string_view text);

  [[nodiscard]] bool contains(const url& to) const;

 private:
  struct name_entry {
    std::string name;
    std::uint16_t port = 0;  // 0: every port
  };
  struct address_entry {
    endpoint address;
    unsigned bits = 0;
    std::uint16_t port = 0;
  };

  void add(std::string_view word);

  std::vector<name_entry> names_;
  std::vector<address_entry> addresses_;
  bool everything_ = false;
};

// A proxy for http, one for https, and the hosts that need none. A plain value.
class proxy_settings {
 public:
  // Straight to every origin.
  proxy_settings() noexcept {}
  // One for all.
  explicit proxy_settings(proxy through, no_proxy_list without = no_proxy_list());
  // As curl reads them from the environment ("NAME=value" each, a null pointer at the end):
  // http_proxy, https_proxy, all_proxy and no_proxy, in lower case or else in upper case, except
  // HTTP_PROXY, which a CGI program's client sets with a Proxy field (CVE-2016-5385). An empty
  // value means no proxy. Values that are no proxy are refused when they are chosen.
  [[nodiscard]] static proxy_settings from_environment(const char* const* environment);

  // The proxy for an http or https URL; unset if it goes straight to the origin. Good until the
  // settings are changed or destroyed. Throws invalid_proxy that names the variable.
  [[nodiscard]] const proxy& choose(const url& to) const;

 private:
  struct choice {
    proxy through;
    std::string problem;
  };
  static choice read(const char* const* environment, std::string_view own_name);

  choice http_;
  choice https_;
  proxy none_;
  no_proxy_list without_;
};

}  // namespace eddy::inline v1::http
