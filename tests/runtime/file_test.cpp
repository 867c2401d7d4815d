#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/gather.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "drive.hpp"

using eddy::file;
using eddy::file_mode;
using eddy::gather;
using eddy::spawn;
using eddy::task;
using eddy::yield;

namespace {

// A directory of its own for each test, gone with it.
class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-file-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    path_ = pattern;
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  std::string at(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("file: written, appended to, and read back") {
  const scratch dir;
  const std::string path = dir.at("a.txt");
  drive([&]() -> task<> {
    {
      auto f = co_await file::open(path, file_mode::write);
      CHECK(f.path() == path);
      co_await f.write_all("one\n");
      co_await f.write_all("");
      co_await f.sync();
      co_await f.close();
    }
    {
      auto f = co_await file::open(path, file_mode::append);
      co_await f.append("two\n");
      auto g = co_await file::open(path, file_mode::append);
      co_await g.append("three\n");
      co_await f.append("four\n");  // at the end, not where it was
    }
    auto f = co_await file::open(path, file_mode::read);
    const std::string all = co_await f.read_all();
    CHECK(all == "one\ntwo\nthree\nfour\n");
    std::byte rest[4];
    const std::size_t none = co_await f.read_some(rest);
    CHECK(none == 0);
    auto emptied = co_await file::open(path, file_mode::write);
    co_await emptied.close();
  });
  CHECK(content(path).empty());
}

TEST_CASE("file: read_some goes on where it was, and says 0 at the end") {
  const scratch dir;
  std::ofstream(dir.at("b")) << "abcdefg";
  drive([&]() -> task<> {
    auto f = co_await file::open(dir.at("b"), file_mode::read);
    std::string text;
    for (;;) {
      std::byte part[3];
      const std::size_t n = co_await f.read_some(part);
      if (n == 0) break;
      text += std::string(reinterpret_cast<const char*>(part), n) + "|";
    }
    CHECK(text == "abc|def|g|");
  });
}

TEST_CASE("file: read_all takes exactly its limit, and names a limit that is passed") {
  const scratch dir;
  std::ofstream(dir.at("c")) << std::string(200'000, 'x');
  drive([&]() -> task<> {
    auto whole = co_await file::open(dir.at("c"), file_mode::read);
    const std::string all = co_await whole.read_all(200'000);
    CHECK(all.size() == 200'000);
    auto f = co_await file::open(dir.at("c"), file_mode::read);
    std::string text;
    try {
      co_await f.read_all(199'999);
    } catch (const std::length_error& error) {
      text = error.what();
    }
    CHECK(contains(text, "199999"));
    CHECK(contains(text, dir.at("c")));
  });
}

TEST_CASE("file: errors are system_errors with the call and the path") {
  const scratch dir;
  drive([&]() -> task<> {
    std::string text;
    int code = 0;
    try {
      auto f = co_await file::open(dir.at("missing"), file_mode::read);
    } catch (const std::system_error& error) {
      text = error.what();
      code = error.code().value();
    }
    CHECK(code == ENOENT);
    CHECK(contains(text, "open " + dir.at("missing")));
    CHECK(contains(text, "No such file"));

    text.clear();
    try {
      auto f = co_await file::open(dir.at(""), file_mode::read);
      co_await f.read_all();
    } catch (const std::system_error& error) {
      text = error.what();
      code = error.code().value();
    }
    CHECK(code == EISDIR);
    CHECK(contains(text, "read " + dir.at("")));

    std::ofstream(dir.at("d")) << "d";
    auto readable = co_await file::open(dir.at("d"), file_mode::read);
    code = 0;
    try {
      co_await readable.write_all("x");
    } catch (const std::system_error& error) {
      code = error.code().value();
    }
    CHECK(code == EBADF);

    bool refused = false;
    const std::string with_nul("a\0b", 3);
    try {
      auto f = co_await file::open(with_nul, file_mode::write);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_CASE("file: one call at a time, and none after close") {
  const scratch dir;
  drive([&]() -> task<> {
    auto f = co_await file::open(dir.at("e"), file_mode::append);
    const std::string line(1 << 20, 'e');
    auto [first, second] = co_await eddy::gather_settled(f.append(line), f.append(line));
    CHECK(first.has_value());
    CHECK_FALSE(second.has_value());
    const auto text = message_of<std::logic_error>([&] { second.value(); });
    CHECK(contains(text, "another call"));
    CHECK(contains(text, dir.at("e")));
    co_await f.append("!");  // the refused call has not left it busy
    co_await f.close();
    std::string closed;
    try {
      co_await f.append("?");
    } catch (const std::logic_error& error) {
      closed = error.what();
    }
    CHECK(contains(closed, "closed"));
  });
  CHECK(content(dir.at("e")).size() == (1 << 20) + 1);
}

TEST_CASE("file: moving it moves the descriptor, and dropping it closes") {
  const scratch dir;
  drive([&]() -> task<> {
    auto a = co_await file::open(dir.at("f"), file_mode::append);
    auto b = std::move(a);
    co_await b.append("b");
    a = co_await file::open(dir.at("g"), file_mode::append);
    b = std::move(a);
    co_await b.append("g");
    bool refused = false;
    try {
      co_await a.append("x");  // NOLINT: the moved-from state is what is tested
    } catch (const std::logic_error&) {
      refused = true;
    }
    CHECK(refused);
  });
  CHECK(content(dir.at("f")) == "b");
  CHECK(content(dir.at("g")) == "g");
}

TEST_CASE("file: pieces that many tasks append stay whole") {
  const scratch dir;
  constexpr int writers = 50;
  drive([&]() -> task<> {
    auto writer = [&](int n) -> task<> {
      auto f = co_await file::open(dir.at("h"), file_mode::append);
      const std::string piece(1000, static_cast<char>('A' + n % 26));
      for (int i = 0; i < 5; ++i) co_await f.append(piece + "\n");
      co_await f.close();
    };
    std::vector<task<>> all;
    for (int i = 0; i < writers; ++i) all.push_back(writer(i));
    co_await gather(std::move(all));
  });
  std::ifstream in(dir.at("h"));
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    CHECK(line == std::string(1000, line.empty() ? '?' : line[0]));
  }
  CHECK(lines == writers * 5);
}

TEST_CASE("file: cancelled at any call, nothing is half done and no descriptor stays open") {
  const scratch dir;
  for (int cancel_after = 0; cancel_after < 12; ++cancel_after) {
    const std::string path = dir.at("i" + std::to_string(cancel_after));
    drive([&]() -> task<> {
      auto h = spawn([&]() -> task<> {
        auto f = co_await file::open(path, file_mode::append);
        co_await f.append("0123456789");
        co_await f.append("0123456789");
        co_await f.close();
      });
      for (int i = 0; i < cancel_after * 20; ++i) co_await yield();
      h.cancel();
      try {
        co_await h;
      } catch (const eddy::task_cancelled&) {
      }
    });
    CHECK(content(path).size() % 10 == 0);
  }
}

TEST_CASE("file: past its limit a write is an error, and what was written is a beginning") {
  const scratch dir;
  std::string text(5000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  drive([&]() -> task<> {
    for (const file_mode mode : {file_mode::write, file_mode::append}) {
      const std::string path = dir.at(mode == file_mode::write ? "w" : "a");
      file out = co_await file::open(path, mode);
      co_await out.write_all("0123456789");
      rlimit before{};
      ::getrlimit(RLIMIT_FSIZE, &before);
      rlimit low = before;
      low.rlim_cur = 1000;
      std::error_code code;
      // SIGXFSZ has its default effect, which is to end the program.
      ::setrlimit(RLIMIT_FSIZE, &low);
      try {
        co_await out.write_all(text);
      } catch (const std::system_error& error) {
        code = error.code();
      }
      ::setrlimit(RLIMIT_FSIZE, &before);
      CHECK(code == std::errc::file_too_large);
      co_await out.write_all("end");
      co_await out.close();
      file in = co_await file::open(path, file_mode::read);
      const std::string got = co_await in.read_all();
      CHECK(got == "0123456789" + text.substr(0, 990) + "end");
    }
  });
}

TEST_CASE("file: a pipe without a reader is an error and no signal") {
  const scratch dir;
  const std::string path = dir.at("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  drive([&]() -> task<> {
    file out = co_await file::open(path, file_mode::write);
    co_await out.write_all("heard");
    ::close(reader);
    std::error_code code;
    try {
      co_await out.write_all("unheard");
    } catch (const std::system_error& error) {
      code = error.code();
    }
    CHECK(code == std::errc::broken_pipe);
  });
}
