// Random numbers of the simulated world. The standard's distributions differ from library to
// library; these are the same everywhere, so that a seed means the same on every compiler.
#pragma once

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace eddy::inline v1::detail::simulation {

// Chances are given in thousandths. Throws std::invalid_argument for more than a thousand.
inline void check_chance(const char* of, unsigned in_thousand) {
  if (in_thousand <= 1000) return;
  throw std::invalid_argument(std::string("sim: ")
                                  .append(of)
                                  .append(" of ")
                                  .append(std::to_string(in_thousand))
                                  .append(" in a thousand"));
}

// One stream of numbers (xoshiro256**, seeded by splitmix64). Streams of one seed and different
// `purpose` have nothing to do with each other: what one draws does not move the others.
class random_source {
 public:
  random_source(std::uint64_t seed, std::uint64_t purpose) noexcept {
    std::uint64_t at = seed * 0x9e3779b97f4a7c15 + purpose;
    for (std::uint64_t& word : words_) {
      at += 0x9e3779b97f4a7c15;
      std::uint64_t z = at;
      z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
      z = (z ^ z >> 27) * 0x94d049bb133111eb;
      word = z ^ z >> 31;
    }
  }

  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(words_[1] * 5, 7) * 9;
    const std::uint64_t shifted = words_[1] << 17;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= shifted;
    words_[3] = std::rotl(words_[3], 45);
    return result;
  }
  // From 0 to n - 1; n is at least 1. The bias, n in 2^64, is nobody's concern here.
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
  // From `low` to `high`, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(std::uint64_t in_thousand) noexcept { return below(1000) < in_thousand; }
  // From 1 to `most`, each power of two of them as likely as another: small ones often, large ones
  // now and then.
  std::uint64_t small(std::uint64_t most) noexcept {
    const auto bits = static_cast<std::uint64_t>(std::bit_width(most));
    const std::uint64_t limit = std::uint64_t{1} << below(bits);
    return 1 + below(limit < most ? limit : most);
  }

 private:
  std::uint64_t words_[4];
};

}  // namespace eddy::inline v1::detail::simulation
