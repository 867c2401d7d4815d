// The floor: the same work on bare C++20 coroutines, as one writes it by hand where nothing else
// matters. No cancellation, no scopes, no errors, no fairness, a loop that is a list.
//
// A thread has its loop, and finds it through a thread-local pointer, as any program does. All of
// this is inline, and nothing is kept from the optimizer: where it would remove the measured work
// itself (a count that goes down and up again), the measured loop says that memory is looked at in
// between, and so does the loop of every rival. Lists are intrusive: nothing here allocates but a
// coroutine's frame.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

namespace bare {

struct node {
  node* next = nullptr;
  std::coroutine_handle<> frame;
};

class ready_list {
 public:
  void push(node& n) noexcept {
    n.next = nullptr;
    (last_ ? last_->next : first_) = &n;
    last_ = &n;
  }
  bool run_one() {
    node* n = first_;
    if (!n) return false;
    first_ = n->next;
    if (!first_) last_ = nullptr;
    n->frame.resume();
    return true;
  }

 private:
  node* first_ = nullptr;
  node* last_ = nullptr;
};

// The loop of this thread; run() sets it.
inline constinit thread_local ready_list* loop = nullptr;

// A lazy coroutine that returns an int, as all of these do.
class task {
 public:
  struct promise_type : node {
    std::coroutine_handle<> continuation = std::noop_coroutine();
    int value = 0;

    task get_return_object() noexcept {
      return task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct last {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
        return h.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    last final_suspend() const noexcept { return {}; }
    void return_value(int v) noexcept { value = v; }
    void unhandled_exception() noexcept { std::terminate(); }
  };

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&&) = delete;
  ~task() {
    if (frame_) frame_.destroy();
  }

  // Awaited: runs at once, in the caller's place.
  struct call {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
      frame.promise().continuation = caller;
      return frame;
    }
    int await_resume() const noexcept { return frame.promise().value; }
  };
  call operator co_await() const noexcept { return call{frame_}; }

  // Spawned: goes onto the ready list; joined by whoever awaits join().
  void spawn() noexcept {
    frame_.promise().frame = frame_;
    loop->push(frame_.promise());
  }
  struct joining {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() const noexcept { return frame.done(); }
    void await_suspend(std::coroutine_handle<> caller) const noexcept {
      frame.promise().continuation = caller;
    }
    int await_resume() const noexcept { return frame.promise().value; }
  };
  joining join() const noexcept { return joining{frame_}; }
  bool done() const noexcept { return frame_.done(); }

 private:
  explicit task(std::coroutine_handle<promise_type> h) noexcept : frame_(h) {}
  std::coroutine_handle<promise_type> frame_;
};

// Back through the ready list.
class yield : public node {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept {
    frame = h;
    loop->push(*this);
  }
  void await_resume() const noexcept {}
};

// Waiters in the order they came; whoever is woken goes through the ready list.
class line {
 public:
  bool empty() const noexcept { return !first_; }
  void push(node& n) noexcept {
    n.next = nullptr;
    (last_ ? last_->next : first_) = &n;
    last_ = &n;
  }
  bool wake_one() noexcept {
    node* n = first_;
    if (!n) return false;
    first_ = n->next;
    if (!first_) last_ = nullptr;
    loop->push(*n);
    return true;
  }

 private:
  node* first_ = nullptr;
  node* last_ = nullptr;
};

class semaphore {
 public:
  explicit semaphore(std::size_t permits) : free_(permits) {}

  class acquire : public node {
   public:
    explicit acquire(semaphore& s) noexcept : of_(s) {}
    bool await_ready() const noexcept { return of_.try_take(); }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      frame = h;
      of_.join(*this);
    }
    void await_resume() const noexcept {}

   private:
    semaphore& of_;
  };
  void release() noexcept {
    if (!waiters_.wake_one()) ++free_;
  }
  std::size_t available() const noexcept { return free_; }

 private:
  bool try_take() noexcept {
    if (free_ == 0) return false;
    --free_;
    return true;
  }
  void join(node& n) noexcept { waiters_.push(n); }

  std::size_t free_;
  line waiters_;
};

// A bounded queue of ints, capacity a power of two. Whoever is woken looks again.
class queue {
 public:
  explicit queue(std::size_t capacity) : items_(capacity) {}

  class wait : public node {
   public:
    explicit wait(line& of) noexcept : of_(of) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      frame = h;
      of_.push(*this);
    }
    void await_resume() const noexcept {}

   private:
    line& of_;
  };

  bool full() const noexcept { return last_ - first_ == items_.size(); }
  bool empty() const noexcept { return first_ == last_; }
  wait until_room() noexcept { return wait(putters_); }
  wait until_filled() noexcept { return wait(getters_); }
  void put(int item) noexcept {
    items_[last_++ & (items_.size() - 1)] = item;
    getters_.wake_one();
  }
  int get() noexcept {
    const int item = items_[first_++ & (items_.size() - 1)];
    putters_.wake_one();
    return item;
  }

 private:
  std::vector<int> items_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  line getters_;
  line putters_;
};

// Runs `main` and all that it makes ready.
inline void run(const task& main) {
  ready_list ready;
  loop = &ready;
  auto first = main.operator co_await().frame;
  first.promise().frame = first;
  ready.push(first.promise());
  while (!main.done() && ready.run_one()) {
  }
  loop = nullptr;
}

}  // namespace bare
