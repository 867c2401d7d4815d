// TCP (RFC 9293): connecting, listening, reading and writing.
#pragma once

#include <eddy/net/address.hpp>
#include <eddy/runtime/lease.hpp>
#include <eddy/runtime/operation.hpp>
#include <eddy/runtime/task.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

// A stream that cannot do what was asked for, though the system reported no error.
class stream_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer finished sending before what was asked for had come. The bytes that came stay readable.
class incomplete_read : public stream_error {
 public:
  using stream_error::stream_error;
};

// No delimiter within the limit of read_until. The bytes that came stay readable.
class read_limit_exceeded : public stream_error {
 public:
  using stream_error::stream_error;
};

namespace detail {

// The part of a socket's shared state that counts; the rest is private to net.
struct socket_base {
  std::uint32_t references = 1;
  int fd = -1;
};
void destroy_socket(socket_base& socket) noexcept;

// Keeps the state, not the descriptor: an awaiter holds one, so that a stream may be moved or
// destroyed while a coroutine waits on it. Counted without atomics, as all of a loop's things.
class socket_ref {
 public:
  socket_ref() noexcept {}
  explicit socket_ref(socket_base* adopted) noexcept : socket_(adopted) {}
  socket_ref(const socket_ref& other) noexcept : socket_(other.socket_) {
    if (socket_) ++socket_->references;
  }
  socket_ref(socket_ref&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  socket_ref& operator=(socket_ref other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~socket_ref() {
    if (socket_ && --socket_->references == 0) destroy_socket(*socket_);
  }
  explicit operator bool() const noexcept { return socket_ != nullptr; }
  socket_base* base() const noexcept { return socket_; }

 private:
  socket_base* socket_ = nullptr;
};

// What an awaiter found when it was about to ask the engine.
enum class socket_verdict : std::uint8_t { submitted, buffered, empty, closed, busy, poisoned };

// read_some: bytes into the caller's memory. `inside`: one step of a composite read, which holds
// the reading side and has emptied the stream's own buffer.
class read_awaiter final : public operation {
 public:
  read_awaiter(const socket_ref& socket, std::span<std::byte> into, bool inside = false) noexcept
      : operation(op_code::read), socket_(socket), inside_(inside) {
    data = into.data();
    size = into.size();
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  std::size_t await_resume();

 private:
  bool start() noexcept;

  socket_ref socket_;
  socket_verdict verdict_ = socket_verdict::submitted;
  bool holds_ = false;
  bool inside_;
};

// receive: bytes in a buffer of the engine's.
class receive_awaiter final : public operation {
 public:
  explicit receive_awaiter(const socket_ref& socket) noexcept
      : operation(op_code::receive), socket_(socket) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  lease await_resume();

 private:
  bool start() noexcept;

  socket_ref socket_;
  socket_verdict verdict_ = socket_verdict::submitted;
  bool holds_ = false;
};

// write_all. With `sent`, the bytes that the kernel took are added there, however the write ends,
// and a cancellation does not poison: the owner can go on where it stopped.
class write_awaiter final : public operation {
 public:
  write_awaiter(const socket_ref& socket, const void* from, std::size_t bytes,
                std::size_t* sent = nullptr) noexcept
      : operation(op_code::write), socket_(socket), sent_(sent) {
    data = const_cast<void*>(from);
    size = bytes;
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume();

 private:
  bool start() noexcept;

  socket_ref socket_;
  std::size_t* sent_;
  socket_verdict verdict_ = socket_verdict::submitted;
  bool holds_ = false;
};

class close_awaiter final : public operation {
 public:
  explicit close_awaiter(const socket_ref& socket) noexcept
      : operation(op_code::close), socket_(socket) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  void await_resume();
  // A close cannot be stopped, and is short.
  void on_cancel() noexcept override {}

 private:
  bool start() noexcept;

  socket_ref socket_;
};

}  // namespace detail

// A TCP connection. Move-only; belongs to its loop's thread and is destroyed before `run` returns
// (one that outlives the loop leaks its descriptor).
//
// One coroutine may read and one may write at a time; a second of either gets std::logic_error.
// What the system reports is std::system_error with what was done and to whom: "read from
// 127.0.0.1:4444: Connection reset by peer". The end of the stream is a value, and leaves writing
// open. A closed stream reports bad_file_descriptor; an empty one (default, moved from)
// std::logic_error.
//
// Destroying or closing a stream ends the waits of others on it with operation_canceled; moving it
// does not disturb them. Memory given to read_some and write_all is borrowed until they return.
//
// Every wait is a cancellation point. A cancelled read loses no bytes. A cancelled write_all may
// have sent a part, so that the writing side is unusable: later writes throw stream_error, saying
// so. Reading goes on.
//
//   tcp_stream peer = co_await tcp_stream::connect("example.com", 80);
//   co_await peer.write_all("GET / HTTP/1.0\r\n\r\n");
//   std::string status = co_await peer.read_until("\r\n", 8192);
class tcp_stream {
 public:
  tcp_stream() noexcept {}
  tcp_stream(tcp_stream&& other) noexcept = default;
  tcp_stream& operator=(tcp_stream&& other) noexcept {
    if (this != &other) {
      abandon();
      socket_ = std::move(other.socket_);
    }
    return *this;
  }
  ~tcp_stream() { abandon(); }

  // Resolves the host and tries its addresses in order. Throws resolve_error, or a system_error
  // with the last cause whose text names the host and every address tried with its cause.
  static task<tcp_stream> connect(std::string host, std::uint16_t port);
  static task<tcp_stream> connect(endpoint to);

  // True until closed or moved from; says nothing about the peer.
  [[nodiscard]] bool is_open() const noexcept { return socket_ && socket_.base()->fd >= 0; }

  // At least one byte, as many as there are; 0 at the end of the stream (or for an empty span).
  // Allocates nothing.
  [[nodiscard]] detail::read_awaiter read_some(std::span<std::byte> into) noexcept {
    return {socket_, into};
  }
  // The same in a buffer on loan from the loop; empty at the end of the stream. A connection that
  // waits here holds no buffer. Bytes that an unfinished read_exactly or read_until has given back
  // come first, in a block of their own.
  [[nodiscard]] detail::receive_awaiter receive() noexcept {
    return detail::receive_awaiter(socket_);
  }
  // Exactly `into.size()` bytes, or incomplete_read with what was wanted and got.
  task<> read_exactly(std::span<std::byte> into);
  // Up to and including the delimiter. At most `limit` bytes, or read_limit_exceeded;
  // incomplete_read if the stream ends first. std::invalid_argument for an empty delimiter.
  task<std::string> read_until(std::string delimiter, std::size_t limit);

  // Returns when the kernel holds all of it. Allocates nothing.
  [[nodiscard]] detail::write_awaiter write_all(std::span<const std::byte> bytes) noexcept {
    return {socket_, bytes.data(), bytes.size()};
  }
  [[nodiscard]] detail::write_awaiter write_all(std::string_view text) noexcept {
    return {socket_, text.data(), text.size()};
  }

  // Tells the peer that nothing more will be sent; reading goes on. No wait.
  void shutdown();
  // Ends the waits of others on this stream and returns when the descriptor has been closed. The
  // second close does nothing. In a cancelled scope the descriptor is closed all the same.
  [[nodiscard]] detail::close_awaiter close() noexcept { return detail::close_awaiter(socket_); }

  [[nodiscard]] endpoint local_address() const;
  // Known from the start; good after the connection has ended.
  [[nodiscard]] endpoint remote_address() const;
  // Nagle's algorithm off (the default) or on.
  void set_no_delay(bool on);

  // For Eddy's own layers.
  explicit tcp_stream(detail::socket_ref socket) noexcept : socket_(std::move(socket)) {}
  const detail::socket_ref& socket() const noexcept { return socket_; }

 private:
  void abandon() noexcept {
    if (is_open()) release();
  }
  void release() noexcept;

  detail::socket_ref socket_;
};

// How to listen. Chained setters.
class listen_options {
 public:
  listen_options() noexcept {}

  // Connections that the kernel keeps until they are accepted; default 1024, the kernel may cap it.
  listen_options& backlog(int connections) & noexcept {
    backlog_ = connections;
    return *this;
  }
  listen_options&& backlog(int connections) && noexcept { return std::move(backlog(connections)); }
  // Several listeners may share the port, and the kernel spreads connections: SO_REUSEPORT. Off.
  listen_options& reuse_port(bool on = true) & noexcept {
    reuse_port_ = on;
    return *this;
  }
  listen_options&& reuse_port(bool on = true) && noexcept { return std::move(reuse_port(on)); }

 private:
  friend class tcp_listener;
  int backlog_ = 1024;
  bool reuse_port_ = false;
};

// A listening socket. Move-only, of its loop's thread, as tcp_stream is; one accept at a time.
//
//   auto listener = tcp_listener::bind(endpoint::loopback(0));
//   while (true) {
//     tcp_stream peer = co_await listener.accept();
//     spawn(serve(std::move(peer))).detach();
//   }
class tcp_listener {
 public:
  tcp_listener() noexcept {}
  tcp_listener(tcp_listener&& other) noexcept = default;
  tcp_listener& operator=(tcp_listener&& other) noexcept {
    if (this != &other) {
      abandon();
      socket_ = std::move(other.socket_);
    }
    return *this;
  }
  ~tcp_listener() { abandon(); }

  // Port 0: one that the system chooses; local_address() has it. Throws std::system_error that
  // names the address; std::logic_error outside a loop.
  [[nodiscard]] static tcp_listener bind(endpoint at, listen_options options = listen_options());

  [[nodiscard]] bool is_open() const noexcept { return socket_ && socket_.base()->fd >= 0; }
  [[nodiscard]] endpoint local_address() const;

  // The next connection. Connections that ended while they were queued are passed over. Throws
  // std::system_error; after one (too many open files, say) the listener is usable as before.
  // Cancellation point: a connection that came in spite of the cancellation is returned.
  task<tcp_stream> accept();

  // Ends a waiting accept with operation_canceled, refuses what is queued, and returns when the
  // descriptor has been closed.
  [[nodiscard]] detail::close_awaiter close() noexcept { return detail::close_awaiter(socket_); }

 private:
  explicit tcp_listener(detail::socket_ref socket) noexcept : socket_(std::move(socket)) {}
  void abandon() noexcept {
    if (is_open()) release();
  }
  void release() noexcept;

  detail::socket_ref socket_;
};

}  // namespace eddy::inline v1
