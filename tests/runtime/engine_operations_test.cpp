// What CONTRACT 1 (runtime/selector/engine.hpp) promises of pieces, datagrams and pipes, of
// whichever engine is linked. Here the test is the loop.
#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <string>
#include <vector>

#include "engine_bench.hpp"

using namespace engine_bench;
namespace system_calls = eddy::detail::system;

namespace {

class pipe_ends {
 public:
  pipe_ends() {
    std::array<int, 2> ends{};
    ends = eddy_tests::plain_pipe();
    REQUIRE(ends[0] >= 0);
    out = ends[0];
    in = ends[1];
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close(out);
    close(in);
  }
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  void say(std::string_view text) const {
    REQUIRE(::write(in, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  int out = -1;  // to read from
  int in = -1;
};

// What comes out of `fd` by plain calls until `size` bytes are there, while the engine turns.
std::string collect_bytes(bare& b, int fd, std::size_t size) {
  std::string all;
  std::vector<char> bytes(1 << 16);
  const std::int64_t limit = system_calls::clock_ns() + patience_ns;
  while (all.size() < size) {
    REQUIRE_MESSAGE(system_calls::clock_ns() < limit, "the bytes never came");
    b.turn();
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 0) != 1) continue;
    const ssize_t n = ::read(fd, bytes.data(), bytes.size());
    REQUIRE(n > 0);
    all.append(bytes.data(), static_cast<std::size_t>(n));
  }
  return all;
}

// Twenty, of which some are empty and some larger than a socket's or pipe's room.
class many_pieces {
 public:
  many_pieces() {
    dice d(5);
    for (int i = 0; i < 20; ++i) {
      std::string text(i % 5 == 0 ? 0 : i % 7 == 0 ? 700'000 : 1 + d.below(5000), 0);
      for (char& c : text) c = static_cast<char>(d.next());
      all += text;
      text_.push_back(std::move(text));
    }
    views.assign(text_.begin(), text_.end());
  }
  std::vector<std::string_view> views;
  std::string all;

 private:
  std::vector<std::string> text_;
};

// A UDP socket of the engine's on the loopback address.
int bound_udp(bare& b, system_calls::socket_address& at) {
  const int fd = b.selector.open_socket(AF_INET, SOCK_DGRAM);
  at = loopback();
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(at.bytes), at.size) == 0);
  REQUIRE(system_calls::local_address(fd, at) == 0);
  return fd;
}

std::string_view bytes_of(const system_calls::socket_address& at) {
  return {reinterpret_cast<const char*>(at.bytes), at.size};
}

}  // namespace

TEST_CASE_FIXTURE(each_kind, "write_pieces sends all pieces in order") {
  bare b;
  wire w(b.selector, stream);
  const many_pieces what;
  pieces_request r(w.fd, what.views);
  b.submit(r);
  CHECK(collect_bytes(b, w.peer, what.all.size()) == what.all);
  CHECK(b.finish(r) == 0);
  CHECK(r.done == what.all.size());

  const std::vector<std::string_view> small = {"", "a", "", "", "bc", ""};
  pieces_request few(w.fd, small);
  CHECK(b.perform(few) == 0);
  CHECK(w.hear() == "abc");
  pieces_request none(w.fd, {});
  CHECK(b.perform(none) == 0);
}

TEST_CASE_FIXTURE(no_leak, "write_pieces to a peer that is gone fails without SIGPIPE") {
  bare b;
  wire w(b.selector);
  w.close_peer();
  const std::vector<std::string_view> pieces = {"a", "b"};
  pieces_request r(w.fd, pieces);
  CHECK(b.perform(r) == -EPIPE);
}

TEST_CASE_FIXTURE(each_kind, "cancelled write_pieces have sent exactly what they say") {
  bare b;
  const many_pieces what;
  for (int round = 0; round < 6; ++round) {
    wire w(b.selector, stream);
    const std::string rest(8 << 20, 'r');
    std::vector<std::string_view> pieces = what.views;
    pieces.push_back(rest);
    pieces_request r(w.fd, pieces);
    REQUIRE_FALSE(b.submit(r));
    std::string heard;
    for (int i = 0; i < round * 20; ++i) {
      b.turn();
      heard += w.hear();
    }
    b.turn();
    b.selector.cancel(r);
    CHECK(b.finish(r) == -ECANCELED);
    w.release();
    b.turns(2);
    for (std::string piece = w.hear(); !piece.empty(); piece = w.hear()) heard += piece;
    CHECK(heard.size() == r.done);
    const std::size_t common = std::min(heard.size(), what.all.size());
    CHECK(heard.compare(0, common, what.all, 0, common) == 0);
  }
}

TEST_CASE_FIXTURE(no_leak, "datagrams carry their sender's address") {
  bare b;
  system_calls::socket_address here;
  system_calls::socket_address there;
  const int a = bound_udp(b, here);
  const int c = bound_udp(b, there);
  char bytes[16];
  datagram_request in(op_code::receive_from, a, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(in));
  b.turns(2);
  char word[] = "hello";
  datagram_request out(op_code::send_to, c, word, 5);
  out.address = here;
  CHECK(b.perform(out) == 5);
  REQUIRE(b.finish(in) == 5);
  CHECK(std::string_view(bytes, 5) == "hello");
  CHECK(bytes_of(in.address) == bytes_of(there));
  CHECK_FALSE(in.truncated);

  // Answered to where it came from; several in order, an empty one among them.
  for (const std::size_t size : {std::size_t{2}, std::size_t{0}, std::size_t{4}}) {
    datagram_request answer(op_code::send_to, a, word, size);
    answer.address = in.address;
    CHECK(b.perform(answer) == static_cast<int>(size));
  }
  for (const int size : {2, 0, 4}) {
    datagram_request r(op_code::receive_from, c, bytes, sizeof bytes);
    CHECK(b.perform(r) == size);
    CHECK(bytes_of(r.address) == bytes_of(here));
  }
  b.close(a);
  b.close(c);
}

TEST_CASE_FIXTURE(no_leak, "a datagram that is longer than its room is cut, and says so") {
  bare b;
  system_calls::socket_address here;
  const int a = bound_udp(b, here);
  char word[] = "too long";
  for (int i = 0; i < 2; ++i) {
    datagram_request out(op_code::send_to, a, word, 8);
    out.address = here;
    CHECK(b.perform(out) == 8);
  }
  char bytes[8];
  datagram_request cut(op_code::receive_from, a, bytes, 3);
  CHECK(b.perform(cut) == 3);
  CHECK(std::string_view(bytes, 3) == "too");
  CHECK(cut.truncated);
  datagram_request whole(op_code::receive_from, a, bytes, 8);
  CHECK(b.perform(whole) == 8);
  CHECK_FALSE(whole.truncated);
  b.close(a);
}

TEST_CASE_FIXTURE(no_leak, "datagrams to a connected peer need no address, and to nobody fail") {
  bare b;
  system_calls::socket_address here;
  const int a = bound_udp(b, here);
  const int c = b.selector.open_socket(AF_INET, SOCK_DGRAM);
  char word[] = "x";
  datagram_request nowhere(op_code::send_to, c, word, 1);
  CHECK(b.perform(nowhere) == -EDESTADDRREQ);
  request connecting(op_code::connect, c, here.bytes, here.size);
  CHECK(b.perform(connecting) == 0);
  datagram_request out(op_code::send_to, c, word, 1);
  CHECK(b.perform(out) == 1);
  char byte = 0;
  datagram_request in(op_code::receive_from, a, &byte, 1);
  CHECK(b.perform(in) == 1);
  CHECK(byte == 'x');

  std::string huge(70'000, 'h');
  datagram_request too_long(op_code::send_to, c, huge.data(), huge.size());
  CHECK(b.perform(too_long) == -EMSGSIZE);
  b.close(a);
  b.close(c);
}

TEST_CASE_FIXTURE(no_leak, "a connected datagram socket hears that nobody listens") {
  bare b;
  system_calls::socket_address deaf;
  b.close(bound_udp(b, deaf));
  const int c = b.selector.open_socket(AF_INET, SOCK_DGRAM);
  request connecting(op_code::connect, c, deaf.bytes, deaf.size);
  CHECK(b.perform(connecting) == 0);
  char bytes[4];
  datagram_request in(op_code::receive_from, c, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(in));
  b.turns(2);
  datagram_request out(op_code::send_to, c, bytes, 1);
  CHECK(b.perform(out) == 1);
  CHECK(b.finish(in) == -ECONNREFUSED);
  // It is told once; the socket works on.
  datagram_request quiet(op_code::receive_from, c, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(quiet));
  b.turns(2);
  b.selector.cancel(quiet);
  CHECK(b.finish(quiet) == -ECANCELED);
  b.close(c);
}

TEST_CASE_FIXTURE(no_leak, "a cancelled receive_from loses no datagram") {
  bare b;
  system_calls::socket_address here;
  const int a = bound_udp(b, here);
  for (int round = 0; round < 60; ++round) {
    char got = 0;
    datagram_request in(op_code::receive_from, a, &got, 1);
    REQUIRE_FALSE(b.submit(in));
    b.turns(round % 3);
    char sent = static_cast<char>(round);
    datagram_request out(op_code::send_to, a, &sent, 1);
    out.address = here;
    if (round % 2) b.selector.cancel(in);
    CHECK(b.perform(out) == 1);
    b.selector.cancel(in);
    if (b.finish(in) == -ECANCELED) {
      datagram_request again(op_code::receive_from, a, &got, 1);
      CHECK(b.perform(again) == 1);
    }
    CHECK(got == sent);
  }
  b.close(a);
}

TEST_CASE_FIXTURE(no_leak, "a pipe is read, leased from, and ends") {
  bare b;
  pipe_ends p;
  const int fd = std::exchange(p.out, -1);
  b.selector.attach(fd);
  char bytes[16];
  request first(op_code::read, fd, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(first));
  b.turns(2);
  p.say("plain");
  REQUIRE(b.finish(first) == 5);
  CHECK(text_of(first, 5) == "plain");

  request lent(op_code::receive, fd);
  CHECK_FALSE(b.submit(lent));
  b.turns(2);
  p.say("lent");
  REQUIRE(b.finish(lent) == 4);
  CHECK(text_of(lent, 4) == "lent");
  b.recycle(lent);

  // Between the two, cancelled: nothing is lost.
  request cut(op_code::receive, fd);
  CHECK_FALSE(b.submit(cut));
  b.turns(2);
  b.selector.cancel(cut);
  CHECK(b.finish(cut) == -ECANCELED);
  p.say("kept");
  b.turns(2);
  request second(op_code::read, fd, bytes, sizeof bytes);
  REQUIRE(b.perform(second) == 4);
  CHECK(text_of(second, 4) == "kept");

  request waiting(op_code::read, fd, bytes, sizeof bytes);
  CHECK_FALSE(b.submit(waiting));
  b.turns(2);
  p.say("end");
  pipe_ends::close(p.in);
  REQUIRE(b.finish(waiting) == 3);
  request third(op_code::read, fd, bytes, sizeof bytes);
  CHECK(b.perform(third) == 0);
  request fourth(op_code::receive, fd);
  CHECK(b.perform(fourth) == 0);
  b.close(fd);
}

TEST_CASE_FIXTURE(no_leak, "a pipe takes more than it holds, plain and in pieces") {
  bare b;
  pipe_ends p;
  const int fd = std::exchange(p.in, -1);
  b.selector.attach(fd);
  const many_pieces what;
  std::string sent = what.all;
  request r(op_code::write, fd, sent.data(), sent.size());
  CHECK_FALSE(b.submit(r));
  b.turns(3);
  CHECK(r.completions == 0);
  CHECK(collect_bytes(b, p.out, sent.size()) == sent);
  CHECK(b.finish(r) == 0);
  CHECK(r.done == sent.size());

  pieces_request pieces(fd, what.views);
  CHECK_FALSE(b.submit(pieces));
  CHECK(collect_bytes(b, p.out, sent.size()) == sent);
  CHECK(b.finish(pieces) == 0);
  b.close(fd);
  char byte;
  CHECK(::read(p.out, &byte, 1) == 0);
}

TEST_CASE_FIXTURE(no_leak, "a write to a pipe that nobody reads ends with EPIPE and no signal") {
  bare b;
  std::string big(1 << 20, 'b');
  const std::vector<std::string_view> views = {big, "end"};
  for (const bool waits : {false, true}) {
    for (const bool in_pieces : {false, true}) {
      pipe_ends p;
      const int fd = std::exchange(p.in, -1);
      b.selector.attach(fd);
      request plain(op_code::write, fd, big.data(), big.size());
      pieces_request pieces(fd, views);
      if (!waits) pipe_ends::close(p.out);
      const bool at_once = in_pieces ? b.submit(pieces) : b.submit(plain);
      CHECK((waits ? !at_once : true));
      b.turns(2);
      if (waits) pipe_ends::close(p.out);
      CHECK((in_pieces ? b.finish(pieces) : b.finish(plain)) == -EPIPE);
      b.close(fd);
    }
  }
}

TEST_CASE_FIXTURE(no_leak, "operations on pipes are cancelled, and end with their descriptor") {
  bare b;
  std::string big(1 << 20, 'b');
  char bytes[8];
  for (const int turns : {0, 1, 3}) {
    for (const bool released : {false, true}) {
      pipe_ends p;
      const int in = std::exchange(p.in, -1);
      const int out = ::fcntl(p.out, F_DUPFD_CLOEXEC, 0);
      b.selector.attach(in);
      request write(op_code::write, in, big.data(), big.size());
      REQUIRE_FALSE(b.submit(write));
      b.turns(turns);
      if (released) {
        b.selector.release(in);
      } else {
        b.selector.cancel(write);
      }
      CHECK(b.finish(write) == -ECANCELED);
      CHECK(collect_bytes(b, out, write.done).size() == write.done);
      if (!released) {
        request again(op_code::write, in, big.data(), 5);
        CHECK(b.perform(again) == 0);
        CHECK(collect_bytes(b, out, 5) == "bbbbb");
        b.close(in);
      }
      ::close(out);

      pipe_ends q;
      const int from = std::exchange(q.out, -1);
      b.selector.attach(from);
      request read(op_code::read, from, bytes, sizeof bytes);
      REQUIRE_FALSE(b.submit(read));
      b.turns(turns);
      if (released) {
        b.selector.release(from);
      } else {
        b.selector.cancel(read);
      }
      CHECK(b.finish(read) == -ECANCELED);
      if (!released) b.close(from);
      b.turns(2);
      CHECK_FALSE(is_open(from));
    }
  }
}

TEST_CASE_FIXTURE(no_leak, "files, directories and what is not open cannot be attached") {
  bare b;
  for (const char* path : {"/", "/proc/self/exe"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    int error = 0;
    try {
      b.selector.attach(fd);
    } catch (const std::system_error& e) {
      error = e.code().value();
    }
    CHECK(error == EPERM);
    CHECK(is_open(fd));
    ::close(fd);
  }
  CHECK_THROWS_AS(b.selector.attach(-1), std::system_error);
}
