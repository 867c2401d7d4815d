// A channel between threads and loops. Also for the thread sanitizer.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/sync/channel.hpp>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "tasks.hpp"

using eddy::channel;
using eddy::spawn;
using eddy::task;
using namespace std::chrono_literals;

namespace {

constexpr int most_senders = 16;

// Sender `who` sends who * stride, and so on upwards.
constexpr int stride = 1'000'000;

// What one receiver got: the items of each sender in their order.
class receipts {
 public:
  void add(int item) {
    int& before = last_[static_cast<std::size_t>(item / stride)];
    if (before >= item) ++disordered_;
    before = item;
    ++count_;
    sum_ += item;
  }
  int disordered() const { return disordered_; }
  std::uint64_t count() const { return count_; }
  std::int64_t sum() const { return sum_; }

 private:
  int last_[most_senders] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  int disordered_ = 0;
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
};

struct totals {
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::int64_t> sent_sum = 0;
  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::int64_t> received_sum = 0;
  std::atomic<int> disordered = 0;

  void add_sent(int item) {
    ++sent;
    sent_sum += item;
  }
  void add(const receipts& r) {
    received += r.count();
    received_sum += r.sum();
    disordered += r.disordered();
  }
  void check() const {
    CHECK(sent == received);
    CHECK(sent_sum == received_sum);
    CHECK(disordered == 0);
  }
};

using channel_of_ints = channel<int>;

// Senders end when they have sent `count`, or when it is closed.
void send_as_thread(channel_of_ints c, int who, int count, totals& all) {
  std::minstd_rand random(static_cast<unsigned>(who + 1));
  try {
    for (int i = 0; i < count;) {
      const int item = who * stride + i;
      bool sent = true;
      switch (random() % 4) {
        case 0: sent = c.send_blocking_for(std::chrono::microseconds(random() % 50), item); break;
        case 1: sent = c.try_send(int{item}); break;
        case 2: {
          int batch[5];
          for (int k = 0; k < 5; ++k) batch[k] = item + k;
          const std::span<int> some(batch, static_cast<std::size_t>(std::min(5, count - i)));
          const std::size_t went = c.send_many_blocking(some);
          for (std::size_t k = 0; k < went; ++k) all.add_sent(item + static_cast<int>(k));
          i += static_cast<int>(went);
          continue;
        }
        default: c.send_blocking(item);
      }
      if (!sent) continue;
      all.add_sent(item);
      ++i;
    }
  } catch (const eddy::channel_closed&) {
  }
}

void receive_as_thread(channel_of_ints c, int who, totals& all) {
  std::minstd_rand random(static_cast<unsigned>(who + 100));
  receipts mine;
  while (!c.at_end()) {
    std::optional<int> item;
    switch (random() % 4) {
      case 0: item = c.receive_blocking_for(std::chrono::microseconds(random() % 50)); break;
      case 1: item = c.try_receive(); break;
      case 2: {
        int batch[7];
        const std::size_t got = c.receive_many_blocking(std::span<int>(batch));
        for (std::size_t k = 0; k < got; ++k) mine.add(batch[k]);
        continue;
      }
      default: item = c.receive_blocking();
    }
    if (item) mine.add(*item);
  }
  all.add(mine);
}

task<> send_as_task(channel_of_ints& c, int who, int count, totals& all) {
  std::minstd_rand random(static_cast<unsigned>(who + 1));
  try {
    for (int i = 0; i < count;) {
      const int item = who * stride + i;
      bool sent = true;
      const auto way = random() % 4;
      if (way == 0) {
        sent = co_await c.send_for(std::chrono::microseconds(random() % 50), item);
      } else if (way == 1) {
        std::vector<int> batch;
        for (int k = 0; k < 5 && i + k < count; ++k) batch.push_back(item + k);
        const std::size_t went = co_await c.send_many(batch);
        for (std::size_t k = 0; k < went; ++k) all.add_sent(item + static_cast<int>(k));
        i += static_cast<int>(went);
        continue;
      } else {
        co_await c.send(item);
      }
      if (!sent) continue;
      all.add_sent(item);
      ++i;
    }
  } catch (const eddy::channel_closed&) {
  }
}

// Its waits are cancelled all the time. One receiver: a promise that passes from one task to
// another of the same loop leaves the order as it was.
task<> receive_one(channel_of_ints& c, receipts& mine) {
  const auto item = co_await c.receive();
  if (item) mine.add(*item);
}

task<> receive_as_task(channel_of_ints& c, int who, totals& all) {
  std::minstd_rand random(static_cast<unsigned>(who + 200));
  receipts mine;
  std::vector<int> batch(7);
  while (!c.at_end()) {
    const auto way = random() % 4;
    if (way == 0) {
      auto one = spawn(receive_one(c, mine));
      for (auto turns = random() % 4; turns > 0; --turns) co_await eddy::yield();
      one.cancel();
      (void)co_await sync_test::was_cancelled(one);
    } else if (way == 1) {
      const std::size_t got = co_await c.receive_many(batch);
      for (std::size_t k = 0; k < got; ++k) mine.add(batch[k]);
    } else if (way == 2) {
      const auto item = co_await c.receive_for(std::chrono::microseconds(random() % 50));
      if (item) mine.add(*item);
    } else {
      const auto item = co_await c.receive();
      if (item) mine.add(*item);
    }
  }
  all.add(mine);
}

// So many threads and loops at either end; each loop has two tasks.
void conserve(std::size_t capacity, int threads, int loops, int items) {
  channel_of_ints c(capacity);
  totals all;
  std::vector<std::thread> senders;
  std::vector<std::thread> receivers;
  int who = 0;
  for (int i = 0; i < threads; ++i) {
    senders.emplace_back([&, who] { send_as_thread(c, who, items, all); });
    receivers.emplace_back([&, who] { receive_as_thread(c, who, all); });
    ++who;
  }
  for (int i = 0; i < loops; ++i, who += 2) {
    senders.emplace_back([&, who] {
      auto body = [&]() -> task<> {
        co_await eddy::gather(send_as_task(c, who, items, all),
                              send_as_task(c, who + 1, items, all));
      };
      eddy::run(body());
    });
    receivers.emplace_back([&, who] {
      auto body = [&]() -> task<> {
        co_await eddy::gather(receive_as_task(c, who, all), receive_as_task(c, who + 1, all));
      };
      eddy::run(body());
    });
  }
  for (std::thread& t : senders) t.join();
  c.close();
  for (std::thread& t : receivers) t.join();
  CHECK(all.sent == static_cast<std::uint64_t>(items) * static_cast<std::uint64_t>(who));
  all.check();
  const auto s = c.statistics();
  CHECK(s.depth == 0);
  CHECK(s.waiting_receivers == 0);
  CHECK(s.waiting_senders == 0);
  CHECK(s.most <= capacity);
}

}  // namespace

TEST_CASE("channel: threads send to threads") {
  conserve(1, 3, 0, 500);
  conserve(64, 3, 0, 2'000);
}

TEST_CASE("channel: loops send to loops") {
  conserve(1, 0, 2, 300);
  conserve(64, 0, 2, 1'500);
}

TEST_CASE("channel: everybody sends to everybody") {
  conserve(1, 2, 2, 200);
  conserve(3, 2, 2, 500);
  conserve(64, 2, 2, 1'000);
}

TEST_CASE("channel: a thread sleeps until there is an item, and until there is room") {
  channel_of_ints c(1);
  std::thread other([c] {
    for (int i = 0; i < 200; ++i) c.send_blocking(i);
    c.close();
  });
  int expected = 0;
  while (auto item = c.receive_blocking()) CHECK(*item == expected++);
  CHECK(expected == 200);
  other.join();
}

TEST_CASE("channel: limits of blocking calls") {
  channel_of_ints c(1);
  CHECK(c.receive_blocking_for(0s) == std::nullopt);
  CHECK(c.receive_blocking_for(1ms) == std::nullopt);
  CHECK(c.receive_blocking_until(std::chrono::steady_clock::now() - 1h) == std::nullopt);
  CHECK(c.send_blocking_for(0s, 1));
  CHECK_FALSE(c.send_blocking_for(0s, 2));
  CHECK_FALSE(c.send_blocking_for(1ms, 2));
  CHECK_FALSE(c.send_blocking_until(std::chrono::steady_clock::now() + 1ms, 2));
  CHECK(c.receive_blocking_for(std::chrono::hours::max()) == 1);
  std::vector<int> into(2);
  CHECK(c.receive_many_blocking_for(1ms, into) == 0);
  const auto s = c.statistics();
  CHECK(s.waiting_receivers == 0);
  CHECK(s.waiting_senders == 0);
}

TEST_CASE("channel: closing ends who sleeps for an item, and who sleeps for room") {
  for (int round = 0; round < 50; ++round) {
    channel_of_ints empty(1);
    channel_of_ints full(1);
    CHECK(full.try_send(1));
    std::thread receiver([empty] { CHECK(empty.receive_blocking() == std::nullopt); });
    std::thread sender([full] { CHECK_THROWS_AS(full.send_blocking(2), eddy::channel_closed); });
    auto body = [&]() -> task<> {
      auto task = spawn([](channel_of_ints c) -> eddy::task<bool> {
        const auto item = co_await c.receive();
        co_return item.has_value();
      }(empty));
      if (round % 2) {
        while (empty.statistics().waiting_receivers < 2) co_await eddy::yield();
      }
      empty.close();
      full.close();
      const bool got = co_await task;
      CHECK_FALSE(got);
    };
    eddy::run(body());
    receiver.join();
    sender.join();
    CHECK(full.receive_blocking() == 1);
  }
}

TEST_CASE("channel: closed at any time, what was sent is received") {
  for (int round = 0; round < 40; ++round) {
    channel_of_ints c(static_cast<std::size_t>(1 + round % 5));
    totals all;
    std::vector<std::thread> others;
    others.emplace_back([&] { send_as_thread(c, 0, stride, all); });
    others.emplace_back([&] {
      auto body = [&]() -> task<> { co_await send_as_task(c, 1, stride, all); };
      eddy::run(body());
    });
    others.emplace_back([&] { receive_as_thread(c, 0, all); });
    others.emplace_back([&] {
      auto body = [&]() -> task<> { co_await receive_as_task(c, 1, all); };
      eddy::run(body());
    });
    const auto enough = static_cast<std::uint64_t>(round * 20);
    while (c.statistics().sent < enough) std::this_thread::yield();
    c.close();
    for (std::thread& t : others) t.join();
    all.check();
  }
}

TEST_CASE("channel: loops that end while they are being woken lose nothing") {
  channel_of_ints c(4);
  totals all;
  std::vector<std::thread> senders;
  for (int who = 0; who < 2; ++who) {
    senders.emplace_back([&, who] { send_as_thread(c, who, 150, all); });
  }
  receipts mine;
  const auto body = [&](unsigned turns, bool both) -> task<> {
    auto one = spawn(receive_one(c, mine));
    auto two = spawn(receive_one(c, mine));
    for (; turns > 0; --turns) co_await eddy::yield();
    one.cancel();
    if (both) two.cancel();
    (void)co_await sync_test::was_cancelled(one);
    if (both) (void)co_await sync_test::was_cancelled(two);
  };  // else the loop ends it
  for (unsigned i = 0; mine.count() < 300; ++i) {
    eddy::run(body(i % 5, i % 2 == 0));
    if (const auto item = c.try_receive()) mine.add(*item);
  }
  for (std::thread& t : senders) t.join();
  all.add(mine);
  all.check();
  CHECK(c.statistics().waiting_receivers == 0);
}

TEST_CASE("channel: a batch from a thread wakes each who waits on a loop once") {
  channel_of_ints c(100);
  std::thread sender;
  auto body = [&]() -> task<> {
    constexpr std::size_t waiters = 10;
    std::vector<eddy::join_handle<>> tasks;
    receipts mine;
    for (std::size_t i = 0; i < waiters; ++i) tasks.push_back(spawn(receive_one(c, mine)));
    while (c.statistics().waiting_receivers < waiters) co_await eddy::yield();
    sender = std::thread([c] {
      std::vector<int> items;
      for (int i = 0; i < 100; ++i) items.push_back(i);
      CHECK(c.send_many_blocking(items) == 100);
    });
    for (auto& t : tasks) co_await t;
    CHECK(mine.count() == waiters);
    CHECK(mine.disordered() == 0);
    CHECK(c.statistics().wakes == waiters);
  };
  eddy::run(body());
  sender.join();
}

TEST_CASE("channel: the last handle may be a thread's or a loop's") {
  for (int round = 0; round < 50; ++round) {
    auto* c = new channel_of_ints(2);
    std::thread sender([mine = *c] {
      try {
        for (int i = 0;; ++i) mine.send_blocking(i);
      } catch (const eddy::channel_closed&) {
      }
    });
    eddy::run([](channel_of_ints mine, int items) -> task<> {
      for (int i = 0; i < items; ++i) (void)co_await mine.receive();
      mine.close();
    }(*c, round));
    delete c;
    sender.join();
  }
}
