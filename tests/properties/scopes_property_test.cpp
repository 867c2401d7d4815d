// Random trees of scopes: what holds of them in every schedule.
#include <doctest/doctest.h>

#include "../support/heap.hpp"
#include "scope_tree.hpp"

using namespace properties;

namespace {

std::string play(const schedule& s) {
  std::vector<std::exception_ptr> told;
  scope_tree tree;
  run_in(s, tree.play(), &told);
  tree.check_end(told);
  return tree.text();
}

}  // namespace

TEST_CASE("property: scopes nested at random") { property(40'000, play); }

TEST_CASE("property: scopes nested at random give their memory back") {
  constexpr std::uint64_t worlds = 300;
  const auto all = [] {
    for (std::uint64_t seed = 1; seed <= worlds; ++seed) REQUIRE(play(schedule{seed}) == "");
  };
  // The recycler of frames is full after the first time.
  all();
  const std::size_t before = eddy_tests::heap_in_use();
  all();
  const std::size_t after = eddy_tests::heap_in_use();
  CHECK(after <= before + 4096);
}
