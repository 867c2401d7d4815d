// byte_stream over descriptors that are no connections, and writes of several pieces.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <vector>

#include "../../runtime/stream_state.hpp"
#include "../support/byte_streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

struct test_state final : detail::stream_state {
  using stream_state::stream_state;
  std::string name() const { return "the other end"; }
};

byte_stream attached(int fd) {
  detail::loop_core& loop = detail::require_loop("a test");
  detail::engine_of(loop).attach(fd);
  return byte_stream(detail::adopt<test_state>(fd, loop));
}

// `first` reads, of a pipe.
struct two_ends {
  two_ends(byte_stream a, byte_stream b) noexcept : first(std::move(a)), second(std::move(b)) {}
  byte_stream first;
  byte_stream second;
};

two_ends socket_ends() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  return {attached(ends[0]), attached(ends[1])};
}

two_ends pipe_ends() {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  two_ends out(attached(ends[0]), attached(ends[1]));
  detail::stream_of(out.first.descriptor()).writes.fault = detail::side_fault::cannot_be_written;
  detail::stream_of(out.second.descriptor()).reads.fault = detail::side_fault::cannot_be_read;
  return out;
}

task<> write_pieces(byte_stream& s, std::vector<std::string_view> pieces) {
  co_await s.write_all(pieces);
}

task<std::string> read_exact_text(byte_stream& s, std::size_t size) {
  std::string text(size, '\0');
  co_await s.read_exactly(std::as_writable_bytes(std::span(text)));
  co_return std::move(text);
}

// Cuts `text` into `count` pieces of different sizes, empty ones among them.
std::vector<std::string_view> cut(std::string_view text, std::size_t count) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const std::size_t size = i % 3 == 1 ? 0 : std::min(text.size(), i % 7 + 1);
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  pieces.push_back(text);
  return pieces;
}

constexpr const char* poisoned =
    "write to the other end: an earlier write was cancelled and may have sent a part of its bytes";

}  // namespace

TEST_CASE("write_all of pieces: any number, empty ones among them, through sockets and pipes") {
  run([]() -> task<> {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
    for (const bool is_pipe : {false, true}) {
      two_ends ends = is_pipe ? pipe_ends() : socket_ends();
      for (const std::size_t count : {1U, 2U, 7U, 8U, 9U, 16U, 17U, 100U}) {
        CAPTURE(count);
        const auto pieces = cut(text, count);
        REQUIRE(pieces.size() == count);
        co_await ends.second.write_all(pieces);
        const std::string got = co_await read_exact_text(ends.first, text.size());
        CHECK(got == text);
      }
      const std::vector<std::string_view> empty(20);
      co_await ends.second.write_all(empty);
      co_await ends.second.write_all(std::span<const std::string_view>());
      co_await ends.second.write_all("end");
      const std::string end = co_await read_text(ends.first);
      CHECK(end == "end");
    }
  }());
}

TEST_CASE("write_all of pieces: more than the kernel takes at once") {
  run([]() -> task<> {
    const std::string text = large_text();
    for (const std::size_t count : {1U, 8U, 9U, 1000U}) {
      for (const bool is_pipe : {false, true}) {
        two_ends ends = is_pipe ? pipe_ends() : socket_ends();
        std::vector<std::string_view> pieces;
        const std::size_t step = text.size() / count;
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t end = i + 1 == count ? text.size() : (i + 1) * step;
          pieces.push_back(std::string_view(text).substr(i * step, end - i * step));
        }
        auto writing = spawn(write_pieces(ends.second, pieces));
        const std::string got = co_await read_exact_text(ends.first, text.size());
        CHECK((got == text));
        co_await writing;
      }
    }
  }());
}

TEST_CASE("write_all of pieces: a cancelled one makes the writing side unusable") {
  run([]() -> task<> {
    const std::string text = large_text();
    const std::vector<std::string_view> pieces = {text, text};
    two_ends ends = socket_ends();
    const bool stopped = co_await cancel_waiting(spawn(write_pieces(ends.first, pieces)));
    CHECK(stopped);
    std::string error = co_await failure_of<stream_error>(write_pieces(ends.first, pieces));
    CHECK(error == poisoned);
    error = co_await failure_of<stream_error>(write_text(ends.first, "x"));
    CHECK(error == poisoned);
    co_await ends.second.write_all("still");
    const std::string still = co_await read_text(ends.first);
    CHECK(still == "still");

    two_ends other = socket_ends();
    const bool late = co_await times_out(write_pieces(other.first, pieces));
    CHECK(late);
    error = co_await failure_of<stream_error>(write_text(other.first, "x"));
    CHECK(error == poisoned);
  }());
}

TEST_CASE("write_all of pieces: one writer, whichever way it writes; closing ends it") {
  run([]() -> task<> {
    const std::string text = large_text();
    const std::vector<std::string_view> pieces = {text};
    const std::string busy = "write to the other end: another coroutine is doing that already";
    two_ends ends = socket_ends();
    auto writing = spawn(code_of(write_pieces(ends.first, pieces)));
    co_await settle();
    std::string error = co_await failure_of<std::logic_error>(write_text(ends.first, "x"));
    CHECK(error == busy);
    error = co_await failure_of<std::logic_error>(write_pieces(ends.first, pieces));
    CHECK(error == busy);
    CHECK_THROWS_AS(ends.first.shutdown(), std::logic_error);
    CHECK_FALSE(writing.done());
    co_await ends.first.close();
    const std::string code = co_await writing;
    CHECK(code == "operation_canceled");
    const std::string after = co_await code_of(write_pieces(ends.first, pieces));
    CHECK(after == "bad_file_descriptor");
    byte_stream empty;
    error = co_await failure_of<std::logic_error>(write_pieces(empty, pieces));
    CHECK(error == "write to a socket that is empty or was moved from");

    // The peer goes away: an error, and no signal.
    two_ends broken = socket_ends();
    co_await broken.second.close();
    error = co_await failure_of<std::system_error>(write_pieces(broken.first, pieces));
    CHECK(error == "write to the other end: Broken pipe");
  }());
}

TEST_CASE("a pipe is a stream of one direction") {
  run([]() -> task<> {
    two_ends ends = pipe_ends();
    auto line = spawn(ends.first.read_until("\n", 100));
    co_await settle();
    CHECK_FALSE(line.done());
    co_await ends.second.write_all("first\nsecond");
    const std::string first = co_await line;
    CHECK(first == "first\n");
    std::string error = co_await failure_of<stream_error>(read_text(ends.second));
    CHECK(error == "read from the other end: this end of the pipe is for writing");
    error = co_await failure_of<stream_error>(write_text(ends.first, "x"));
    CHECK(error == "write to the other end: this end of the pipe is for reading");

    // Nothing more will be sent; what was is still to be read.
    ends.second.shutdown();
    CHECK_FALSE(ends.second.is_open());
    const std::string rest = co_await read_to_end(ends.first);
    CHECK(rest == "second");
    const std::string at_the_end = co_await read_text(ends.first);
    CHECK(at_the_end.empty());

    two_ends broken = pipe_ends();
    co_await broken.first.close();
    error = co_await failure_of<std::system_error>(write_text(broken.second, "x"));
    CHECK(error == "write to the other end: Broken pipe");
  }());
}

TEST_CASE("waits on a pipe are cancelled, timed out and closed, and lose nothing") {
  run([]() -> task<> {
    two_ends ends = pipe_ends();
    co_await ends.second.write_all("ab");
    bool stopped = co_await cancel_waiting(spawn(read_exact_text(ends.first, 3)));
    CHECK(stopped);
    stopped = co_await cancel_waiting(spawn(ends.first.read_until("\n", 100)));
    CHECK(stopped);
    const std::string ab = co_await read_text(ends.first);
    CHECK(ab == "ab");
    stopped = co_await cancel_waiting(spawn(read_text(ends.first)));
    CHECK(stopped);
    const bool late = co_await times_out(receive_text(ends.first));
    CHECK(late);
    co_await ends.second.write_all("cd");
    const std::string cd = co_await receive_text(ends.first);
    CHECK(cd == "cd");

    auto reading = spawn(code_of(receive_text(ends.first)));
    auto writing = spawn(code_of(write_text(ends.second, large_text())));
    co_await settle();
    ends.first = byte_stream();
    const std::string read_code = co_await reading;
    CHECK(read_code.empty());  // it had bytes
    const std::string write_code = co_await writing;
    CHECK(write_code == "write to the other end: Broken pipe");
  }());
}
