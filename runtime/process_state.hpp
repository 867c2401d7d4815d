// What a process and those who wait for its end share; and what a command says.
#pragma once

#include <eddy/runtime/process.hpp>
#include <eddy/runtime/wait_list.hpp>

#include "loop_state.hpp"

namespace eddy::inline v1 {

struct detail_command_access {
  using target = command::target;

  // The words in the kernel's form. Point into the command.
  struct words {
    std::vector<char*> arguments;
    std::vector<std::string> texts;
    std::vector<char*> environment;  // empty: this process's
  };

  // Throws std::invalid_argument for what no kernel can take.
  static void check(const command& c);
  static words words_of(command& c);
  static const std::string& directory(const command& c) noexcept { return c.directory_; }
  static target what(const command& c, int which) noexcept { return c.targets_[which]; }
};

namespace detail {

// "\"grep\"", for messages.
std::string name_of(const command& c);

// Belongs to its loop's thread. The number `pid` is the child's until `ended`, as nobody else reaps
// it.
struct process_state {
  process_state(loop_core& home, std::string program) noexcept
      : loop(&home), loop_serial(home.serial), name(std::move(program)) {}
  process_state(const process_state&) = delete;
  process_state& operator=(const process_state&) = delete;

  // Whether it has ended: reaps it then, and wakes those who wait.
  bool look() noexcept;
  // False if it has ended.
  bool signal(int number);
  // The owner has gone.
  void abandon() noexcept;
  void begin(int child) noexcept;
  void close_watch() noexcept;

  loop_core* loop;
  std::uint32_t loop_serial;
  std::string name;
  wait_list waiting;    // while another watches
  exit_status status;
  int pid = 0;
  int watch = -1;       // readable from its end on; -1 where there is no such thing
  int lost = 0;         // a negative errno value: how it ended cannot be known
  unsigned references = 1;
  bool ended = true;    // false from begin() on
  bool watched = false; // a coroutine waits for its end
  bool lives_on = false;

 private:
  friend void let_process_go(process_state& p) noexcept;
  ~process_state();
};

// Returns when it has ended. Cancellation point.
task<> await_end(process_ref child);

}  // namespace detail
}  // namespace eddy::inline v1
