#include <doctest/doctest.h>

#include "lock_worlds.hpp"

using namespace sync_test;

TEST_CASE("model: rw_lock") { play_seeds<rw_world>(); }

TEST_CASE("model: barrier") { play_seeds<barrier_world>(); }

TEST_CASE("model: condition") { play_seeds<condition_world>(); }
