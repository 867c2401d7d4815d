// A rival: a thread for each connection, which reads and writes and waits in the kernel.
//   threads_server [--host ADDR] [--buffer BYTES] PORT
// At most `most_threads` connections; more are refused, and that is said.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "arguments.hpp"

namespace {

// Beyond this the model is only a memory benchmark: a stack and a kernel thread each.
constexpr int most_threads = 1000;
constexpr int backlog = 4096;

std::atomic<int> running = 0;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "threads_server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

bool send_all(int fd, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, from, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    from += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

void echo(int fd, std::size_t buffer_bytes) {
  {
    std::vector<char> buffer(buffer_bytes);
    ssize_t n = 0;
    do {
      n = ::recv(fd, buffer.data(), buffer.size(), 0);
    } while (n > 0 && send_all(fd, buffer.data(), static_cast<std::size_t>(n)));
  }
  running.fetch_sub(1, std::memory_order_relaxed);
  ::close(fd);
}

int listen_at(const arguments& given) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(given.port);
  if (::inet_pton(AF_INET, given.host.c_str(), &at.sin_addr) != 1) {
    errno = EINVAL;
    fail("--host: not an IPv4 address");
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  socklen_t length = sizeof at;
  // Linux: what is accepted inherits TCP_NODELAY.
  if (::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      ::bind(listener, address, length) != 0 || ::listen(listener, backlog) != 0 ||
      ::getsockname(listener, address, &length) != 0) {
    fail("listen");
  }
  std::printf("listening on %s:%d\n", given.host.c_str(), int{ntohs(at.sin_port)});
  std::fflush(stdout);
  return listener;
}

void serve(int fd, std::size_t buffer_bytes) {
  if (running.fetch_add(1, std::memory_order_relaxed) < most_threads) {
    try {
      std::thread(echo, fd, buffer_bytes).detach();
      return;
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "threads_server: %s\n", error.what());
    }
  } else {
    std::fprintf(stderr, "threads_server: no more than %d connections\n", most_threads);
  }
  running.fetch_sub(1, std::memory_order_relaxed);
  ::close(fd);
}

void stop(int) { _exit(0); }

}  // namespace

int main(int argc, char** argv) {
  const arguments given = arguments_of(argc, argv);
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  const int listener = listen_at(given);
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      serve(fd, given.buffer);
    } else if (errno != ECONNABORTED && errno != EINTR) {
      fail("accept4");
    }
  }
}
