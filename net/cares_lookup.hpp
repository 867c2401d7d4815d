// Names by c-ares, which asks the name servers itself and so needs no threads.
#pragma once

#include <string_view>

#include "lookup.hpp"

namespace eddy::inline v1::detail {

// For tests: which server is asked, and how patiently. By default what resolv.conf says.
struct cares_settings {
  bool has_server = false;
  endpoint server;             // for datagrams
  std::uint16_t tcp_port = 0;  // for answers that were too long
  int timeout_ms = 0;          // of the first try; 0: the system's
  std::int64_t patience_ns = late_answer_patience_ns;  // for the second family
};

// Tries of each server, as getaddrinfo's; c-ares alone would try four times, for 75 s.
inline constexpr int name_server_tries = 2;

// Numbers in their old forms (127.1, 0x7f.1) and scoped addresses (fe80::1%eth0) are getaddrinfo's
// to read; it asks nobody for them.
bool is_for_getaddrinfo(std::string_view host) noexcept;

// As look_up: both families are asked for at once, and none of them is owed more than its share of
// patience. What failed is told only if neither has addresses. An answer that comes later is not
// heard; who needs it asks again (connect_any). /etc/hosts comes first where nsswitch.conf says so,
// and then is the only one; answers bring their time to live,
// the least of all records', CNAMEs included. Cancellation ends it at once, with its sockets.
task<lookup_answer> look_up_by_cares(std::string host, cares_settings s = cares_settings());

}  // namespace eddy::inline v1::detail
