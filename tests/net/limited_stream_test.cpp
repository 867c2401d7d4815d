// Reads and writes with a limit of their own.
#include <doctest/doctest.h>

#include <eddy/runtime/run.hpp>

#include "../../runtime/limited_stream.hpp"
#include "../support/simulated.hpp"
#include "../support/streams.hpp"

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::time_point;
using eddy::detail::limit;
using eddy::detail::limited_receive;
using eddy::detail::limited_write;

namespace {

constexpr auto never = time_point::max();

task<std::string> read_by(eddy::byte_stream& s, time_point at) {
  bool took_all = false;
  limited_receive step(s.descriptor(), took_all, limit::at(at));
  const eddy::lease came = co_await step;
  CHECK(took_all == !came.empty());
  co_return std::string(came.text());
}

task<> write_by(eddy::byte_stream& s, std::string_view text, std::size_t& sent, time_point at) {
  limited_write step(s.descriptor(), text, sent, limit::at(at));
  co_await step;
}

// "timeout", "cancelled", or what was read.
task<std::string> outcome(task<std::string> reading) {
  std::string out;
  try {
    out = co_await std::move(reading);
  } catch (const eddy::timeout_error&) {
    out = "timeout";
  } catch (const eddy::cancelled&) {
    out = "cancelled";
  }
  co_return out;
}

}  // namespace

TEST_CASE("limited_receive: bytes, the end, and what is there at once") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    for (const time_point at : {never, eddy::now() + 1h}) {
      auto reading = eddy::spawn(read_by(pair.client, at));
      co_await settle();
      co_await pair.server.write_all("abc");
      CHECK(co_await reading.join() == "abc");
      co_await pair.server.write_all("de");
      co_await settle();
      CHECK(co_await read_by(pair.client, at) == "de");
    }
    pair.server.shutdown();
    CHECK(co_await read_by(pair.client, never) == "");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: says whether a full buffer may have more behind it") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.server.write_all("abcdefghij");
    co_await settle();
    std::string all;
    bool took_all = false;
    while (all.size() < 10) {
      limited_receive step(pair.client.descriptor(), took_all, limit::at(never));
      const eddy::lease came = co_await step;
      all += came.text();
      CHECK(took_all == (came.size() < 4));
    }
    CHECK(all == "abcdefghij");
  };
  eddy::run(main(), eddy::run_options().receive_buffers(4, 4));
}

TEST_CASE("limited_receive: the limit ends it, and loses no bytes") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    for (const time_point at : {time_point::min(), eddy::now() - 1h, eddy::now() + 2ms}) {
      CHECK(co_await outcome(read_by(pair.client, at)) == "timeout");
    }
    co_await pair.server.write_all("abc");
    CHECK(co_await read_by(pair.client, eddy::now() + 1h) == "abc");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: what comes in the turn of its limit is kept" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    const time_point at = eddy::now() + 20ms;
    auto reading = eddy::spawn(read_by(pair.client, at));
    co_await settle();
    co_await pair.server.write_all("abc");
    // The bytes and the limit are there at the next poll.
    while (eddy::now() < at) {
    }
    CHECK(co_await reading.join() == "abc");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: a cancellation before it, during it, and after its limit") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    {
      auto early = eddy::spawn(read_by(pair.client, never));
      early.cancel();
      CHECK(co_await was_cancelled(std::move(early)));
    }
    for (const time_point at : {never, eddy::now() + 1h}) {
      CHECK(co_await cancel_waiting(eddy::spawn(read_by(pair.client, at))));
    }
    // The limit of the scope comes with its own: that is the scope's.
    const time_point at = eddy::now() + 2ms;
    bool outer = false;
    try {
      co_await eddy::with_deadline(at, read_by(pair.client, at + 1h));
    } catch (const eddy::timeout_error&) {
      outer = true;
    }
    CHECK(outer);
    co_await pair.server.write_all("abc");
    CHECK(co_await read_by(pair.client, never) == "abc");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: a cancellation in the turn of its limit stays one") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    const time_point at = eddy::now() + 20ms;
    std::string seen;
    const auto read_and_tell = [&]() -> task<> {
      try {
        seen = co_await read_by(pair.client, at);
      } catch (const eddy::timeout_error&) {
        seen = "timeout";
      } catch (const eddy::cancelled&) {
        seen = "cancelled";
        throw;
      }
    };
    eddy::join_handle<> reading;
    // Armed first, it goes on first.
    const auto cancel_at = [&]() -> task<> {
      co_await eddy::sleep_until(at);
      reading.cancel();
    };
    auto cancelling = eddy::spawn(cancel_at());
    co_await eddy::yield();
    reading = eddy::spawn(read_and_tell());
    co_await cancelling.join();
    CHECK(co_await was_cancelled(std::move(reading)));
    CHECK(seen == "cancelled");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: bad use, and a stream that is closed under it") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    auto reading = eddy::spawn(code_of(read_by(pair.client, eddy::now() + 1h)));
    co_await settle();
    CHECK(co_await failure_of<std::logic_error>(read_by(pair.client, never)) != "");
    co_await pair.client.close();
    CHECK(co_await reading.join() == "operation_canceled");
    CHECK(co_await code_of(read_by(pair.client, never)) == "bad_file_descriptor");
    eddy::byte_stream empty;
    CHECK(co_await failure_of<std::logic_error>(read_by(empty, never)) != "");
  };
  eddy::run(main());
}

TEST_CASE("limited_receive: bytes that an unfinished read gave back come first") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    co_await pair.server.write_all("abc|def");
    CHECK(co_await pair.client.read_until("|", 64) == "abc|");
    bool took_all = true;
    limited_receive step(pair.client.descriptor(), took_all, limit::at(time_point::min()));
    const eddy::lease rest = co_await step;
    CHECK(rest.text() == "def");
    CHECK_FALSE(took_all);  // what is behind them is not known
  };
  eddy::run(main());
}

TEST_CASE("limited_write: all of it, or as much as was taken by its limit") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    std::size_t sent = 0;
    co_await write_by(pair.client, "abc", sent, eddy::now() + 1h);
    co_await write_by(pair.client, "", sent, never);
    CHECK(sent == 3);
    CHECK(co_await read_text(pair.server) == "abc");

    const std::string much(std::size_t{64} << 20U, 'x');
    sent = 0;
    bool late = false;
    try {
      co_await write_by(pair.client, much, sent, eddy::now() + 20ms);
    } catch (const eddy::timeout_error&) {
      late = true;
    }
    CHECK(late);
    CHECK(sent > 0);
    CHECK(sent < much.size());
    // The stream is good for the rest.
    const std::size_t before = sent;
    auto rest = eddy::spawn(write_by(pair.client, "end", sent, eddy::now() + 1h));
    std::size_t came = 0;
    std::string last;
    while (came < before + 3) {
      const eddy::lease got = co_await pair.server.receive();
      REQUIRE(!got.empty());
      came += got.size();
      last = got.text();
    }
    co_await rest.join();
    CHECK(came == before + 3);
    CHECK(last.ends_with("end"));
  };
  eddy::run(main());
}

TEST_CASE("limited_write: cancelled, closed, busy") {
  const auto main = []() -> task<> {
    stream_pair pair = co_await connected_pair();
    const std::string much(std::size_t{64} << 20U, 'x');
    std::size_t sent = 0;
    {
      auto early = eddy::spawn(write_by(pair.client, much, sent, never));
      early.cancel();
      CHECK(co_await was_cancelled(std::move(early)));
      CHECK(sent == 0);
    }
    CHECK(co_await cancel_waiting(eddy::spawn(write_by(pair.client, much, sent, never))));
    CHECK(sent > 0);
    auto writing = eddy::spawn(code_of(write_by(pair.client, much, sent, eddy::now() + 1h)));
    co_await settle();
    CHECK(co_await failure_of<std::logic_error>(write_by(pair.client, "x", sent, never)) != "");
    co_await pair.client.close();
    CHECK(co_await writing.join() == "operation_canceled");
    CHECK(co_await code_of(write_by(pair.client, "x", sent, never)) == "bad_file_descriptor");
  };
  eddy::run(main());
}
