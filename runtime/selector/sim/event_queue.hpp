// What will happen in the simulated world, by virtual time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace eddy::inline v1::detail::simulation {

// Something that happens once, at its time, inside engine::wait. Lives until then with its owner,
// who may withdraw it.
class event {
 public:
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  // It is in no queue any more, and may destroy itself.
  virtual void happen() noexcept = 0;
  // The world ends before it has happened.
  virtual void abandon() noexcept {}

  bool is_queued() const noexcept { return place_in_queue != nowhere; }

  static constexpr std::size_t nowhere = SIZE_MAX;
  std::size_t place_in_queue = nowhere;  // the queue's

 protected:
  event() noexcept {}
  ~event() = default;
};

// A binary heap of events that know their places. Ties go by `tie`.
class event_queue {
 public:
  event_queue() noexcept {}
  event_queue(const event_queue&) = delete;
  event_queue& operator=(const event_queue&) = delete;

  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  // never_ns if there is none.
  std::int64_t first_time() const noexcept;
  void insert(event& e, std::int64_t time, std::uint64_t tie);
  void remove(event& e) noexcept;
  void abandon_all() noexcept;
  // Takes out the first one if its time has come; else null.
  event* pop_due(std::int64_t now) noexcept;

 private:
  struct entry {
    std::int64_t time;
    std::uint64_t tie;
    event* what;
  };
  static bool before(const entry& a, const entry& b) noexcept {
    return a.time != b.time ? a.time < b.time : a.tie < b.tie;
  }
  void put(std::size_t place, const entry& e) noexcept;
  void rise(std::size_t place) noexcept;
  void sink(std::size_t place) noexcept;

  std::vector<entry> entries_;
};

}  // namespace eddy::inline v1::detail::simulation
