// A program that uses everything a selector does, for being run under scripted failures.
#pragma once

#include <eddy/runtime/run_options.hpp>
#include <string>
#include <vector>

namespace faults {

// How one part of the program ended. A part checks its own bytes: wrong ones are `wrong`, which no
// failure of the system excuses.
struct outcome {
  std::string part;
  std::string error;  // empty: it did all that it was to do
  int code = 0;       // of a system_error
  bool wrong = false;
  bool late = false;  // did not end in time
};

struct report {
  std::vector<outcome> parts;
  std::string refused;  // run() itself threw this system_error
  int refused_code = 0;

  bool clean() const;
  bool right() const;       // nothing wrong, nothing late
  bool has(int code) const;  // some part, or run(), met this errno value
  std::string text() const;
};

report run_mixed(eddy::run_options options);

}  // namespace faults
