#include <doctest/doctest.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather_window.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "gate.hpp"
#include "tracked.hpp"

using eddy::gather;
using eddy::gather_settled;
using eddy::spawn;
using eddy::task;
using eddy::yield;
using std::views::iota;
using std::views::transform;

namespace {

task<> turns(int n) {
  for (int i = 0; i < n; ++i) co_await yield();
}

// Counts who lives.
struct meter {
  int made = 0;
  int live = 0;
  int most = 0;
  int ended = 0;
};

task<int> counted(meter& m, int n, int wait) {
  m.most = std::max(m.most, ++m.live);
  co_await turns(wait);
  --m.live;
  ++m.ended;
  co_return n;
}

task<int> sometimes_fails(meter& m, int n) {
  const int result = co_await counted(m, n, n == 7 ? 1 : 3);
  if (n == 5 || n == 7) throw std::runtime_error(std::to_string(result));
  co_return result;
}

task<int> swallows(gate& never, int result) {
  try {
    co_await never.wait();
  } catch (const eddy::cancelled&) {
  }
  co_return result;
}

}  // namespace

TEST_CASE("gather(limit): at most so many live at once, results in the order of the range") {
  drive([]() -> task<> {
    meter m;
    auto make = [&](int n) {
      ++m.made;
      CHECK(m.made <= m.ended + 3);  // made when there is room, not before
      return counted(m, n, (n * 7) % 5);
    };
    const auto values = co_await gather(3, iota(0, 50) | transform(make));
    static_assert(std::is_same_v<decltype(values), const std::vector<int>>);
    CHECK(values.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(values[static_cast<std::size_t>(i)] == i);
    CHECK(m.most == 3);
    CHECK(m.made == 50);

    meter all;
    auto make_all = [&](int n) { return counted(all, n, 1); };
    co_await gather(static_cast<std::size_t>(-1), iota(0, 50) | transform(make_all));
    CHECK(all.most == 50);
    meter one;
    auto make_one = [&](int n) { return counted(one, n, 1); };
    co_await gather(1, iota(0, 50) | transform(make_one));
    CHECK(one.most == 1);
  });
}

TEST_CASE("gather(limit): a vector, void, move-only values, bool, nothing") {
  tracked::reset();
  drive([]() -> task<> {
    auto boxed = [](int n, tracked) -> task<std::unique_ptr<int>> {
      co_await yield();
      co_return std::make_unique<int>(n);
    };
    std::vector<task<std::unique_ptr<int>>> boxes;
    for (int i = 0; i < 5; ++i) boxes.push_back(boxed(i, tracked(i)));
    const auto owned = co_await gather(2, std::move(boxes));
    REQUIRE(owned.size() == 5);
    for (int i = 0; i < 5; ++i) CHECK(*owned[static_cast<std::size_t>(i)] == i);

    std::vector<task<>> voids;
    for (int i = 0; i < 5; ++i) voids.push_back(turns(i));
    auto waiting = gather(2, std::move(voids));
    static_assert(std::is_same_v<decltype(waiting), task<>>);
    co_await std::move(waiting);

    auto odd = [](int n) -> task<bool> {
      co_await yield();
      co_return n % 2 == 1;
    };
    const std::vector<bool> bits = co_await gather(2, iota(0, 3) | transform(odd));
    CHECK(bits == std::vector<bool>{false, true, false});

    const auto none = co_await gather(2, std::vector<task<int>>());
    CHECK(none.empty());
    auto settled_voids = co_await gather_settled(2, iota(0, 3) | transform(turns));
    CHECK(settled_voids.size() == 3);
    CHECK(settled_voids[2].has_value());
  });
  CHECK(tracked::balanced());
}

TEST_CASE("gather(limit): what a view's function holds lives as long as the range") {
  tracked::reset();
  drive([]() -> task<> {
    const tracked t(7);
    auto make = [t](int n) { return [](int m, int k) -> task<int> {
      co_await yield();
      co_return m * k;
    }(n, t.get()); };
    const auto values = co_await gather(2, iota(1, 4) | transform(make));
    CHECK(values == std::vector<int>{7, 14, 21});
  });
  CHECK(tracked::balanced());
}

TEST_CASE("gather(limit): a failure lets the others go on; the first in time is thrown") {
  drive([]() -> task<> {
    meter m;
    auto make = [&](int n) { return sometimes_fails(m, n); };
    std::string text;
    try {
      co_await gather(4, iota(0, 20) | transform(make));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    CHECK(text == "7");
    CHECK(m.ended == 20);
    CHECK(m.most == 4);

    auto results = co_await gather_settled(4, iota(0, 20) | transform(make));
    REQUIRE(results.size() == 20);
    CHECK(results[4].value() == 4);
    CHECK(message_of<std::runtime_error>([&] { results[5].value(); }) == "5");
    CHECK(message_of<std::runtime_error>([&] { results[7].value(); }) == "7");
    CHECK(results[19].value() == 19);
  });
}

TEST_CASE("gather(limit): an exception of the range ends it; what has started is awaited") {
  for (const bool settle : {false, true}) {
    drive([&]() -> task<> {
      meter m;
      auto make = [&](int n) {
        if (n == 4) throw std::out_of_range("the range's");
        return counted(m, n, 5);
      };
      std::string text;
      try {
        if (settle) {
          co_await gather_settled(3, iota(0, 20) | transform(make));
        } else {
          co_await gather(3, iota(0, 20) | transform(make));
        }
      } catch (const std::out_of_range& error) {
        text = error.what();
      }
      CHECK(text == "the range's");
      CHECK(m.ended == 4);
      CHECK(m.live == 0);

      // An empty task is one of those.
      std::vector<task<int>> tasks;
      tasks.push_back(counted(m, 1, 5));
      tasks.push_back(task<int>());
      tasks.push_back(counted(m, 2, 5));
      bool threw = false;
      try {
        co_await gather(2, std::move(tasks));
      } catch (const std::logic_error&) {
        threw = true;
      }
      CHECK(threw);
      CHECK(m.ended == 5);
    });
  }
}

TEST_CASE("gather(limit): a limit of 0 is an invalid_argument") {
  drive([]() -> task<> {
    int threw = 0;
    try {
      co_await gather(0, iota(0, 3) | transform(turns));
    } catch (const std::invalid_argument&) {
      ++threw;
    }
    try {
      co_await gather_settled(0, std::vector<task<>>());
    } catch (const std::invalid_argument&) {
      ++threw;
    }
    CHECK(threw == 2);
  });
}

TEST_CASE("gather(limit): a cancellation reaches those that live, and no more are made") {
  for (const bool settle : {false, true}) {
    tracked::reset();
    drive([&]() -> task<> {
      gate never;
      int made = 0;
      int told = 0;
      auto child = [&](tracked) -> task<> {
        try {
          co_await never.wait();
        } catch (const eddy::cancelled&) {
          ++told;
          throw;
        }
      };
      auto make = [&](int n) {
        ++made;
        return child(tracked(n));
      };
      bool thrown = false;
      auto body = [&]() -> task<> {
        try {
          if (settle) {
            co_await gather_settled(3, iota(0, 10) | transform(make));
          } else {
            co_await gather(3, iota(0, 10) | transform(make));
          }
        } catch (const eddy::cancelled&) {
          thrown = true;
          CHECK(told == 3);
          throw;
        }
      };
      auto h = spawn(body());
      co_await turns(4);
      CHECK(never.waiting() == 3);
      h.cancel();
      CHECK(never.waiting() == 0);
      while (!h.done()) co_await yield();
      CHECK(thrown);
      CHECK(made == 3);
    });
    CHECK(tracked::balanced());
  }
}

TEST_CASE("gather(limit): in a cancelled scope nothing is made, also of an empty range") {
  for (const int count : {0, 3}) {
    bool told = false;
    int made = 0;
    drive([&]() -> task<> {
      eddy::join_handle<> h;
      auto make = [&](int n) {
        ++made;
        return turns(n);
      };
      auto body = [&]() -> task<> {
        h.cancel();
        try {
          co_await gather(2, iota(0, count) | transform(make));
        } catch (const eddy::cancelled&) {
          told = true;
          throw;
        }
      };
      h = spawn(body());
      while (!h.done()) co_await yield();
    });
    CHECK(told);
    CHECK(made == 0);
  }
}

TEST_CASE("gather(limit): values in spite of a cancellation are kept if all had started") {
  for (const int count : {2, 3}) {
    CAPTURE(count);
    std::vector<int> values;
    bool pending = false;
    drive([&]() -> task<> {
      gate never;
      auto make = [&](int n) { return swallows(never, n); };
      auto body = [&]() -> task<> {
        values = co_await gather(2, iota(0, count) | transform(make));
        try {
          co_await yield();
        } catch (const eddy::cancelled&) {
          pending = true;
          throw;
        }
      };
      auto h = spawn(body());
      co_await turns(3);
      h.cancel();
      while (!h.done()) co_await yield();
    });
    CHECK(values.size() == (count == 2 ? 2 : 0));
    CHECK(pending == (count == 2));
  }
}

TEST_CASE("gather_settled(limit): a cancellation that ended a child is thrown, not returned") {
  bool told = false;
  drive([&]() -> task<> {
    gate never;
    auto make = [&](int n) -> task<int> {
      if (n > 0) co_await never.wait();
      co_return n;
    };
    auto body = [&]() -> task<> {
      try {
        co_await gather_settled(5, iota(0, 3) | transform(make));
      } catch (const eddy::cancelled&) {
        told = true;
        throw;
      }
    };
    auto h = spawn(body());
    co_await turns(3);
    h.cancel();
    while (!h.done()) co_await yield();
    // One that a child has thrown by hand is that child's.
    auto by_hand = [](int) -> task<int> {
      co_await yield();
      throw eddy::cancelled();
    };
    auto results = co_await gather_settled(5, iota(0, 2) | transform(by_hand));
    CHECK_FALSE(results[0].has_value());
  });
  CHECK(told);
}

TEST_CASE("gather(limit): a range that cancels its own scope ends there") {
  int made = 0;
  bool told = false;
  drive([&]() -> task<> {
    gate never;
    eddy::join_handle<> h;
    auto make = [&](int n) {
      ++made;
      if (n == 1) h.cancel();
      return swallows(never, n);
    };
    auto body = [&]() -> task<> {
      try {
        co_await gather(5, iota(0, 10) | transform(make));
      } catch (const eddy::cancelled&) {
        told = true;
        throw;
      }
    };
    h = spawn(body());
    while (!h.done()) co_await yield();
  });
  CHECK(made == 2);
  CHECK(told);
}

TEST_CASE("gather(limit): a hundred thousand, and nothing is left") {
  tracked::reset();
  drive([]() -> task<> {
    auto child = [](int n) -> task<int> {
      const tracked local(n);
      CHECK(tracked::alive() <= 10);
      co_await yield();
      co_return local.get();
    };
    const auto values = co_await gather(10, iota(0, 100'000) | transform(child));
    long sum = 0;
    for (const int v : values) sum += v;
    CHECK(sum == 4'999'950'000);
  });
  CHECK(tracked::balanced());
}
