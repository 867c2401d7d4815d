#include "head_text.hpp"

namespace fetch {

namespace {

template <class Response>
void append_head(std::string& to, const Response& answer) {
  to.append(answer.version()).append(" ").append(std::to_string(answer.status()));
  to.append(" ").append(answer.reason()).append("\r\n");
  to.append(field_lines(answer.headers())).append("\r\n");
}

}  // namespace

std::string field_lines(const eddy::http::headers& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return out;
}

std::string head_text(const eddy::http::response& answer) {
  std::string out;
  for (const eddy::http::interim_response& early : answer.interim()) append_head(out, early);
  append_head(out, answer);
  return out;
}

}  // namespace fetch
