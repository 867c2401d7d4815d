// Sockets and what waits on them.
#include "network.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>

namespace eddy::inline v1::detail::simulation {

namespace {

// How often what could be done at once is done a little later, as an engine does that hands its
// operations over, and how often a cancellation takes a while.
constexpr std::uint64_t deferred_in_thousand = 400;
constexpr std::uint64_t slow_cancel_in_thousand = 300;

}  // namespace

socket::socket(network& n, int number) noexcept
    : fd(number), read_later(n, *this, false), write_later(n, *this, true) {}

void retry_event::happen() noexcept {
  const auto keep = socket_->shared_from_this();
  network_->try_again(*socket_, writing_);
}

network::~network() { engine_ends(); }

bool network::by_turns(std::uint64_t in_thousand) {
  return !world_.calm() && world_.schedule.chance(in_thousand);
}

void network::engine_begins(const engine_options& options) noexcept {
  buffer_bytes_ = options.buffer_bytes;
}

void network::engine_ends() noexcept {
  while (!sockets_.empty()) {
    const socket_ptr s = take_out(sockets_.begin()->first);
    close(*s);
  }
}

socket* network::find(int fd) const noexcept {
  const auto found = sockets_.find(fd);
  return found == sockets_.end() ? nullptr : found->second.get();
}

socket& network::make_socket(family of, socket_kind kind, host_id host) {
  const int fd = world_.new_descriptor();
  auto made = std::make_shared<socket>(*this, fd);
  made->of = of;
  made->kind = kind;
  made->host = host;
  made->local = any_address(of);
  socket& out = *made;
  sockets_.emplace(fd, std::move(made));
  return out;
}

network::socket_ptr network::take_out(int fd) noexcept {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) return nullptr;
  const socket_ptr out = std::move(found->second);
  sockets_.erase(found);
  world_.free_descriptor(fd);
  return out;
}

int network::open_socket(int number, int type) noexcept {
  const family of = family_of(number);
  if (of == family::none) return -EAFNOSUPPORT;
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return -EPROTOTYPE;
  const auto kind = type == SOCK_STREAM ? socket_kind::stream : socket_kind::datagram;
  if (kind == socket_kind::datagram && of == family::local) return -EPROTOTYPE;
  return make_socket(of, kind, host_here()).fd;
}

int network::attach(int fd) noexcept {
  socket* s = find(fd);
  if (!s) return world_.has_descriptor(fd) ? -EPERM : -EBADF;
  end_waiting(*s);
  s->is_attached = true;
  return 0;
}

bool network::submit(operation& op) noexcept {
  op.stage = 0;
  switch (op.code) {
    case op_code::close:
      op.result = find(op.fd) ? 0 : -EBADF;
      release(op.fd);
      break;
    case op_code::wait_readable:
    case op_code::wait_writable:
      op.result = begin_foreign(op);
      break;
    default:
      op.result = begin(op);
      break;
  }
  return op.result != must_wait;
}

int network::begin(operation& op) {
  socket* s = find(op.fd);
  if (!s || !s->is_attached) return -EBADF;
  const bool writing = writes(op.code);
  assert(!s->slot(writing) && "one reader and one writer a descriptor");
  if (op.code == op_code::connect) {
    const int result = connect(op, *s);
    if (result == must_wait) s->writer = &op;
    return result;
  }
  const bool deferred = by_turns(deferred_in_thousand);
  const int result = deferred ? must_wait : attempt(op, *s);
  if (result != must_wait) return result;
  s->slot(writing) = &op;
  retry_event& later = s->later(writing);
  if (deferred && !later.is_queued()) world_.at(world_.now(), later);
  return must_wait;
}

int network::begin_foreign(operation& op) {
  socket* s = find(op.fd);
  if (!s) return world_.has_descriptor(op.fd) ? -EPERM : -EBADF;
  const bool writing = writes(op.code);
  if (s->is_attached || s->slot(writing)) return -EBUSY;
  if (writing ? is_writable(*s) : is_readable(*s)) return 0;
  s->slot(writing) = &op;
  return must_wait;
}

int network::attempt(operation& op, socket& s) {
  switch (op.code) {
    case op_code::accept: return accept(s);
    case op_code::read: return read(op, s);
    case op_code::receive: return receive(op, s);
    case op_code::receive_from: return receive_from(static_cast<datagram_operation&>(op), s);
    case op_code::write: return write(op, s);
    case op_code::write_pieces: return write_pieces(static_cast<pieces_operation&>(op), s);
    case op_code::send_to: return send_to(static_cast<datagram_operation&>(op), s);
    case op_code::wait_readable: return is_readable(s) ? 0 : must_wait;
    case op_code::wait_writable: return is_writable(s) ? 0 : must_wait;
    default: return -EINVAL;
  }
}

// Whatever has happened to the socket, whoever waits tries for himself.
void network::try_again(socket& s, bool writing) {
  operation* op = s.slot(writing);
  if (!op || op->code == op_code::connect) return;
  // A cancellation that took a while.
  const bool given_up = op->stage == 1;
  const int result = given_up && by_turns(500) ? must_wait : attempt(*op, s);
  if (result == must_wait && !given_up) return;
  s.slot(writing) = nullptr;
  world_.complete(*op, result == must_wait ? -ECANCELED : result);
}

void network::cancel(operation& op) noexcept {
  socket* s = find(op.fd);
  if (!s) return;
  const bool writing = writes(op.code);
  if (s->slot(writing) != &op) return;
  if (s->is_attached && op.code != op_code::connect && by_turns(slow_cancel_in_thousand)) {
    op.stage = 1;
    if (!s->later(writing).is_queued()) world_.at(world_.now(), s->later(writing));
    return;
  }
  s->slot(writing) = nullptr;
  world_.complete(op, -ECANCELED);
}

void network::end_waiting(socket& s) {
  if (s.reader) world_.complete(*std::exchange(s.reader, nullptr), -ECANCELED);
  if (s.writer) world_.complete(*std::exchange(s.writer, nullptr), -ECANCELED);
}

void network::release(int fd) noexcept {
  socket* s = find(fd);
  if (!s || !s->is_attached) return;
  end_waiting(*s);
  const socket_ptr last = take_out(fd);
  close(*last);
}

void network::forget(int fd) noexcept {
  socket* s = find(fd);
  if (s && !s->is_attached) end_waiting(*s);
}

void network::close(socket& s) {
  if (s.read_later.is_queued()) world_.withdraw(s.read_later);
  if (s.write_later.is_queued()) world_.withdraw(s.write_later);
  s.is_listening = false;
  for (auto* queue : {&s.half_open, &s.waiting}) {
    for (const connection_ptr& c : *queue) reset(*c, 1);
    queue->clear();
  }
  if (s.link) {
    const connection_ptr c = std::move(s.link);
    close_end(*c, s.side);
  }
}

bool network::is_readable(const socket& s) const {
  if (!s.link) return true;
  const stream_end& e = s.end();
  return e.available() > 0 || e.heard_end || e.error || e.state == end_state::gone;
}

bool network::is_writable(const socket& s) const {
  if (!s.link) return true;
  const stream_end& e = s.end();
  return e.unread < window_bytes || e.error || e.state == end_state::gone || e.said_end;
}

// Nothing is received before somebody asks for it.
bool network::holds_input(int) const noexcept { return false; }

// Every lease is a block of its own, so that a sanitizer sees who uses one that was given back.
void network::recycle(std::byte* data, std::uint32_t) noexcept { std::free(data); }

}  // namespace eddy::inline v1::detail::simulation
