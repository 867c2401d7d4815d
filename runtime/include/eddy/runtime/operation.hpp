// One request to the selector: what sockets are made of.
#pragma once

#include <eddy/runtime/core.hpp>

namespace eddy::inline v1::detail {

class engine;

enum class op_code : std::uint8_t {
  accept,   // a descriptor, ready for use with the engine
  connect,  // to the address in data/size
  read,     // at least one byte into data/size; 0 at the end of the stream
  receive,  // the same into a buffer of the engine's, which becomes the caller's lease
  write,    // all of data/size
  close,    // gives the descriptor up: completes when the number has been closed
};

// Marks a lease of memory from malloc instead of an engine's buffer.
inline constexpr std::uint32_t malloc_buffer = UINT32_MAX - 1;

// Lives in the awaiting coroutine's frame. From submit to completion the engine and the kernel may
// use it and the memory it names; so the coroutine resumes at the completion, also when it is
// cancelled.
class operation : public waiter {
 public:
  void on_cancel() noexcept override;

  op_code code;
  int fd = -1;
  void* data = nullptr;
  std::size_t size = 0;
  std::size_t done = 0;             // bytes of a write so far
  int result = 0;                   // bytes, a descriptor, 0; or a negative errno value
  std::uint32_t buffer = 0;         // receive: which of the engine's buffers

 protected:
  explicit operation(op_code c) noexcept : code(c) {}
  ~operation() = default;

  // Hands it to the engine; false if it is complete and there is nothing to wait for.
  bool submit() noexcept;
  // The result, negative on failure; throws `cancelled` if the scope's cancellation ended it.
  int finish();
};

// Throws std::system_error for the negative errno value `result`; `what` and `peer` say what
// failed.
[[noreturn]] void throw_os_error(int result, const char* what, const char* peer);

}  // namespace eddy::inline v1::detail
