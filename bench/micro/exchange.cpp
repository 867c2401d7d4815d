// One keep-alive GET of 1 KiB over a connection in memory: what the client costs without a kernel.
// memory_network.hpp is the other side.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <eddy/net/http/session.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/run.hpp>

#include "checks.hpp"
#include "measuring.hpp"
#include "memory_network.hpp"

namespace {

namespace http = eddy::http;

constexpr std::size_t buffer_bytes = 16 * 1024;

// What http_load does: through the whole session, the body read and counted.
eddy::task<std::size_t> get(http::session* through, const eddy::url* what,
                            std::span<std::byte> buffer) {
  http::response answer = co_await through->get(*what);
  std::size_t bytes = 0;
  for (;;) {
    const std::size_t got = co_await answer.read_some(buffer);
    if (got == 0) break;
    bytes += got;
  }
  answer.raise_for_status();
  co_return bytes;
}

eddy::task<> exchange_all(benchmark::State& state, memory_network& network) {
  http::session session;
  const eddy::url what = eddy::url::parse_http(network.url());
  std::array<std::byte, buffer_bytes> buffer;
  std::size_t bytes = co_await get(&session, &what, buffer);  // connects
  measuring m(state);
  for (auto _ : state) bytes += co_await get(&session, &what, buffer);
  m.stop(iterations_of(state));
  co_await session.close();
  const auto exchanges = iterations_of(state) + 1;
  check(state, network.answered() == exchanges &&
                   bytes == network.body_bytes * static_cast<std::size_t>(exchanges));
}

void exchange_eddy(benchmark::State& state) {
  memory_network network;
  eddy::run(exchange_all(state, network));
}

// Only a selector that calls recv(2) and epoll(7) is answered from memory.
const bool registered =
    eddy::selector_name() == "epoll" &&
    benchmark::RegisterBenchmark("exchange/eddy", exchange_eddy) != nullptr;

// As http/raw_client.c: a status line with 200, a Content-Length, a body of that size, and nothing
// else is understood.
class raw_client {
 public:
  explicit raw_client(const memory_network& network)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        request_(std::string("GET ") + network.target +
                 " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: raw_client\r\nAccept: */*\r\n"
                 "Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n") {
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    there.sin_port = ::htons(static_cast<std::uint16_t>(network.port()));
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
  }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client() { ::close(fd_); }

  // The bytes of the body, 0 if anything was wrong.
  std::size_t get() {
    if (!connected_) return 0;
    if (::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) return 0;
    const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n <= 0) return 0;
    const auto size = static_cast<std::size_t>(n);
    const void* const end = ::memmem(buffer_.data(), size, "\r\n\r\n", 4);
    if (!end) return 0;
    const auto head = static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data()) + 4;
    const long body = body_size(head);
    return body >= 0 && size - head == static_cast<std::size_t>(body) ? size - head : 0;
  }

 private:
  long body_size(std::size_t size) const {
    static constexpr char field[] = "\r\ncontent-length:";
    const char* const head = buffer_.data();
    if (size < 15 || std::memcmp(head, "HTTP/1.1 200 ", 13) != 0) return -1;
    for (const char* at = head;; ++at) {
      at = static_cast<const char*>(
          std::memchr(at, '\r', size - static_cast<std::size_t>(at - head)));
      if (!at || static_cast<std::size_t>(head + size - at) < sizeof field) return -1;
      if (::strncasecmp(at, field, sizeof field - 1) == 0) {
        return std::strtol(at + sizeof field - 1, nullptr, 10);
      }
    }
  }

  int fd_;
  std::string request_;
  bool connected_ = false;
  std::array<char, buffer_bytes> buffer_;
};

void exchange_floor(benchmark::State& state) {
  memory_network network;
  raw_client client(network);
  std::size_t bytes = 0;
  measuring m(state);
  for (auto _ : state) bytes += client.get();
  m.stop(iterations_of(state));
  check(state, network.answered() == iterations_of(state) &&
                   bytes == network.body_bytes * static_cast<std::size_t>(iterations_of(state)));
}
BENCHMARK(exchange_floor)->Name("exchange/floor");

}  // namespace
