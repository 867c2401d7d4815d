#include "head_text.hpp"

namespace fetch {

std::string head_text(const eddy::http::response& answer) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status()) + " " + answer.reason() + "\r\n";
  for (const auto& [name, value] : answer.headers()) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return out.append("\r\n");
}

}  // namespace fetch
