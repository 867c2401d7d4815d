#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <eddy/net/unix.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/run.hpp>
#include <vector>

#include "../support/byte_streams.hpp"
#include "../support/unix_paths.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

// What a server leaves that was killed.
void leave_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(fd >= 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  ::close(fd);
}

void leave_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file);
  std::fclose(file);
}

std::string bind_error(const std::string& path, const unix_listen_options& options) {
  try {
    (void)unix_listener::bind(unix_address::path(path), options);
  } catch (const std::system_error& e) {
    return e.what();
  }
  return "";
}

task<> hold_accept(unix_listener& listener) {
  const unix_stream peer = co_await listener.accept();
  CHECK(peer.is_open());
}

}  // namespace

TEST_CASE("unix listener: its path goes with it, unless it is another file") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    {
      auto listener = unix_listener::bind(unix_address::path(path));
      CHECK(exists(path));
      unix_listener moved = std::move(listener);
      CHECK_FALSE(listener.is_open());
      CHECK(exists(path));
    }
    CHECK_FALSE(exists(path));

    auto closed = unix_listener::bind(unix_address::path(path));
    co_await closed.close();
    CHECK_FALSE(exists(path));
    CHECK(closed.local_address() == unix_address::path(path));
    // The second close must not take what has come since.
    leave_socket(path);
    co_await closed.close();
    closed = unix_listener();
    CHECK(exists(path));
    ::unlink(path.c_str());

    auto replaced = unix_listener::bind(unix_address::path(path));
    ::unlink(path.c_str());
    leave_socket(path);
    co_await replaced.close();
    CHECK(exists(path));
    ::unlink(path.c_str());

    // Removed by somebody else: nothing to do.
    auto gone = unix_listener::bind(unix_address::path(path));
    ::unlink(path.c_str());
    co_await gone.close();
  }(folder.path("/s")));
}

TEST_CASE("unix listener: an address in use is named, by whom as well") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    const unix_listen_options plain;
    const auto replacing = unix_listen_options().remove_stale();
    const std::string in_use = "listen on " + path + ": Address already in use";
    {
      // A server that is there stays there.
      auto listener = unix_listener::bind(unix_address::path(path));
      CHECK(bind_error(path, plain) == in_use);
      CHECK(bind_error(path, replacing) == in_use);
      auto both =
          co_await gather(unix_stream::connect(listener.local_address()), listener.accept());
      CHECK(std::get<1>(both).is_open());
    }
    CHECK_FALSE(exists(path));
    leave_socket(path);
    CHECK(bind_error(path, plain) ==
          "listen on " + path + ", where a dead server has left its socket "
          "(unix_listen_options::remove_stale replaces it): Address already in use");
    CHECK(exists(path));
    {
      auto listener = unix_listener::bind(unix_address::path(path), replacing);
      auto both =
          co_await gather(unix_stream::connect(listener.local_address()), listener.accept());
      CHECK(std::get<1>(both).is_open());
    }
    CHECK_FALSE(exists(path));
    leave_file(path);
    CHECK(bind_error(path, plain) == in_use);
    CHECK(bind_error(path, replacing) == in_use);
    CHECK(exists(path));

    CHECK(bind_error(path + "/x", plain) == "listen on " + path + "/x: Not a directory");
    const unix_address name = unix_address::abstract("eddy-test-in-use" + path);
    auto listener = unix_listener::bind(name);
    std::string error;
    try {
      (void)unix_listener::bind(name, replacing);
    } catch (const std::system_error& e) {
      error = e.what();
    }
    CHECK(error == "listen on " + name.to_string() + ": Address already in use");
    CHECK_THROWS_AS((void)unix_listener::bind(unix_address()), std::invalid_argument);
  }(folder.path("/s")));
  CHECK_THROWS_AS((void)unix_listener::bind(unix_address::abstract("x")), std::logic_error);
}

TEST_CASE("unix accept: cancelled, timed out, twice at once, closed; usable in between") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path));
    const bool stopped = co_await cancel_waiting(spawn(hold_accept(listener)));
    CHECK(stopped);
    const bool late = co_await times_out(hold_accept(listener));
    CHECK(late);
    auto waiting = spawn(hold_accept(listener));
    co_await settle();
    const std::string second = co_await failure_of<std::logic_error>(hold_accept(listener));
    CHECK(second == "accept on " + path + ": another coroutine is doing that already");
    const unix_stream peer = co_await unix_stream::connect(listener.local_address());
    co_await waiting;
    auto closed = spawn(code_of(hold_accept(listener)));
    co_await settle();
    co_await listener.close();
    const std::string code = co_await closed;
    CHECK(code == "operation_canceled");
    const std::string after = co_await code_of(hold_accept(listener));
    CHECK(after == "bad_file_descriptor");
    unix_listener empty;
    const std::string none = co_await failure_of<std::logic_error>(hold_accept(empty));
    CHECK(none == "accept on a socket that is empty or was moved from");
  }(folder.path("/s")));
}

TEST_CASE("unix accept: without a descriptor to spare it is an error, and the connection waits") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path));
    unix_stream peer = co_await unix_stream::connect(listener.local_address());
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    const int spare = dup(STDIN_FILENO);
    none.rlim_cur = static_cast<rlim_t>(spare);  // the lowest number that is free
    close(spare);
    setrlimit(RLIMIT_NOFILE, &none);
    const std::string error = co_await failure_of<std::system_error>(hold_accept(listener));
    std::string no_pair;
    try {
      (void)unix_stream::pair();
    } catch (const std::system_error& e) {
      no_pair = e.what();
    }
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(error == "accept on " + path + ": Too many open files");
    CHECK(no_pair == "make a socket pair: Too many open files");
    unix_stream accepted = co_await listener.accept();
    co_await peer.write_all("x");
    const std::string x = co_await read_text(accepted);
    CHECK(x == "x");
  }(folder.path("/s")));
}

TEST_CASE("unix listener: closing it refuses what is queued") {
  const folder_for_sockets folder;
  run([](std::string path) -> task<> {
    auto listener = unix_listener::bind(unix_address::path(path));
    unix_stream queued = co_await unix_stream::connect(listener.local_address());
    co_await listener.close();
    std::string end = co_await code_of(read_text(queued));
    CHECK((end.empty() || end == "read from " + path + ": Connection reset by peer"));
    auto again = unix_listener::bind(unix_address::path(path));
    std::vector<task<unix_stream>> many;
    for (int i = 0; i < 50; ++i) many.push_back(unix_stream::connect(again.local_address()));
    const auto connected = co_await gather(std::move(many));
    for (std::size_t i = 0; i < connected.size(); ++i) {
      const unix_stream accepted = co_await again.accept();
      CHECK(accepted.is_open());
    }
  }(folder.path("/s")));
}
