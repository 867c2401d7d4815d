#include <sys/socket.h>

#include <cerrno>
#include <eddy/runtime/timer.hpp>
#include <system_error>

#include "connect_operation.hpp"
#include "unix_state.hpp"

namespace eddy::inline v1 {

namespace {

using std::chrono::milliseconds;

// How often a server whose queue is full is asked again: nothing tells when there is room.
constexpr milliseconds first_pause{1};
constexpr milliseconds longest_pause{64};

constexpr const char* connecting = "connect to";

detail::descriptor_ref open_for(const unix_address& to) {
  detail::loop_core& loop = detail::require_loop("unix_stream::connect");
  if (to.name().empty()) throw std::invalid_argument("connect to a unix address without a name");
  try {
    const int fd = detail::engine_of(loop).open_socket(AF_UNIX, SOCK_STREAM);
    return detail::adopt<detail::unix_state>(fd, loop, to, detail::unix_role::client);
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), "open a socket to connect to " + to.to_string());
  }
}

unix_stream attached(int fd, detail::loop_core& loop) {
  return unix_stream(
      detail::adopt<detail::unix_state>(fd, loop, unix_address(), detail::unix_role::end_of_pair));
}

}  // namespace

task<unix_stream> unix_stream::connect(unix_address to) {
  unix_stream stream(open_for(to));
  const detail::socket_address address = detail::to_socket_address(to);
  milliseconds pause = first_pause;
  for (;;) {
    detail::connect_operation handshake(stream.descriptor().base()->fd, address);
    const int failed = co_await handshake;
    if (failed == 0) break;
    if (failed != -EAGAIN) detail::fail_descriptor(failed, connecting, stream.descriptor());
    co_await sleep(pause);
    pause = std::min(2 * pause, longest_pause);
  }
  co_return std::move(stream);
}

std::pair<unix_stream, unix_stream> unix_stream::pair() {
  detail::loop_core& loop = detail::require_loop("unix_stream::pair");
  int ends[2];
  const int failed = detail::system::make_socket_pair(ends);
  if (failed < 0) detail::throw_os_error(failed, "make a socket pair", nullptr);
  std::pair<unix_stream, unix_stream> out;
  int known = 0;
  try {
    for (; known < 2; ++known) detail::engine_of(loop).attach(ends[known]);
  } catch (...) {
    if (known > 0) detail::engine_of(loop).release(ends[0]);
    for (; known < 2; ++known) detail::system::file_close(ends[known]);
    throw;
  }
  try {
    out.first = attached(ends[0], loop);
  } catch (...) {
    detail::engine_of(loop).release(ends[1]);
    throw;
  }
  out.second = attached(ends[1], loop);
  return out;
}

unix_credentials unix_stream::peer_credentials() const {
  constexpr const char* what = "credentials of";
  detail::system::peer_identity found;
  const int failed =
      detail::system::identify_peer(detail::open_descriptor(what, descriptor()), found);
  if (failed < 0) detail::fail_descriptor(failed, what, descriptor());
  return {found.pid, found.uid, found.gid};
}

}  // namespace eddy::inline v1
