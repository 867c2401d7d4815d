// A folder for the paths of sockets, short enough for unix(7), removed with what is in it.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace eddy_tests {

class folder_for_sockets {
 public:
  folder_for_sockets() {
    std::string pattern = P_tmpdir "/eddy-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no folder for sockets");
    path_ = pattern;
  }
  folder_for_sockets(const folder_for_sockets&) = delete;
  folder_for_sockets& operator=(const folder_for_sockets&) = delete;
  ~folder_for_sockets() { std::filesystem::remove_all(path_); }

  std::string path(std::string_view name = "") const { return path_ + std::string(name); }

 private:
  std::string path_;
};

inline bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace eddy_tests
