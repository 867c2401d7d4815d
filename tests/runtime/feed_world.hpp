// Random schedules of merge, map_concurrent and as_completed: sources and calls that wait a random
// while and fail at random, a reader that gives up waiting at random, at a random point stops, and
// closes or drops what it reads. Everything follows from a seed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace feed_test {

// An element is its source and its number there.
inline constexpr int per_source = 100;

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed), failing_(seed % 3 == 0) {}
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  void expect(bool holds, const char* what) {
    if (!holds && wrong_.empty()) wrong_ = what;
  }
  const std::string& wrong() const { return wrong_; }
  bool failing() const { return failing_; }

  // Waits for nothing, for a few resumptions, or for the next turn.
  eddy::task<> pause() {
    const int n = below(4);
    for (int i = 0; i < n; ++i) co_await eddy::yield();
    if (n == 3) co_await eddy::sleep(std::chrono::nanoseconds(1));
  }

  eddy::generator<int> source(int id, int n) {
    const living here(alive);
    for (int i = 0; i < n; ++i) {
      co_await pause();
      fail_at_random();
      ++taken;
      co_yield id * per_source + i;
    }
  }

  eddy::task<int> call(int element) {
    const living here(alive);
    most_calls = std::max(most_calls, ++calls);
    const countdown ends(calls);
    co_await pause();
    fail_at_random();
    co_return element;
  }

  // Reads `f` to the end, or up to a random point; what came is in `read`. True: to the end.
  eddy::task<bool> reads(eddy::feed<int> f) {
    const int stop = chance(30) ? below(12) : -1;
    bool ended = false;
    while (!ended && static_cast<int>(read.size()) != stop) {
      try {
        co_await eddy::with_timeout(std::chrono::nanoseconds(chance(50) ? 0 : 100'000'000),
                                    reads_one(f, ended));
      } catch (const eddy::timeout_error&) {
      } catch (const std::runtime_error&) {
        failed = ended = true;
      }
      check_taken();
      if (chance(20)) co_await pause();
    }
    if (ended) {
      expect(alive == 0, "something runs after the end");
    } else if (chance(50)) {
      try {
        co_await f.close();
      } catch (const std::runtime_error&) {
        failed = true;
      }
      expect(alive == 0, "something runs after close");
    }
    co_return ended && !failed;
  }

  // Plays `f` in a spawned task of its own, whose end is also that of what the feed runs.
  eddy::task<> play(eddy::feed<int> f, int total, bool ordered) {
    bool complete = false;
    auto reader = eddy::spawn([](world& w, eddy::feed<int> all, bool& done) -> eddy::task<> {
      done = co_await w.reads(std::move(all));
    }, std::ref(*this), std::move(f), std::ref(complete));
    co_await reader;
    expect(alive == 0, "something outlives the spawned task");
    if (complete) expect(static_cast<int>(read.size()) == total, "elements were lost");
    std::vector<int> next(per_source, 0);
    for (const int x : read) {
      auto& number = next[static_cast<std::size_t>(x / per_source)];
      if (ordered) expect(x % per_source == number, "out of order");
      ++number;
    }
    std::sort(read.begin(), read.end());
    expect(std::adjacent_find(read.begin(), read.end()) == read.end(), "an element came twice");
  }

  int alive = 0;
  int calls = 0;
  int most_calls = 0;
  int taken = 0;
  int ahead = per_source * per_source;  // elements that may be taken and not read
  bool failed = false;
  std::vector<int> read;

 private:
  class countdown {
   public:
    explicit countdown(int& n) noexcept : n_(n) {}
    countdown(const countdown&) = delete;
    countdown& operator=(const countdown&) = delete;
    ~countdown() { --n_; }

   private:
    int& n_;
  };
  class living : public countdown {
   public:
    explicit living(int& n) noexcept : countdown(n) { ++n; }
  };

  eddy::task<> reads_one(eddy::feed<int>& f, bool& ended) {
    auto x = co_await f.next();
    if (x) {
      read.push_back(*x);
    } else {
      ended = true;
    }
  }

  void check_taken() {
    expect(taken <= static_cast<int>(read.size()) + ahead, "the sources were read too far ahead");
  }

  void fail_at_random() {
    if (failing_ && chance(4)) throw std::runtime_error("failed");
  }

  std::mt19937_64 random_;
  bool failing_;
  std::string wrong_;
};

inline eddy::task<> plays_merge(world& w) {
  const int count = w.below(5);
  w.ahead = count;
  int total = 0;
  std::vector<eddy::generator<int>> sources;
  for (int id = 0; id < count; ++id) {
    const int n = w.below(8);
    total += n;
    sources.push_back(w.source(id, n));
  }
  co_await w.play(eddy::merge(std::move(sources)), total, true);
}

inline eddy::task<> plays_map(world& w) {
  const int limit = 1 + w.below(5);
  const bool ordered = w.chance(50);
  const int n = w.below(16);
  w.ahead = limit;
  auto call = [&w](int x) { return w.call(x); };
  auto source = w.source(0, n);
  const auto most = static_cast<std::size_t>(limit);
  eddy::feed<int> all = ordered ? eddy::map_concurrent(most, std::move(source), call)
                          : eddy::map_concurrent_unordered(most, std::move(source), call);
  co_await w.play(std::move(all), n, ordered);
  w.expect(w.most_calls <= limit, "more calls at once than the limit");
}

inline eddy::task<> plays_as_completed(world& w) {
  const int n = w.below(10);
  std::vector<eddy::task<int>> tasks;
  for (int i = 0; i < n; ++i) tasks.push_back(w.call(i));
  co_await w.play(eddy::as_completed(std::move(tasks)), n, false);
}

}  // namespace feed_test
