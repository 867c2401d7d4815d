// What the rivals of one measure have in common: sizes, and which random numbers they meet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

inline constexpr int answer_of_each = 42;

// How deep the chain of awaits is, and the one that a cancellation comes through.
inline constexpr int chain_depth = 10;

// 100 tasks on 10 permits; each holds its permit over one yield. An item is one acquisition.
inline constexpr int contenders = 100;
inline constexpr int contended_permits = 10;
inline constexpr int acquisitions_each = 100;
inline constexpr std::int64_t acquisitions_a_round = contenders * acquisitions_each;

// How many hold a permit now, and did at most: the semaphore must let just so many in.
struct holders {
  int now = 0;
  int most = 0;
  void enter() noexcept {
    if (++now > most) most = now;
  }
  void leave() noexcept { --now; }
};

// Numbers that go through a queue in one round, and what they add up to.
inline constexpr int items_a_round = 1000;
inline constexpr std::int64_t sum_of_round = items_a_round * (items_a_round - 1) / 2;

// Marsaglia's xorshift: the same numbers for all rivals, for a nanosecond each.
class random_numbers {
 public:
  std::uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // Below `bound`, by multiplication: a division would cost more than some of what is measured.
  std::size_t below(std::size_t bound) noexcept {
    return static_cast<std::size_t>(((next() >> 32) * bound) >> 32);
  }
  // Uniform over an hour, not zero.
  std::chrono::milliseconds within_an_hour() noexcept {
    return std::chrono::milliseconds(1 + below(3'600'000));
  }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

// Timers that are set anew before the loop runs, as if so many connections had something to say.
inline constexpr int timers_between_polls = 128;

// In timer_turn: timers set anew in each turn, and one in so many of them is due at once.
inline constexpr int timers_a_turn = 100;
inline constexpr std::uint64_t due_at_once_one_in = 8;
