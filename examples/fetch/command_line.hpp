#pragma once

#include "settings.hpp"

namespace fetch {

// Reads the command line and the files that -d names. Throws failure for what is wrong with them;
// ends the program after --help.
settings read_command_line(int argc, char** argv);

}  // namespace fetch
