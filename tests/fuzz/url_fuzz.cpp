// Feeds libFuzzer's bytes to the URL parser: the first line is a URL, the rest a reference in it.
// Whatever comes out must be valid text that parses to itself.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <eddy/net/url.hpp>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const eddy::url& u) {
  constexpr std::string_view valid =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%";
  const std::string text = u.str();
  require(text.find_first_not_of(valid) == std::string::npos);
  const auto again = eddy::url::parse(text);
  require(again == u && again.host() == u.host() && again.path() == u.path());
  require(again.query() == u.query() && again.fragment() == u.fragment());
  require(again.port() == u.port() && again.user_info() == u.user_info());
  require(u.target().find_first_of("# ") == std::string::npos);
  require(u.authority().find_first_of("@/?#") == std::string::npos);
  // Nothing in a host may end it early for another reader.
  if (u.is_http()) {
    require(u.target().front() == '/' && u.port() != 0);
    if (!u.host_is_ipv6()) require(u.host().find_first_of(":/?#[]@%\\ ") == std::string::npos);
  }
}

void check_message(const eddy::url_error& error) {
  constexpr std::size_t longest_message = 4096;
  const std::string_view message = error.what();
  require(message.size() < longest_message);
  for (const char byte : message) require(byte >= 0x20 && byte < 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  eddy::url base = eddy::url::parse("http://a/b/c/d;p?q");
  try {
    base = eddy::url::parse(input.substr(0, line));
    check(base);
  } catch (const eddy::url_error& error) {
    check_message(error);
  }
  try {
    check(base.resolve(line == std::string_view::npos ? input : input.substr(line + 1)));
  } catch (const eddy::url_error& error) {
    check_message(error);
  }
  return 0;
}
