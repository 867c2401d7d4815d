// One loop. Several loops and threads: channel_threads_test.cpp.
#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/channel.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/simulated.hpp"
#include "../runtime/tracked.hpp"
#include "schedule.hpp"
#include "tasks.hpp"

using eddy::channel;
using eddy::spawn;
using eddy::task;
using namespace std::chrono_literals;
using namespace sync_test;

static_assert(std::is_copy_constructible_v<channel<int>>);
static_assert(std::is_copy_assignable_v<channel<int>>);

namespace {

template <class Body>
void on_loop(Body body) {
  eddy::run(body());
}

task<> receive_into(channel<int> c, std::vector<int>& got) {
  const auto item = co_await c.receive();
  got.push_back(item ? *item : -1);
}

task<> receive_named(channel<int> c, int name, std::vector<std::pair<int, int>>& got) {
  const auto item = co_await c.receive();
  got.emplace_back(name, item ? *item : -1);
}

task<> send_one(channel<int> c, int item) { co_await c.send(item); }

task<bool> send_is_refused(channel<int> c) {
  bool refused = false;
  try {
    co_await c.send(1);
  } catch (const eddy::channel_closed&) {
    refused = true;
  }
  co_return refused;
}

}  // namespace

TEST_CASE("channel: items come out in the order they went in; it has a bound") {
  channel<int> c(3);
  for (int i = 0; i < 3; ++i) CHECK(c.try_send(i));
  CHECK_FALSE(c.try_send(3));
  CHECK(c.statistics().depth == 3);
  CHECK(c.statistics().capacity == 3);
  for (int round = 3; round < 20; ++round) {
    CHECK(c.try_receive() == round - 3);
    CHECK(c.try_send(round));
  }
  CHECK(c.statistics().most == 3);
  CHECK(c.statistics().sent == 20);
}

TEST_CASE("channel: a capacity of 0 is refused, and so is one beyond all memory") {
  CHECK_THROWS_AS(channel<int>(0), std::invalid_argument);
  CHECK_THROWS_AS(channel<int>(SIZE_MAX), std::bad_alloc);
}

TEST_CASE("channel: items that only move; what is left is destroyed with the last handle") {
  tracked::reset();
  {
    channel<std::unique_ptr<tracked>> c(4);
    std::unique_ptr<tracked> kept(new tracked(7));
    for (int i = 0; i < 4; ++i) CHECK(c.try_send(std::make_unique<tracked>(i)));
    CHECK_FALSE(c.try_send(std::move(kept)));
    CHECK(kept != nullptr);
    channel<std::unique_ptr<tracked>> copy(c);
    c = channel<std::unique_ptr<tracked>>(1);
    CHECK((*copy.try_receive())->get() == 0);
    CHECK(copy.try_send(std::move(kept)));
    CHECK(c.try_receive() == std::nullopt);
  }
  CHECK(tracked::balanced());
}

TEST_CASE("channel: a receiver waits for an item, a sender for room" * needs_full_turns()) {
  on_loop([]() -> task<> {
    channel<int> c(1);
    std::vector<int> got;
    auto receiver = spawn(receive_into(c, got));
    co_await let_others_run();
    CHECK(got.empty());
    CHECK(c.statistics().waiting_receivers == 1);
    co_await c.send(1);
    CHECK(got.empty());  // nobody is resumed inside another's call
    co_await receiver;
    CHECK(got == std::vector<int>{1});

    co_await c.send(2);
    auto sender = spawn(send_one(c, 3));
    co_await let_others_run();
    CHECK_FALSE(sender.done());
    CHECK(c.statistics().waiting_senders == 1);
    CHECK(co_await c.receive() == 2);
    CHECK(c.statistics().waiting_senders == 0);
    CHECK(c.statistics().depth == 1);  // moved in by who made room
    co_await sender;
    CHECK(co_await c.receive() == 3);
  });
}

TEST_CASE("channel: receivers and senders are served in the order they came") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    std::vector<std::pair<int, int>> got;
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 0; name < 5; ++name) tasks.push_back(spawn(receive_named(c, name, got)));
    co_await let_others_run();
    for (int i = 0; i < 5; ++i) co_await c.send(i);
    for (auto& t : tasks) co_await t;
    for (int i = 0; i < 5; ++i) CHECK(got[static_cast<std::size_t>(i)] == std::pair(i, i));

    tasks.clear();
    for (int i = 0; i < 6; ++i) tasks.push_back(spawn(send_one(c, i)));
    co_await let_others_run();
    for (int i = 0; i < 6; ++i) CHECK(co_await c.receive() == i);
    for (auto& t : tasks) co_await t;
  });
}

TEST_CASE("channel: who comes late does not take what was promised") {
  on_loop([]() -> task<> {
    channel<int> c(4);
    std::vector<std::pair<int, int>> got;
    auto first = spawn(receive_named(c, 1, got));
    co_await let_others_run();
    CHECK(c.try_send(1));
    CHECK(c.try_receive() == std::nullopt);
    CHECK(c.try_send(2));
    const auto item = co_await c.receive();  // behind the first, which takes 1
    CHECK(item == 2);
    co_await first;
    CHECK(got.front() == std::pair(1, 1));
  });
}

TEST_CASE("channel: what is always ready starves nobody" * needs_full_turns()) {
  on_loop([]() -> task<> {
    channel<int> c(1);
    bool other_ran = false;
    auto other = spawn([](bool& flag) -> task<> {
      flag = true;
      co_return;
    }(other_ran));
    int rounds = 0;
    for (; !other_ran && rounds < 100'000; ++rounds) {
      co_await c.send(rounds);
      const auto item = co_await c.receive();
      REQUIRE(item == rounds);
    }
    CHECK(rounds > 1);
    CHECK(other_ran);
    co_await other;
  });
}

TEST_CASE("channel: close lets receivers drain, ends those who wait, and refuses senders") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    CHECK(c.try_send(1));
    CHECK(c.try_send(2));
    auto waiting = spawn(send_is_refused(c));
    co_await let_others_run();
    c.close();
    c.close();
    CHECK(c.closed());
    CHECK_FALSE(c.at_end());
    const bool refused = co_await waiting;
    CHECK(refused);
    const bool refused_at_once = co_await send_is_refused(c);
    CHECK(refused_at_once);
    int item = 5;
    CHECK_THROWS_AS((void)c.try_send(item), eddy::channel_closed);
    CHECK(co_await c.receive() == 1);
    CHECK(co_await c.receive() == 2);
    CHECK(c.at_end());
    CHECK(co_await c.receive() == std::nullopt);
    CHECK(c.try_receive() == std::nullopt);
  });
}

TEST_CASE("channel: close with receivers in line, some of them promised what is left") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    std::vector<std::pair<int, int>> got;
    std::vector<eddy::join_handle<>> tasks;
    for (int name = 0; name < 3; ++name) tasks.push_back(spawn(receive_named(c, name, got)));
    co_await let_others_run();
    CHECK(c.try_send(10));
    c.close();
    SUBCASE("they take it") {
      for (auto& t : tasks) co_await t;
      CHECK(got == std::vector<std::pair<int, int>>{{0, 10}, {1, -1}, {2, -1}});
    }
    SUBCASE("the promised one is cancelled") {
      tasks[0].cancel();
      CHECK(co_await was_cancelled(tasks[0]));
      co_await tasks[1];
      co_await tasks[2];
      CHECK(got == std::vector<std::pair<int, int>>{{1, 10}, {2, -1}});
    }
  });
}

TEST_CASE("channel: a cancelled receiver takes nothing: before, in line, and promised") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    std::vector<int> got;
    auto before = spawn(receive_into(c, got));
    before.cancel();
    CHECK(co_await was_cancelled(before));

    auto in_line = spawn(receive_into(c, got));
    auto second = spawn(receive_into(c, got));
    co_await let_others_run();
    in_line.cancel();
    CHECK(co_await was_cancelled(in_line));
    CHECK(c.statistics().waiting_receivers == 1);

    CHECK(c.try_send(1));
    second.cancel();
    CHECK(c.try_receive() == 1);  // given back inside cancel
    CHECK(co_await was_cancelled(second));

    auto third = spawn(receive_into(c, got));
    auto fourth = spawn(receive_into(c, got));
    co_await let_others_run();
    CHECK(c.try_send(2));
    third.cancel();
    co_await fourth;
    CHECK(got == std::vector<int>{2});
    CHECK(co_await was_cancelled(third));
    CHECK(c.statistics().depth == 0);
  });
}

TEST_CASE("channel: a cancelled sender has sent nothing, unless its item was moved in") {
  on_loop([]() -> task<> {
    channel<int> c(1);
    auto before = spawn(send_one(c, 1));
    before.cancel();
    CHECK(co_await was_cancelled(before));
    CHECK(c.statistics().depth == 0);

    co_await c.send(2);
    auto in_line = spawn(send_one(c, 3));
    auto next = spawn(send_one(c, 4));
    co_await let_others_run();
    in_line.cancel();
    CHECK(co_await was_cancelled(in_line));
    CHECK(c.try_receive() == 2);
    next.cancel();
    co_await next;  // its send has happened
    CHECK(c.try_receive() == 4);

    auto refused = spawn(send_is_refused(c));
    CHECK(c.try_send(5));
    co_await let_others_run();
    c.close();
    refused.cancel();
    CHECK(co_await was_cancelled(refused));
  });
}

TEST_CASE("channel: refusals go through the queue, so that others run") {
  on_loop([]() -> task<> {
    channel<int> c(1);
    auto t = spawn([](channel<int> ends) -> task<int> {
      co_await swallow_cancellation();
      int refused = 0;
      for (int i = 0; i < 3; ++i) {
        try {
          co_await ends.send(1);
        } catch (const eddy::cancelled&) {
          ++refused;
        }
        try {
          (void)co_await ends.receive();
        } catch (const eddy::cancelled&) {
          ++refused;
        }
      }
      co_return refused;
    }(c));
    co_await let_others_run();
    t.cancel();
    const int refused = co_await t;
    CHECK(refused == 6);
    CHECK(c.statistics().sent == 0);
  });
}

TEST_CASE("channel: limits; a value of the same turn beats them" * needs_full_turns()) {
  on_loop([]() -> task<> {
    channel<int> c(1);
    CHECK(co_await c.receive_for(0s) == std::nullopt);
    CHECK(co_await c.receive_for(1ns) == std::nullopt);
    CHECK(co_await c.receive_until(eddy::now() - 1s) == std::nullopt);
    CHECK_FALSE(c.at_end());
    CHECK(co_await c.send_for(0s, 1));
    CHECK_FALSE(co_await c.send_for(0s, 2));
    CHECK_FALSE(co_await c.send_until(eddy::now() + 1ns, 2));
    CHECK(c.statistics().waiting_senders == 0);
    CHECK(co_await c.receive_for(0s) == 1);
    CHECK(c.statistics().waiting_receivers == 0);

    // Granted, and the limit passes before it runs.
    auto late = spawn([](channel<int> ends) -> task<int> {
      const auto item = co_await ends.receive_for(1ns);
      co_return item.value_or(-1);
    }(c));
    co_await eddy::yield();
    CHECK(c.try_send(7));
    const int item = co_await late;
    CHECK(item == 7);
  });
}

TEST_CASE("channel: a cancelled wait with a limit") {
  on_loop([]() -> task<> {
    channel<int> c(1);
    auto t = spawn([](channel<int> ends) -> task<> {
      (void)co_await ends.receive_for(1h);
    }(c));
    co_await let_others_run();
    SUBCASE("in line") {}
    SUBCASE("promised") { CHECK(c.try_send(1)); }
    t.cancel();
    CHECK(co_await was_cancelled(t));
    CHECK(c.statistics().waiting_receivers == 0);
    const bool was_sent = c.statistics().sent == 1;
    CHECK(c.try_receive().has_value() == was_sent);
  });
}

TEST_CASE("channel: batches, with one wake for who waits") {
  on_loop([]() -> task<> {
    channel<int> c(8);
    std::vector<int> into(100);
    auto receiver = spawn([](channel<int> ends, std::vector<int>& room) -> task<std::size_t> {
      const std::size_t got = co_await ends.receive_many(room);
      co_return got;
    }(c, into));
    co_await let_others_run();
    std::vector<int> items = {0, 1, 2, 3, 4};
    const std::size_t sent = co_await c.send_many(items);
    CHECK(sent == 5);
    CHECK(c.statistics().wakes == 1);
    const std::size_t got = co_await receiver;
    CHECK(got == 5);
    for (std::size_t i = 0; i < got; ++i) CHECK(into[i] == static_cast<int>(i));

    // Larger than the channel: its sender is woken once, when all are in.
    items.clear();
    for (int i = 0; i < 30; ++i) items.push_back(i);
    auto sender = spawn([](channel<int> ends, std::vector<int> from) -> task<std::size_t> {
      const std::size_t count = co_await ends.send_many(from);
      co_return count;
    }(c, items));
    co_await let_others_run();
    const std::uint64_t before = c.statistics().wakes;
    std::vector<int> all;
    while (all.size() < 30) {
      const std::size_t count = co_await c.receive_many(into);
      all.insert(all.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(count));
    }
    CHECK(all == items);
    CHECK(c.statistics().wakes == before + 1);
    const std::size_t all_sent = co_await sender;
    CHECK(all_sent == 30);
    CHECK(co_await c.receive_many_for(0s, into) == 0);
    CHECK(co_await c.receive_many_until(eddy::now(), into) == 0);
  });
}

TEST_CASE("channel: a batch that cannot go in whole says how much did") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    std::vector<int> items = {0, 1, 2, 3, 4};
    CHECK(c.try_send_many(items) == 2);
    CHECK(c.try_send_many(items) == 0);
    std::vector<int> into(1);
    CHECK(c.try_receive_many(into) == 1);
    CHECK(co_await c.send_many_for(0s, items) == 1);
    CHECK(co_await c.send_many_until(eddy::now(), items) == 0);
    CHECK(co_await c.receive() == 1);

    auto partly = spawn([](channel<int> ends, std::vector<int> from) -> task<std::size_t> {
      const std::size_t count = co_await ends.send_many(from);
      co_return count;
    }(c, items));
    co_await let_others_run();
    SUBCASE("closed") {
      c.close();
      const std::size_t sent = co_await partly;
      CHECK(sent == 1);
      CHECK_THROWS_AS((void)c.try_send_many(items), eddy::channel_closed);
    }
    SUBCASE("cancelled: the count is kept, the cancellation stays pending") {
      partly.cancel();
      const std::size_t sent = co_await partly;
      CHECK(sent == 1);
    }
    CHECK(c.statistics().waiting_senders == 0);
    CHECK(c.statistics().depth == 2);
  });
}

TEST_CASE("channel: batches of none, and an end of batches") {
  on_loop([]() -> task<> {
    channel<int> c(2);
    std::vector<int> none;
    CHECK(co_await c.send_many(none) == 0);
    CHECK(co_await c.receive_many(none) == 0);
    c.close();
    std::vector<int> into(3);
    CHECK(co_await c.receive_many(into) == 0);
  });
}

TEST_CASE("channel: a blocking call on a thread that runs a loop is an error that says so") {
  on_loop([]() -> task<> {
    channel<int> c(1);
    const auto said = [](auto call) -> std::string {
      try {
        call();
      } catch (const std::logic_error& e) {
        return e.what();
      }
      return "nothing";
    };
    CHECK(said([&] { c.send_blocking(1); }).find("send_blocking on a thread") != std::string::npos);
    CHECK(said([&] { (void)c.receive_blocking(); }).find("receive_blocking") != std::string::npos);
    CHECK(said([&] { (void)c.receive_blocking_for(0s); }) != "nothing");
    CHECK(c.statistics().sent == 0);
    co_return;
  });
}

namespace {

// One channel beside a plain model: what is in it, and who sent what. Exact is only what does not
// depend on the order within a turn: that items are conserved, in order, and that nobody waits
// for what is there.
class channel_world final : public world {
 public:
  explicit channel_world(std::uint64_t seed)
      : world(seed), c_(static_cast<std::size_t>(1 + below(3))) {}

  task<> worker(int id) override {
    for (int round = 0; round < rounds; ++round) {
      const bool sends = below(2) == 0;
      if (below(4) == 0) {
        co_await distraction();
      } else if (sends) {
        co_await one_way_or_another(id, [this](int actor) { return send(actor); });
      } else {
        co_await one_way_or_another(id, [this](int actor) { return receive(actor); });
      }
    }
  }

  void model_cancel(int) override {}
  void check() override {
    const auto s = c_.statistics();
    expect(s.depth <= s.capacity, "more items than its bound");
    expect(s.waiting_senders == 0 || s.depth == s.capacity, "a sender waits beside room");
  }
  void help() override {
    if (c_.statistics().waiting_receivers > 0) {
      if (c_.try_send(next_)) ++next_;
    }
    if (c_.statistics().waiting_senders > 0) note(c_.try_receive());
  }
  void check_end() override {
    while (auto item = c_.try_receive()) note(item);
    expect(c_.statistics().depth == 0, "items were promised to nobody");
    expect(received_ == c_.statistics().sent, "items were lost");
  }

 private:
  task<> send(int) {
    // Numbers are drawn when the send begins; those of cancelled sends never come.
    const int item = next_++;
    if (below(3) == 0) {
      (void)co_await c_.send_for(std::chrono::nanoseconds(below(2)), item);
    } else {
      co_await c_.send(item);
    }
  }
  task<> receive(int) {
    std::optional<int> item;
    if (below(3) == 0) {
      item = co_await c_.receive_for(std::chrono::nanoseconds(below(2)));
    } else {
      item = co_await c_.receive();
    }
    note(item);
  }
  void note(std::optional<int> item) {
    if (!item) return;
    ++received_;
    expect(std::exchange(last_, *item) < *item, "an item overtook another");
  }

  channel<int> c_;
  int next_ = 0;
  int last_ = -1;
  std::uint64_t received_ = 0;
};

}  // namespace

TEST_CASE("channel: random schedules conserve items, in order, and nobody waits for ever") {
  play_seeds<channel_world>();
}
