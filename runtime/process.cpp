#include <eddy/runtime/process.hpp>
#include <eddy/runtime/spawn.hpp>
#include <stdexcept>

#include "process_state.hpp"
#include "quoted.hpp"
#include "selector/system.hpp"
#include "stream_state.hpp"

namespace eddy::inline v1 {

using target = detail_command_access::target;
namespace system = detail::system;

namespace {

constexpr const char* standard_names[3] = {"standard input", "standard output", "standard error"};
constexpr std::size_t shown_bytes = 200;

// Our end of a pipe to a child.
struct pipe_state final : detail::stream_state {
  pipe_state(const detail::descriptor_type& t, int number, detail::loop_core& home,
             std::string its_name) noexcept
      : stream_state(t, number, home), text(std::move(its_name)) {}
  std::string name() const { return text; }
  std::string text;
};

class owned_number {
 public:
  owned_number() noexcept {}
  owned_number(const owned_number&) = delete;
  owned_number& operator=(const owned_number&) = delete;
  ~owned_number() {
    if (fd >= 0) system::file_close(fd);
  }
  int fd = -1;
};

// What is needed for one child, of which nothing stays but the streams.
struct preparation {
  preparation(detail::loop_core& home, const command& c)
      : loop(home), start("start " + detail::name_of(c)), program(detail::name_of(c)) {}

  void redirect(int which, target to);
  void make_pipe(int which);
  void enter(const std::string& path);
  int checked(int result, const std::string& what) const {
    if (result < 0) detail::throw_os_error(result, (start + what).c_str(), nullptr);
    return result;
  }

  detail::loop_core& loop;
  std::string start;
  std::string program;
  system::child_plan plan;
  owned_number theirs[3];
  owned_number directory;
  byte_stream streams[3];
};

void preparation::redirect(int which, target to) {
  switch (to) {
    case target::unset:
    case target::inherit:
      break;
    case target::null:
      theirs[which].fd =
          checked(system::open_null(), std::string(": /dev/null for its ") + standard_names[which]);
      plan.standard[which] = theirs[which].fd;
      break;
    case target::pipe:
      make_pipe(which);
      break;
    case target::output:
      plan.errors_join_output = true;
      break;
  }
}

void preparation::make_pipe(int which) {
  const std::string what = std::string(": a pipe for its ") + standard_names[which];
  owned_number ours;
  const bool child_reads = which == 0;
  int& read_end = child_reads ? theirs[which].fd : ours.fd;
  int& write_end = child_reads ? ours.fd : theirs[which].fd;
  checked(system::make_pipe(read_end, write_end), what);
  plan.standard[which] = theirs[which].fd;
  std::string name = std::string("the ") + standard_names[which] + " of " + program;
  try {
    detail::engine_of(loop).attach(ours.fd);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), start + what);
  }
  const int fd = std::exchange(ours.fd, -1);
  auto end = detail::adopt<pipe_state>(fd, loop, std::move(name));
  // A pipe has one direction, and not every engine has the kernel say so.
  detail::stream_state& state = detail::stream_of(end);
  if (child_reads) {
    state.reads.fault = detail::side_fault::cannot_be_read;
  } else {
    state.writes.fault = detail::side_fault::cannot_be_written;
  }
  streams[which] = byte_stream(std::move(end));
}

void preparation::enter(const std::string& path) {
  if (path.empty()) return;
  directory.fd =
      checked(system::open_directory(path.c_str()), " in " + detail::quoted(path, shown_bytes));
  plan.directory = directory.fd;
}

// For a child that lives on. At the loop's end this is cancelled, and the state has it reaped.
task<> reap(detail::process_ref child) {
  try {
    co_await detail::await_end(child);
  } catch (const std::exception&) {
    // The engine cannot watch it; as at the loop's end.
  }
}

task<exit_status> end_of(detail::process_ref child) {
  co_await detail::await_end(child);
  if (child->lost < 0) {
    detail::throw_os_error(child->lost, "wait for the end of", child->name.c_str());
  }
  co_return child->status;
}

}  // namespace

std::string exit_status::to_string() const {
  return (signalled_ ? "was ended by signal " : "exited with code ") + std::to_string(number_);
}

process& process::operator=(process&& other) noexcept {
  if (this == &other) return *this;
  drop();
  child_ = std::move(other.child_);
  for (int i = 0; i < 3; ++i) streams_[i] = std::move(other.streams_[i]);
  return *this;
}

process process::spawn(command what) {
  detail::loop_core& loop = detail::require_loop("process::spawn");
  detail_command_access::check(what);
  auto words = detail_command_access::words_of(what);
  preparation ready(loop, what);
  ready.plan.program = what.program().c_str();
  ready.plan.arguments = words.arguments.data();
  if (!words.environment.empty()) ready.plan.environment = words.environment.data();
  for (int i = 0; i < 3; ++i) ready.redirect(i, detail_command_access::what(what, i));
  ready.enter(detail_command_access::directory(what));
  process made;
  made.child_ = detail::process_ref(new detail::process_state(loop, ready.program));
  int pid = 0;
  ready.checked(system::spawn_child(ready.plan, pid), std::string());
  made.child_->begin(pid);
  for (int i = 0; i < 3; ++i) made.streams_[i] = std::move(ready.streams[i]);
  return made;
}

detail::process_state& process::state(const char* what) const {
  if (!child_) {
    throw std::logic_error(std::string(what) +
                           " of a process that is empty: moved from, detached or never started");
  }
  return *child_;
}

int process::pid() const { return state("pid()").pid; }

task<exit_status> process::wait() {
  state("wait()");
  return end_of(child_);
}

bool process::has_ended() { return state("has_ended()").look(); }

bool process::kill(int signal) { return state("kill()").signal(signal); }

bool process::kill() { return kill(system::kill_signal); }

bool process::terminate() { return kill(system::terminate_signal); }

byte_stream& process::stream(int which, const char* name) {
  const detail::process_state& child = state(name);
  if (!streams_[which].descriptor()) {
    throw std::logic_error(std::string(name) + "(): the command gave " + child.name +
                           " no pipe for its " + standard_names[which]);
  }
  return streams_[which];
}

void process::detach() {
  state("detach()").lives_on = true;
  for (byte_stream& s : streams_) s = byte_stream();
  eddy::spawn(reap(std::move(child_)), "reap").detach();
}

void process::drop() noexcept {
  if (child_) child_->abandon();
  child_ = detail::process_ref();
}

}  // namespace eddy::inline v1
