#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "system.hpp"

namespace eddy::inline v1::detail::system {

void resolve_name(const std::string& host, std::uint16_t port, std::vector<socket_address>& out,
                  std::string& error) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // Without AI_ADDRCONFIG: it hides the loopback addresses of a host that has no other.
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (failed) {
    error = failed == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(failed);
    return;
  }
  for (const addrinfo* a = found; a; a = a->ai_next) {
    socket_address address;
    if (a->ai_addrlen > sizeof address.bytes) continue;
    std::memcpy(address.bytes, a->ai_addr, a->ai_addrlen);
    address.size = a->ai_addrlen;
    out.push_back(address);
  }
  ::freeaddrinfo(found);
  if (out.empty()) error = "no address of a known family";
}

std::int64_t simulated_lookup_time(const std::string&) { return 0; }

bool has_real_network() noexcept { return true; }

}  // namespace eddy::inline v1::detail::system
