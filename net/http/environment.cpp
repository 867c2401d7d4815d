#include "environment.hpp"

namespace eddy::inline v1::http {

std::optional<std::string_view> variable_in(const char* const* environment,
                                            std::string_view name) noexcept {
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::string usual_netrc_path(const char* const* environment) {
  const auto named = variable_in(environment, "NETRC");
  if (named && !named->empty()) return std::string(*named);
  const auto home = variable_in(environment, "HOME");
  if (!home || home->empty()) return {};
  return std::string(*home).append("/.netrc");
}

}  // namespace eddy::inline v1::http
