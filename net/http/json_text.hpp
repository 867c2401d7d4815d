// What is said about JSON text: its depth, and what is wrong with it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// Throws json_error if arrays and objects are nested deeper than that: before anything is built,
// because later steps may recurse.
void check_json_depth(std::string_view text, std::size_t max_depth);

// The message for a parser's complaint about the byte of that number, the first being 1; 0: none
// in particular.
std::string json_failure(std::string_view text, std::size_t byte, std::string_view complaint);

}  // namespace eddy::inline v1::http
