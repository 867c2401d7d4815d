// A poller by epoll(7), with an eventfd(2) to wake it.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "poller.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr std::uint64_t wake_token = UINT64_MAX;  // no descriptor is so high
constexpr std::size_t events_at_once = 256;

}  // namespace

poller::poller() {
  queue_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (queue_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = wake_token;
  if (wake_ < 0 || ::epoll_ctl(queue_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    const int error = errno;
    if (wake_ >= 0) ::close(wake_);
    ::close(queue_);
    throw std::system_error(error, std::system_category(), "eventfd for waking the loop");
  }
}

poller::~poller() {
  ::close(wake_);
  ::close(queue_);
}

const char* poller::name() noexcept { return "epoll"; }

int poller::add(int fd, std::uint64_t token) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
  event.data.u64 = token;
  return ::epoll_ctl(queue_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int poller::watch(int fd, std::uint64_t token, bool readable, bool writable) noexcept {
  epoll_event event{};
  event.events = EPOLLONESHOT;
  if (readable) event.events |= EPOLLIN | EPOLLRDHUP;
  if (writable) event.events |= EPOLLOUT;
  event.data.u64 = token;
  if (::epoll_ctl(queue_, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  if (errno != ENOENT) return -errno;
  return ::epoll_ctl(queue_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void poller::unwatch(int fd) noexcept {
  (void)::epoll_ctl(queue_, EPOLL_CTL_DEL, fd, nullptr);
}

std::size_t poller::wait(std::span<readiness_event> out, std::int64_t timeout_ns) noexcept {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  constexpr std::int64_t ns_per_ms = 1'000'000;
  epoll_event events[events_at_once];
  const int most = static_cast<int>(std::min(out.size(), events_at_once));
  int count = -1;
  // A busy loop only looks, which the older call does in less time: it reads no timespec.
  const bool looks = timeout_ns == 0;
  if (nanoseconds_ && !looks) {
    const timespec limit{timeout_ns / ns_per_s, timeout_ns % ns_per_s};
    count = ::epoll_pwait2(queue_, events, most, timeout_ns < 0 ? nullptr : &limit, nullptr);
    // Linux before 5.11, or a sandbox that does not know the call.
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) nanoseconds_ = false;
  }
  if (!nanoseconds_ || looks) {
    // Rounded up: a timer that is woken for too early would spin until it is due.
    const std::int64_t up = timeout_ns % ns_per_ms != 0;
    const std::int64_t ms = timeout_ns < 0 ? -1 : timeout_ns / ns_per_ms + up;
    const auto capped = static_cast<int>(std::min<std::int64_t>(ms, INT32_MAX));
    count = ::epoll_wait(queue_, events, most, capped);
  }
  std::size_t written = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& e = events[i];
    // The eventfd is edge-triggered and never read: a write is an edge also if it was not empty.
    if (e.data.u64 == wake_token) continue;
    readiness_event& event = out[written++];
    event.token = e.data.u64;
    event.ended = (e.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    event.readable = event.ended || (e.events & EPOLLIN) != 0;
    event.urgent = (e.events & EPOLLPRI) != 0;
    event.writable = (e.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  }
  return written;
}

void poller::wake() noexcept {
  const int saved = errno;  // this may run in a signal handler
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  errno = saved;
}

}  // namespace eddy::inline v1::detail
