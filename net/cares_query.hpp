// One question to c-ares: its channel, and what the loop has to do for it.
#pragma once

#include <ares.h>

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
  bool is_done() const noexcept { return done_; }
  // What it waits for now: at least something until it is done. The rest of `out` is untouched.
  std::size_t wishes(std::span<wish, most_wishes> out) const;
  // Nanoseconds until it wants resume() whatever happens.
  std::int64_t patience_ns() const;
  // A wish has come true; or, with null, time has passed.
  void resume(const wish* granted);
  // When it is done: the answer, or what failed as resolve_error.
  lookup_answer take(const std::string& host);

 private:
  static void answered(void* self, int status, int timeouts, ares_addrinfo* found);
  void keep(const ares_addrinfo& found);

  ares_channel channel_ = nullptr;
  bool done_ = false;
  bool no_memory_ = false;
  int status_ = ARES_SUCCESS;
  lookup_answer answer_;
};

}  // namespace eddy::inline v1::detail
