#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace eddy::inline v1::http {

// The same bytes as text and as raw bytes: parsing is about characters, buffers are about
// std::byte.
inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace eddy::inline v1::http
