#pragma once

#include <eddy/net/url.hpp>
#include <string>
#include <string_view>

namespace fetch {

// `text` in one line of printable ASCII, every other byte as \xNN: what a terminal or a log may be
// shown of what came from a peer.
std::string printable(std::string_view text);

// The same of a URL, without its user info and fragment.
std::string place_of(const eddy::url& to);

}  // namespace fetch
