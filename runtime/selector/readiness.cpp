// The completion engine over any poller: try the call, wait for readiness, try again, cancel.
#include "readiness_state.hpp"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>

#include "system.hpp"

namespace eddy::inline v1::detail {

namespace {

[[noreturn]] void throw_system(int failed, const char* what) {
  throw std::system_error(-failed, std::system_category(), what);
}

}  // namespace

int engine::state::make_room(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  try {
    if (index >= room) records.resize(table_size(index));
    room = records.size();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  return 0;
}

int engine::state::enroll(int fd, descriptor_kind kind) noexcept {
  int failed = make_room(fd);
  if (failed) return failed;
  record& r = at(fd);
  assert((!r.known || r.foreign) && "the descriptor was closed behind the engine's back");
  // A foreign descriptor that was closed while somebody waited for it, without forget().
  if (r.known) drop_waiting(r);
  const std::uint32_t generation = r.generation + 1;
  r = record();
  r.generation = generation;
  r.kind = kind;
  failed = selector.add(fd, token_of(fd));
  if (failed == -EEXIST) {
    // It was waited for before it became the engine's.
    selector.unwatch(fd);
    failed = selector.add(fd, token_of(fd));
  }
  if (failed) return failed;
  r.known = true;
  return 0;
}

void engine::state::drop_waiting(record& r) noexcept {
  if (r.reader) complete(*std::exchange(r.reader, nullptr), -ECANCELED);
  if (r.writer) complete(*std::exchange(r.writer, nullptr), -ECANCELED);
}

int engine::state::begin(operation& op) noexcept {
  record* r = find(op.fd);
  if (!r || r->foreign) return -EBADF;
  const bool is_write = writes(op.code);
  if (is_write || r->readable) {
    const int result = op.code == op_code::connect ? start_connect(op) : attempt(op, *r);
    if (result != must_wait) return result;
    r = &at(op.fd);  // an accept may have moved it
  }
  operation*& slot = is_write ? r->writer : r->reader;
  assert(!slot && "one reader and one writer a descriptor");
  slot = &op;
  return must_wait;
}

int engine::state::begin_foreign(operation& op) noexcept {
  descriptor_kind kind;
  int failed = kind_of(op.fd, kind);
  if (!failed) failed = make_room(op.fd);
  if (failed) return failed;
  record& r = at(op.fd);
  if (r.known && !r.foreign) return -EBUSY;
  if (!r.known) {
    const std::uint32_t generation = r.generation + 1;
    r = record();
    r.generation = generation;
    r.known = true;
    r.foreign = true;
  }
  operation*& slot = writes(op.code) ? r.writer : r.reader;
  if (slot) return -EBUSY;
  slot = &op;
  failed = watch(op.fd);
  if (!failed) return must_wait;
  slot = nullptr;
  return failed;
}

int engine::state::watch(int fd) noexcept {
  const record& r = at(fd);
  return selector.watch(fd, token_of(fd), r.reader != nullptr, r.writer != nullptr);
}

void engine::state::retry(operation*& waiting, int fd) noexcept {
  operation& op = *waiting;
  const int result = attempt(op, at(fd));
  if (result == must_wait) return;
  // An accept may have grown the table under `waiting`.
  record& now = at(fd);
  (writes(op.code) ? now.writer : now.reader) = nullptr;
  complete(op, result);
}

void engine::state::handle(const readiness_event& event) noexcept {
  const auto fd = static_cast<int>(event.token & UINT32_MAX);
  record* r = find(fd);
  // An event for a descriptor that was closed in this batch, whose number may be another's by now.
  if (!r || r->generation != event.token >> 32) return;
  if (r->foreign) return handle_foreign(event, fd);
  if (event.readable) r->readable = true;
  if (event.ended) r->ended = true;
  if (event.urgent) r->urgent = true;
  if (event.writable && r->writer) retry(r->writer, fd);
  if (r->readable && r->reader) retry(r->reader, fd);
}

// Whoever waits tries for himself, so that an event too many does no harm.
void engine::state::handle_foreign(const readiness_event& event, int fd) noexcept {
  record& r = at(fd);
  if (event.readable && r.reader) complete(*std::exchange(r.reader, nullptr), 0);
  if (event.writable && r.writer) complete(*std::exchange(r.writer, nullptr), 0);
  watch_the_rest(fd);
}

// When nobody is left, what still comes for this registration is for nobody: the number may soon be
// another's, while a duplicate keeps the old file open.
void engine::state::watch_the_rest(int fd) noexcept {
  record& r = at(fd);
  if (!r.reader && !r.writer) {
    r.known = false;
    return;
  }
  const int failed = watch(fd);
  if (!failed) return;
  if (r.reader) complete(*std::exchange(r.reader, nullptr), failed);
  if (r.writer) complete(*std::exchange(r.writer, nullptr), failed);
}

engine::engine(const engine_options& options) : state_(new state(options)) {}

engine::~engine() {
  // What was not given up: a stream that outlives its loop.
  for (std::size_t fd = 0; fd < state_->records.size(); ++fd) {
    const record& r = state_->records[fd];
    if (r.known && !r.foreign) ::close(static_cast<int>(fd));
  }
  delete state_;
}

const char* engine::name() noexcept { return poller::name(); }

bool engine::performs_files() noexcept { return false; }

bool engine::submit(operation& op) noexcept {
  switch (op.code) {
    case op_code::close:
      release(op.fd);
      op.result = 0;
      break;
    case op_code::wait_readable:
    case op_code::wait_writable:
      op.result = state_->begin_foreign(op);
      break;
    default:
      op.result = state_->begin(op);
      break;
  }
  return op.result != must_wait;
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
  if (!r->foreign) return;
  if (!r->reader && !r->writer) state_->selector.unwatch(op.fd);
  state_->watch_the_rest(op.fd);
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

int engine::begin_turn(loop_core&) noexcept { return turn_budget; }

void engine::wake() noexcept { state_->selector.wake(); }

int engine::descriptor() { return state_->selector.descriptor(); }

int engine::open_socket(int family, int type) {
  const int fd = make_socket(family, type, blocking_mode::never_waits);
  if (fd < 0) throw_system(fd, "socket");
  const int failed = state_->enroll(fd, kind_of_socket(family, type));
  if (!failed) return fd;
  ::close(fd);
  throw_system(failed, "registering a socket");
}

void engine::attach(int fd) {
  constexpr const char* what = "attaching a descriptor";
  descriptor_kind kind = descriptor_kind::stream;
  int failed = kind_of(fd, kind);
  if (!failed) failed = set_mode(fd, blocking_mode::never_waits);
  if (!failed && kind != descriptor_kind::pipe) quiet_socket(fd);
  if (!failed) failed = state_->enroll(fd, kind);
  if (failed) throw_system(failed, what);
}

void engine::release(int fd) noexcept {
  record* r = state_->find(fd);
  if (!r || r->foreign) return;
  state_->drop_waiting(*r);
  r->known = false;
  ::close(fd);
}

void engine::forget(int fd) noexcept {
  record* r = state_->find(fd);
  if (!r || !r->foreign) return;
  state_->drop_waiting(*r);
  r->known = false;
  state_->selector.unwatch(fd);
}

// Each call is made at once.
bool engine::has_untold() const noexcept { return false; }

bool engine::has_descriptors() const noexcept { return state_->room > 0; }

// Nothing is received before somebody asks for it.
bool engine::holds_input(int) const noexcept { return false; }

void engine::recycle(std::byte* data, std::uint32_t buffer) noexcept {
  state_->buffers.give(data, buffer);
}

void engine::free_heap_buffer(std::byte* data) noexcept { std::free(data); }

}  // namespace eddy::inline v1::detail
