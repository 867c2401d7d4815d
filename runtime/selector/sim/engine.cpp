// The engine of the simulated world: sockets are the network's, files the file system's, and
// waiting is the passing of virtual time.
#include "../engine.hpp"

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "files.hpp"
#include "network.hpp"
#include "world.hpp"

namespace eddy::inline v1::detail {

using simulation::trace;
using simulation::world;

struct engine::state {
  state() : place(world::current() ? *world::current() : own.emplace(simulation::from_outside())) {}

  std::optional<world> own;  // of a loop that nobody made a world for
  world& place;
  loop_core* loop = nullptr;  // known from its first turn on
};

namespace {

bool is_for_files(op_code code) noexcept { return code >= op_code::file_open; }

[[noreturn]] void throw_system(int failed, const char* what) {
  throw std::system_error(-failed, std::system_category(), what);
}

}  // namespace

engine::engine(const engine_options& options) : state_(new state) {
  state_->place.begin_loop();
  state_->place.net().engine_begins(options);
}

engine::~engine() {
  state_->place.net().engine_ends();
  state_->place.end_loop();
  delete state_;
}

const char* engine::name() noexcept { return "simulated"; }

bool engine::performs_files() noexcept { return true; }

bool engine::submit(operation& op) noexcept {
  world& w = state_->place;
  w.note(trace::submit, static_cast<std::uint64_t>(op.code));
  const bool ended = is_for_files(op.code) ? w.files().submit(op) : w.net().submit(op);
  if (ended) w.note(trace::complete, std::int64_t{op.result});
  return ended;
}

void engine::cancel(operation& op) noexcept {
  world& w = state_->place;
  w.note(trace::cancel, static_cast<std::uint64_t>(op.code));
  is_for_files(op.code) ? w.files().cancel(op) : w.net().cancel(op);
}

int engine::begin_turn(loop_core& loop) noexcept {
  state_->loop = &loop;
  return state_->place.begin_turn(loop);
}

void engine::wait(std::int64_t deadline_ns) noexcept {
  state_->place.wait(deadline_ns, state_->loop);
}

void engine::wake() noexcept { state_->place.wake(); }

int engine::open_socket(int family, int type) {
  const int fd = state_->place.net().open_socket(family, type);
  if (fd < 0) throw_system(fd, "socket");
  return fd;
}

void engine::attach(int fd) {
  const int failed = state_->place.net().attach(fd);
  if (failed) throw_system(failed, "attaching a descriptor");
}

void engine::release(int fd) noexcept { state_->place.net().release(fd); }

void engine::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  state_->place.net().recycle(data, buffer);
}

void engine::free_heap_buffer(std::byte* data) noexcept { std::free(data); }

void engine::forget(int fd) noexcept { state_->place.net().forget(fd); }

// A foreign loop sleeps in real time, of which there is none here.
int engine::descriptor() {
  throw_system(-ENOTSUP, "backend_fd: a simulated loop has none; call poll_once with a limit");
}

bool engine::has_untold() const noexcept { return false; }

bool engine::has_descriptors() const noexcept { return true; }

bool engine::holds_input(int fd) const noexcept { return state_->place.net().holds_input(fd); }

}  // namespace eddy::inline v1::detail
