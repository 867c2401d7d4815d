// The word of a frame that says where its coroutine waits, or what it has thrown.
#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>
#include <eddy/runtime/timer.hpp>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace eddy;
using detail::place_or_error;

// An error that tells how many copies of its pointer there are.
struct counted_error : std::runtime_error {
  explicit counted_error(std::shared_ptr<int> owned)
      : std::runtime_error("counted"), owner(std::move(owned)) {}
  std::shared_ptr<int> owner;
};

std::exception_ptr made_of(const std::shared_ptr<int>& owner) {
  return std::make_exception_ptr(counted_error(owner));
}

task<> fails_after_a_wait(std::shared_ptr<int> owner) {
  co_await yield();
  throw counted_error(owner);
}

}  // namespace

TEST_CASE("place_or_error: one word, at first neither") {
  CHECK(sizeof(place_or_error) == sizeof(void*));
  CHECK(sizeof(detail::promise_base) == 3 * sizeof(void*));
  const place_or_error at;
  CHECK(!at.failed());
  CHECK(!at.error());
  CHECK(at.place().line() == 0);
}

TEST_CASE("place_or_error: keeps the last place") {
  place_or_error at;
  at = std::source_location::current();
  at = std::source_location::current();
  const unsigned line = __LINE__ - 1;
  CHECK(!at.failed());
  CHECK(!at.error());
  CHECK(at.place().line() == line);
  CHECK(std::string(at.place().file_name()) == __FILE__);
}

TEST_CASE("place_or_error: an error takes the place of the place, and is let go of once") {
  const auto owner = std::make_shared<int>();
  {
    place_or_error at;
    at = std::source_location::current();
    at.fail(made_of(owner));
    CHECK(at.failed());
    CHECK(at.place().line() == 0);
    CHECK_THROWS_WITH_AS(std::rethrow_exception(at.error()), "counted", counted_error);
    CHECK(at.failed());
    CHECK(owner.use_count() == 2);
    at.fail(made_of(owner));  // instead of the first
    CHECK(owner.use_count() == 2);
  }
  CHECK(owner.use_count() == 1);
}

TEST_CASE("place_or_error: without the error that was taken it has not failed") {
  const auto owner = std::make_shared<int>();
  place_or_error at;
  at.fail(made_of(owner));
  std::exception_ptr taken = at.take_error();
  CHECK(!at.failed());
  CHECK(!at.error());
  CHECK(at.place().line() == 0);
  CHECK(taken);
  taken = nullptr;
  CHECK(owner.use_count() == 1);
}

namespace {

// What awaiting a task or a handle throws: one, the other, or neither.
template <class Awaited>
task<char> thrown_by(Awaited& awaited) {
  char what = '-';
  try {
    co_await awaited;
  } catch (const counted_error&) {
    what = 'c';
  } catch (const std::logic_error&) {
    what = 'l';
  }
  co_return what;
}

task<std::string> ends_of(std::shared_ptr<int> owner) {
  std::string ends;
  auto awaited = fails_after_a_wait(owner);
  ends += co_await thrown_by(awaited);
  auto joined = spawn(fails_after_a_wait(owner));
  ends += co_await thrown_by(joined);
  ends += co_await thrown_by(joined);
  auto ended = spawn(fails_after_a_wait(owner));
  while (!ended.done()) co_await yield();
  CHECK_THROWS_AS(ended.result(), counted_error);
  auto dropped = spawn(fails_after_a_wait(owner));
  while (!dropped.done()) co_await yield();
  co_return ends;
}

}  // namespace

TEST_CASE("an error of a task that has waited is let go of: awaited, joined, never joined") {
  const auto owner = std::make_shared<int>();
  int told = 0;
  const std::string ends =
      run(ends_of(owner), run_options().on_error([&told](std::exception_ptr) { ++told; }));
  CHECK(ends == "ccl");
  CHECK(told == 1);
  CHECK(owner.use_count() == 1);
}
