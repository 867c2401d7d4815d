#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <vector>

#include "../support/byte_streams.hpp"
#include "../support/unix_paths.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

template <class Error, class Call>
std::string text_of(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

task<std::string> read_exact_text(byte_stream& s, std::size_t size) {
  std::string text(size, '\0');
  co_await s.read_exactly(std::as_writable_bytes(std::span(text)));
  co_return std::move(text);
}

}  // namespace

TEST_CASE("unix_address: paths and abstract names, and what is wrong with others") {
  CHECK(unix_address::path("/run/x.sock").to_string() == "/run/x.sock");
  CHECK(unix_address::abstract("name").to_string() == "@name");
  CHECK(unix_address::abstract(std::string_view("a\0b", 3)).to_string() == "@a\\x00b");
  CHECK(unix_address::path("x") == unix_address::path("x"));
  CHECK_FALSE(unix_address::path("x") == unix_address::abstract("x"));
  CHECK(unix_address().to_string().empty());
  using bad = std::invalid_argument;
  CHECK(text_of<bad>([] { (void)unix_address::path(""); }) == "unix address \"\": is empty");
  CHECK(text_of<bad>([] { (void)unix_address::abstract(""); }) == "unix address \"\": is empty");
  CHECK(text_of<bad>([] { (void)unix_address::path(std::string_view("/a\0b", 4)); }) ==
        "unix address \"/a\\x00b\": has a NUL byte");
  const std::string longest(107, 'x');
  CHECK(unix_address::path(longest).name() == longest);
  CHECK(unix_address::abstract(longest).name() == longest);
  const std::string longer(108, 'x');
  const std::string too_long =
      "unix address \"" + longer + "\": is 108 bytes long, over the limit of 107";
  CHECK(text_of<bad>([&] { (void)unix_address::path(longer); }) == too_long);
  CHECK(text_of<bad>([&] { (void)unix_address::abstract(longer); }) == too_long);
}

TEST_CASE("unix: bytes go both ways, by path and by abstract name, of any length") {
  const folder_for_sockets folder;
  run([](std::string directory) -> task<> {
    std::vector<unix_address> addresses;
    addresses.push_back(unix_address::path(directory + "/s"));
    const std::string long_name(106 - directory.size(), 'l');
    addresses.push_back(unix_address::path(directory + "/" + long_name));
    addresses.push_back(unix_address::abstract("eddy-test-" + directory));
    std::string longest = "eddy" + directory;
    longest.resize(107, '\0');
    addresses.push_back(unix_address::abstract(longest));
    for (const unix_address& at : addresses) {
      CAPTURE(at.to_string());
      auto listener = unix_listener::bind(at);
      CHECK(listener.local_address() == at);
      auto both = co_await gather(unix_stream::connect(at), listener.accept());
      unix_stream& client = std::get<0>(both);
      unix_stream& server = std::get<1>(both);
      co_await client.write_all("ping");
      const std::string ping = co_await read_text(server);
      CHECK(ping == "ping");
      co_await server.write_all("pong");
      const std::string pong = co_await receive_text(client);
      CHECK(pong == "pong");

      const unix_credentials seen = server.peer_credentials();
      CHECK(seen.pid == ::getpid());
      CHECK(seen.uid == ::getuid());
      CHECK(seen.gid == ::getgid());
      CHECK(client.peer_credentials().pid == ::getpid());

      // The end of the stream with data before it, and writing that stays open.
      co_await client.write_all("last");
      client.shutdown();
      const std::string last = co_await read_to_end(server);
      CHECK(last == "last");
      co_await server.write_all("answer");
      const std::string answer = co_await read_text(client);
      CHECK(answer == "answer");
      co_await server.close();
      const std::string error = co_await failure_of<std::system_error>(write_text(client, "x"));
      CHECK(error == "write to " + at.to_string() + ": Broken pipe");
    }
  }(folder.path()));
}

TEST_CASE("unix: an abstract name is its bytes and no more, for other programs") {
  run([]() -> task<> {
    const std::string name = "eddy-test-exact-" + std::to_string(::getpid());
    auto listener = unix_listener::bind(unix_address::abstract(name));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    name.copy(at.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(::connect(fd, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    ::close(fd);
    const unix_stream accepted = co_await listener.accept();
    CHECK(accepted.is_open());
  }());
}

TEST_CASE("unix: messages say which end they mean") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path));
    auto both = co_await gather(unix_stream::connect(listener.local_address()), listener.accept());
    unix_stream server = std::move(std::get<1>(both));
    {
      const unix_stream gone = std::move(std::get<0>(both));
    }
    std::string error = co_await failure_of<std::system_error>(write_text(server, "x"));
    CHECK(error == "write to a client of " + path + ": Broken pipe");
    auto ends = unix_stream::pair();
    co_await ends.second.close();
    error = co_await failure_of<std::system_error>(write_text(ends.first, "x"));
    CHECK(error == "write to the other end of a socket pair: Broken pipe");
    error = co_await failure_of<std::system_error>(write_text(ends.second, "x"));
    CHECK(error == "write to the other end of a socket pair: Bad file descriptor");
    error = text_of<std::system_error>([&] { (void)ends.second.peer_credentials(); });
    CHECK(error == "credentials of the other end of a socket pair: Bad file descriptor");
    error = text_of<std::logic_error>([] { (void)unix_stream().peer_credentials(); });
    CHECK(error == "credentials of a socket that is empty or was moved from");
  }(folder.path("/s")));
}

TEST_CASE("unix pair: a stream like any other, also as a byte_stream") {
  run([]() -> task<> {
    auto ends = unix_stream::pair();
    const std::string text = large_text();
    auto writing = spawn(write_text(ends.first, text));
    const std::string got = co_await read_exact_text(ends.second, text.size());
    CHECK((got == text));
    co_await writing;
    byte_stream plain = std::move(ends.first);
    CHECK_FALSE(ends.first.is_open());
    const std::vector<std::string_view> pieces = {"a", "", "b\n", "c"};
    co_await plain.write_all(pieces);
    const std::string line = co_await ends.second.read_until("\n", 10);
    CHECK(line == "ab\n");
    const std::string c = co_await read_text(ends.second);
    CHECK(c == "c");
  }());
  CHECK_THROWS_AS((void)unix_stream::pair(), std::logic_error);
}

TEST_CASE("unix pair: every wait is cancelled, timed out and closed") {
  run([]() -> task<> {
    auto ends = unix_stream::pair();
    unix_stream& s = ends.first;
    bool stopped = co_await cancel_waiting(spawn(read_text(s)));
    CHECK(stopped);
    stopped = co_await cancel_waiting(spawn(receive_text(s)));
    CHECK(stopped);
    co_await ends.second.write_all("abc");
    stopped = co_await cancel_waiting(spawn(read_exact_text(s, 8)));
    CHECK(stopped);
    stopped = co_await cancel_waiting(spawn(s.read_until("!", 100)));
    CHECK(stopped);
    const bool late = co_await times_out(read_exact_text(s, 8));
    CHECK(late);
    const std::string kept = co_await receive_text(s);
    CHECK(kept == "abc");
    stopped = co_await cancel_waiting(spawn(write_text(s, large_text())));
    CHECK(stopped);
    std::string error = co_await failure_of<stream_error>(write_text(s, "x"));
    CHECK(error ==
          "write to the other end of a socket pair: "
          "an earlier write was cancelled and may have sent a part of its bytes");

    auto reading = spawn(code_of(read_text(s)));
    co_await settle();
    error = co_await failure_of<std::logic_error>(receive_text(s));
    CHECK(error ==
          "read from the other end of a socket pair: another coroutine is doing that already");
    auto writing = spawn(code_of(write_text(ends.second, large_text())));
    co_await settle();
    const std::string no_wait = co_await reading;
    CHECK(no_wait.empty());
    CHECK_FALSE(writing.done());
    co_await ends.second.close();
    const std::string code = co_await writing;
    CHECK(code == "operation_canceled");
  }());
}

TEST_CASE("unix connect: nobody there") {
  const folder_for_sockets folder;
  run([](std::string directory) -> task<> {
    const std::string nowhere = directory + "/nowhere";
    std::string error = co_await failure_of<std::system_error>(
        unix_stream::connect(unix_address::path(nowhere)));
    CHECK(error == "connect to " + nowhere + ": No such file or directory");
    error = co_await failure_of<std::system_error>(
        unix_stream::connect(unix_address::abstract("eddy-test-nobody" + directory)));
    CHECK(error == "connect to @eddy-test-nobody" + directory + ": Connection refused");
    error = co_await failure_of<std::invalid_argument>(unix_stream::connect(unix_address()));
    CHECK(error == "connect to a unix address without a name");
  }(folder.path()));
}

TEST_CASE("unix connect: waits for a server whose queue is full, and can be cancelled") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path), unix_listen_options().backlog(0));
    const unix_address at = listener.local_address();
    unix_stream first = co_await unix_stream::connect(at);  // one more than the backlog fits
    auto second = spawn(unix_stream::connect(at));
    auto third = spawn(unix_stream::connect(at));
    co_await settle();
    CHECK_FALSE(second.done());
    third.cancel();
    const bool stopped = co_await was_cancelled(std::move(third));
    CHECK(stopped);
    const bool late = co_await times_out(unix_stream::connect(at));
    CHECK(late);
    const unix_stream accepted = co_await listener.accept();
    CHECK(accepted.is_open());
    unix_stream came = co_await second;
    unix_stream served = co_await listener.accept();
    co_await came.write_all("hello");
    const std::string hello = co_await read_text(served);
    CHECK(hello == "hello");
  }(folder.path("/s")));
}
