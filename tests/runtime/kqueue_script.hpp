// A kqueue(2) that answers what a test tells it to, for what no kernel and no emulation does at
// will. Only one at a time.
#pragma once

#include <sys/event.h>

#include <cstdint>
#include <deque>
#include <vector>

namespace kqueue_script {

using event = struct ::kevent;

// One call of kevent(), as it was asked.
struct call {
  std::vector<event> changes;
  int room = 0;
  bool waits_for_ever = false;
  timespec timeout{};
};

// What one call is told: -1 and errno if `error` is not zero, else these events.
struct answer {
  int error = 0;
  std::vector<event> events;
};

class script {
 public:
  script();
  script(const script&) = delete;
  script& operator=(const script&) = delete;
  ~script();

  void fail(int error) { answers.push_back({error, {}}); }
  void tell(std::vector<event> events) { answers.push_back({0, std::move(events)}); }

  std::vector<call> calls;
  // For the calls to come; without one, changes succeed, with the receipts that they ask for.
  std::deque<answer> answers;
  int queue_error = 0;         // of kqueue() itself
  int pipe_error = 0;          // of pipe()
  int fcntl_calls_before = 0;  // that succeed before the one that fails
  int fcntl_error = 0;
};

// An event as a kernel would write it.
event happened(int fd, short filter, unsigned flags = 0, std::uint32_t generation = 0);
// An answer to a change.
event receipt(int fd, short filter, int error, unsigned flags = 0);

}  // namespace kqueue_script
