#include "head_text.hpp"

namespace fetch {

std::string head_text(const eddy::http::response& answer) {
  std::string out(answer.version());
  out.append(" ").append(std::to_string(answer.status()));
  out.append(" ").append(answer.reason()).append("\r\n");
  for (const auto& [name, value] : answer.headers()) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return out.append("\r\n");
}

}  // namespace fetch
