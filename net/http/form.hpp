// application/x-www-form-urlencoded.
#pragma once

#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// Appends "name=value", after "&" if `out` has fields already, as browsers serialize it (WHATWG
// URL, "application/x-www-form-urlencoded serializing"): letters, digits and "*-._" as they are, a
// space as "+", every other byte as %XX.
void append_form_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace eddy::inline v1::http
