// What a name that cannot be resolved throws.
#pragma once

#include <stdexcept>

namespace eddy::inline v1 {

// A name that has no addresses, or no answer: "cannot resolve nosuch.example: Name or service not
// known". The same name may resolve later.
class resolve_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace eddy::inline v1
