// Pieces of an http URL as requests name them, as views of its text: good as long as that.
#pragma once

#include <eddy/net/url.hpp>
#include <string_view>

namespace eddy::inline v1::http {

// All of them: of a URL whose is_http() is true, which has a host and a path.

// As url::target().
inline std::string_view target_of(const url& to) noexcept {
  const std::size_t query = to.has_query() ? to.query().size() + 1 : 0;
  return {to.path().data(), to.path().size() + query};
}

// As url::authority().
inline std::string_view authority_of(const url& to) noexcept {
  const char* const begin = to.host().data() - (to.host_is_ipv6() ? 1 : 0);
  return {begin, static_cast<std::size_t>(to.path().data() - begin)};
}

// As url::origin(), where no user info stands in the middle.
inline std::string_view origin_without_user_info(const url& to) noexcept {
  return {to.text().data(), static_cast<std::size_t>(to.path().data() - to.text().data())};
}

}  // namespace eddy::inline v1::http
