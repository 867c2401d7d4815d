// A row of the table of charsets: for the two sources that know what is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "charset.hpp"

namespace eddy::inline v1::http {

struct charset {
  enum class method : std::uint8_t { utf_8, windows_1252, iconv };

  const char* name;         // that iconv knows it by
  method how;               // it is converted
  std::size_t unit;         // bytes that are skipped where one means nothing
  std::string_view labels;  // in lower case, a space between each two
};

}  // namespace eddy::inline v1::http
