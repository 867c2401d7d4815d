// One read and one write of a stream, each with a limit of time of its own. with_deadline around a
// task does the same; this takes no frame, no scope, and no timer where there is nothing to wait
// for. For layers that make a request of a few such steps, as HTTP does.
#pragma once

#include <eddy/runtime/deadline.hpp>
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

// As byte_stream::receive. Named, and alive until the await is over, as all operations. `took_all`,
// which outlives it, is true where a TCP stream had no more behind what came.
class limited_receive final : public awaited_operation<limited_receive, limited_operation> {
 public:
  limited_receive(const descriptor_ref& stream, bool& took_all, limit until) noexcept
      : awaited_operation(op_code::receive, until), took_all_(took_all), stream_(stream) {}
  ~limited_receive() { use_.end(stream_); }
  bool start() noexcept;
  lease await_resume();

 private:
  bool buffered_ = false;
  bool& took_all_;
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
