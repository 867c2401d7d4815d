#include "line_splitter.hpp"

#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <utility>

namespace eddy::inline v1::http {

std::optional<std::string> line_splitter::next(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  if (std::exchange(after_cr_, false) && text.front() == '\n') text.remove_prefix(1);
  const std::size_t end = text.find_first_of("\r\n");
  append(text.substr(0, end));
  if (end == std::string_view::npos) {
    text = {};
    return std::nullopt;
  }
  after_cr_ = text[end] == '\r';
  text.remove_prefix(end + 1);
  return std::exchange(line_, std::string());
}

std::optional<std::string> line_splitter::finish() {
  if (line_.empty()) return std::nullopt;
  return std::exchange(line_, std::string());
}

void line_splitter::append(std::string_view part) {
  if (part.size() > max_line_bytes_ - line_.size()) {
    throw content_error("a line has more than max_line_bytes (" + std::to_string(max_line_bytes_) +
                        ")");
  }
  line_.append(part);
}

}  // namespace eddy::inline v1::http
