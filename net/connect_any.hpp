// Connecting to the first of several addresses that answers: "happy eyeballs" (RFC 8305).
#pragma once

#include <cstdint>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/task.hpp>
#include <string>
#include <vector>

namespace eddy::inline v1::detail {

// How long an attempt has before the next one starts beside it (RFC 8305 §5: 250 ms, and §8).
inline constexpr std::int64_t connection_attempt_delay_ns = 250'000'000;

// The order in which addresses are tried (RFC 8305 §4): the families in turn, the one of the first
// address first, so that neither a broken IPv6 nor a broken IPv4 costs more than one delay. Within
// a family the order stays: the resolver has sorted by RFC 6724.
std::vector<endpoint> interleave_families(const std::vector<endpoint>& sorted);

// Finds what the first answer to a lookup may have lacked; resolve_error: nothing.
using more_addresses = callable<task<std::vector<endpoint>>()>;

// Tries the addresses in the order given: each next one when the one before has failed, or has not
// answered for `delay_ns`. The first connection wins; the other attempts are cancelled, and have
// ended and given up their sockets before this returns. Throws std::system_error when all have
// failed: with the code of the last address, and a text that begins with "connect to " and `name`
// and tells the cause of each. Throws std::logic_error without addresses.
//
// `more` is for addresses that were all that one family had when the other had not answered in
// time: it is asked when they have failed, or the last one has been silent for the delay, and what
// it finds that is new is tried as well. Cancellation point.
task<tcp_stream> connect_any(std::vector<endpoint> addresses, std::string name,
                             std::int64_t delay_ns, more_addresses more = more_addresses());

}  // namespace eddy::inline v1::detail
