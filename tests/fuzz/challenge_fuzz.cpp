#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../../net/http/challenge.hpp"
#include "../../net/http/digest.hpp"
#include "../../net/http/grammar.hpp"

namespace {

namespace grammar = eddy::http::grammar;
using eddy::http::challenge;
using eddy::http::challenge_list;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_field_text(std::string_view text) {
  return grammar::find_other(text, grammar::field_text) == std::string_view::npos;
}

std::string written(const challenge& one) {
  std::string out = one.scheme;
  if (!one.token68.empty()) out += " " + one.token68;
  for (std::size_t i = 0; i < one.params.size(); ++i) {
    out += (i == 0 ? " " : ", ") + one.params[i].name + "=";
    eddy::http::append_quoted_string(out, one.params[i].value);
  }
  return out;
}

void require_equal(const challenge& left, const challenge& right) {
  require(left.scheme == right.scheme && left.token68 == right.token68);
  require(left.params.size() == right.params.size());
  for (std::size_t i = 0; i < left.params.size(); ++i) {
    require(left.params[i].name == right.params[i].name);
    require(left.params[i].value == right.params[i].value);
  }
}

void check(const challenge& one) {
  require(grammar::is_token(one.scheme) && is_field_text(one.token68));
  require(one.token68.empty() || one.params.empty());
  require(one.params.size() <= eddy::http::max_challenge_params);
  for (const auto& [name, value] : one.params) {
    require(grammar::is_token(name) && is_field_text(value));
    require(one.get(name) == value);
  }
  const std::string text = written(one);
  if (text.size() > eddy::http::max_challenge_bytes) return;
  const challenge_list again = eddy::http::parse_challenges({text});
  require(again.problem.empty() && again.challenges.size() == 1);
  require_equal(again.challenges[0], one);
}

// What we answer is itself of that grammar, and says again what we were told.
void check_answer(const eddy::http::digest_challenge& asked) {
  const eddy::http::digest_request request = {"us\"er",      "password", "GET",
                                              "/?a=\"b\"", "cnonce",   1};
  const std::string answer = digest_response(asked, request);
  require(is_field_text(answer));
  if (answer.size() > eddy::http::max_challenge_bytes) return;
  const challenge_list read = eddy::http::parse_challenges({answer});
  require(read.problem.empty() && read.challenges.size() == 1);
  require(read.challenges[0].get("realm") == asked.realm);
  require(read.challenges[0].get("nonce") == asked.nonce);
  require(read.challenges[0].get("opaque") == asked.opaque);
  require(read.challenges[0].get("uri") == request.target);
}

}  // namespace

// Each line is the value of a WWW-Authenticate field.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> fields;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    fields.push_back(line);
    input.remove_prefix(line.size() < input.size() ? line.size() + 1 : line.size());
  }
  const challenge_list list = eddy::http::parse_challenges(fields);
  require(list.challenges.size() <= eddy::http::max_challenges);
  for (const char byte : list.problem) require(byte >= 0x20 && byte < 0x7F);
  for (const challenge& one : list.challenges) check(one);
  if (const auto asked = strongest_digest(list)) check_answer(*asked);
  return 0;
}
