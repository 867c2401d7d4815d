#include "line_reader.hpp"

#include <eddy/net/http/error.hpp>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view line_end = "\r\n";

[[noreturn]] void throw_too_long(const line_bound& bound) {
  throw protocol_error(std::string(bound.section)
                           .append(" exceeds ")
                           .append(bound.name)
                           .append(" (")
                           .append(std::to_string(bound.configured))
                           .append(")"),
                       bound.answer_status);
}

}  // namespace

std::optional<std::string_view> line_reader::next(std::string_view& input,
                                                  const line_bound& bound) {
  if (handed_out_) clear();
  const std::size_t feed = input.find('\n');
  const std::size_t taken = feed == std::string_view::npos ? input.size() : feed + 1;
  if (taken > bound.bytes || partial_.size() > bound.bytes - taken) throw_too_long(bound);

  std::string_view line = input.substr(0, taken);
  input.remove_prefix(taken);
  if (feed == std::string_view::npos) {
    partial_.append(line);
    return std::nullopt;
  }
  if (!partial_.empty()) {
    line = partial_.append(line);
    handed_out_ = true;
  }
  if (!line.ends_with(line_end)) {
    line.remove_suffix(1);
    throw protocol_error("bare LF after " + quoted(line) + " in the " + std::string(bound.section));
  }
  line.remove_suffix(line_end.size());
  return line;
}

void line_reader::clear() noexcept {
  partial_.clear();
  handed_out_ = false;
}

}  // namespace eddy::inline v1::http
