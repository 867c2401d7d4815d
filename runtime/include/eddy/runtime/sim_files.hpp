// The files of a simulated world: eddy::file finds them, and nothing else, in memory.
//
// Any path may be made; folders need not be there. A call takes 100 microseconds of virtual time in
// the calm world, and up to 16 milliseconds in others, where reads may be short, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::sim {

// Makes the file, or replaces it. Throws std::logic_error, as those that follow, if this thread has
// no simulated world.
void write_file(std::string_view path, std::string_view bytes);
// What is in it; nothing if it is not there.
std::optional<std::string> read_file(std::string_view path);
// False if it is not there. Whoever has it open keeps it.
bool remove_file(std::string_view path);

enum class file_call : std::uint8_t { open, read, write, sync, close };

// Of the calls on the path from now on, the one after `skipped` others of its kind fails with
// `error`, an errno value. A write has then written a part of its bytes, a close has closed.
void fail_file(file_call call, std::string_view path, int error, unsigned skipped = 0);

}  // namespace eddy::inline v1::sim
