// as_completed: the results of tasks in the order in which they come.
#pragma once

#include <eddy/runtime/feed.hpp>
#include <vector>

namespace eddy::inline v1 {
namespace detail {

// A task whose result is an element.
template <class T>
class task_slot : public feed_slot {
 public:
  explicit task_slot(feed_base& home) noexcept : feed_slot(home, kind::result) {}
  void run(task<T>&& t) {
    require_startable(t);
    task_ = std::move(t);
    this->hold(task_.frame(), task_.frame().promise());
  }
  next_result_t<T> take() {
    task<T> ended(std::move(task_));
    auto& promise = ended.frame().promise();
    if constexpr (std::is_void_v<T>) {
      return std::monostate();
    } else if constexpr (std::is_reference_v<T>) {
      return &promise.take();
    } else {
      return next_result_t<T>(promise.take());
    }
  }

 private:
  task<T> task_;
};

template <class T>
class completed_feed final : public feed_of<T> {
 public:
  completed_feed() noexcept : feed_of<T>("as_completed", false) {}
  void add(task<T>&& t) {
    auto* slot = new task_slot<T>(*this);
    this->own(slot);
    slot->run(std::move(t));
  }
  next_result_t<T> take(feed_slot& slot) override {
    return static_cast<task_slot<T>&>(slot).take();
  }
};

}  // namespace detail

// Runs the tasks concurrently and brings their results as they end: asyncio.as_completed, but for
// errors, which end it. See feed for how the tasks live and end. Throws std::logic_error for a task
// that is empty or was awaited before.
//
//   auto results = as_completed(fetch(1), fetch(2));
//   while (auto r = co_await results.next()) use(*r);
template <class T>
[[nodiscard]] feed<T> as_completed(std::vector<task<T>> tasks) {
  auto* made = new detail::completed_feed<T>();
  feed<T> results(made);
  for (auto& t : tasks) made->add(std::move(t));
  return results;
}
template <class T, class... More>
  requires(std::is_same_v<T, More> && ...)
[[nodiscard]] feed<T> as_completed(task<T> first, task<More>... more) {
  auto* made = new detail::completed_feed<T>();
  feed<T> results(made);
  made->add(std::move(first));
  (made->add(std::move(more)), ...);
  return results;
}

}  // namespace eddy::inline v1
