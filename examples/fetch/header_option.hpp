#pragma once

#include <string_view>

#include "settings.hpp"

namespace fetch {

// Takes one -H into settings: 'Name: value' sends a field, 'Name;' one without a value, 'Name:'
// keeps the field of that name from being sent. Throws std::invalid_argument for anything else, and
// for what no request may carry.
void add_header_option(settings& s, std::string_view text);

}  // namespace fetch
