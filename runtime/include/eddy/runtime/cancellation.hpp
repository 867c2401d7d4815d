// What a cancellation throws, and what it looks like from outside.
#pragma once

#include <eddy/runtime/cancelled.hpp>
#include <stdexcept>

namespace eddy::inline v1 {

// Thrown by joining a task that was cancelled: the joiner itself is not.
class task_cancelled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by with_timeout and with_deadline when their time is over.
class timeout_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown by `run` when SIGINT has cancelled the main task (run_options::cancel_on_interrupt).
class interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace eddy::inline v1
