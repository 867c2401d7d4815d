// A bounded set of threads that run jobs in the order they came. Threads start when there is work
// and none is idle.
#pragma once

#include <cstddef>
#include <eddy/runtime/job.hpp>
#include <memory>

namespace eddy::inline v1::detail {

class lane {
 public:
  explicit lane(unsigned most_threads) noexcept : most_threads_(most_threads) {}
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  // Joins the idle threads. A thread that is still in a job is abandoned: it ends after the job,
  // which must own all that it uses.
  ~lane();

  // Queues the job. Throws std::system_error if no thread at all can be started for it.
  void submit(job& j);
  // True if the job had not started and never will.
  bool withdraw(job& j) noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
  unsigned most_threads_;
};

// Runs the job on a thread of its own, which nobody joins: for what may take for ever. Throws
// std::system_error if there is no thread to be had.
void run_apart(job& j);

}  // namespace eddy::inline v1::detail
