// A request's body that is not in memory as a whole.
#pragma once

#include <cstdint>
#include <eddy/runtime/task.hpp>
#include <string_view>

namespace eddy::inline v1::http {

// Where the pieces of a body come from: a file, a generator, a multipart. Owned by its request.
// Thread: the loop's.
class body_source {
 public:
  body_source() noexcept {}
  body_source(const body_source&) = delete;
  body_source& operator=(const body_source&) = delete;
  virtual ~body_source();

  static constexpr std::uint64_t unknown_size = UINT64_MAX;

  // Before the head is written: opens what has to be open, and begins again at the front if this is
  // not the first time.
  virtual task<> start() = 0;
  // Bytes in all, good after start(); unknown_size: the body is sent in chunks.
  virtual std::uint64_t size() const noexcept = 0;
  // Whether start() may be called again after a piece has been taken.
  virtual bool can_replay() const noexcept = 0;
  // The next piece, good until the next call; empty at the end.
  virtual task<std::string_view> next() = 0;
};

}  // namespace eddy::inline v1::http
