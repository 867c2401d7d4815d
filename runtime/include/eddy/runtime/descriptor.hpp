// What streams, listeners and datagram sockets share: the descriptor, and who uses it.
#pragma once

#include <eddy/runtime/operation.hpp>
#include <utility>

namespace eddy::inline v1::detail {

// The part of a descriptor's shared state that counts; the rest is private to the library.
struct descriptor_base {
  std::uint32_t references = 1;
  int fd = -1;
};
struct descriptor_state;
void destroy_descriptor(descriptor_base& state) noexcept;

// Keeps the state, not the descriptor: an awaiter holds one, so that a stream may be moved or
// destroyed while a coroutine waits on it. Counted without atomics, as all of a loop's things.
class descriptor_ref {
 public:
  descriptor_ref() noexcept {}
  explicit descriptor_ref(descriptor_base* adopted) noexcept : state_(adopted) {}
  descriptor_ref(const descriptor_ref& other) noexcept : state_(other.state_) {
    if (state_) ++state_->references;
  }
  descriptor_ref(descriptor_ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  descriptor_ref& operator=(descriptor_ref other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~descriptor_ref() {
    if (state_ && --state_->references == 0) destroy_descriptor(*state_);
  }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  descriptor_base* base() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ && state_->fd >= 0; }

 private:
  descriptor_base* state_ = nullptr;
};

enum class direction : std::uint8_t { reading, writing };

// The use of one side of a descriptor: all of it but the descriptor, so that an operation, which is
// in the frame of every connection, can keep these bytes where it has room for them.
class side_use {
 public:
  explicit side_use(direction side) noexcept : side_(side) {}

  bool holds() const noexcept { return holds_; }
  // Whether the side may be used. If not, check() says why.
  bool may_begin(const descriptor_ref& of, bool is_busy_by_us = false) noexcept;
  // Makes the side ours; the descriptor.
  int begin(const descriptor_ref& of) noexcept;
  void end(const descriptor_ref& of) noexcept {
    if (holds_) give_up(of);
  }
  // Throws what may_begin() has found: std::logic_error for an empty descriptor and for a side that
  // is busy, std::system_error for a closed one, stream_error for a side that is unusable.
  void check(const descriptor_ref& of, const char* what) const {
    if (verdict_ != verdict::usable) refuse(of, what);
  }

 private:
  enum class verdict : std::uint8_t { usable, empty, closed, busy, unusable };

  void give_up(const descriptor_ref& of) noexcept;
  void refuse(const descriptor_ref& of, const char* what) const;

  direction side_;
  verdict verdict_ = verdict::usable;
  bool holds_ = false;
};

// One side of a descriptor in use, by an operation or by a coroutine over several of them; given up
// when destroyed.
class descriptor_use {
 public:
  descriptor_use(const descriptor_ref& of, direction side) noexcept : of_(of), use_(side) {}
  descriptor_use(const descriptor_use&) = delete;
  descriptor_use& operator=(const descriptor_use&) = delete;
  ~descriptor_use() { end(); }

  const descriptor_ref& ref() const noexcept { return of_; }
  descriptor_state& state() const noexcept;
  bool holds() const noexcept { return use_.holds(); }

  // As side_use has them.
  bool may_begin() noexcept { return use_.may_begin(of_); }
  int begin() noexcept { return use_.begin(of_); }
  void end() noexcept { use_.end(of_); }
  void check(const char* what) const { use_.check(of_, what); }
  // Makes the side ours, or throws as check() does.
  void begin_or_throw(const char* what);

 private:
  descriptor_ref of_;
  side_use use_;
};

class close_awaiter final : public awaited_operation<close_awaiter> {
 public:
  explicit close_awaiter(const descriptor_ref& of) noexcept
      : awaited_operation(op_code::close), of_(of) {}
  bool start() noexcept;
  void await_resume();
  // A close cannot be stopped, and is short.
  void on_cancel() noexcept override {}

 private:
  descriptor_ref of_;
};

// The owner's hold on a descriptor, whose destruction gives the descriptor up. Move-only.
class owned_descriptor {
 public:
  owned_descriptor() noexcept {}
  explicit owned_descriptor(descriptor_ref adopted) noexcept : ref_(std::move(adopted)) {}
  owned_descriptor(owned_descriptor&& other) noexcept = default;
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    if (this != &other) {
      release();
      ref_ = std::move(other.ref_);
    }
    return *this;
  }
  ~owned_descriptor() { release(); }

  const descriptor_ref& ref() const noexcept { return ref_; }
  bool is_open() const noexcept { return ref_.is_open(); }
  // Ends the waits of others; the engine closes the number when the kernel has let go of it.
  void release() noexcept {
    if (is_open()) release_open();
  }

 private:
  void release_open() noexcept;

  descriptor_ref ref_;
};

}  // namespace eddy::inline v1::detail
