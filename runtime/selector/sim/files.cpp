#include "files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "../system.hpp"

namespace eddy::inline v1::detail {
namespace simulation {

using sim::file_call;
using system::open_mode;

namespace {

constexpr std::int64_t usual_call_ns = 100'000;
constexpr std::uint64_t longest_call_ns = 16'000'000;
constexpr std::uint64_t short_reads_in_thousand = 250;
// Of those that are cancelled, how many are past it.
constexpr std::uint64_t begun_in_thousand = 500;

int seeded_error(file_call call, random_source& chances) noexcept {
  if (call == file_call::open) return -EMFILE;
  return call == file_call::write && chances.chance(500) ? -ENOSPC : -EIO;
}

}  // namespace

// The end of a call: what it does is done then, all at once.
class file_system::answer final : public event {
 public:
  answer(file_system& of, operation& op) noexcept : of_(of), op_(op) {}

  void happen() noexcept override {
    operation& op = op_;
    file_system& of = of_;
    leave();
    of.world_.complete(op, of.perform(op));
  }
  void abandon() noexcept override { leave(); }
  void withdraw() noexcept {
    operation& op = op_;
    world& w = of_.world_;
    w.withdraw(*this);
    leave();
    w.complete(op, -ECANCELED);
  }
  bool is_of(const operation& op) const noexcept { return &op_ == &op; }

 private:
  ~answer() = default;
  void leave() noexcept {
    std::erase(of_.answers_, this);
    delete this;
  }

  file_system& of_;
  operation& op_;
};

bool file_system::submit(operation& op) {
  const std::int64_t time =
      world_.calm() ? usual_call_ns
                    : static_cast<std::int64_t>(world_.chances.small(longest_call_ns));
  auto* const end = new answer(*this, op);
  answers_.push_back(end);
  world_.at(world_.in(time), *end);
  return false;
}

void file_system::cancel(operation& op) noexcept {
  const auto found = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const answer* a) { return a->is_of(op); });
  if (found == answers_.end()) return;
  const bool is_begun = !world_.calm() && world_.chances.chance(begun_in_thousand);
  if (!is_begun) (*found)->withdraw();
}

int file_system::perform(operation& op) {
  if (op.code == op_code::file_open) return open(static_cast<const char*>(op.data), op.size);
  if (op.code == op_code::file_close) return close(op.fd);
  const auto found = open_.find(op.fd);
  if (found == open_.end()) return -EBADF;
  open_file& f = found->second;
  if (op.code == op_code::file_read) return read(f, op);
  if (op.code == op_code::file_sync) return fault_of(file_call::sync, f.path);
  return write(f, {static_cast<const char*>(op.data), op.size});
}

int file_system::open(const char* path, std::size_t size) {
  if (const int failed = fault_of(file_call::open, path)) return failed;
  const auto mode = static_cast<open_mode>(size);
  auto found = contents_.find(std::string_view(path));
  if (found == contents_.end()) {
    if (mode == open_mode::read) return -ENOENT;
    if (!*path) return -ENOENT;
    found = contents_.emplace(path, std::make_shared<std::string>()).first;
  }
  if (mode == open_mode::write) found->second->clear();
  const int fd = world_.new_descriptor();
  const bool appends = mode == open_mode::append;
  open_.emplace(fd, open_file{path, found->second, 0, mode != open_mode::read, appends});
  return fd;
}

int file_system::read(open_file& f, operation& op) noexcept {
  if (const int failed = fault_of(file_call::read, f.path)) return failed;
  if (f.writable) return -EBADF;
  const std::size_t left = f.bytes->size() - std::min(f.position, f.bytes->size());
  // What a call can tell the size of.
  std::size_t size = std::min({left, op.size, std::size_t{INT32_MAX}});
  if (size > 1 && !world_.calm() && world_.chances.chance(short_reads_in_thousand)) {
    size = 1 + world_.chances.below(size - 1);
  }
  if (size > 0) std::memcpy(op.data, f.bytes->data() + f.position, size);
  f.position += size;
  return static_cast<int>(size);
}

int file_system::write(open_file& f, std::string_view bytes) {
  if (!f.writable) return -EBADF;
  const int failed = fault_of(file_call::write, f.path);
  if (failed) bytes = bytes.substr(0, bytes.size() / 2);
  if (f.appends) f.position = f.bytes->size();
  if (f.position > f.bytes->size()) f.bytes->resize(f.position);
  f.bytes->replace(f.position, bytes.size(), bytes);
  f.position += bytes.size();
  return failed;
}

int file_system::close(int fd) noexcept {
  const auto found = open_.find(fd);
  if (found == open_.end()) return -EBADF;
  const int failed = fault_of(file_call::close, found->second.path);
  open_.erase(found);
  world_.free_descriptor(fd);
  return failed;
}

std::int64_t file_system::size(int fd) const noexcept {
  const auto found = open_.find(fd);
  return found == open_.end() ? -EBADF : static_cast<std::int64_t>(found->second.bytes->size());
}

int file_system::replace(const std::string& path, const std::string& bytes) {
  for (const file_call call : {file_call::open, file_call::write, file_call::sync}) {
    if (const int failed = fault_of(call, path)) return failed;
  }
  if (path.empty()) return -ENOENT;
  put(path, bytes);
  return 0;
}

void file_system::put(std::string_view path, std::string_view bytes) {
  contents_[std::string(path)] = std::make_shared<std::string>(bytes);
}

const std::string* file_system::find(std::string_view path) const noexcept {
  const auto found = contents_.find(path);
  return found == contents_.end() ? nullptr : found->second.get();
}

bool file_system::remove(std::string_view path) noexcept {
  const auto found = contents_.find(path);
  if (found == contents_.end()) return false;
  contents_.erase(found);
  return true;
}

void file_system::fail(file_call call, std::string_view path, int error, unsigned skipped) {
  if (error <= 0) {
    throw std::invalid_argument("sim::fail_file: " + std::string(path) + ": " +
                                std::to_string(error) + " is no errno value");
  }
  faults_.push_back({call, std::string(path), error, skipped});
}

// 0, or the negative errno value of the call, by script or by seed.
int file_system::fault_of(file_call call, std::string_view path) noexcept {
  for (auto f = faults_.begin(); f != faults_.end(); ++f) {
    if (f->call != call || f->path != path) continue;
    if (f->skipped-- > 0) continue;
    const int error = -f->error;
    faults_.erase(f);
    return error;
  }
  if (world_.calm() || !world_.chances.chance(world_.chosen().file_faults)) return 0;
  return seeded_error(call, world_.chances);
}

}  // namespace simulation

namespace system {

// The engine performs files; but for the last three, these are not called.
int file_open(const char*, open_mode) noexcept { return -ENOSYS; }
std::int64_t file_read(int, void*, std::size_t) noexcept { return -ENOSYS; }
std::int64_t file_write(int, const void*, std::size_t) noexcept { return -ENOSYS; }
int file_sync(int) noexcept { return -ENOSYS; }
std::int64_t file_size(int fd) noexcept {
  simulation::world* const w = simulation::world::current();
  return w ? w->files().size(fd) : -EBADF;
}
int file_close(int fd) noexcept {
  simulation::world* const w = simulation::world::current();
  return w ? w->files().close(fd) : -EBADF;
}
int file_replace(const std::string& path, const std::string& bytes) {
  simulation::world* const w = simulation::world::current();
  return w ? w->files().replace(path, bytes) : -ENOSYS;
}

}  // namespace system
}  // namespace eddy::inline v1::detail
