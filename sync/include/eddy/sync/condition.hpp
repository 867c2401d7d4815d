// condition: waiting, with a mutex, for what others change.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/task.hpp>
#include <eddy/sync/mutex.hpp>

namespace eddy::inline v1 {

class condition;

namespace detail {

// Waits in two lines, one after the other: the condition's, with the lock given back, and, once it
// was notified, timed out or cancelled, the mutex's. It runs again when it has the lock, so that a
// notification wakes nobody for nothing, and a cancellation cannot lose the lock.
class condition_wait : public listed_waiter {
 public:
  condition_wait(condition& of, held_permit& guard) noexcept : condition_(of), guard_(guard) {}
  void on_cancel() noexcept override;
  // It has left the condition's line. `passes_on`: if it is cancelled now, another is to be told.
  void notified(bool passes_on) noexcept;

 protected:
  ~condition_wait() = default;
  bool start() noexcept;
  // The limit came: false if it was notified before.
  bool give_up() noexcept;
  // Takes the lock for the guard; throws cancelled or std::logic_error.
  void finish();

 private:
  enum class phase : std::uint8_t { waits, notified, notified_alone, gave_up, not_locked, other };
  void reacquire() noexcept;

  condition& condition_;
  held_permit& guard_;
  permit_line* lock_ = nullptr;
  phase phase_ = phase::waits;
  bool cancelled_ = false;
};

class untimed_condition_wait final : public awaited<untimed_condition_wait, condition_wait> {
 public:
  untimed_condition_wait(condition& of, held_permit& guard) noexcept : awaited(of, guard) {}
  bool start() noexcept { return condition_wait::start(); }
  void await_resume() { finish(); }
};

class timed_condition_wait final : public awaited<timed_condition_wait, condition_wait> {
 public:
  timed_condition_wait(limit until, condition& of, held_permit& guard) noexcept
      : awaited(of, guard), until_(until) {}
  bool start() noexcept;
  void fire() noexcept override { in_time_ = !give_up(); }
  void on_cancel() noexcept override;
  bool await_resume();
  std::uint64_t& arming() noexcept override { return arming_; }

 private:
  limit until_;
  std::uint64_t arming_;
  bool in_time_ = true;
};

}  // namespace detail

// What statistics() of a condition tells.
struct condition_statistics {
  std::size_t waiting;       // tasks that wait to be notified
  std::size_t most_waiting;  // the most that ever did
};

// asyncio.Condition: tasks give a lock back, wait until they are notified, and go on with the lock
// again. Waiters are notified in the order they came. It must outlive its waiters; all that wait at
// one time use one mutex. Thread: one loop's.
//
//   auto guard = co_await m.lock();
//   co_await changed.wait(guard, [&] { return !items.empty(); });
//
// Whatever ends a wait (a notification, its limit, a cancellation), the guard holds the lock again
// before the coroutine goes on; so a cancelled wait ends when the lock can be had. A notification
// by notify_one whose receiver is cancelled before it goes on passes to the next that waits.
class condition {
 public:
  condition() noexcept {}
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;
  ~condition();

  // Gives the lock of `guard` back and waits to be notified. Always waits: notifications are not
  // stored. Cancellation point. Throws std::logic_error if the guard holds no lock, or another one
  // than those use that wait already.
  [[nodiscard]] detail::untimed_condition_wait wait(mutex::guard& guard) noexcept {
    return detail::untimed_condition_wait(*this, guard);
  }
  // The same, for at most a duration, or until a time_point of steady_clock. False: the limit came
  // before a notification. The lock is then waited for without a limit.
  template <detail::duration_like D>
  [[nodiscard]] detail::timed_condition_wait wait_for(mutex::guard& guard, const D& d) noexcept {
    return detail::timed_condition_wait(detail::limit::after(d), *this, guard);
  }
  template <detail::time_point_like P>
  [[nodiscard]] detail::timed_condition_wait wait_until(mutex::guard& guard, const P& t) noexcept {
    return detail::timed_condition_wait(detail::limit::at(t), *this, guard);
  }

  // Waits until `holds()` is true, which is asked with the lock held: at first, in which case it
  // does not wait at all, and after each notification. What it throws ends the wait.
  template <class Predicate>
  task<> wait(mutex::guard& guard, Predicate&& holds) {
    require_safe<Predicate>();
    require_locked(guard);
    return wait_while<std::decay_t<Predicate>>(guard, std::forward<Predicate>(holds));
  }
  // The same with a limit. False: the limit came, and it is still not true.
  template <detail::duration_like D, class Predicate>
  task<bool> wait_for(mutex::guard& guard, const D& d, Predicate&& holds) {
    require_safe<Predicate>();
    require_locked(guard);
    return wait_within<std::decay_t<Predicate>>(guard, detail::limit::after(d),
                                                std::forward<Predicate>(holds));
  }
  template <detail::time_point_like P, class Predicate>
  task<bool> wait_until(mutex::guard& guard, const P& t, Predicate&& holds) {
    require_safe<Predicate>();
    require_locked(guard);
    return wait_within<std::decay_t<Predicate>>(guard, detail::limit::at(t),
                                                std::forward<Predicate>(holds));
  }

  // Lets the one that has waited longest go on, or all; nothing if nobody waits. Never waits. The
  // lock need not be held, but what the waiters look at should have been changed with it.
  void notify_one() noexcept;
  void notify_all() noexcept;

  std::size_t waiting() const noexcept { return waiters_.size(); }
  condition_statistics statistics() const noexcept { return {waiters_.size(), waiters_.most()}; }

 private:
  friend class detail::condition_wait;

  template <class Predicate>
  static constexpr void require_safe() {
    static_assert(detail::safe_callable<Predicate>,
                  "GCC before 13 destroys the captures of an inline lambda twice inside co_await: "
                  "capture by reference, or name the lambda first");
  }
  static void require_locked(const mutex::guard& guard);

  template <class Predicate>
  task<> wait_while(mutex::guard& guard, Predicate holds) {
    while (!holds()) co_await wait(guard);
  }
  template <class Predicate>
  task<bool> wait_within(mutex::guard& guard, detail::limit until, Predicate holds) {
    const detail::limit end = until.fixed(detail::require_loop("condition"));
    while (!holds()) {
      const bool notified = co_await detail::timed_condition_wait(end, *this, guard);
      if (!notified) co_return holds();
    }
    co_return true;
  }

  detail::line waiters_;
};

}  // namespace eddy::inline v1
