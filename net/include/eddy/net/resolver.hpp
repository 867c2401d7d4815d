// Host names to addresses.
#pragma once

#include <eddy/net/address.hpp>
#include <eddy/net/resolve_error.hpp>
#include <eddy/runtime/task.hpp>
#include <string>
#include <vector>

namespace eddy::inline v1 {

// Longer host names are refused without a lookup (RFC 1035 §2.3.4, with room for a final dot).
inline constexpr std::size_t max_host_length = 254;

// Addresses of one name beyond this many are left out.
inline constexpr std::size_t max_resolved_addresses = 32;

// The addresses of a host, best first (RFC 6724), each with the port. An address as text needs no
// lookup; other names go to c-ares, which asks the name servers from this thread, or, in builds
// without it, to getaddrinfo(3) on a thread of the loop's own lane for names
// (run_options::resolver_threads). c-ares knows /etc/hosts and DNS, and none of the other sources
// that nsswitch.conf(5) may name; it asks for both families at once, and when one has addresses,
// waits 1 s for the other one at most. Nothing is remembered. Throws resolve_error;
// std::system_error if no thread can be had.
//
// Cancellation point, and a cancellation takes effect at once: c-ares gives up, a lookup that has
// not started on a thread is withdrawn, one that has is abandoned to its thread, which cannot be
// interrupted. `run` does not wait for it.
//
//   std::vector<endpoint> found = co_await resolve("localhost", 80);
task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port);

}  // namespace eddy::inline v1
