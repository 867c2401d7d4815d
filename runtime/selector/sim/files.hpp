// Files of the simulated world: in memory, by path, and as slow as a disk.
#pragma once

#include <eddy/runtime/sim_files.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

class file_system {
 public:
  explicit file_system(world& w) noexcept : world_(w) {}
  file_system(const file_system&) = delete;
  file_system& operator=(const file_system&) = delete;

  // As engine's, for operations on files.
  bool submit(operation& op);
  void cancel(operation& op) noexcept;
  int close(int fd) noexcept;
  std::int64_t size(int fd) const noexcept;
  int replace(const std::string& path, const std::string& bytes);

  // As in sim_files.hpp.
  void put(std::string_view path, std::string_view bytes);
  const std::string* find(std::string_view path) const noexcept;
  bool remove(std::string_view path) noexcept;
  void fail(sim::file_call call, std::string_view path, int error, unsigned skipped);

 private:
  using content = std::shared_ptr<std::string>;
  struct open_file {
    std::string path;
    content bytes;
    std::size_t position = 0;
    bool writable = false;
    bool appends = false;
  };
  struct fault {
    sim::file_call call;
    std::string path;
    int error;
    unsigned skipped;
  };
  class answer;

  int perform(operation& op);
  int open(const char* path, std::size_t mode);
  int read(open_file& f, operation& op) noexcept;
  int write(open_file& f, std::string_view bytes);
  int fault_of(sim::file_call call, std::string_view path) noexcept;

  world& world_;
  std::map<std::string, content, std::less<>> contents_;
  std::map<int, open_file> open_;
  std::vector<fault> faults_;
  std::vector<answer*> answers_;  // on their way
};

}  // namespace eddy::inline v1::detail::simulation
