// map_concurrent: a coroutine called for many elements, a limited number of them at once.
#pragma once

#include <eddy/runtime/as_completed.hpp>
#include <eddy/runtime/generator_operators.hpp>

namespace eddy::inline v1 {
namespace detail {

class room_wait;

// How many elements may be between the source and the reader.
class read_ahead {
 public:
  explicit read_ahead(std::size_t limit) noexcept : limit_(limit) {}
  void use() noexcept { ++used_; }
  void give_back() noexcept;

 private:
  friend room_wait;
  std::size_t limit_;
  std::size_t used_ = 0;
  room_wait* waiter_ = nullptr;
};

// Waits until there is room in the window, for the one that reads the source.
class room_wait final : public awaited<room_wait> {
 public:
  explicit room_wait(read_ahead& w) noexcept : window_(w) {}
  bool start() noexcept;
  void await_resume() { leave(); }
  void on_cancel() noexcept override;

 private:
  read_ahead& window_;
};

// A call that runs, or whose result has not been read. Holds the argument, which the coroutine may
// have taken by reference.
template <class T, class R>
class call_slot final : public task_slot<R> {
 public:
  using task_slot<R>::task_slot;
  next_result_t<T> argument{};
  call_slot* next_free = nullptr;
};

class reader_slot final : public feed_slot {
 public:
  explicit reader_slot(feed_base& home) noexcept : feed_slot(home, kind::other) {}
  void run(task<>&& t) noexcept {
    task_ = std::move(t);
    hold(task_.frame(), task_.frame().promise());
  }

 private:
  task<> task_;
};

template <class T, class R>
class map_feed final : public feed_of<R> {
 public:
  map_feed(std::size_t limit, bool ordered) noexcept
      : feed_of<R>("map_concurrent", ordered), window_(limit) {}
  ~map_feed() override { this->destroy_slots(); }

  template <class S, class F>
  void read(S&& source, F&& fn) {
    auto* slot = new reader_slot(*this);
    this->own(slot);
    slot->run(read_all(*this, std::move(source), std::move(fn)));
  }

  next_result_t<R> take(feed_slot& slot) override {
    auto& call = static_cast<call_slot<T, R>&>(slot);
    const leaving on_return(*this, call);
    return call.take();
  }

 private:
  // Also when the move of the result throws: its place in the window is free again.
  class leaving {
   public:
    leaving(map_feed& f, call_slot<T, R>& c) noexcept : feed_(f), call_(c) {}
    leaving(const leaving&) = delete;
    leaving& operator=(const leaving&) = delete;
    ~leaving() {
      forget(call_.argument);
      call_.next_free = feed_.free_;
      feed_.free_ = &call_;
      feed_.window_.give_back();
    }

   private:
    map_feed& feed_;
    call_slot<T, R>& call_;
  };

  // The source and fn end with the feed: calls may borrow from them.
  template <class S, class F>
  static task<> read_all(map_feed& to, S source, F fn) {
    while (true) {
      co_await room_wait(to.window_);
      auto x = co_await source.next();
      if (!x) co_return;
      to.call(x, fn);
    }
  }

  template <class F>
  void call(next_result_t<T>& x, F& fn) {
    if (!free_) {
      free_ = new call_slot<T, R>(*this);
      this->own(free_);
    }
    call_slot<T, R>& slot = *free_;
    if constexpr (std::is_reference_v<T>) {
      slot.argument = x;
    } else {
      slot.argument.emplace(std::move(*x));
    }
    slot.run(fn(element<T>(slot.argument)));
    free_ = slot.next_free;
    window_.use();
    this->launch(slot);
  }

  void destroy_slots() noexcept override {
    free_ = nullptr;
    feed_base::destroy_slots();
  }

  read_ahead window_;
  call_slot<T, R>* free_ = nullptr;
};

struct map_operator {
  template <class S, class F>
  static auto of(S source, std::size_t limit, bool ordered, F fn) {
    if constexpr (!sequence<S>) {
      return of(each(std::move(source)), limit, ordered, std::move(fn));
    } else {
      using T = element_t<S>;
      using R = answer_t<F, T&&>;
      static_assert(answer<F, T&&>::waits, "map_concurrent: fn must return a task");
      auto* made = new map_feed<T, R>(limit, ordered);
      feed<R> results(made);
      made->read(std::move(source), std::move(fn));
      return results;
    }
  }
};

template <class F>
auto map_stage(std::size_t limit, bool ordered, F&& fn) {
  require_safe_callable<F>();
  require_positive(limit, "map_concurrent: the limit");
  return stage<map_operator, std::size_t, bool, std::decay_t<F>>(limit, ordered,
                                                                 std::forward<F>(fn));
}
template <class S, class F>
auto map_source(std::size_t limit, bool ordered, S&& source, F&& fn) {
  require_safe_callable<F>();
  require_positive(limit, "map_concurrent: the limit");
  return map_operator::of(std::move(source), limit, ordered, std::decay_t<F>(std::forward<F>(fn)));
}

}  // namespace detail

// fn(element) for each element of a sequence or of a range, with fn a coroutine: at most `limit`
// calls at once, the results in the order of the elements. An element is taken from the source only
// when fewer than `limit` calls are running or have a result that was not read; so a slow reader
// holds the source up, and a slow first call those behind it. The argument lives as long as its
// call. The first error, of the source or of a call, cancels the others; see feed for how they live
// and end. Throws std::invalid_argument if limit is 0. Captures: as generator_operators.hpp says.
//
//   auto pages = map_concurrent(8, std::move(urls), fetch);
//   auto pages = read_lines(file) | map_concurrent(8, fetch);
template <class S, class F>
[[nodiscard]] auto map_concurrent(std::size_t limit, S source, F&& fn) {
  return detail::map_source(limit, true, std::move(source), std::forward<F>(fn));
}
template <class F>
[[nodiscard]] auto map_concurrent(std::size_t limit, F&& fn) {
  return detail::map_stage(limit, true, std::forward<F>(fn));
}

// The same, with the results in the order in which they come.
template <class S, class F>
[[nodiscard]] auto map_concurrent_unordered(std::size_t limit, S source, F&& fn) {
  return detail::map_source(limit, false, std::move(source), std::forward<F>(fn));
}
template <class F>
[[nodiscard]] auto map_concurrent_unordered(std::size_t limit, F&& fn) {
  return detail::map_stage(limit, false, std::forward<F>(fn));
}

}  // namespace eddy::inline v1
