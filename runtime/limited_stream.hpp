// One read and one write of a stream, each with a limit of time of its own. with_deadline around a
// task does the same; this takes no frame, no scope, and no timer where there is nothing to wait
// for. For layers that make a request of a few such steps, as HTTP does.
#pragma once

#include <eddy/runtime/deadline.hpp>
#include <span>
#include <string_view>

#include "stream_state.hpp"

namespace eddy::inline v1::detail {

// An operation that ends with timeout_error when its limit comes before its completion. What
// completes in the turn in which the limit comes, also before the coroutine has run, is kept; an
// outer cancellation stays one.
class limited_operation : public operation {
 public:
  void fire() noexcept override;
  // The link is in use while this is armed: on the ready queue.
  std::uint64_t& arming() noexcept override { return arming_; }

 protected:
  limited_operation(op_code c, limit until) noexcept : operation(c), until_(until) {}
  ~limited_operation() = default;

  bool submit() noexcept;
  int finish();

 private:
  limit until_;
  std::uint64_t arming_ = 0;
};

// As byte_stream::read_some. Named, and alive until the await is over, as all operations.
class limited_read final : public awaited_operation<limited_read, limited_operation> {
 public:
  limited_read(const descriptor_ref& stream, std::span<std::byte> into, limit until) noexcept
      : awaited_operation(op_code::read, until), stream_(stream) {
    data = into.data();
    size = into.size();
  }
  ~limited_read() { use_.end(stream_); }
  bool start() noexcept;
  std::size_t await_resume();

 private:
  bool buffered_ = false;
  side_use use_{direction::reading};
  descriptor_ref stream_;
};

// As byte_stream::write_all; the bytes that the kernel took are added to `sent`, however it ends,
// and an end before the last byte does not poison: the owner knows where it stopped.
class limited_write final : public awaited_operation<limited_write, limited_operation> {
 public:
  limited_write(const descriptor_ref& stream, std::string_view from, std::size_t& sent,
                limit until) noexcept
      : awaited_operation(op_code::write, until), stream_(stream), sent_(sent) {
    data = const_cast<char*>(from.data());
    size = from.size();
  }
  ~limited_write() { use_.end(stream_); }
  bool start() noexcept;
  void await_resume();

 private:
  side_use use_{direction::writing};
  descriptor_ref stream_;
  std::size_t& sent_;
};

}  // namespace eddy::inline v1::detail
