#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// A Content-Type (RFC 9110 §8.3), as far as a client needs it. Read leniently: what is no parameter
// is skipped, and of two charsets the first counts.
struct media_type {
  std::string essence;                 // "text/html", in lower case; empty if there is none
  std::optional<std::string> charset;  // as written, quotes removed
};

media_type parse_media_type(std::string_view content_type);

}  // namespace eddy::inline v1::http
