// The loop, as other threads and callbacks see it.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/core.hpp>
#include <string_view>

namespace eddy::inline v1 {

class loop_handle;
struct detail_loop_access;

namespace detail {

class mailbox;

// A message to a loop from any thread. Delivered once, on the loop's thread, or given up once by
// whoever finds the loop ended.
class mail {
 public:
  mail(const mail&) = delete;
  mail& operator=(const mail&) = delete;
  virtual void deliver() = 0;

  mail* next_mail = nullptr;

 protected:
  mail() noexcept {}
  ~mail() = default;
};

}  // namespace detail

// A way into a loop from any thread, which may outlive the loop. Copyable; its copies may be used
// by several threads at once.
class loop_handle {
 public:
  loop_handle() noexcept {}
  explicit loop_handle(detail::mailbox* box) noexcept;
  loop_handle(const loop_handle& other) noexcept;
  loop_handle& operator=(const loop_handle& other) noexcept;
  ~loop_handle();

  // Runs `fn` on the loop's thread, in the order of the posts of each thread: call_soon_threadsafe.
  // False, and `fn` is destroyed, if the loop has ended. What `fn` throws reaches
  // run_options::on_error.
  bool post(callable<void()> fn) const;

  // For Eddy's own pools: the same without an allocation. False leaves the mail with the caller.
  bool send(detail::mail& m) const noexcept;

 private:
  detail::mailbox* box_ = nullptr;
};

// The loop of a thread: made by `run`, alive until it returns.
class loop {
 public:
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  // The loop that runs on this thread; throws std::logic_error if there is none.
  static loop& current();

  // From any thread, while the loop lives. Where it may have ended, use a handle.
  bool post(callable<void()> fn) { return handle_.post(std::move(fn)); }
  const loop_handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail_loop_access;
  explicit loop(loop_handle h) noexcept : handle_(std::move(h)) {}
  loop_handle handle_;
};

// What the loop sleeps in, chosen when the library was built: "epoll", "io_uring".
std::string_view selector_name() noexcept;

}  // namespace eddy::inline v1
