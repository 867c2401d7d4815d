#pragma once

#include <string>
#include <vector>

namespace fetch {

// The body that several -d make: the texts, and the files behind '@' ("@-": the standard input)
// without their CR, LF and NUL bytes, with '&' between them. Throws failure for a file that cannot
// be read.
std::string form_data(const std::vector<std::string>& pieces);

}  // namespace fetch
