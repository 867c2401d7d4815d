// Tasks that do random things to one primitive, in all of its forms: plain, try_, _for and _until,
// with a timeout around, two at once, and cancelled at random. What holds in any schedule is
// checked after each step, without knowing when a limit has come.
#pragma once

#include <chrono>
#include <cstddef>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timeout.hpp>
#include <eddy/runtime/timer.hpp>
#include <set>
#include <string>
#include <vector>

#include "property.hpp"

namespace properties {

using ns = std::chrono::nanoseconds;
inline ns any_time() { return ns(below(4) == 0 ? 0 : below(40)); }

class crowd : public verdict {
 public:
  explicit crowd(const schedule& s) : fifo_(s.fifo()) {}
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  virtual ~crowd() = default;

  eddy::task<> play() {
    std::vector<eddy::join_handle<>> workers;
    const int count = 2 + below(5);
    cancelled_.assign(static_cast<std::size_t>(count), false);
    for (int id = 0; id < count; ++id) workers.push_back(eddy::spawn(worker(id), "worker"));
    for (int step = below(12); step > 0; --step) {
      co_await pause();
      const int id = below(count);
      if (chance(30)) {
        cancelled_[static_cast<std::size_t>(id)] = true;
        workers[static_cast<std::size_t>(id)].cancel();
      }
      check();
    }
    for (auto& w : workers) {
      for (int turn = 0; !w.done() && turn < patience; ++turn) {
        help();
        check();
        co_await eddy::sleep(ns(5));
      }
      expect(w.done(), "somebody waits for ever");
      w.cancel();
      try {
        co_await w;
      } catch (const eddy::task_cancelled&) {
      }
    }
    check_end();
  }

 protected:
  // One operation, of a worker.
  virtual eddy::task<> operation() = 0;
  // What must hold after each step.
  virtual void check() = 0;
  // What lets those go on who wait at the end.
  virtual void help() {}
  virtual void check_end() = 0;

  static eddy::task<> pause() {
    if (chance(50)) {
      co_await eddy::yield();
    } else {
      co_await eddy::sleep(any_time());
    }
  }

  // Those who are in a wait of one line, in the order in which they came. Who is granted something
  // while another who came before is still in the line has overtaken.
  class line {
   public:
    explicit line(crowd& c) : crowd_(c) {}
    int come() {
      tickets_.insert(++drawn_);
      return drawn_;
    }
    // Comes out with what it wanted; `waiting` stand in the line, says the primitive. `waited`: it
    // did not get it at once.
    void served(int ticket, std::size_t waiting, bool waited) {
      tickets_.erase(ticket);
      const auto behind = std::distance(tickets_.upper_bound(ticket), tickets_.end());
      crowd_.expect(static_cast<std::size_t>(behind) >= waiting, "somebody has overtaken");
      if (!waited || !crowd_.fifo_) return;
      crowd_.expect(last_ < ticket, "those who were served are not resumed in their order");
      last_ = ticket;
    }
    void left(int ticket) { tickets_.erase(ticket); }
    // In a wait: in the line, or out of it and not resumed yet.
    std::size_t inside() const { return tickets_.size(); }

   private:
    crowd& crowd_;
    std::set<int> tickets_;
    int drawn_ = 0;
    int last_ = 0;
  };

  bool fifo() const { return fifo_; }

 private:
  static constexpr int rounds = 5;
  static constexpr int patience = 2000;

  eddy::task<> worker(int id) {
    for (int round = 0; round < rounds; ++round) {
      if (chance(40)) co_await pause();
      bool cancelled = false;
      try {
        co_await one_way_or_another();
      } catch (const eddy::cancelled&) {
        cancelled = true;
      }
      check();
      if (!cancelled) continue;
      expect(cancelled_[static_cast<std::size_t>(id)], "cancelled by nobody");
      throw eddy::cancelled();
    }
  }

  eddy::task<> one_way_or_another() {
    const int way = below(5);
    if (way == 0) {
      co_await eddy::gather(operation(), operation());
    } else if (way == 1) {
      try {
        co_await eddy::with_timeout(any_time(), operation());
      } catch (const eddy::timeout_error&) {
      }
    } else {
      co_await operation();
    }
  }

  bool fifo_;
  std::vector<bool> cancelled_;
};

template <class World>
std::string play_crowd(const schedule& s) {
  std::string text;
  auto body = [&]() -> eddy::task<> {
    World w(s);
    co_await w.play();
    text = w.text();
  };
  run_in(s, body());
  return text;
}

}  // namespace properties
