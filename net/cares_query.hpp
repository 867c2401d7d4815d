// One name asked of c-ares, for both families: the channel, and what the loop has to do for it.
#pragma once

#include <ares.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "cares_lookup.hpp"
#include "lookup.hpp"

namespace eddy::inline v1::detail {

// A channel for one lookup. A channel that is kept would keep the name servers of its beginning,
// and ask from the same ports for as long; a new one reads resolv.conf, tens of microseconds, and
// ends with the coroutine that asks. It does what c-ares asks for in resume(), never waits, and
// calls nobody from within. Thread: its loop's. Destroying it gives the question up.
class cares_query {
 public:
  // Throws std::runtime_error if the channel cannot be made.
  explicit cares_query(const cares_settings& s);
  cares_query(const cares_query&) = delete;
  cares_query& operator=(const cares_query&) = delete;
  ~cares_query() { ares_destroy(channel_); }

  // A socket that the query waits for, to read or to write.
  struct wish {
    int fd;
    bool writing;
  };
  // UDP and TCP of as many servers as c-ares tells of, both directions of each.
  static constexpr std::size_t most_wishes = std::size_t{2} * ARES_GETSOCK_MAXNUM;

  void ask(const char* host);
  // Both families have answered.
  bool is_done() const noexcept { return v4_.done && v6_.done; }
  // One has, and there are addresses.
  bool has_addresses() const noexcept { return !v4_.found.empty() || !v6_.found.empty(); }
  // What it waits for now: at least something until it is done. The rest of `out` is untouched.
  std::size_t wishes(std::span<wish, most_wishes> out) const;
  // Nanoseconds until it wants resume() whatever happens.
  std::int64_t patience_ns() const;
  // A wish has come true; or, with null, time has passed.
  void resume(const wish* granted);
  // When it is done, or has addresses: the answer, or what failed as resolve_error. Throws
  // std::logic_error outside a loop.
  lookup_answer take(const std::string& host);

 private:
  struct family {
    explicit family(cares_query& q) noexcept : query(q) {}
    cares_query& query;
    unsigned turn = 0;  // which of the two answered first
    bool done = false;
    bool no_memory = false;
    int status = ARES_SUCCESS;
    std::string name;  // that was asked for, with the domain that was added to it
    std::vector<endpoint> found;
    int seconds = INT32_MAX;  // the least time to live
  };
  static void answered(void* to, int status, int timeouts, ares_addrinfo* found);
  static void keep(family& to, const ares_addrinfo& found);
  // Each family walks the search domains by itself, and may end at another host.
  void keep_one_host() noexcept;
  void start(const char* host, int family_number, family& to);
  // Both at once, from /etc/hosts.
  void take_all_from_hosts(const char* host);

  ares_channel channel_ = nullptr;
  unsigned last_turn_ = 0;
  family v4_{*this};
  family v6_{*this};
  family hosts_{*this};
};

}  // namespace eddy::inline v1::detail
