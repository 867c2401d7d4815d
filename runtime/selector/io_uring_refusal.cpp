#include "io_uring_refusal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace eddy::inline v1::detail {

namespace {

std::string name_of(int error) {
  switch (error) {
    case EPERM:
      return "EPERM";
    case EACCES:
      return "EACCES";
    case ENOSYS:
      return "ENOSYS";
    case ENOMEM:
      return "ENOMEM";
    case EMFILE:
      return "EMFILE";
    case ENFILE:
      return "ENFILE";
    case EINVAL:
      return "EINVAL";
    default:
      return "errno " + std::to_string(error);
  }
}

std::string cause_of(int error, int disabled) {
  const bool denied = error == EPERM || error == EACCES;
  if (denied && disabled > 0) {
    const std::string setting = "kernel.io_uring_disabled=" + std::to_string(disabled);
    const char* whom = disabled == 1
                           ? " forbids it to processes without CAP_SYS_ADMIN that are outside the "
                             "group kernel.io_uring_group"
                           : " forbids it to every process";
    return "the setting " + setting + whom + "; run `sysctl kernel.io_uring_disabled=0`";
  }
  if (denied) {
    return "a seccomp filter or security module forbids it, as container runtimes do by default; "
           "allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile";
  }
  switch (error) {
    case ENOSYS:
    case EINVAL:
      return "this kernel is too old for it (Linux 5.11 or later is needed) or was built without "
             "CONFIG_IO_URING; use a newer kernel";
    case ENOMEM:
      return "its rings do not fit in the memory that may be locked; raise RLIMIT_MEMLOCK "
             "(`ulimit -l`) or lower run_options().ring_entries";
    case EMFILE:
    case ENFILE:
      return "no file descriptor is free; raise RLIMIT_NOFILE (`ulimit -n`)";
    default:
      return "the kernel refused it";
  }
}

}  // namespace

int io_uring_disabled_setting() noexcept {
  const int fd = ::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  char text[16] = {};
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return size > 0 ? std::atoi(text) : -1;
}

std::string io_uring_refusal(int error, int disabled) {
  return "the io_uring selector cannot start: io_uring_setup failed with " + name_of(error) + ": " +
         cause_of(error, disabled) + ", or build Eddy with -Dselector=epoll";
}

}  // namespace eddy::inline v1::detail
