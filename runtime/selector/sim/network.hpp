// The network of the simulated world, and what the engine does with its descriptors.
#pragma once

#include "../engine.hpp"
#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

class network {
 public:
  explicit network(world& w) noexcept : world_(w) {}
  network(const network&) = delete;
  network& operator=(const network&) = delete;
  ~network();

  // The engine of a loop comes and goes; what it had open and nobody gave up is closed then.
  void engine_begins(const engine_options& options) noexcept;
  void engine_ends() noexcept;

  // As engine's, for operations that are not on files. Results of the others are 0, a descriptor or
  // a negative errno value.
  bool submit(operation& op) noexcept;
  void cancel(operation& op) noexcept;
  int open_socket(int family, int type) noexcept;
  int attach(int fd) noexcept;
  void release(int fd) noexcept;
  void recycle(std::byte* data, std::uint32_t buffer) noexcept;
  void forget(int fd) noexcept;
  bool holds_input(int fd) const noexcept;

 private:
  world& world_;
};

}  // namespace eddy::inline v1::detail::simulation
