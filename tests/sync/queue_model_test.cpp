#include "queue_world.hpp"

using namespace sync_test;

TEST_CASE("model: queue") { play_seeds<queue_world<fifo_kind>>(); }

TEST_CASE("model: lifo_queue") { play_seeds<queue_world<lifo_kind>>(); }

TEST_CASE("model: priority_queue") { play_seeds<queue_world<priority_kind>>(); }
