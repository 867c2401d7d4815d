// Cookies in the format of Netscape, in files; and the jar as programs hold it.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <eddy/net/http/cookies.hpp>
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "../../net/http/cookie_netscape.hpp"
#include "../../net/http/cookie_store.hpp"
#include "../../runtime/selector/system.hpp"
#include "../runtime/drive.hpp"
#include "../support/simulated.hpp"
#include "../support/unix_paths.hpp"

namespace http = eddy::http;
using eddy::task;
using eddy::url;
using http::cookie;
using http::cookie_jar;

namespace {

constexpr std::int64_t now = 1'700'000'000;
constexpr std::string_view head = "# Netscape HTTP Cookie File\n\n";

std::string problem_of(std::string_view line) {
  http::cookie_store store;
  const auto result = http::read_netscape(store, line, now);
  return result.problems.empty() ? "none" : result.problems.front();
}

cookie read_one(std::string_view line) {
  CAPTURE(line);
  http::cookie_store store;
  const auto result = http::read_netscape(store, line, now);
  CAPTURE(result.problems);
  REQUIRE(result.loaded == 1);
  return store.all(now).at(0);
}

cookie full_cookie() {
  cookie c("SID", "a=b \"c\"", "example.com");
  c.host_only = false;
  c.path = "/x";
  c.secure = true;
  c.http_only = true;
  c.expires = 4'102'444'800;
  return c;
}

}  // namespace

TEST_CASE("cookies.txt: what is written is what curl writes") {
  http::cookie_store store;
  CHECK(http::write_netscape(store, now) == head);
  store.set(full_cookie(), now);
  store.set(cookie("lang", "", "::1"), now);
  cookie brief("brief", "1", "example.com");
  brief.expires = now + 1;
  store.set(brief, now);
  const std::string text = std::string(head) +
                           "#HttpOnly_.example.com\tTRUE\t/x\tTRUE\t4102444800\tSID\ta=b \"c\"\n"
                           "::1\tFALSE\t/\tFALSE\t0\tlang\t\n";
  CHECK(http::write_netscape(store, now + 1) == text);
  http::cookie_store again;
  const auto result = http::read_netscape(again, text, now + 1);
  CHECK(result.loaded == 2);
  CHECK(again.all(now + 1) == store.all(now + 1));
}

TEST_CASE("cookies.txt: what is read") {
  cookie expected("n", "v", "example.com");
  expected.host_only = false;
  CHECK(read_one(".example.com\tTRUE\t/\tFALSE\t0\tn\tv") == expected);
  CHECK(read_one("example.com\tTRUE\t/\tFALSE\t0\tn\tv\r\n") == expected);
  CHECK(read_one("# x\n\n  \n#\nEXAMPLE.com\ttrue\t/\tfalse\t0\tn\tv\n") == expected);
  expected.host_only = true;
  CHECK(read_one(".example.com\tFALSE\t/\tFALSE\t0\tn\tv") == expected);
  expected.value = "";
  CHECK(read_one("example.com\tFALSE\t/\tFALSE\t0\tn\t") == expected);
  CHECK(read_one("example.com\tFALSE\t/\tFALSE\t0\tn") == expected);
  expected.http_only = true;
  CHECK(read_one("#HttpOnly_example.com\tFALSE\t/\tFALSE\t0\tn") == expected);
  // An address has no names below it, whatever the file says.
  CHECK(read_one("127.0.0.1\tTRUE\t/\tFALSE\t0\tn\tv").host_only);
}

TEST_CASE("cookies.txt: a bad line is counted, and named by its number") {
  CHECK(problem_of("x") == "line 1: 1 fields, not 7");
  CHECK(problem_of("\n#\nx\ty\n") == "line 3: 2 fields, not 7");
  CHECK(problem_of("a.b\tTRUE\t/\tFALSE\t0\tn\tv\tw") == "line 1: 8 fields, not 7");
  CHECK(problem_of("a.b\tyes\t/\tFALSE\t0\tn\tv") ==
        "line 1: the second field is \"yes\", not TRUE or FALSE");
  CHECK(problem_of("a.b\tTRUE\t/\t\t0\tn\tv") ==
        "line 1: the fourth field is \"\", not TRUE or FALSE");
  for (const char* expiry : {"", "-1", "1e9", "x", "99999999999999999999", " 1", "1.5"}) {
    CHECK(problem_of("a.b\tTRUE\t/\tFALSE\t" + std::string(expiry) + "\tn\tv") ==
          "line 1: the expiry \"" + std::string(expiry) + "\" is no number of seconds");
  }
  CHECK(problem_of("com\tTRUE\t/\tFALSE\t0\tn\tv") ==
        "line 1: its domain \"com\" is a public suffix: it is for that host only");
  CHECK(problem_of("..a.b\tTRUE\t/\tFALSE\t0\tn\tv") ==
        "line 1: its domain \".a.b\" is no host name and no address");
  CHECK(problem_of("a.b\tTRUE\tx\tFALSE\t0\tn\tv") ==
        "line 1: its path does not begin with a slash");
  CHECK(problem_of("a.b\tTRUE\t/\tFALSE\t0\t\tv") == "line 1: it has no name");
  CHECK(problem_of("a.b\tTRUE\t/\tFALSE\t0\tn\tv\x01") == "line 1: its value has a control byte");
  CHECK(problem_of(std::string("a.b\tTRUE\t/\tFALSE\t0\tn\tv\0", 24)) ==
        "line 1: its value has a control byte");
  CHECK(problem_of("a.b\tTRUE\t/\tFALSE\t0\t__Host-n\tv") ==
        "line 1: __Host- asks for Secure, the path / and one host only");
  CHECK(problem_of(std::string(http::max_cookie_line_bytes + 1, 'x')) ==
        "line 1: 8193 bytes, the limit is 8192");
}

TEST_CASE("cookies.txt: good lines are taken among bad ones, and few problems are spelt out") {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "bad\nexample.com\tFALSE\t/\tFALSE\t0\tn" + std::to_string(i) + "\tv\n";
  }
  text += "example.com\tFALSE\t/\tFALSE\t1\told\tv\n";
  text += "example.com\tFALSE\t/\tFALSE\t1\tn0\tv";  // removes it
  http::cookie_store store;
  const auto result = http::read_netscape(store, text, now);
  CHECK(result.loaded == 100);
  CHECK(result.expired == 2);
  CHECK(result.refused == 100);
  CHECK(result.problems.size() == http::max_cookie_problems);
  CHECK(result.problems.back() == "line 31: 1 fields, not 7");
  CHECK(store.size(now) == 99);
}

TEST_CASE("cookies.txt: the largest cookie there can be fits into a line") {
  http::cookie_store store;
  const std::string label(62, 'l');
  const std::string host = label + "." + label + "." + label + "." + label + ".a";
  cookie c("n", std::string(http::max_cookie_bytes - 1, 'v'), host);
  c.path = "/" + std::string(http::max_cookie_attribute_bytes - 1, 'p');
  c.expires = std::numeric_limits<std::int64_t>::max();
  c.http_only = c.secure = true;
  store.set(c, now);
  http::cookie_store again;
  CHECK(http::read_netscape(again, http::write_netscape(store, now), now).loaded == 1);
  CHECK(again.all(now) == store.all(now));
}

TEST_CASE("cookie jar: copies share one jar") {
  cookie_jar jar;
  cookie_jar copy = jar;
  cookie_jar other;
  copy.set(cookie("a", "1", "example.com"));
  CHECK(jar.size() == 1);
  CHECK(jar.all() == copy.all());
  const url page = url::parse_http("http://example.com/");
  CHECK(jar.field_for(page) == "a=1");
  CHECK(jar.cookies_for(page).size() == 1);
  other = jar;
  jar = cookie_jar();
  CHECK(jar.size() == 0);
  other.store(page, http::headers().add("Set-Cookie", "b=2; Max-Age=100"));
  CHECK(copy.field_for(page) == "a=1; b=2");
  const cookie_jar& self = copy;
  copy = self;
  copy.clear_session();
  CHECK(other.field_for(page) == "b=2");
  CHECK(other.remove("b", "example.com") == 1);
  CHECK(copy.field_for(page).empty());
  CHECK_THROWS_AS(jar.set(cookie("", "", "")), http::invalid_request);
}

TEST_CASE("cookie jar: the time is the wall clock's") {
  const std::int64_t wall = eddy::detail::system::wall_seconds();
  const auto real = std::chrono::system_clock::now().time_since_epoch();
  CHECK(std::abs(wall - std::chrono::duration_cast<std::chrono::seconds>(real).count()) <= 1);
  cookie_jar jar;
  cookie c("a", "1", "example.com");
  c.expires = wall - 1;
  jar.set(c);
  CHECK(jar.size() == 0);
  c.expires = wall + 1000;
  jar.set(c);
  CHECK(jar.size() == 1);
  jar.load_netscape("example.com\tFALSE\t/\tFALSE\t" + std::to_string(wall + 1000) + "\tb\t2\n");
  CHECK(jar.to_netscape() == std::string(head) + "example.com\tFALSE\t/\tFALSE\t" +
                                 std::to_string(wall + 1000) + "\ta\t1\n" +
                                 "example.com\tFALSE\t/\tFALSE\t" + std::to_string(wall + 1000) +
                                 "\tb\t2\n");
}

TEST_CASE("cookie jar: through a file and back") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/cookies.txt");
  drive([&]() -> task<> {
    cookie_jar jar;
    jar.set(full_cookie());
    jar.set(cookie("lang", "en", "example.org"));
    task<> saving;
    {
      // The handle may go before the work begins.
      cookie_jar handle = jar;
      saving = handle.save(path);
    }
    jar.set(cookie("late", "1", "example.net"));
    co_await std::move(saving);
    cookie_jar again;
    const auto result = co_await again.load(path);
    CHECK(result.loaded == 3);
    CHECK(result.refused == 0);
    CHECK(again.all() == jar.all());
    jar.clear();
    co_await jar.save(path);
    const auto nothing = co_await again.load(path);
    CHECK(nothing.loaded == 0);
    CHECK(again.size() == 3);
  });
}

TEST_CASE("cookie jar: a save that fails leaves what the file held" * needs_a_kernel()) {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/cookies.txt");
  drive([&]() -> task<> {
    cookie_jar jar;
    jar.set(full_cookie());
    co_await jar.save(path);
    for (int i = 0; i < 40; ++i) jar.set(cookie("c" + std::to_string(i), "1", "example.org"));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit low = before;
    low.rlim_cur = 1000;
    ::setrlimit(RLIMIT_FSIZE, &low);
    CHECK_THROWS_AS(co_await jar.save(path), std::system_error);
    ::setrlimit(RLIMIT_FSIZE, &before);
    cookie_jar again;
    const auto old = co_await again.load(path);
    CHECK(old.loaded == 1);
    CHECK(again.all().front() == full_cookie());
  });
}

TEST_CASE("cookie jar: a file that is not there, or is too large, is an error") {
  const eddy_tests::folder_for_sockets folder;
  drive([&]() -> task<> {
    cookie_jar jar;
    bool missing = false;
    try {
      co_await jar.load(folder.path("/none.txt"));
    } catch (const std::system_error& error) {
      missing = contains(error.what(), "none.txt");
    }
    CHECK(missing);
    const std::string path = folder.path("/large.txt");
    eddy::file out = co_await eddy::file::open(path, eddy::file_mode::write);
    const std::string large(http::max_cookie_file_bytes + 1, '\n');
    co_await out.write_all(large);
    co_await out.close();
    bool too_large = false;
    try {
      co_await jar.load(path);
    } catch (const std::length_error&) {
      too_large = true;
    }
    CHECK(too_large);
  });
}

TEST_CASE("cookie jar: saving and loading that are cancelled leave the jar as it was") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/cookies.txt");
  drive([&]() -> task<> {
    cookie_jar jar;
    jar.set(full_cookie());
    co_await jar.save(path);
    cookie_jar other;
    for (int turns = 0; turns < 6; ++turns) {
      auto loading = eddy::spawn(other.load(path));
      auto saving = eddy::spawn(jar.save(folder.path("/other.txt")));
      for (int i = 0; i < turns; ++i) co_await eddy::yield();
      loading.cancel();
      saving.cancel();
      bool was_cancelled = false;
      try {
        co_await loading.join();
      } catch (const eddy::task_cancelled&) {
        was_cancelled = true;
      }
      CHECK(other.size() == (was_cancelled ? 0U : 1U));
      other.clear();
      try {
        co_await saving.join();
      } catch (const eddy::task_cancelled&) {
      }
      CHECK(jar.size() == 1);
    }
  });
}
