// doctest's main for every suite, with two rules of the house: a case that leaves a descriptor open
// fails, and a case that hangs is named and ended.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "support/descriptors.hpp"

namespace {

constexpr int default_limit_s = 120;
// Threads that were abandoned in a name lookup close their sockets a little after their loop's end.
constexpr auto settle_limit = std::chrono::seconds(2);

using descriptors = std::map<int, std::string>;
using eddy_tests::named_descriptors;

// What `after` has that `before` had not. Devices are left out: libraries open /dev/urandom or
// /dev/null once and keep it.
std::string leaked(const descriptors& before, const descriptors& after) {
  std::string text;
  for (const auto& [fd, target] : after) {
    if (target.starts_with("/dev/")) continue;
    const auto had = before.find(fd);
    if (had == before.end() || had->second != target) {
      text += " " + std::to_string(fd) + "=" + target;
    }
  }
  return text;
}

// Ends the process when a case takes too long: a hang then names itself instead of the CI job.
class watchdog {
 public:
  watchdog() {
    const char* given = std::getenv("EDDY_TEST_LIMIT_SECONDS");
    limit_ = std::chrono::seconds(given ? std::atoi(given) : default_limit_s);
    if (limit_.count() <= 0) limit_ = std::chrono::seconds(default_limit_s);
    thread_ = std::thread([this] { watch(); });
  }
  ~watchdog() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    change_.notify_all();
    thread_.join();
  }

  void started(const doctest::TestCaseData& test) {
    const std::lock_guard lock(mutex_);
    running_ = std::string(test.m_name) + " (" + test.m_file.c_str() + ":" +
               std::to_string(test.m_line) + ")";
    deadline_ = std::chrono::steady_clock::now() + limit_;
    change_.notify_all();
  }
  void ended() {
    const std::lock_guard lock(mutex_);
    running_.clear();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (running_.empty()) {
        change_.wait(lock);
      } else if (change_.wait_until(lock, deadline_) == std::cv_status::timeout &&
                 !running_.empty() && std::chrono::steady_clock::now() >= deadline_) {
        std::fprintf(stderr, "\n[tests] no end after %lld s: %s\n",
                     static_cast<long long>(limit_.count()), running_.c_str());
        std::fflush(stderr);
        // Not doctest's handler, which would report a crash of this thread, and ask this class.
        std::signal(SIGABRT, SIG_DFL);
        std::abort();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable change_;
  std::chrono::seconds limit_{};
  std::chrono::steady_clock::time_point deadline_;
  std::string running_;
  bool stop_ = false;
  std::thread thread_;
};

class house_rules final : public doctest::IReporter {
 public:
  explicit house_rules(const doctest::ContextOptions& options) : options_(options) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    test_ = &test;
    before_ = named_descriptors();
    dog_.started(test);
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    dog_.ended();
    const auto give_up = std::chrono::steady_clock::now() + settle_limit;
    std::string left = leaked(before_, named_descriptors());
    while (!left.empty() && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
      left = leaked(before_, named_descriptors());
    }
    if (left.empty()) return;
    *options_.cout << test_->m_file.c_str() << ":" << test_->m_line << ": " << test_->m_name
                   << ": ERROR: descriptors left open:" << left << "\n";
    if (stats.testCaseSuccess) ++leaking_;
  }
  // Listeners come before the reporter that prints the summary, and the exit status is made of the
  // same numbers: doctest offers no other way to fail a case after its end.
  void test_run_end(const doctest::TestRunStats& stats) override {
    const_cast<doctest::TestRunStats&>(stats).numTestCasesFailed += leaking_;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  const doctest::ContextOptions& options_;
  const doctest::TestCaseData* test_ = nullptr;
  descriptors before_;
  watchdog dog_;
  unsigned leaking_ = 0;
};

}  // namespace

REGISTER_LISTENER("house_rules", 1, house_rules);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  return context.run();
}
