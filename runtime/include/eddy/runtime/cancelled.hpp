// The exception of a cancelled scope.
#pragma once

namespace eddy::inline v1 {

// Thrown by every suspension in a cancelled scope, until the scope is left. Not a std::exception,
// so that `catch (const std::exception&)` cannot swallow it by accident. Catch it only to clean up,
// and rethrow. Coroutines throw it in their own code and the library knows it by its type, so this
// is one type in all of them, whatever they are compiled with.
class [[gnu::visibility("default")]] cancelled {
 public:
  cancelled() noexcept {}
  const char* what() const noexcept { return "cancelled"; }
};

}  // namespace eddy::inline v1
