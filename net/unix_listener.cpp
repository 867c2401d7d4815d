#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "accept.hpp"
#include "unix_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

constexpr const char* listening = "listen on";

struct unix_listener_state final : descriptor_state {
  unix_listener_state(const descriptor_type& t, int descriptor, loop_core& home,
                      const unix_address& own)
      : descriptor_state(t, descriptor, home), address(own) {}

  std::string name() const { return address.to_string(); }
  void surrendered() noexcept {
    if (owns_file) system::unlink_if_same(address.name().c_str(), file);
  }

  unix_address address;
  system::file_identity file;
  bool owns_file = false;
};

unix_listener_state& listener_of(const descriptor_ref& ref) noexcept {
  return static_cast<unix_listener_state&>(descriptor_of(ref));
}

bool is_stale(const unix_listener_state& s, const socket_address& at,
              system::file_identity& file) noexcept {
  if (s.address.is_abstract()) return false;
  if (system::identify_file(s.address.name().c_str(), file) < 0 || !file.is_socket) return false;
  return system::probe_unix_server(at) == -ECONNREFUSED;
}

// Takes the address, which somebody may have left behind.
void take_address(const descriptor_ref& listener, bool remove_stale) {
  unix_listener_state& s = listener_of(listener);
  const socket_address at = to_socket_address(s.address);
  int failed = system::bind_to(s.fd, at);
  system::file_identity file;
  if (failed == -EADDRINUSE && is_stale(s, at, file)) {
    if (!remove_stale) {
      throw_os_error(failed, listening,
                     (s.address.to_string() + ", where a dead server has left its socket "
                      "(unix_listen_options::remove_stale replaces it)").c_str());
    }
    failed = system::unlink_if_same(s.address.name().c_str(), file);
    if (!failed || failed == -ENOENT) failed = system::bind_to(s.fd, at);
    if (failed == -ESTALE) failed = -EADDRINUSE;
  }
  if (failed) fail_descriptor(failed, listening, listener);
  if (s.address.is_abstract()) return;
  failed = system::identify_file(s.address.name().c_str(), s.file);
  s.owns_file = failed == 0;
}

unix_stream make_accepted(int fd, loop_core& loop, const descriptor_ref& listener) {
  return unix_stream(
      adopt<unix_state>(fd, loop, listener_of(listener).address, unix_role::server));
}

}  // namespace
}  // namespace detail

unix_listener unix_listener::bind(unix_address at, unix_listen_options options) {
  detail::loop_core& loop = detail::require_loop("unix_listener::bind");
  if (at.name().empty()) throw std::invalid_argument("listen on a unix address without a name");
  detail::descriptor_ref socket;
  try {
    const int fd = detail::engine_of(loop).open_socket(AF_UNIX, SOCK_STREAM);
    socket = detail::adopt<detail::unix_listener_state>(fd, loop, at);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to listen on " + at.to_string());
  }
  unix_listener listener(std::move(socket));
  const detail::descriptor_ref& opened = listener.owned_.ref();
  detail::take_address(opened, options.remove_stale_);
  const int failed = detail::system::listen(opened.base()->fd, options.backlog_);
  if (failed < 0) detail::fail_descriptor(failed, detail::listening, opened);
  return listener;
}

unix_address unix_listener::local_address() const {
  detail::state_for("local address of", owned_.ref());
  return detail::listener_of(owned_.ref()).address;
}

task<unix_stream> unix_listener::accept() {
  return detail::accept_on(owned_.ref(), detail::make_accepted);
}

}  // namespace eddy::inline v1
