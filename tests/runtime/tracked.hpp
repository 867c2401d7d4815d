// A value that knows its living instances by address: it finds leaks, double destruction and use of
// what is dead or was never constructed, also where a sanitizer would see valid memory.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_set>

class tracked {
 public:
  explicit tracked(int value = 0) : value_(value) { born(); }
  tracked(const tracked& other) : value_(other.get()) { born(); }
  tracked(tracked&& other) noexcept : value_(other.get()) {
    other.value_ = moved_from;
    born();
  }
  tracked& operator=(const tracked& other) {
    check();
    value_ = other.get();
    return *this;
  }
  tracked& operator=(tracked&& other) noexcept {
    check();
    value_ = other.get();
    if (this != &other) other.value_ = moved_from;
    return *this;
  }
  ~tracked() {
    const std::lock_guard lock(all().mutex);
    if (all().alive.erase(this) == 0) ++all().faults;
  }

  int get() const noexcept {
    check();
    return value_;
  }

  static constexpr int moved_from = -1;

  // Start of a test: forget what went before.
  static void reset() {
    const std::lock_guard lock(all().mutex);
    all().alive.clear();
    all().faults = 0;
  }
  static std::size_t alive() {
    const std::lock_guard lock(all().mutex);
    return all().alive.size();
  }
  // Nothing alive, and nothing was destroyed twice or used when dead.
  static bool balanced() {
    const std::lock_guard lock(all().mutex);
    return all().alive.empty() && all().faults == 0;
  }

 private:
  struct registry {
    std::mutex mutex;
    std::unordered_set<const void*> alive;
    int faults = 0;
  };
  static registry& all() {
    static registry r;
    return r;
  }
  void born() {
    const std::lock_guard lock(all().mutex);
    if (!all().alive.insert(this).second) ++all().faults;
  }
  void check() const noexcept {
    const std::lock_guard lock(all().mutex);
    if (!all().alive.contains(this)) ++all().faults;
  }

  int value_;
};
