#include "json_text.hpp"

#include <algorithm>
#include <eddy/net/http/json.hpp>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// "line 3, column 7", counted from 1; columns are bytes.
std::string place_in(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte - 1);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t begin = before.rfind('\n') + 1;  // 0 if there is none
  const std::size_t column = before.size() - begin + 1;
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(column);
}

// Behind "[json.exception.parse_error.101] parse error at line 1, column 2: ".
std::string_view reason_in(std::string_view complaint) {
  if (const auto end = complaint.find("] "); end != std::string_view::npos) {
    complaint.remove_prefix(end + 2);
  }
  if (complaint.starts_with("parse error")) {
    const auto colon = complaint.find(": ");
    if (colon != std::string_view::npos) complaint.remove_prefix(colon + 2);
  }
  return complaint;
}

}  // namespace

json_error::~json_error() = default;

void check_json_depth(std::string_view text, std::size_t max_depth) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (in_string) {
      if (byte == '\\') ++i;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      if (++depth > max_depth) {
        throw json_error("JSON: " + place_in(text, i + 1) + ": nested deeper than max_depth (" +
                         std::to_string(max_depth) + ")");
      }
    } else if ((byte == ']' || byte == '}') && depth > 0) {
      --depth;
    }
  }
}

std::string json_failure(std::string_view text, std::size_t byte, std::string_view complaint) {
  constexpr std::size_t shown_bytes = 200;
  const std::string reason = escaped(reason_in(complaint), shown_bytes);
  if (byte == 0) return "JSON: " + reason;
  return "JSON: " + place_in(text, byte) + ": " + reason;
}

}  // namespace eddy::inline v1::http
