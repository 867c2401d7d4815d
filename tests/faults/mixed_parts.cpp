#include "mixed_parts.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/readiness.hpp>
#include <eddy/runtime/timeout.hpp>
#include <filesystem>
#include <system_error>

#include "engine_parts.hpp"

namespace faults {

namespace {

constexpr std::size_t echoed_bytes = 192 << 10;
constexpr int most_failed_accepts = 4;

char pattern(std::size_t at) noexcept { return static_cast<char>(at * 31 + (at >> 8) * 7); }

void check_pattern(std::string_view got, std::size_t at) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != pattern(at + i)) {
      throw wrong_result("byte " + std::to_string(at + i) + " is not the one that was sent");
    }
  }
}

std::string patterned(std::size_t size) {
  std::string text(size, 0);
  for (std::size_t i = 0; i < size; ++i) text[i] = pattern(i);
  return text;
}

bool wants_descriptors(const std::system_error& e) {
  const int code = e.code().value();
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

// A connection that could not be accepted is there for the next accept.
eddy::task<eddy::tcp_stream> accept_in_the_end(eddy::tcp_listener& listener) {
  for (int failures = 0;; ++failures) {
    try {
      eddy::tcp_stream peer = co_await listener.accept();
      co_return std::move(peer);
    } catch (const std::system_error& e) {
      if (!wants_descriptors(e) || failures == most_failed_accepts) throw;
    }
  }
}

eddy::task<> echo_by_lease(eddy::tcp_listener& listener) {
  eddy::tcp_stream peer = co_await accept_in_the_end(listener);
  for (;;) {
    eddy::lease piece = co_await peer.receive();
    if (piece.empty()) break;
    co_await peer.write_all(piece.text());
  }
  co_await peer.close();
}

eddy::task<> echo_by_read(eddy::tcp_listener& listener) {
  eddy::tcp_stream peer = co_await accept_in_the_end(listener);
  std::vector<std::byte> room(5000);
  for (;;) {
    const std::size_t n = co_await peer.read_some(room);
    if (n == 0) break;
    co_await peer.write_all(std::span(room).first(n));
  }
  peer.shutdown();
}

// Whoever fails ends the stream, so that the other half is not left waiting.
eddy::task<> say(eddy::tcp_stream& stream, const std::string& text) {
  try {
    for (std::size_t at = 0; at < text.size(); at += 20'000) {
      co_await stream.write_all(std::string_view(text).substr(at, 20'000));
    }
    stream.shutdown();
  } catch (...) {
    stream = eddy::tcp_stream();
    throw;
  }
}

eddy::task<> hear(eddy::tcp_stream& stream) {
  std::size_t heard = 0;
  std::vector<std::byte> room(7000);
  try {
    while (heard < echoed_bytes) {
      const std::size_t n = co_await stream.read_some(room);
      if (n == 0) throw std::runtime_error("the echo ended early");
      check_pattern({reinterpret_cast<const char*>(room.data()), n}, heard);
      heard += n;
    }
  } catch (...) {
    stream = eddy::tcp_stream();
    throw;
  }
}

eddy::task<> ask(eddy::tcp_listener& listener) {
  const std::string text = patterned(echoed_bytes);
  try {
    eddy::tcp_stream stream = co_await eddy::tcp_stream::connect(listener.local_address());
    auto both = eddy::gather(say(stream, text), hear(stream));
    co_await both;
  } catch (...) {
    listener = eddy::tcp_listener();
    throw;
  }
}

eddy::task<> answered(eddy::task<> server, eddy::tcp_listener& listener) {
  try {
    co_await server;
  } catch (...) {
    listener = eddy::tcp_listener();
    throw;
  }
}

}  // namespace

eddy::task<> tcp_by_lease() {
  auto listener = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
  auto both = eddy::gather(answered(echo_by_lease(listener), listener), ask(listener));
  co_await both;
}

eddy::task<> tcp_by_read() {
  auto listener = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
  auto both = eddy::gather(answered(echo_by_read(listener), listener), ask(listener));
  co_await both;
}

namespace {

// Ends the operations of `end` if the other side of it fails.
eddy::task<> write_through(engine_end& end, const std::string& text) {
  try {
    engine_bench::awaited op(op_code::write, end.fd, const_cast<char*>(text.data()), text.size());
    const int failed = co_await op;
    if (failed < 0) eddy::detail::throw_os_error(failed, "write to", end.name);
  } catch (...) {
    end.release();
    throw;
  }
  end.release();
}

eddy::task<> write_pieces_through(engine_end& end, const std::vector<std::string_view>& pieces) {
  try {
    pieces_awaited op(end.fd, pieces);
    const int failed = co_await op;
    if (failed < 0) eddy::detail::throw_os_error(failed, "write pieces to", end.name);
  } catch (...) {
    end.release();
    throw;
  }
  end.release();
}

eddy::task<> read_through(engine_end& end, std::size_t expected) {
  std::size_t heard = 0;
  std::vector<char> room(9000);
  try {
    for (;;) {
      engine_bench::awaited op(op_code::read, end.fd, room.data(), room.size());
      const int n = co_await op;
      if (n < 0) eddy::detail::throw_os_error(n, "read from", end.name);
      if (n == 0) break;
      check_pattern({room.data(), static_cast<std::size_t>(n)}, heard);
      heard += static_cast<std::size_t>(n);
    }
  } catch (...) {
    end.release();
    throw;
  }
  end.release();
  if (heard < expected) throw std::runtime_error("the stream ended early");
}

}  // namespace

eddy::task<> stream_in_pieces() {
  auto ends = engine_pair("a pair of sockets");
  const std::string text = patterned(150'000);
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0, size = 0; at < text.size(); at += size, size = (size * 3 + 1) % 7919) {
    pieces.push_back(std::string_view(text).substr(at, size));
  }
  auto both = eddy::gather(write_pieces_through(ends[0], pieces),
                           read_through(ends[1], text.size()));
  co_await both;
}

eddy::task<> through_a_pipe() {
  auto ends = engine_pipe("a pipe");
  const std::string text = patterned(150'000);
  auto both = eddy::gather(write_through(ends[1], text), read_through(ends[0], text.size()));
  co_await both;
}

namespace {

eddy::task<> send_datagrams(engine_end& from, engine_end& to, int count) {
  try {
    const eddy::detail::socket_address at = address_of(to);
    for (int i = 0; i < count; ++i) {
      std::string text = "datagram " + std::to_string(i);
      datagram_awaited op(op_code::send_to, from.fd, text.data(), text.size(), at);
      const int failed = co_await op;
      if (failed < 0) eddy::detail::throw_os_error(failed, "send to", to.name);
      co_await eddy::yield();
    }
  } catch (...) {
    from.release();
    to.release();
    throw;
  }
}

eddy::task<> receive_datagrams(engine_end& at, int count) {
  char room[64];
  for (int i = 0; i < count; ++i) {
    datagram_awaited op(op_code::receive_from, at.fd, room, sizeof room);
    const int n = co_await op;
    if (n < 0) eddy::detail::throw_os_error(n, "receive from", at.name);
    const std::string_view got(room, static_cast<std::size_t>(n));
    if (got != "datagram " + std::to_string(i) || op.truncated || op.address.size == 0) {
      throw wrong_result("not the datagram that was sent, or not its sender");
    }
  }
}

}  // namespace

eddy::task<> datagrams() {
  engine_end a = bound_datagrams("a socket for datagrams");
  engine_end b = bound_datagrams("a socket for datagrams");
  auto both = eddy::gather(send_datagrams(a, b, 12), receive_datagrams(b, 12));
  co_await both;
}

eddy::task<> a_file() {
  static constinit std::atomic<unsigned> number = 0;
  const auto name = "eddy-faults-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  const auto path = std::filesystem::temp_directory_path() / name;
  const removed_file at_the_end(path);
  const std::string text = patterned(100'000);
  eddy::file out = co_await eddy::file::open(path.string(), eddy::file_mode::write);
  co_await out.write_all(text);
  co_await out.sync();
  co_await out.close();
  eddy::file in = co_await eddy::file::open(path.string(), eddy::file_mode::read);
  const std::string back = co_await in.read_all();
  co_await in.close();
  if (back != text) throw wrong_result("the file does not hold what was written");
}

namespace {

// By calls that are not scripted: the descriptor is not the loop's.
eddy::task<> hear_foreign(int fd) {
  char letter = 0;
  for (int i = 0; i < 5; ++i) {
    co_await eddy::wait_readable(fd);
    if (::recvfrom(fd, &letter, 1, MSG_DONTWAIT, nullptr, nullptr) != 1) {
      throw wrong_result("not readable after wait_readable");
    }
  }
}

eddy::task<> say_foreign(int fd, int peer) {
  for (int i = 0; i < 5; ++i) {
    co_await eddy::yield();
    (void)::sendto(peer, "x", 1, MSG_DONTWAIT, nullptr, 0);
  }
  co_await eddy::wait_writable(fd);
}

}  // namespace

eddy::task<> foreign_descriptor() {
  const plain_pair ends;
  const forgotten_at_the_end forgotten(ends.fds[0]);
  auto both = eddy::gather(say_foreign(ends.fds[0], ends.fds[1]), hear_foreign(ends.fds[0]));
  co_await both;
}

namespace {

eddy::task<std::size_t> receive_once(int fd) {
  engine_bench::awaited_lease op(fd);
  eddy::lease got = co_await op;
  co_return got.size();
}

eddy::task<std::size_t> read_once(int fd) {
  char room[16];
  engine_bench::awaited op(op_code::read, fd, room, sizeof room);
  const int n = co_await op;
  if (n < 0) eddy::detail::throw_os_error(n, "read from", "a pair of sockets");
  co_return n;
}

eddy::task<> expect_timeout(eddy::task<std::size_t> wait) {
  auto limited = eddy::with_timeout(std::chrono::milliseconds(1), std::move(wait));
  try {
    (void)co_await limited;
  } catch (const eddy::timeout_error&) {
    co_return;
  }
  throw wrong_result("bytes that nobody sent");
}

}  // namespace

// What comes after a cancelled wait is all there.
eddy::task<> cancelled_waits() {
  engine_end end("a pair of sockets");
  const plain_pair outside;
  end.attach(outside.take(0));
  co_await expect_timeout(read_once(end.fd));
  co_await expect_timeout(receive_once(end.fd));
  co_await expect_timeout(read_once(end.fd));
  (void)::sendto(outside.fds[1], "five!", 5, 0, nullptr, 0);
  const std::size_t n = co_await receive_once(end.fd);
  if (n != 5) throw wrong_result("a cancelled wait has lost bytes");
  end.release();
}

eddy::task<> woken_by_a_thread() {
  for (int i = 0; i < 5; ++i) {
    auto call = eddy::offload([] { return 7; });
    const int seven = co_await call;
    if (seven != 7) throw wrong_result("an offloaded call gave something else");
  }
}

}  // namespace faults
