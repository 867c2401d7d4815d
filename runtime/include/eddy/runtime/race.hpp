// Awaiting the first of several tasks.
#pragma once

#include <eddy/runtime/siblings.hpp>

namespace eddy::inline v1 {

// What the winner of a race returned, and which one it was, where all tasks have the same type.
// value() may be called as often as you like, and moves out of an rvalue:
//
//   auto page = (co_await race(fetch(mirror), fetch(origin))).value();
template <class T>
class race_result {
 public:
  template <class U>
  race_result(std::size_t index, U&& value) : index_(index), value_(std::forward<U>(value)) {}

  // The position of the winner among the tasks, from 0.
  std::size_t index() const noexcept { return index_; }

  void value() const& noexcept
    requires std::is_void_v<T>
  {}
  T value() const& noexcept
    requires std::is_lvalue_reference_v<T>
  {
    return std::get<0>(value_);
  }
  auto& value() & noexcept
    requires std::is_object_v<T>
  {
    return std::get<0>(value_);
  }
  const auto& value() const& noexcept
    requires std::is_object_v<T>
  {
    return std::get<0>(value_);
  }
  // By value: a reference into a temporary would dangle.
  auto value() &&
    requires std::is_object_v<T>
  {
    return std::get<0>(std::move(value_));
  }

 private:
  std::size_t index_;
  std::tuple<detail::non_void_t<T>> value_;
};

namespace detail {

// The first child that ends, except by a cancellation from outside, wins. The others are cancelled
// there and then: one that is ready but has not run yet hands on what it was granted.
class race_base : public siblings {
 public:
  std::coroutine_handle<> child_ended(nested_scope& child) noexcept override;

 protected:
  race_base() noexcept {}
  ~race_base() = default;
  // The winner. Throws its failure, or a loser's, or `cancelled` if nobody won.
  std::size_t finish();

 private:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
  std::size_t winner_ = nobody;
};

[[noreturn]] void throw_empty_race();

// What stands for a T among the alternatives of a variant.
template <class T>
struct alternative {
  using type = non_void_t<T>;
  static type take(task<T>& t) { return take_result(t); }
};
template <class T>
struct alternative<T&> {
  using type = T*;
  static type take(task<T&>& t) { return &take_result(t); }
};

template <class First, class... Rest>
class race_pack final : public sibling_pack<race_base, First, Rest...> {
 public:
  explicit race_pack(task<First>&& first, task<Rest>&&... rest) noexcept
      : sibling_pack<race_base, First, Rest...>(std::move(first), std::move(rest)...) {}
  auto await_resume() {
    const std::size_t winner = this->finish();
    if constexpr ((std::is_same_v<First, Rest> && ...)) {
      return take<race_result<First>>(winner);
    } else {
      return take<std::variant<typename alternative<First>::type,
                               typename alternative<Rest>::type...>>(winner);
    }
  }

 private:
  // Recursion over the positions: that of the winner is known only now.
  template <class Result, std::size_t I = 0>
  Result take(std::size_t winner) {
    if constexpr (I < sizeof...(Rest)) {
      if (I != winner) return take<Result, I + 1>(winner);
    }
    auto& t = std::get<I>(this->tasks_);
    if constexpr (std::is_same_v<Result, race_result<First>>) {
      return Result(winner, take_result(t));
    } else {
      using T = typename std::tuple_element_t<I, decltype(this->tasks_)>::value_type;
      return Result(std::in_place_index<I>, alternative<T>::take(t));
    }
  }
};

template <class T>
class race_vector final : public sibling_vector<race_base, T> {
 public:
  explicit race_vector(std::vector<task<T>>&& tasks)
      : sibling_vector<race_base, T>(std::move(tasks)) {}
  bool await_ready() const {
    if (this->tasks_.empty()) throw_empty_race();
    return sibling_vector<race_base, T>::await_ready();
  }
  race_result<T> await_resume() {
    const std::size_t winner = this->finish();
    return race_result<T>(winner, take_result(this->tasks_[winner]));
  }
};

}  // namespace detail

// Runs the tasks concurrently, each in a scope of its own, until the first ends: by value or by
// exception, it wins. The others are cancelled at that moment, not when the caller resumes, and all
// have ended before this returns. asyncio.wait(FIRST_COMPLETED), which leaves the others running.
//
//   auto first = co_await race(fetch(mirror), fetch(origin));
//   if (first.index() == 1) use(first.value());
//
// Tasks of one type bring a race_result<T>, also a vector; of several types a std::variant with an
// alternative for each task, in order: std::monostate for void, T* for T&.
//
// Losers. One that has not started never runs. One that waits in `sync` is cancelled without
// effect: an item that it was to get goes to the next in line. One that got its result before it
// could be cancelled has done what it did, and its value is dropped. Its cancellation is dropped
// as well; any other exception is thrown from here, instead of the winner's value. If several fail,
// the failure that came first in time is thrown, so the winner's before a loser's.
//
// A cancellation of the surrounding scope reaches all of them. If one has won, or ends in spite of
// it by a value or an error, that is the result, and the cancellation meets the next suspension;
// else `cancelled` is thrown. Without tasks: std::invalid_argument. Cancellation point.
template <class... T>
  requires(sizeof...(T) > 0)
[[nodiscard]] auto race(task<T>... tasks) {
  return detail::race_pack<T...>(std::move(tasks)...);
}
template <class T>
[[nodiscard]] auto race(std::vector<task<T>> tasks) {
  return detail::race_vector<T>(std::move(tasks));
}

}  // namespace eddy::inline v1
