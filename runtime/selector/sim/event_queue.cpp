#include "event_queue.hpp"

#include <eddy/runtime/core.hpp>

namespace eddy::inline v1::detail::simulation {

void event_queue::abandon_all() noexcept {
  while (!entries_.empty()) {
    event& last = *entries_.back().what;
    entries_.pop_back();
    last.place_in_queue = event::nowhere;
    last.abandon();
  }
}

std::int64_t event_queue::first_time() const noexcept {
  return entries_.empty() ? never_ns : entries_.front().time;
}

void event_queue::put(std::size_t place, const entry& e) noexcept {
  entries_[place] = e;
  e.what->place_in_queue = place;
}

void event_queue::insert(event& e, std::int64_t time, std::uint64_t tie) {
  entries_.push_back({time, tie, &e});
  e.place_in_queue = entries_.size() - 1;
  rise(e.place_in_queue);
}

void event_queue::remove(event& e) noexcept {
  const std::size_t hole = e.place_in_queue;
  e.place_in_queue = event::nowhere;
  const entry last = entries_.back();
  entries_.pop_back();
  if (hole == entries_.size()) return;
  put(hole, last);
  rise(hole);
  sink(last.what->place_in_queue);
}

event* event_queue::pop_due(std::int64_t now) noexcept {
  if (entries_.empty() || entries_.front().time > now) return nullptr;
  event* const first = entries_.front().what;
  remove(*first);
  return first;
}

void event_queue::rise(std::size_t place) noexcept {
  const entry moving = entries_[place];
  for (; place > 0; place = (place - 1) / 2) {
    const entry& parent = entries_[(place - 1) / 2];
    if (!before(moving, parent)) break;
    put(place, parent);
  }
  put(place, moving);
}

void event_queue::sink(std::size_t place) noexcept {
  const entry moving = entries_[place];
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= entries_.size()) break;
    if (child + 1 < entries_.size() && before(entries_[child + 1], entries_[child])) ++child;
    if (!before(entries_[child], moving)) break;
    put(place, entries_[child]);
    place = child;
  }
  put(place, moving);
}

}  // namespace eddy::inline v1::detail::simulation
