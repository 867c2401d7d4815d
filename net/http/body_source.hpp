// A request's body that is not in memory as a whole.
#pragma once

#include <cstdint>
#include <eddy/runtime/generator.hpp>
#include <eddy/runtime/task.hpp>
#include <memory>
#include <string>
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

  // Whether next() may wait for something slower than a disk: what is there is then sent first.
  virtual bool may_wait() const noexcept { return false; }
  // Between start() and the first next(), and after the last: gives descriptors back that can be
  // had again.
  virtual void rest() noexcept {}
  // What the Content-Type field says unless the caller does; "": nothing.
  virtual std::string content_type() const { return {}; }
};

// All of the file, as it is when it is started.
std::unique_ptr<body_source> make_file_source(std::string path);
// What a generator yields; with a size, which is not unknown_size, exactly as much.
std::unique_ptr<body_source> make_generator_source(generator<std::string> pieces,
                                                   std::uint64_t size);
// The parts of a form, which it owns, between boundaries that it draws. Throws std::system_error if
// there is no entropy to be had.
struct multipart_parts;
std::unique_ptr<body_source> make_multipart_source(std::unique_ptr<multipart_parts> parts);

}  // namespace eddy::inline v1::http
