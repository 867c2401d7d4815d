// Feeds libFuzzer's bytes to the netrc parser: what comes out was in it, within the bounds, and is
// found again; an error shows nothing of it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <eddy/net/http/error.hpp>
#include <string_view>

#include "../../net/http/netrc.hpp"

namespace http = eddy::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const http::netrc& logins) {
  for (const http::netrc_entry& entry : logins.entries()) {
    for (const auto* word : {&entry.machine, &entry.login, &entry.password}) {
      require(word->size() <= http::max_netrc_word_bytes);
    }
    const http::netrc_entry* const found = logins.find(entry.machine);
    require(found && found->machine.size() == entry.machine.size());
    if (entry.has_login) {
      const http::netrc_entry* const own = logins.find(entry.machine, entry.login);
      require(own && own->login == entry.login);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    check(http::netrc::parse(input));
  } catch (const http::error& error) {
    constexpr std::size_t longest_message = 128;
    const std::string_view message = error.what();
    require(message.starts_with("netrc") && message.size() < longest_message);
    for (const char byte : message) require(byte >= 0x20 && byte < 0x7f);
  }
  return 0;
}
