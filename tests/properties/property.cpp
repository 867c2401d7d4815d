#include "property.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace properties {

namespace {

std::uint64_t& played() {
  static std::uint64_t count = 0;
  return count;
}

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* const given = std::getenv(variable);
  return given && *given ? std::strtoull(given, nullptr, 10) : otherwise;
}

struct part {
  std::uint64_t which = 0;
  std::uint64_t of = 1;
};

part shard() {
  const char* const given = std::getenv("EDDY_PROPERTY_SHARD");
  if (!given || !*given) return {};
  char* rest = nullptr;
  const std::uint64_t which = std::strtoull(given, &rest, 10);
  const std::uint64_t of = *rest == '/' ? std::strtoull(rest + 1, nullptr, 10) : 0;
  if (of == 0 || which >= of) {
    std::fprintf(stderr, "EDDY_PROPERTY_SHARD=%s: 0/2 and 1/2 are halves\n", given);
    std::exit(2);
  }
  return {which, of};
}

std::string message(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

// False: it has failed.
bool play_one(std::uint64_t seed, const std::function<std::string(const schedule&)>& play) {
  // Also told if the process aborts.
  INFO("EDDY_SIM_SEED=", seed, " replays it");
  std::string wrong;
  try {
    wrong = play(schedule{seed});
  } catch (...) {
    wrong = message(std::current_exception());
  }
  ++played();
  if (wrong.empty()) return true;
  FAIL_CHECK(wrong);
  return false;
}

// Says at the end how many worlds there were: tests/run.py wants enough of them.
class schedule_count final : public doctest::IReporter {
 public:
  explicit schedule_count(const doctest::ContextOptions&) {}
  void test_run_end(const doctest::TestRunStats&) override {
    std::printf("%llu schedules\n", static_cast<unsigned long long>(played()));
    std::fflush(stdout);
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("schedule_count", 2, schedule_count);

void count_schedule() { ++played(); }

void property(std::uint64_t share, const std::function<std::string(const schedule&)>& play) {
  const char* const replayed = std::getenv("EDDY_SIM_SEED");
  if (replayed && *replayed) {
    (void)play_one(std::strtoull(replayed, nullptr, 10), play);
    return;
  }
  const std::uint64_t all = number_of("EDDY_PROPERTY_SCHEDULES", usual_schedules);
  const auto count = static_cast<std::uint64_t>(
      static_cast<double>(share) * static_cast<double>(all) / static_cast<double>(usual_schedules));
  const part mine = shard();
  // Blocks of 64 seeds: both orders are in each shard.
  for (std::uint64_t seed = 1; seed <= count + 1; ++seed) {
    if (seed / 64 % mine.of == mine.which && !play_one(seed, play)) return;
  }
}

}  // namespace properties
