// Elements whose move throws when the reader takes them: that one is lost, the sequence goes on.
#include <doctest/doctest.h>

#include <eddy/runtime/map_concurrent.hpp>
#include <eddy/runtime/merge.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>
#include <vector>

using eddy::generator;
using eddy::task;

namespace {

constexpr int never = -1;
constexpr int turns_to_settle = 20;

// Its constructors from another one throw when so many have gone well.
class touchy {
 public:
  touchy(int value, int& left) : value_(value), left_(&left) {}
  touchy(const touchy& other) : value_(other.value_), left_(other.left_) {
    if (*left_ != never && (*left_)-- == 0) throw std::runtime_error("copy");
  }
  touchy& operator=(const touchy&) = default;
  int value() const { return value_; }

 private:
  int value_;
  int* left_;
};

generator<touchy> three(int& left) {
  for (int i = 0; i < 3; ++i) co_yield touchy(i, left);
}

// Reads to the end; the element `at` is ready, and its way out throws.
template <class Sequence>
task<std::vector<int>> read_all(Sequence& from, int& left, int at, int copies_before) {
  std::vector<int> seen;
  for (int i = 0;; ++i) {
    for (int turn = 0; turn < turns_to_settle; ++turn) co_await eddy::yield();
    left = i == at ? copies_before : never;
    bool lost = false;
    try {
      auto element = co_await from.next();
      if (!element) break;
      seen.push_back(element->value());
    } catch (const std::runtime_error&) {
      lost = true;
    }
    if (lost) seen.push_back(never);
  }
  co_return seen;
}

}  // namespace

TEST_CASE("generator: an element that was lost on its way out does not come after the end") {
  auto body = []() -> task<> {
    int left = never;
    auto numbers = three(left);
    const auto seen = co_await read_all(numbers, left, 2, 1);
    CHECK(seen == std::vector<int>{0, 1, never});
  };
  eddy::run(body());
}

TEST_CASE("merge: an element that is lost on its way out does not stop its source") {
  auto body = []() -> task<> {
    int left = never;
    auto numbers = eddy::merge(three(left));
    const auto seen = co_await read_all(numbers, left, 1, 0);
    CHECK(seen == std::vector<int>{0, never, 2});
  };
  eddy::run(body());
}

TEST_CASE("map_concurrent: a result that is lost on its way out gives its place back") {
  auto body = []() -> task<> {
    int left = never;
    std::vector<int> values{0, 1, 2};
    auto call = [&left](int i) -> task<touchy> { co_return touchy(i, left); };
    auto results = eddy::map_concurrent(1, std::move(values), call);
    const auto seen = co_await read_all(results, left, 1, 0);
    CHECK(seen == std::vector<int>{0, never, 2});
  };
  eddy::run(body());
}
