// A way into a loop from any thread.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/core.hpp>

namespace eddy::inline v1 {

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

}  // namespace eddy::inline v1
