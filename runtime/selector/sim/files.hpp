// Files of the simulated world: in memory, by path, and as slow as a disk.
#pragma once

#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

class file_system {
 public:
  explicit file_system(world& w) noexcept : world_(w) {}
  file_system(const file_system&) = delete;
  file_system& operator=(const file_system&) = delete;
  ~file_system();

  // As engine's, for operations on files.
  bool submit(operation& op) noexcept;
  void cancel(operation& op) noexcept;
  int close(int fd) noexcept;

 private:
  world& world_;
};

}  // namespace eddy::inline v1::detail::simulation
