// Child processes.
#pragma once

#include <eddy/runtime/command.hpp>
#include <eddy/runtime/stream.hpp>
#include <eddy/runtime/task.hpp>
#include <string>

namespace eddy::inline v1 {

// How a process ended.
class exit_status {
 public:
  exit_status() noexcept {}
  exit_status(bool by_signal, int number) noexcept : number_(number), signalled_(by_signal) {}

  // It ended by itself; code() is what it gave back, 0 to 255, and -1 if a signal ended it.
  [[nodiscard]] bool exited() const noexcept { return !signalled_; }
  [[nodiscard]] int code() const noexcept { return signalled_ ? -1 : number_; }
  [[nodiscard]] bool success() const noexcept { return !signalled_ && number_ == 0; }
  // A signal ended it; signal() is its number, and 0 if none did.
  [[nodiscard]] bool signalled() const noexcept { return signalled_; }
  [[nodiscard]] int signal() const noexcept { return signalled_ ? number_ : 0; }
  // "exited with code 2", "was ended by signal 9".
  [[nodiscard]] std::string to_string() const;

  bool operator==(const exit_status&) const noexcept = default;

 private:
  int number_ = 0;
  bool signalled_ = false;
};

namespace detail {

struct process_state;
void keep_process(process_state& p) noexcept;
void let_process_go(process_state& p) noexcept;

// Counted without atomics: who waits keeps the state, so that a process may be moved or destroyed
// meanwhile.
class process_ref {
 public:
  process_ref() noexcept {}
  explicit process_ref(process_state* adopted) noexcept : state_(adopted) {}
  process_ref(const process_ref& other) noexcept : state_(other.state_) {
    if (state_) keep_process(*state_);
  }
  process_ref(process_ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  process_ref& operator=(process_ref other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~process_ref() {
    if (state_) let_process_go(*state_);
  }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  process_state& operator*() const noexcept { return *state_; }
  process_state* operator->() const noexcept { return state_; }

 private:
  process_state* state_ = nullptr;
};

}  // namespace detail

// A child process: asyncio.create_subprocess_exec. Move-only; belongs to its loop's thread, and is
// destroyed before `run` returns.
//
//   process p = process::spawn(command("sort").stdin_pipe().stdout_pipe());
//   co_await p.input().write_all("b\na\n");
//   co_await p.input().close();
//   std::string first = co_await p.output().read_until("\n", 100);
//   exit_status how = co_await p.wait();
//
// The child starts with no signal blocked, with the default effect of SIGPIPE, and with no
// descriptors but 0, 1 and 2 (where the system can see to that: glibc 2.34, FreeBSD, macOS;
// elsewhere those without close-on-exec).
//
// Destroying a process that has not ended kills it with SIGKILL; so does the cancellation of
// whoever holds it. It is reaped on a thread of the loop's, as soon as it has ended. Its own
// children are nobody's concern here. If SIGCHLD is ignored in this process, or somebody else reaps
// its children, how they ended is lost: wait() then throws std::system_error(no_child_process).
class process {
 public:
  process() noexcept {}
  process(process&& other) noexcept = default;
  process& operator=(process&& other) noexcept;
  ~process() { drop(); }

  // Starts the program. Returns when it runs, or throws std::system_error that names the program or
  // the directory: "start \"nosuch\": No such file or directory". std::invalid_argument for a NUL
  // byte anywhere, and for a variable whose name is empty or has a '='; std::logic_error outside a
  // loop. A failure leaves nothing behind.
  [[nodiscard]] static process spawn(command what);

  [[nodiscard]] int pid() const;
  // Waits for the end. Any number of coroutines may wait, and after the end it returns at once,
  // again and again. Cancellation point, without effect on the child. Goes on when the process is
  // destroyed meanwhile, to the end that this brings. Does not read what the child writes: one that
  // fills a pipe does not end.
  task<exit_status> wait();
  // Whether it has ended. No wait.
  [[nodiscard]] bool has_ended();

  // Sends a signal; SIGKILL and SIGTERM. False, and no other process is hit, if it has ended.
  // std::system_error: a number that is no signal's (EINVAL), a child that has changed its user
  // (EPERM).
  bool kill(int signal);
  bool kill();
  bool terminate();

  // Our ends of its pipes. std::logic_error if the command asked for none. A child that has closed
  // its end makes a write throw std::system_error(broken_pipe); no signal comes.
  [[nodiscard]] byte_stream& input() { return stream(0, "input"); }
  [[nodiscard]] byte_stream& output() { return stream(1, "output"); }
  [[nodiscard]] byte_stream& errors() { return stream(2, "errors"); }

  // Lets it live; this is empty then, its pipes closed. It is reaped all the same: by the loop, and
  // from the loop's end on by a thread that waits for nothing else.
  void detach();

 private:
  byte_stream& stream(int which, const char* name);
  detail::process_state& state(const char* what) const;
  void drop() noexcept;

  detail::process_ref child_;
  byte_stream streams_[3];
};

// What run_command collects.
class process_result {
 public:
  process_result() noexcept {}

  exit_status status;
  std::string output;
  std::string errors;
};

inline constexpr std::size_t default_output_limit = 64 * 1024 * 1024;

// Runs a command to its end: subprocess.run, communicate(). Gives it `input` and then the end of
// its standard input, and collects what it writes to its two outputs, at the same time. Where the
// command says of a stream what it shall be, that holds (std::invalid_argument if there is an input
// then that is not wanted). What the child has left unread of the input is dropped.
//
//   process_result made = co_await run_command(command("make").arg("all"));
//   if (!made.status.success()) throw std::runtime_error(made.errors);
//
// A child that ends in failure is no error here. Throws as process::spawn; std::length_error, the
// child killed, when it writes more than `limit` bytes to one of its outputs. Returns when both
// outputs have ended: also those that the child's own children keep open. Cancelled, it kills the
// child.
task<process_result> run_command(command what, std::string input = std::string(),
                                 std::size_t limit = default_output_limit);

}  // namespace eddy::inline v1
