// What the client takes from the environment's variables. Pure functions over a block of
// "NAME=value" with a null pointer at its end, as detail::system::environment() brings it; a null
// block is an empty one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// The value of the first variable of that name, which is case-sensitive.
[[nodiscard]] std::optional<std::string_view> variable_in(const char* const* environment,
                                                          std::string_view name) noexcept;

// Where auth::netrc() without a path looks: $NETRC, or .netrc in $HOME; empty if that is nowhere.
[[nodiscard]] std::string usual_netrc_path(const char* const* environment);

}  // namespace eddy::inline v1::http
