// merge: the elements of several sequences as they come.
#pragma once

#include <eddy/runtime/feed.hpp>
#include <vector>

namespace eddy::inline v1 {
namespace detail {

class offer_wait;

// A source of a merge, whose task offers one element after the other.
class offer_slot : public feed_slot {
 public:
  explicit offer_slot(feed_base& home) noexcept : feed_slot(home, kind::other) {}
  // There is an element.
  void offered() noexcept { home_.fill(*this); }
  // Its task goes on.
  void taken() noexcept;

 private:
  friend offer_wait;
  offer_wait* offer_ = nullptr;
};

// Waits until the element in the slot has been taken.
class offer_wait final : public awaited<offer_wait> {
 public:
  explicit offer_wait(offer_slot& s) noexcept : slot_(s) {}
  bool start() noexcept;
  void await_resume();
  void on_cancel() noexcept override;

 private:
  offer_slot& slot_;
};

template <class T>
class source_slot final : public offer_slot {
 public:
  using offer_slot::offer_slot;
  template <class S>
  void read(S&& source) {
    task_ = pump(std::move(source), *this);
    hold(task_.frame(), task_.frame().promise());
  }
  std::optional<T> take() {
    const leaving on_return(*this);
    return std::optional<T>(std::move(element_));
  }

 private:
  // Also when the move throws: the element is lost, the source goes on.
  class leaving {
   public:
    explicit leaving(source_slot& s) noexcept : slot_(s) {}
    leaving(const leaving&) = delete;
    leaving& operator=(const leaving&) = delete;
    ~leaving() {
      slot_.element_.reset();
      slot_.taken();
    }

   private:
    source_slot& slot_;
  };

  template <class S>
  static task<> pump(S given, source_slot& to) {
    S source(std::move(given));  // ends with this task, not with the feed
    while (auto x = co_await source.next()) {
      to.element_.emplace(std::move(*x));
      co_await offer_wait(to);
    }
  }

  task<> task_;
  std::optional<T> element_;
};

template <class T>
class merge_feed final : public feed_of<T> {
 public:
  merge_feed() noexcept : feed_of<T>("merge", false) {}
  template <class S>
  void add(S&& source) {
    auto* slot = new source_slot<T>(*this);
    this->own(slot);
    slot->read(std::move(source));
  }
  std::optional<T> take(feed_slot& slot) override {
    return static_cast<source_slot<T>&>(slot).take();
  }
};

template <class T>
constexpr void require_value() {
  static_assert(!std::is_reference_v<T>,
                "merge runs its sources ahead: they must yield values, not references");
}

}  // namespace detail

// Reads the sequences concurrently and brings their elements in the order in which they come, those
// of one source in its order. Each source is at most one element ahead of its reader. It ends when
// all have. The first error cancels the others; see feed. Of one sequence only, it makes a reader
// whose next() can be cancelled or timed out without an end to the sequence.
//
//   auto all = merge(lines(a), lines(b));
//   while (auto line = co_await all.next()) print(*line);
template <detail::sequence S>
[[nodiscard]] feed<detail::element_t<S>> merge(std::vector<S> sources) {
  using T = detail::element_t<S>;
  detail::require_value<T>();
  auto* made = new detail::merge_feed<T>();
  feed<T> all(made);
  for (auto& source : sources) made->add(std::move(source));
  return all;
}
template <detail::sequence S, detail::sequence... More>
  requires(std::is_same_v<detail::element_t<S>, detail::element_t<More>> && ...)
[[nodiscard]] feed<detail::element_t<S>> merge(S first, More... more) {
  using T = detail::element_t<S>;
  detail::require_value<T>();
  auto* made = new detail::merge_feed<T>();
  feed<T> all(made);
  made->add(std::move(first));
  (made->add(std::move(more)), ...);
  return all;
}

}  // namespace eddy::inline v1
