// generator<T>: an async generator, with co_await and co_yield inside.
#pragma once

#include <eddy/runtime/task.hpp>
#include <optional>
#include <variant>

namespace eddy::inline v1 {

template <class T>
class generator;
template <class T>
class elements_of;

namespace detail {

[[noreturn]] void throw_generator_busy();

// What next() returns: a value or nothing; for references a pointer, which is null at the end.
template <class T>
struct next_result {
  using type = std::optional<T>;
};
template <class T>
struct next_result<T&> {
  using type = T*;
};
template <>
struct next_result<void> {
  using type = std::optional<std::monostate>;
};
template <class T>
using next_result_t = typename next_result<T>::type;

// Also of what cannot be assigned.
template <class Next>
void forget(Next& found) noexcept {
  if constexpr (std::is_pointer_v<Next>) {
    found = nullptr;
  } else {
    found.reset();
  }
}

// Also when moving the element out throws: a later next() must not bring it after the end.
template <class Next>
class emptied {
 public:
  explicit emptied(Next& found) noexcept : found_(found) {}
  emptied(const emptied&) = delete;
  emptied& operator=(const emptied&) = delete;
  ~emptied() { forget(found_); }

 private:
  Next& found_;
};

// A generator that yields the elements of another is not resumed for each of them: all of a chain
// know the outermost, their root, and that knows the innermost, which is the one that runs. So an
// element costs the same at any depth. `continuation` is, of the root, whoever waits in next(); of
// the others, the generator one further out.
template <class T>
struct generator_promise final : promise_base {
  using handle = std::coroutine_handle<generator_promise>;

  generator<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }

  // Hands control back to the one that called next().
  class back_to_caller {
   public:
    back_to_caller() noexcept {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle h) const noexcept {
      return h.promise().root->ended();
    }
    void await_resume() const noexcept {}
  };
  // The same, or to the generator that yields the elements of this one.
  class at_end {
   public:
    at_end() noexcept {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(handle h) const noexcept {
      auto& promise = h.promise();
      if (promise.root != &promise) promise.outer().promise().take_over(promise);
      return promise.ended();
    }
    void await_resume() const noexcept {}
  };
  class nested_run;

  at_end final_suspend() const noexcept { return {}; }
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  back_to_caller yield_value(U&& value) {
    if constexpr (std::is_reference_v<T>) {
      T& same = value;
      root->current = &same;
    } else {
      root->current.emplace(std::forward<U>(value));
    }
    return {};
  }
  nested_run yield_value(elements_of<T> nested);
  void return_void() const noexcept {}

  handle self() noexcept { return handle::from_promise(*this); }
  handle outer() const noexcept { return handle::from_address(continuation.address()); }
  // The one inside has ended: this runs again.
  void take_over(generator_promise& inner) noexcept {
    where = inner.where;
    root->innermost = self();
  }
  // Ends what is inside first, one after the other: a recursion would take a stack as deep.
  void destroy_nested() noexcept {
    while (innermost != self()) {
      const handle inner = innermost;
      innermost = inner.promise().outer();
      (void)inner.promise().owner->release();
      inner.destroy();
    }
  }

  next_result_t<T> current{};  // of the root
  generator_promise* root = this;
  handle innermost = self();     // of the root
  generator<T>* owner = nullptr;  // of a nested one: holds it, in the frame one further out
};

template <class T>
class next_awaiter {
 public:
  explicit next_awaiter(std::coroutine_handle<generator_promise<T>> h) noexcept : generator_(h) {}
  bool await_ready() const {
    if (!generator_) throw_not_awaitable(true);
    if (generator_.promise().continuation) throw_generator_busy();
    return generator_.done();
  }
  template <class Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> caller,
      std::source_location at = std::source_location::current()) noexcept {
    auto& promise = generator_.promise();
    promise.continuation = caller;
    promise.where = caller.promise().where;
    promise.innermost.promise().where = promise.where;
    caller.promise().at = at;
    return promise.where->loop->transfer(promise.innermost);
  }
  next_result_t<T> await_resume() {
    auto& promise = generator_.promise();
    promise.continuation = nullptr;
    if (promise.failed()) promise.rethrow();
    const emptied on_return(promise.current);
    return next_result_t<T>(std::move(promise.current));
  }

 private:
  std::coroutine_handle<generator_promise<T>> generator_;
};

}  // namespace detail

// A lazy sequence whose producer may wait: `async def` with `yield`. Move-only; owns its frame.
//
//   generator<int> countdown(int n) { for (; n > 0; --n) { co_await sleep(1s); co_yield n; } }
//   auto g = countdown(3);
//   while (auto n = co_await g.next()) use(*n);
//
// The producer runs only inside next(), in the scope of the one that calls it. next() itself is no
// cancellation point; what the producer awaits is. A cancellation, as any exception, leaves next()
// and ends the sequence: after it, and after the end, next() returns nothing. So a timeout around
// one next() ends the generator, unless the producer catches and goes on (what it then yields is a
// value that came late). To wait for an element for some time only and go on later, use merge(g).
// Destroying a generator that is suspended in a co_yield runs the destructors of its locals, of
// the innermost nested one first; they cannot wait. Destroying it while a next() waits is a
// programming error, named by debug builds. Thread: of the loop that calls next().
template <class T>
class [[nodiscard]] generator {
 public:
  using promise_type = detail::generator_promise<T>;
  using value_type = T;

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    if (this != &other) {
      destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~generator() { destroy(); }

  // The next value as a std::optional, or nothing when the sequence has ended; of a generator<T&>
  // a pointer, null at the end, that is good until the following next(). One call at a time:
  // std::logic_error while another waits, and for a generator that was moved from.
  [[nodiscard]] auto next() noexcept { return detail::next_awaiter<T>(frame_); }

  // For Eddy's own parts: the frame, still owned by the generator, or given away.
  std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

 private:
  friend promise_type;
  explicit generator(std::coroutine_handle<promise_type> h) noexcept : frame_(h) {}

  void destroy() noexcept {
    if (!frame_) return;
    auto& promise = frame_.promise();
    if (promise.continuation) detail::destroyed_while_running(promise);
    promise.destroy_nested();
    frame_.destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

// `co_yield elements_of(other())` inside a generator yields all that another one of the same type
// yields, or what is left of it, and throws what it throws. At any depth an element costs the same,
// and neither running nor early destruction needs a deep stack: the way to write a recursion.
//
//   generator<int> walk(const node* n) {
//     if (!n) co_return;
//     co_yield elements_of(walk(n->left));
//     co_yield n->value;
//     co_yield elements_of(walk(n->right));
//   }
template <class T>
class [[nodiscard]] elements_of {
 public:
  explicit elements_of(generator<T> source) noexcept : source_(std::move(source)) {}

 private:
  friend detail::generator_promise<T>;
  generator<T> source_;
};

namespace detail {

// Runs a generator inside another. Holds it, so that it ends with the co_yield.
template <class T>
class generator_promise<T>::nested_run {
 public:
  explicit nested_run(generator<T>&& source) noexcept : source_(std::move(source)) {}
  nested_run(const nested_run&) = delete;
  nested_run& operator=(const nested_run&) = delete;

  bool await_ready() const {
    if (!source_.frame()) throw_not_awaitable(true);
    if (source_.frame().promise().continuation) throw_generator_busy();
    return source_.frame().done();
  }
  std::coroutine_handle<> await_suspend(handle h) noexcept {
    auto& outer = h.promise();
    auto& inner = source_.frame().promise();
    inner.continuation = h;
    inner.owner = &source_;
    outer.root->innermost = inner.innermost;
    // It may have been used before, and have nested ones of its own.
    for (handle at = inner.innermost; at != h; at = at.promise().outer()) {
      at.promise().root = outer.root;
    }
    inner.innermost = source_.frame();
    outer.root->innermost.promise().where = outer.where;
    return outer.where->loop->transfer(outer.root->innermost);
  }
  void await_resume() {
    auto& inner = source_.frame().promise();
    inner.continuation = nullptr;
    if (inner.failed()) inner.rethrow();
  }

 private:
  generator<T> source_;
};

template <class T>
typename generator_promise<T>::nested_run generator_promise<T>::yield_value(
    elements_of<T> nested) {
  return nested_run(std::move(nested.source_));
}

template <class T>
generator<T> generator_promise<T>::get_return_object() noexcept {
  return generator<T>(std::coroutine_handle<generator_promise>::from_promise(*this));
}

// What the operators take: anything with `next()` as a generator has it.
template <class S>
concept sequence = std::is_object_v<S> && std::is_move_constructible_v<S> && requires(S& s) {
  typename S::value_type;
  s.next().await_resume();
};

template <sequence S>
using element_t = typename S::value_type;

// What next() has returned, and is not nothing: T&& for values, the reference itself for T&.
template <class T, class Next>
T&& element(Next& found) noexcept {
  return static_cast<T&&>(*found);
}

}  // namespace detail
}  // namespace eddy::inline v1
