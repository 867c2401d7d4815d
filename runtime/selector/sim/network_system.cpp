// The socket calls of system.hpp in the simulated world.
#include <cerrno>

#include "../system.hpp"
#include "network.hpp"

namespace eddy::inline v1::detail::system {

int listen_on(int, const socket_address&, int, bool) noexcept { return -ENOSYS; }
int local_address(int, socket_address&) noexcept { return -ENOSYS; }
int peer_address(int, socket_address&) noexcept { return -ENOSYS; }
int set_no_delay(int, bool) noexcept { return -ENOSYS; }
int bind_to(int, const socket_address&) noexcept { return -ENOSYS; }
int listen(int, int) noexcept { return -ENOSYS; }
int connect_datagrams(int, const socket_address&) noexcept { return -ENOSYS; }
int set_option(int, socket_option, int) noexcept { return -ENOSYS; }
int shutdown_sending(int) noexcept { return -ENOSYS; }
int peek(int) noexcept { return -ENOSYS; }

std::size_t unix_path_limit() noexcept { return 0; }
std::size_t unix_abstract_limit() noexcept { return 0; }
socket_address unix_socket_address(std::string_view, bool) noexcept { return {}; }
int make_socket_pair(int (&)[2]) noexcept { return -ENOSYS; }
int identify_peer(int, peer_identity&) noexcept { return -ENOSYS; }
int identify_file(const char*, file_identity&) noexcept { return -ENOSYS; }
int unlink_if_same(const char*, const file_identity&) noexcept { return -ENOSYS; }
int probe_unix_server(const socket_address&) noexcept { return -ENOSYS; }

void resolve_name(const std::string&, std::uint16_t, std::vector<socket_address>& out,
                  std::string& error) {
  out.clear();
  error = "no such host in the simulated world";
}

}  // namespace eddy::inline v1::detail::system
