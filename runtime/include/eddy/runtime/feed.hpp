// feed<T>: a sequence whose elements are made by tasks that run meanwhile. What as_completed, merge
// and map_concurrent return.
#pragma once

#include <eddy/runtime/generator.hpp>
#include <eddy/runtime/nested_scope.hpp>

namespace eddy::inline v1 {
namespace detail {

class feed_base;
class spawned;

// Something that a feed runs: a task in a scope of its own.
class feed_slot : public scope_owner {
 public:
  // Whether the end of the task is an element of the feed.
  enum class kind : bool { result, other };

  feed_slot(feed_base& home, kind k) noexcept : home_(home), kind_(k) {}
  virtual ~feed_slot() = default;

  void on_cancel() noexcept final { scope_.cancel(); }
  std::coroutine_handle<> child_ended(nested_scope&) noexcept final;
  // The task, which has not started.
  void hold(std::coroutine_handle<> h, promise_base& promise) noexcept {
    body_ = h;
    promise_ = &promise;
  }

 protected:
  feed_base& home_;

 private:
  friend feed_base;

  nested_scope scope_;
  std::coroutine_handle<> body_;
  promise_base* promise_ = nullptr;
  feed_slot* next_owned_ = nullptr;
  feed_slot* next_in_line_ = nullptr;
  kind kind_;
  bool filled_ = false;
};

// What a feed and the tasks behind it share, without the type of the elements. It lives as long as
// either. The tasks, each in a slot, are children of one spawned task, the conductor, whose wait
// for them this is: so whatever cancels the conductor cancels them all, and its end is theirs.
//
// Elements wait in their slots, which stand in line, by start (ordered) or by completion. Whoever
// waits is woken when the first in line is filled, and takes it when it runs: a wait that is
// cancelled has taken nothing.
class feed_base : public waiter {
 public:
  feed_base(const char* name, bool ordered) noexcept : name_(name), ordered_(ordered) {}
  virtual ~feed_base() { destroy_slots(); }

  void on_cancel() noexcept final;
  // A slot stands in line with an element. Wakes whoever waits for it.
  void fill(feed_slot& slot) noexcept;

  void add_ref() noexcept { ++refs_; }
  void drop_ref() noexcept {
    if (--refs_ == 0) delete this;
  }
  // The feed is destroyed: the tasks are asked to end.
  void abandon() noexcept;
  bool busy() const noexcept { return consumer_ != nullptr; }

 protected:
  // Owns `slot` from now on; what it holds starts with the feed.
  void own(feed_slot* slot) noexcept {
    slot->next_owned_ = owned_;
    owned_ = slot;
  }
  // Starts what the slot holds.
  void launch(feed_slot& slot) noexcept;
  // Of derived destructors, too: what slots hold may borrow what is there.
  virtual void destroy_slots() noexcept;

 private:
  friend feed_slot;
  friend class feed_wait;
  friend class conductor_wait;

  void start();
  void stop() noexcept;
  bool running() const noexcept { return conductor_ && !conductor_ended(); }
  bool conductor_ended() const noexcept;
  void open_all() noexcept;
  void stand_in_line(feed_slot& slot) noexcept;
  bool has_element() const noexcept;
  feed_slot* leave_line() noexcept;
  std::coroutine_handle<> slot_ended(feed_slot& slot) noexcept;
  void throw_failure();

  const char* name_;
  std::size_t refs_ = 1;
  spawned* conductor_ = nullptr;
  waiter* consumer_ = nullptr;  // the next() or close() that waits or is about to run
  feed_slot* owned_ = nullptr;
  feed_slot* line_first_ = nullptr;
  feed_slot* line_last_ = nullptr;
  wait_list open_;  // slots with a task that runs
  std::exception_ptr error_;  // the first that is no cancellation
  bool ordered_;
  bool opened_ = false;
  bool stopping_ = false;    // the tasks were asked to end by this
  bool cut_short_ = false;   // one was cancelled by somebody else
  bool closed_ = false;      // nothing comes any more
};

// One reference to it.
class feed_ref {
 public:
  explicit feed_ref(feed_base& f) noexcept : base_(&f) { f.add_ref(); }
  feed_ref(feed_ref&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}
  feed_ref& operator=(feed_ref&&) = delete;
  ~feed_ref() {
    if (base_) base_->drop_ref();
  }
  feed_base& operator*() const noexcept { return *base_; }

 private:
  feed_base* base_;
};

// The wait of next() and of close().
class feed_wait : public waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  feed_wait(feed_base* f, bool closing) noexcept : feed_(f), closing_(closing) {}
  ~feed_wait() = default;
  // Throws std::logic_error if it cannot be waited for now.
  bool check() const;
  bool start() noexcept;
  // The first in line, out of it; or null at the end.
  feed_slot* finish();

  feed_base* feed_;

 private:
  void withdraw() noexcept;
  std::exception_ptr start_error_;
  bool closing_;
};

template <class T>
class feed_of : public feed_base {
 public:
  using feed_base::feed_base;
  // The element of a slot that was first in line, moved out; what runs in the slot may go on.
  virtual next_result_t<T> take(feed_slot& slot) = 0;
};

template <class T>
class feed_next final : public awaited<feed_next<T>, feed_wait> {
 public:
  explicit feed_next(feed_of<T>* f) noexcept
      : awaited<feed_next<T>, feed_wait>(static_cast<feed_base*>(f), false) {}
  bool await_ready() const { return this->check(); }
  bool start() noexcept { return feed_wait::start(); }
  next_result_t<T> await_resume() {
    feed_slot* const slot = this->finish();
    if (!slot) return {};
    return static_cast<feed_of<T>*>(this->feed_)->take(*slot);
  }
};

class feed_close final : public awaited<feed_close, feed_wait> {
 public:
  explicit feed_close(feed_base* f) noexcept : awaited<feed_close, feed_wait>(f, true) {}
  bool await_ready() const { return check(); }
  bool start() noexcept { return feed_wait::start(); }
  void await_resume() { (void)finish(); }
};

}  // namespace detail

// Elements as tasks bring them; read as a generator is:
//
//   auto pages = as_completed(std::move(downloads));
//   while (auto page = co_await pages.next()) use(*page);
//
// The tasks start at the first next(), as children of the spawned task that calls it: its result is
// withheld until they have ended, and cancelling it cancels them. So they may borrow what outlives
// that spawned task; what is local to a function inside it only if that awaits close() (or the end)
// on every way out. The first error of one of them cancels the others. Elements that were there
// before it come first; when all have ended, next() throws it. When next() has thrown that error or
// returned nothing, none of the tasks runs any more, and further calls return nothing. Tasks that
// somebody else cancelled make next() throw task_cancelled, once.
//
// Destroying a feed requests the cancellation of its tasks and never waits, as dropping a
// join_handle does; an error that no next() or close() has thrown then reaches
// run_options::on_error. Move-only. Thread: one loop's.
template <class T>
class [[nodiscard]] feed {
 public:
  using value_type = T;

  // Takes over the one reference to `of`.
  explicit feed(detail::feed_of<T>* of) noexcept : of_(of) {}
  feed(feed&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  feed& operator=(feed&& other) noexcept {
    if (this != &other) {
      if (of_) of_->abandon();
      of_ = std::exchange(other.of_, nullptr);
    }
    return *this;
  }
  ~feed() {
    if (of_) of_->abandon();
  }

  // The next element (std::optional; for T& a pointer; std::optional<std::monostate> for void), or
  // nothing at the end. Cancellation point: cancelled, or timed out by a scope around it, it has
  // taken nothing. std::logic_error while another next() or close() waits.
  [[nodiscard]] detail::feed_next<T> next() noexcept { return detail::feed_next<T>(of_); }

  // Drops what has not been read, cancels the tasks and waits until they have ended. Throws an
  // error that no next() has thrown. After it, next() returns nothing. Cancellation point; the
  // tasks have been cancelled all the same.
  [[nodiscard]] detail::feed_close close() noexcept { return detail::feed_close(of_); }

 private:
  detail::feed_of<T>* of_;
};

}  // namespace eddy::inline v1
