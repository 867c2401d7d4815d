// Looking names up: what resolve() and the cache of an HTTP session are made of.
#pragma once

#include <cstdint>
#include <eddy/net/resolver.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::inline v1::detail {

// The time to live of an answer that brings none.
inline constexpr std::int64_t no_time_to_live = -1;

// What a lookup found: addresses without ports, best first, and for how long they hold.
struct lookup_answer {
  std::vector<endpoint> addresses;
  std::int64_t time_to_live_ns = no_time_to_live;
  bool is_partial = false;  // one family had not answered yet
};

// Once one family has addresses, how long the other one is waited for before connecting begins
// (RFC 8305 §3: the Resolution Delay, and §8).
inline constexpr std::int64_t resolution_delay_ns = 50'000'000;
// The same where all there are will be needed: those of the first question have failed, or are the
// caller's only ones.
inline constexpr std::int64_t late_answer_patience_ns = 1'000'000'000;

// Throws resolve_error for what can be no name: empty, too long, not printable.
void check_name(std::string_view host);
// "cannot resolve NAME: WHY".
[[noreturn]] void throw_not_resolved(std::string_view host, std::string_view why);
// The same addresses with a port.
std::vector<endpoint> with_port(const std::vector<endpoint>& addresses, std::uint16_t port);

// Whether names go to c-ares rather than to getaddrinfo: in builds with it, outside simulated
// worlds.
bool asks_cares() noexcept;

// The addresses of a name, which is none itself: asked anew each time. `host` has been checked.
// Once one family has addresses, the other one has `patience_ns` more; getaddrinfo, which tells
// both at once, has all the time it takes. Throws resolve_error. Cancellation point.
task<lookup_answer> look_up(std::string host, std::int64_t patience_ns);
// By getaddrinfo on the loop's lane for names; answers have no time to live. Throws also
// std::system_error if no thread can be had.
task<lookup_answer> look_up_on_lane(std::string host);

}  // namespace eddy::inline v1::detail
