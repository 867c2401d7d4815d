// Child processes by posix_spawn(3): no code of this process runs in the child, where the locks of
// its other threads might be held for ever.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "system.hpp"

#ifdef __APPLE__
#include <crt_externs.h>
#else
extern char** environ;
#endif

namespace eddy::inline v1::detail::system {

namespace {

constexpr int first_own_descriptor = 3;

class spawn_actions {
 public:
  spawn_actions() noexcept : failed_(::posix_spawn_file_actions_init(&actions_)) {}
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;
  ~spawn_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

  void duplicate(int from, int to) noexcept {
    if (!failed_) failed_ = ::posix_spawn_file_actions_adddup2(&actions_, from, to);
  }
  void enter(int directory) noexcept {
    if (!failed_) failed_ = ::posix_spawn_file_actions_addfchdir_np(&actions_, directory);
  }
  // What others have opened without close-on-exec. Where nothing of the kind is there, only that.
  void close_the_rest() noexcept {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    if (failed_) return;
    failed_ = ::posix_spawn_file_actions_addclosefrom_np(&actions_, first_own_descriptor);
#elif defined(__FreeBSD__)
    if (failed_) return;
    failed_ = ::posix_spawn_file_actions_addclosefrom_np(&actions_, first_own_descriptor);
#elif defined(__APPLE__)
    // All is close-on-exec there (POSIX_SPAWN_CLOEXEC_DEFAULT) but what is named.
    for (int fd = 0; fd < first_own_descriptor; ++fd) {
      if (!failed_) failed_ = ::posix_spawn_file_actions_addinherit_np(&actions_, fd);
    }
#endif
  }
  int failed() const noexcept { return failed_; }
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
  int failed_;
};

class spawn_attributes {
 public:
  spawn_attributes() noexcept : failed_(::posix_spawnattr_init(&attributes_)) {
    sigset_t signals;
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    sigemptyset(&signals);
    if (!failed_) failed_ = ::posix_spawnattr_setsigmask(&attributes_, &signals);
    sigaddset(&signals, SIGPIPE);
    if (!failed_) failed_ = ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    if (!failed_) failed_ = ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;
  ~spawn_attributes() { ::posix_spawnattr_destroy(&attributes_); }

  int failed() const noexcept { return failed_; }
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
  int failed_;
};

char* const* own_environment() noexcept {
#ifdef __APPLE__
  return *::_NSGetEnviron();
#else
  return environ;
#endif
}

int wait_for(int pid, int flags, int& status) noexcept {
  for (;;) {
    const int found = ::waitpid(pid, &status, flags);
    if (found >= 0) return found;
    if (errno != EINTR) return -errno;
  }
}

#ifdef __APPLE__
int set_close_on_exec(int fd) noexcept {
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -errno;
}
#endif

// Takes `fd` over; a negative one is passed on.
int raise_number(int fd) noexcept {
  if (fd >= first_own_descriptor) return fd;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, first_own_descriptor);
  const int error = errno;
  ::close(fd);
  return higher >= 0 ? higher : -error;
}

}  // namespace

const int kill_signal = SIGKILL;
const int terminate_signal = SIGTERM;

int spawn_child(const child_plan& plan, int& pid) noexcept {
  spawn_actions actions;
  for (int to = 0; to < first_own_descriptor; ++to) {
    if (plan.standard[to] >= 0) actions.duplicate(plan.standard[to], to);
  }
  if (plan.errors_join_output) actions.duplicate(STDOUT_FILENO, STDERR_FILENO);
  if (plan.directory >= 0) actions.enter(plan.directory);
  actions.close_the_rest();
  if (actions.failed()) return -actions.failed();
  const spawn_attributes attributes;
  if (attributes.failed()) return -attributes.failed();
  char* const* environment = plan.environment ? plan.environment : own_environment();
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, plan.program, actions.get(), attributes.get(),
                                    plan.arguments, environment);
  pid = child;
  return -failed;
}

int reap_child(int pid, child_end& end) noexcept {
  int status = 0;
  const int found = wait_for(pid, WNOHANG, status);
  if (found <= 0) return found;
  end.signalled = WIFSIGNALED(status);
  end.number = end.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  return 1;
}

void await_child(int pid) noexcept {
  int status = 0;
  (void)wait_for(pid, 0, status);
}

int make_pipe(int& read_end, int& write_end) noexcept {
  int ends[2];
#ifdef __APPLE__
  if (::pipe(ends) != 0) return -errno;
  int failed = set_close_on_exec(ends[0]);
  if (!failed) failed = set_close_on_exec(ends[1]);
#else
  if (::pipe2(ends, O_CLOEXEC) != 0) return -errno;
  int failed = 0;
#endif
  for (int& fd : ends) {
    fd = raise_number(fd);
    if (fd < 0) failed = fd;
  }
  if (!failed) {
    read_end = ends[0];
    write_end = ends[1];
    return 0;
  }
  for (const int fd : ends) {
    if (fd >= 0) ::close(fd);
  }
  return failed;
}

int open_null() noexcept {
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  return fd >= 0 ? raise_number(fd) : -errno;
}

int open_directory(const char* path) noexcept {
#ifdef O_PATH
  constexpr int only_to_enter = O_PATH;
#else
  constexpr int only_to_enter = O_RDONLY;
#endif
  int fd = ::open(path, only_to_enter | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  fd = raise_number(fd);
  if (fd < 0 || ::faccessat(fd, ".", X_OK, AT_EACCESS) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

const char* const* environment() noexcept { return own_environment(); }

}  // namespace eddy::inline v1::detail::system
