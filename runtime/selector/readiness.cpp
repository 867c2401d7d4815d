// The completion engine over any poller: try the call, wait for readiness, try again, cancel.
//
// A descriptor is registered once, edge-triggered, for its life. Its record remembers whether
// reading is worth a try; writing always is (2.02 system calls an echo, against 3.02 for trying
// both: in the steady state a read finds nothing and a write finds room).
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>
#include <vector>

#include "engine.hpp"
#include "poller.hpp"
#include "system.hpp"

namespace eddy::inline v1::detail {

namespace {

constexpr std::size_t events_per_wait = 256;

// What `attempt` returns while an operation cannot be done: not an errno value.
constexpr int must_wait = -100000;

struct record {
  std::uint32_t generation = 0;
  bool known = false;
  bool readable = false;
  bool ended = false;  // end of stream or error: reading never blocks any more
  operation* reader = nullptr;
  operation* writer = nullptr;
};

// Receive buffers: one block of memory, made at the first receive, and a list of what is free.
class buffer_pool {
 public:
  buffer_pool(unsigned count, std::size_t bytes) noexcept : bytes_(bytes), count_(count) {}
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  ~buffer_pool() {
    assert(free_.size() == (memory_ ? count_ : 0) && "a lease has outlived its loop");
    std::free(memory_);
  }

  std::size_t bytes() const noexcept { return bytes_; }

  // From the heap when the pool is out; null if that is out, too.
  std::byte* take(std::uint32_t& buffer) noexcept {
    if (!memory_) make();
    if (free_.empty()) {
      buffer = heap_buffer;
      return static_cast<std::byte*>(std::malloc(bytes_));
    }
    buffer = free_.back();
    free_.pop_back();
    return memory_ + buffer * bytes_;
  }

  void give(std::byte* data, std::uint32_t buffer) noexcept {
    if (buffer == heap_buffer) {
      std::free(data);
    } else {
      free_.push_back(buffer);  // within its capacity
    }
  }

 private:
  void make() noexcept {
    try {
      free_.reserve(count_);
    } catch (const std::bad_alloc&) {
      return;
    }
    memory_ = static_cast<std::byte*>(std::malloc(count_ * bytes_));
    if (!memory_) return;
    for (std::uint32_t i = count_; i-- > 0;) free_.push_back(i);
  }

  std::byte* memory_ = nullptr;
  std::vector<std::uint32_t> free_;
  std::size_t bytes_;
  unsigned count_;
};

template <class Call>
auto uninterrupted(Call call) noexcept {
  for (;;) {
    const auto n = call();
    if (n >= 0) return n;
    if (errno != EINTR) return static_cast<decltype(n)>(-errno);
  }
}

bool is_again(std::int64_t n) noexcept { return n == -EAGAIN || n == -EWOULDBLOCK; }

}  // namespace

struct engine::state {
  explicit state(const engine_options& options)
      : buffers(options.buffer_count, options.buffer_bytes) {}

  poller selector;
  std::vector<record> records;
  buffer_pool buffers;
  readiness_event events[events_per_wait];

  record* find(int fd) noexcept {
    if (fd < 0 || static_cast<std::size_t>(fd) >= records.size()) return nullptr;
    record& r = records[static_cast<std::size_t>(fd)];
    return r.known ? &r : nullptr;
  }

  int enroll(int fd);
  int attempt(operation& op, record& r) noexcept;
  int attempt_read(operation& op, record& r) noexcept;
  int attempt_receive(operation& op, record& r) noexcept;
  int attempt_accept(operation& op, record& r) noexcept;
  int attempt_write(operation& op) noexcept;
  int connected(operation& op) noexcept;
  void drop_waiting(record& r) noexcept;
  void handle(const readiness_event& event) noexcept;
  void retry(operation*& waiting, record& r, int fd) noexcept;
};

// 0 or a negative errno value.
int engine::state::enroll(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  try {
    if (index >= records.size()) records.resize(index + 1);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  record& r = records[index];
  const std::uint32_t generation = r.generation + 1;
  const int failed =
      selector.add(fd, std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd));
  if (failed) return failed;
  r = record();
  r.generation = generation;
  r.known = true;
  return 0;
}

int engine::state::attempt_read(operation& op, record& r) noexcept {
  const auto n = uninterrupted([&] { return ::recv(op.fd, op.data, op.size, 0); });
  if (is_again(n)) {
    r.readable = false;
    return must_wait;
  }
  // A short read has emptied the socket: the next edge will tell. Unless the stream has ended: of
  // that there is no second edge.
  if (n >= 0 && static_cast<std::size_t>(n) < op.size && !r.ended) r.readable = false;
  return static_cast<int>(n);
}

int engine::state::attempt_receive(operation& op, record& r) noexcept {
  std::uint32_t buffer = 0;
  std::byte* data = buffers.take(buffer);
  if (!data) return -ENOMEM;
  op.data = data;
  op.size = buffers.bytes();
  op.buffer = buffer;
  const int n = attempt_read(op, r);
  if (n <= 0) {
    op.data = nullptr;
    buffers.give(data, buffer);
  }
  return n;
}

int engine::state::attempt_accept(operation& op, record& r) noexcept {
  const int fd = uninterrupted(
      [&] { return ::accept4(op.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
  if (is_again(fd)) {
    r.readable = false;
    return must_wait;
  }
  if (fd < 0) return fd;
  const int failed = enroll(fd);  // `r` may have moved
  if (!failed) return fd;
  ::close(fd);
  return failed;
}

int engine::state::attempt_write(operation& op) noexcept {
  while (op.done < op.size) {
    const auto* from = static_cast<const std::byte*>(op.data) + op.done;
    const auto n =
        uninterrupted([&] { return ::send(op.fd, from, op.size - op.done, MSG_NOSIGNAL); });
    if (is_again(n)) return must_wait;
    if (n < 0) return static_cast<int>(n);
    op.done += static_cast<std::size_t>(n);
  }
  return 0;
}

// After EINPROGRESS. A writable event may be older than the connect: a socket that is not connected
// polls as writable and hung up.
int engine::state::connected(operation& op) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(op.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  if (error) return -error;
  sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  if (::getpeername(op.fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) return 0;
  return errno == ENOTCONN ? must_wait : -errno;
}

int engine::state::attempt(operation& op, record& r) noexcept {
  switch (op.code) {
    case op_code::accept: return attempt_accept(op, r);
    case op_code::read: return attempt_read(op, r);
    case op_code::receive: return attempt_receive(op, r);
    case op_code::write: return attempt_write(op);
    case op_code::connect: return connected(op);
    case op_code::close: break;
  }
  return -EINVAL;
}

void engine::state::drop_waiting(record& r) noexcept {
  if (r.reader) complete(*std::exchange(r.reader, nullptr), -ECANCELED);
  if (r.writer) complete(*std::exchange(r.writer, nullptr), -ECANCELED);
}

void engine::state::retry(operation*& waiting, record& r, int fd) noexcept {
  operation& op = *waiting;
  const int result = attempt(op, r);
  if (result == must_wait) return;
  // An accept may have grown the table under `waiting`.
  record& now = records[static_cast<std::size_t>(fd)];
  const bool writes = op.code == op_code::write || op.code == op_code::connect;
  (writes ? now.writer : now.reader) = nullptr;
  complete(op, result);
}

void engine::state::handle(const readiness_event& event) noexcept {
  const auto fd = static_cast<int>(event.token & UINT32_MAX);
  record* r = find(fd);
  // An event for a descriptor that was closed in this batch, whose number may be another's by now.
  if (!r || r->generation != event.token >> 32) return;
  if (event.readable) r->readable = true;
  if (event.ended) r->ended = true;
  if (event.writable && r->writer) retry(r->writer, *r, fd);
  if (r->readable && r->reader) retry(r->reader, *r, fd);
}

engine::engine(const engine_options& options) : state_(new state(options)) {}

engine::~engine() {
  // What was not given up: a stream that outlives its loop.
  for (std::size_t fd = 0; fd < state_->records.size(); ++fd) {
    if (state_->records[fd].known) ::close(static_cast<int>(fd));
  }
  delete state_;
}

const char* engine::name() noexcept { return poller::name(); }

bool engine::submit(operation& op) noexcept {
  if (op.code == op_code::close) {
    release(op.fd);
    op.result = 0;
    return true;
  }
  record* r = state_->find(op.fd);
  if (!r) {
    op.result = -EBADF;
    return true;
  }
  const bool writes = op.code == op_code::write || op.code == op_code::connect;
  int result = must_wait;
  if (op.code == op_code::connect) {
    const auto* to = static_cast<const sockaddr*>(op.data);
    result = ::connect(op.fd, to, static_cast<socklen_t>(op.size)) == 0 ? 0 : -errno;
    // An interrupted connect goes on in the background, as one in progress does.
    if (result == -EINPROGRESS || result == -EINTR) result = must_wait;
  } else if (writes || r->readable) {
    result = state_->attempt(op, *r);
    r = state_->find(op.fd);
  }
  if (result != must_wait) {
    op.result = result;
    return true;
  }
  operation*& slot = writes ? r->writer : r->reader;
  assert(!slot && "one reader and one writer a descriptor");
  slot = &op;
  return false;
}

// No call is in progress: the kernel knows nothing of the operation's memory.
void engine::cancel(operation& op) noexcept {
  record* r = state_->find(op.fd);
  if (!r) return;
  if (r->reader == &op) {
    r->reader = nullptr;
  } else if (r->writer == &op) {
    r->writer = nullptr;
  } else {
    return;
  }
  complete(op, -ECANCELED);
}

void engine::wait(std::int64_t deadline_ns) noexcept {
  std::int64_t timeout = deadline_ns;
  if (deadline_ns == never_ns) {
    timeout = -1;
  } else if (deadline_ns > 0) {
    const std::int64_t now = system::clock_ns();
    timeout = deadline_ns > now ? deadline_ns - now : 0;
  }
  const std::size_t count = state_->selector.wait(state_->events, timeout);
  for (std::size_t i = 0; i < count; ++i) state_->handle(state_->events[i]);
}

void engine::wake() noexcept { state_->selector.wake(); }

int engine::open_socket(int family, int type) {
  const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "socket");
  const int failed = state_->enroll(fd);
  if (!failed) return fd;
  ::close(fd);
  throw std::system_error(-failed, std::system_category(), "registering a socket");
}

void engine::attach(int fd) {
  const int failed = system::set_blocking(fd, false);
  if (failed) throw std::system_error(-failed, std::system_category(), "attaching a descriptor");
  const int refused = state_->enroll(fd);
  if (refused) throw std::system_error(-refused, std::system_category(), "attaching a descriptor");
}

void engine::release(int fd) noexcept {
  record* r = state_->find(fd);
  if (!r) return;
  state_->drop_waiting(*r);
  r->known = false;
  ::close(fd);
}

// Nothing is received before somebody asks for it.
bool engine::holds_input(int) const noexcept { return false; }

void engine::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  state_->buffers.give(data, buffer);
}

}  // namespace eddy::inline v1::detail
