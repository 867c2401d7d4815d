// Files that change as a whole.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "../support/unix_paths.hpp"
#include "drive.hpp"

using eddy::replace_file;
using eddy::task;

namespace {

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::size_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Files do not grow beyond that many bytes.
class size_limit {
 public:
  explicit size_limit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit low = before_;
    low.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &low);
  }
  size_limit(const size_limit&) = delete;
  size_limit& operator=(const size_limit&) = delete;
  ~size_limit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("replace_file: a new file, and a file with its permissions") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/a");
  drive([&]() -> task<> {
    co_await replace_file(path, "one");
    CHECK(content(path) == "one");
    ::chmod(path.c_str(), 0640);
    co_await replace_file(path, "");
    CHECK(content(path).empty());
    struct stat is {};
    CHECK(::stat(path.c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0640);
    CHECK(files_in(folder.path("")) == 1);
  });
}

TEST_CASE("replace_file: who has the old file open keeps it, and links lead to the new one") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/a");
  const std::string link = folder.path("/link");
  drive([&]() -> task<> {
    co_await replace_file(path, "old");
    std::filesystem::create_symlink("a", link);
    std::ifstream reader(path);
    co_await replace_file(link, "new");
    const std::string seen{std::istreambuf_iterator<char>(reader), {}};
    CHECK(seen == "old");
    CHECK(content(path) == "new");
    CHECK(std::filesystem::is_symlink(link));
  });
}

TEST_CASE("replace_file: the old bytes survive a failure, and nothing is left beside them") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/a");
  drive([&]() -> task<> {
    co_await replace_file(path, "old");
    std::string error;
    {
      const size_limit low(1000);
      try {
        co_await replace_file(path, std::string(2000, 'x'));
      } catch (const std::system_error& e) {
        error = e.what();
      }
    }
    CHECK(error.starts_with("replace " + path + ": "));
    CHECK(content(path) == "old");
    CHECK(files_in(folder.path("")) == 1);
    CHECK_THROWS_AS(co_await replace_file(folder.path("/none/a"), "x"), std::system_error);
    CHECK_THROWS_AS(co_await replace_file(folder.path(""), "x"), std::system_error);
    CHECK_THROWS_AS(co_await replace_file(std::string("a\0b", 3), "x"), std::invalid_argument);
  });
}

TEST_CASE("replace_file: a device is written to") {
  drive([]() -> task<> {
    co_await replace_file("/dev/null", "x");
    CHECK_THROWS_AS(co_await replace_file("/dev/full", "x"), std::system_error);
  });
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("replace_file: cancelled, it has happened or not") {
  const eddy_tests::folder_for_sockets folder;
  const std::string path = folder.path("/a");
  const std::string text(100'000, 'x');
  drive([&]() -> task<> {
    for (int turns = 0; turns < 6; ++turns) {
      co_await replace_file(path, "old");
      auto writing = eddy::spawn(replace_file(path, text));
      for (int i = 0; i < turns; ++i) co_await eddy::yield();
      writing.cancel();
      bool ended = true;
      try {
        co_await writing.join();
      } catch (const eddy::task_cancelled&) {
        ended = false;
      }
      const std::string found = content(path);
      CHECK((found == text || (!ended && found == "old")));
      CHECK(files_in(folder.path("")) == 1);
    }
  });
}
