#include "header_option.hpp"

#include <algorithm>
#include <array>
#include <eddy/net/http/error.hpp>

#include "printable.hpp"

namespace fetch {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Their values follow from the body that is sent; others would make the request malformed.
void check_name(std::string_view name) {
  constexpr std::array<std::string_view, 2> framing = {"Content-Length", "Transfer-Encoding"};
  for (const std::string_view reserved : framing) {
    if (!same_name(name, reserved)) continue;
    throw std::invalid_argument(std::string(reserved) +
                                " follows from the body, and cannot be set");
  }
}

}  // namespace

void add_header_option(settings& s, std::string_view text) {
  const std::size_t mark = text.find_first_of(":;");
  if (mark == text.npos || mark == 0) {
    throw std::invalid_argument("\"" + printable(text) + "\" is neither 'Name: value' nor 'Name;'");
  }
  const std::string_view name = text.substr(0, mark);
  const std::string_view value = trimmed(text.substr(mark + 1));
  const bool removes = text[mark] == ':' && value.empty();
  check_name(name);
  if (text[mark] == ';' && !value.empty()) {
    throw std::invalid_argument("\"" + printable(text) + "\" has something behind its ';'");
  }
  try {
    eddy::http::headers().add(name, value);
  } catch (const eddy::http::invalid_request& e) {
    throw std::invalid_argument(e.what());
  }
  if (!removes) {
    s.fields.add(name, value);
  } else if (same_name(name, "Host")) {
    throw std::invalid_argument("Host cannot be left out of a request");
  } else {
    s.unwanted.emplace_back(name);
  }
}

}  // namespace fetch
