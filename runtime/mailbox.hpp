// How other threads reach a loop. Outlives the loop as long as somebody holds a handle.
#pragma once

#include <atomic>
#include <eddy/runtime/loop_handle.hpp>
#include <mutex>

namespace eddy::inline v1::detail {

class engine;

class mailbox {
 public:
  explicit mailbox(engine& wakes) noexcept : engine_(&wakes) {}
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;

  // Any thread. False once the loop has ended; the mail then stays with the caller.
  bool send(mail& m) noexcept;

  // The loop's thread. Everything sent so far, in order, linked by next_mail.
  mail* take_all() noexcept;
  // True if there is no mail; the loop is then about to sleep, and a sender wakes it. The system
  // call for that is saved while the loop is awake.
  bool may_sleep() noexcept;
  void awake() noexcept;
  // Refuses mail from now on. What came before is still there.
  void close() noexcept;

  void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~mailbox() = default;

  std::mutex mutex_;
  engine* engine_;  // null once closed
  mail* first_ = nullptr;
  mail* last_ = nullptr;
  bool sleeping_ = false;
  std::atomic<int> holders_ = 1;
};

}  // namespace eddy::inline v1::detail
