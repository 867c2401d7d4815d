// Runs the mixed program once for each failure of each call.
#pragma once

#include <vector>

#include "mixed.hpp"
#include "script.hpp"

namespace faults {

enum class effect {
  none,   // nobody must notice
  error,  // somebody may get this error, or what follows from it; or it is made up for
};

struct failure {
  call where;
  int error;
  effect expected;
  int opcode = -1;
};

// The options of every run: few buffers and a small ring, so that both run out.
eddy::run_options small_loop();

// `samples`: how many of a kind's calls fail, one in a run; the first and the last among them.
void sweep(const std::vector<failure>& failures, unsigned samples);

// One run; checks what must hold whatever fails.
report run_checked(const rule& r, effect expected);

}  // namespace faults
