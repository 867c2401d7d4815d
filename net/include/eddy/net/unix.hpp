// Unix sockets (unix(7)): streams between processes of one machine.
#pragma once

#include <cstdint>
#include <eddy/runtime/stream.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace eddy::inline v1 {

// Where a unix socket is: a path in the file system, or a name of Linux's that is in none and ends
// with its last listener. A plain value, usable on any thread.
//
//   unix_address::path("/run/site.sock").to_string()    // "/run/site.sock"
//   unix_address::abstract("site").to_string()          // "@site"
class unix_address {
 public:
  // Without a name: where most clients are.
  unix_address() noexcept {}

  // Throws std::invalid_argument for a path that is empty, holds a NUL byte, or is longer than the
  // system takes (107 bytes on Linux, 103 on BSD and macOS).
  [[nodiscard]] static unix_address path(std::string_view path);
  // Any bytes, without the '@'. Throws std::invalid_argument for a name that is empty or too long
  // (107 bytes), std::system_error (operation_not_supported) where the system has no such names.
  [[nodiscard]] static unix_address abstract(std::string_view name);

  [[nodiscard]] bool is_abstract() const noexcept { return is_abstract_; }
  // The path, or the abstract name; empty for none.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // As messages show it.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const unix_address&, const unix_address&) noexcept = default;

 private:
  unix_address(std::string_view name, bool is_abstract) : name_(name), is_abstract_(is_abstract) {}

  std::string name_;
  bool is_abstract_ = false;
};

// Who is at the other end, as the kernel vouches for: at the time of its connect, or of its listen.
class unix_credentials {
 public:
  unix_credentials() noexcept {}
  unix_credentials(std::int64_t process, std::uint32_t user, std::uint32_t group) noexcept
      : pid(process), uid(user), gid(group) {}

  std::int64_t pid = -1;  // -1 where the system does not say (FreeBSD)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// A connection over a unix socket: a byte_stream, with its rules. In messages an accepted one is
// "a client of /run/site.sock".
//
//   unix_stream peer = co_await unix_stream::connect(unix_address::path("/run/site.sock"));
//   co_await peer.write_all("reload\n");
class unix_stream : public byte_stream {
 public:
  using byte_stream::byte_stream;

  // A server whose queue of connections is full is waited for. Throws std::system_error that names
  // the address: no_such_file_or_directory, connection_refused (nobody listens).
  static task<unix_stream> connect(unix_address to);
  // Two ends that are connected with each other (socketpair(2)). Throws std::system_error;
  // std::logic_error outside a loop.
  [[nodiscard]] static std::pair<unix_stream, unix_stream> pair();

  // Throws std::system_error.
  [[nodiscard]] unix_credentials peer_credentials() const;
};

// How to listen. Chained setters.
class unix_listen_options {
 public:
  unix_listen_options() noexcept {}

  // Connections that the kernel keeps until they are accepted; default 1024, the kernel may cap it.
  unix_listen_options& backlog(int connections) & noexcept {
    backlog_ = connections;
    return *this;
  }
  unix_listen_options&& backlog(int connections) && noexcept {
    return std::move(backlog(connections));
  }
  // A socket file that a dead server has left is replaced, if nobody answers there. Off. Two
  // servers that start at the same moment may both find nobody: the later one has the path then.
  unix_listen_options& remove_stale(bool on = true) & noexcept {
    remove_stale_ = on;
    return *this;
  }
  unix_listen_options&& remove_stale(bool on = true) && noexcept {
    return std::move(remove_stale(on));
  }

 private:
  friend class unix_listener;
  int backlog_ = 1024;
  bool remove_stale_ = false;
};

// A listening unix socket. Move-only, of its loop's thread, as unix_stream is; one accept at a
// time. Closing or destroying it removes its path, unless that is another file by then.
//
//   auto listener = unix_listener::bind(unix_address::path("/run/site.sock"),
//                                       unix_listen_options().remove_stale());
//   while (true) {
//     unix_stream peer = co_await listener.accept();
//     spawn(serve(std::move(peer))).detach();
//   }
class unix_listener {
 public:
  unix_listener() noexcept {}

  // The process's umask decides who may connect to a path. Throws std::system_error that names the
  // address: address_in_use, also for the socket file of a dead server, and then says so;
  // std::invalid_argument for an address without a name; std::logic_error outside a loop.
  [[nodiscard]] static unix_listener bind(unix_address at,
                                          unix_listen_options options = unix_listen_options());

  [[nodiscard]] bool is_open() const noexcept { return owned_.is_open(); }
  [[nodiscard]] unix_address local_address() const;

  // The next connection. Throws std::system_error; after one (too many open files, say) the
  // listener is usable as before. Cancellation point: a connection that came in spite of the
  // cancellation is returned.
  task<unix_stream> accept();

  // Ends a waiting accept with operation_canceled, refuses what is queued, and returns when the
  // descriptor has been closed.
  [[nodiscard]] detail::close_awaiter close() noexcept {
    return detail::close_awaiter(owned_.ref());
  }

 private:
  explicit unix_listener(detail::descriptor_ref adopted) noexcept : owned_(std::move(adopted)) {}

  detail::owned_descriptor owned_;
};

}  // namespace eddy::inline v1
