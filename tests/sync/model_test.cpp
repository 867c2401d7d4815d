#include <doctest/doctest.h>

#include "permit_worlds.hpp"

using namespace sync_test;

TEST_CASE("model: semaphore") { play_seeds<permit_world<any_semaphore>>(); }

TEST_CASE("model: mutex") { play_seeds<permit_world<any_mutex>>(); }

TEST_CASE("model: event") { play_seeds<event_world>(); }
