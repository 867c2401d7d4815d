// cookies.txt: seven fields a line, between tabs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

class cookie_load_result;
class cookie_store;

// Those that have not expired, oldest first.
[[nodiscard]] std::string write_netscape(const cookie_store& from, std::int64_t now);
// Adds to `into` what the text holds. Lines end in LF or CR LF.
[[nodiscard]] cookie_load_result read_netscape(cookie_store& into, std::string_view text,
                                               std::int64_t now);

}  // namespace eddy::inline v1::http
