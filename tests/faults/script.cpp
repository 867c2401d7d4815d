#include "script.hpp"

#include <array>
#include <atomic>

namespace faults {

namespace {

constexpr std::size_t kinds = static_cast<std::size_t>(call::count);

constinit std::atomic<bool> playing = false;
constinit std::array<std::atomic<unsigned>, kinds> counts{};
constinit std::atomic<unsigned> failed = 0;
constinit std::atomic<unsigned> matching = 0;  // calls of the rule's kind and opcode
constinit rule script;                         // changes only while nothing plays

constinit old_kernel kernel;

bool is_meant(int opcode) noexcept {
  if (script.opcode < 0) return true;
  const int compared = script.opcode & with_provided ? opcode : opcode & ~with_provided;
  return compared == script.opcode;
}

constexpr std::array<std::string_view, kinds> names = {
    "accept4", "bind", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait2",
    "epoll_wait", "eventfd", "fcntl", "fstat", "fsync", "getpeername", "getsockname", "getsockopt",
    "listen", "mmap", "open", "read", "recv", "recvmsg", "send", "sendmsg", "setsockopt",
    "shutdown", "socket", "write", "writev", "io_uring_setup", "io_uring_register",
    "io_uring_enter", "a submission"};

}  // namespace

std::string_view name_of(call c) noexcept { return names[static_cast<std::size_t>(c)]; }

void play(const rule& r) noexcept {
  playing = false;
  script = r;
  for (auto& n : counts) n = 0;
  failed = 0;
  matching = 0;
  playing = true;
}

void stop() noexcept { playing = false; }

unsigned calls(call c) noexcept { return counts[static_cast<std::size_t>(c)]; }
unsigned matched() noexcept { return matching; }
unsigned injected() noexcept { return failed; }

void pretend(const old_kernel& what) noexcept { kernel = what; }
const old_kernel& pretended() noexcept { return kernel; }

int due(call c, int opcode) noexcept {
  if (!playing) return 0;
  ++counts[static_cast<std::size_t>(c)];
  if (c != script.where || !is_meant(opcode)) return 0;
  const unsigned number = ++matching;
  const bool again = script.every > 0 && number > script.first &&
                     (number - script.first) % script.every == 0;
  if (number != script.first && !again) return 0;
  ++failed;
  return script.error;
}

}  // namespace faults
