// Under which names anybody may register one: "com", "co.uk", "github.io" (publicsuffix.org).
#pragma once

#include <string>

namespace eddy::inline v1::http {

// Of a host name in lower case and punycode, without a dot at its end. By libpsl's own list, where
// a name of one label that it does not know is a suffix, too; without libpsl only such names are.
[[nodiscard]] bool is_public_suffix(const std::string& name);

// The domain that somebody registered to have this name: "example.co.uk" for "www.example.co.uk".
// The name itself if it is a suffix. Without libpsl the last two labels.
[[nodiscard]] std::string registrable_domain(const std::string& name);

}  // namespace eddy::inline v1::http
