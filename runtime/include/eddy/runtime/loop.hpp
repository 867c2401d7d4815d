// The loop: what other threads and callbacks see of one that runs, and one that a host drives.
#pragma once

#include <eddy/runtime/loop_handle.hpp>
#include <eddy/runtime/run_options.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <optional>
#include <string_view>

namespace eddy::inline v1 {

struct detail_loop_access;
namespace detail {
struct loop_state;
}

// The loop of a thread. `run` makes one and drives it to the end of its task; current() is that.
//
// A program with a main loop of its own (Qt, GLib, libuv, a poll(2) loop) makes one instead, and
// drives it whenever backend_fd() is readable or next_timeout() has passed:
//
//   eddy::loop loop;
//   auto page = loop.spawn(fetch("http://example.com/"));
//   while (!page.done()) {
//     pollfd mine{loop.backend_fd(), POLLIN, 0};
//     poll(&mine, 1, milliseconds_of(loop.next_timeout()));
//     loop.poll_once();
//   }
//   show(page.result());
//
// Everything but post() and handle() is for the thread that made the loop; on another, and after
// close(), std::logic_error. A thread has one loop at a time.
class loop {
 public:
  // Throws std::logic_error if this thread has a loop already; std::system_error if the selector
  // cannot be had, with the reason; std::invalid_argument for cancel_on_interrupt, which needs the
  // main task of `run` (signal_set is for the others).
  explicit loop(run_options options = run_options());
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;
  // As close(); an error that only close() could throw is lost then.
  ~loop();

  // The loop of this thread; throws std::logic_error if there is none.
  static loop& current();

  // Starts `body` as a task that is nobody's child, also from outside of all coroutines. It runs
  // from the next poll_once() on. Dropping its handle cancels it.
  template <class T>
  join_handle<T> spawn(task<T> body, std::string_view name = {}) {
    if (!body || body.frame().promise().where) detail::throw_not_awaitable(!body);
    auto* s = start(body.frame(), body.frame().promise(), name);
    (void)body.release();
    return join_handle<T>(s);
  }

  // One turn: runs what is ready, waits at most `timeout` for operations, timers, posts and
  // signals, and runs what they have made ready. Afterwards all that was begun is with the kernel,
  // so the host may sleep until backend_fd() is readable or next_timeout() is over. True while
  // tasks are left. Throws the first error that nobody can join (run_options::on_error); the loop
  // can be used after that. std::logic_error from inside one of its own coroutines.
  template <class Rep, class Period>
  bool poll_once(std::chrono::duration<Rep, Period> timeout) {
    return poll_for(detail::saturated_ns(timeout));
  }
  // The same without waiting.
  bool poll_once() { return poll_for(0); }

  // How long nothing is to be done unless backend_fd() becomes readable: zero if something is
  // ready, nothing if there is no timer. Asked for again before each sleep.
  std::optional<std::chrono::nanoseconds> next_timeout() const;
  // For poll(2), epoll(7) and the like: readable when poll_once() has something to do. Belongs to
  // the loop; only to be watched. Throws std::system_error if the system has no descriptor left.
  int backend_fd();

  // Cancels all tasks and drives them to their end; offloaded calls that have started are waited
  // for. Throws the first error that nobody can join. The second close does nothing. Not for the
  // loop of `run`, nor from inside a coroutine: std::logic_error.
  void close();

  // From any thread, while the loop lives. Where it may have ended, use a handle.
  bool post(callable<void()> fn) { return handle_.post(std::move(fn)); }
  const loop_handle& handle() const noexcept { return handle_; }

 private:
  friend struct detail_loop_access;
  loop(detail::loop_state& of, loop_handle h) noexcept : state_(&of), handle_(std::move(h)) {}
  detail::loop_state& driven(const char* what) const;
  detail::spawned* start(std::coroutine_handle<> h, detail::promise_base& body,
                         std::string_view name);
  bool poll_for(std::int64_t timeout_ns);

  detail::loop_state* state_;
  loop_handle handle_;
  bool hosted_ = false;  // made by a host, and owner of its state
};

// What the loop sleeps in, chosen when the library was built: "epoll", "kqueue", "io_uring".
std::string_view selector_name() noexcept;

}  // namespace eddy::inline v1
