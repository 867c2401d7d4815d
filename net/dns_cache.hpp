// The addresses of names, remembered for as long as their answers say.
#pragma once

#include <eddy/sync/async_cache.hpp>
#include <memory>

#include "lookup.hpp"

namespace eddy::inline v1::detail {

// Names that are remembered; the one that was not used for the longest time goes first.
inline constexpr std::size_t dns_cache_names = 256;

// How long answers hold without a word from the session.
inline constexpr std::int64_t usual_dns_ttl_ns = 10'000'000'000;

struct dns_cache_statistics {
  std::size_t names;     // answers remembered now
  std::uint64_t hits;    // answered from memory
  std::uint64_t joins;   // answered by a lookup that was under way
  std::uint64_t misses;  // lookups
};

// The addresses of a name, with the port.
struct dns_found {
  std::vector<endpoint> addresses;
  bool is_partial = false;  // one family had not answered in time: resolve_rest() may have more
};

// Answers hold for their time to live, and never longer than `most_ttl_ns`, which is also that of
// answers that bring none; 0: nothing is remembered, but who asks for one name at one time still
// shares one lookup. Failures are not remembered. Cancelling one who waits leaves the lookup to the
// others; the last one ends it. Must outlive who waits. Thread: one loop's.
//
//   dns_cache names(usual_dns_ttl_ns);
//   dns_found found = co_await names.resolve("example.com", 443);
class dns_cache {
 public:
  using ask = callable<task<lookup_answer>(std::string, std::int64_t)>;  // as look_up

  explicit dns_cache(std::int64_t most_ttl_ns, std::size_t names = dns_cache_names,
                     ask how = look_up);

  // As eddy::resolve, but for the patience: connecting begins when one family has addresses and the
  // other one has had its resolution delay. Letter case makes no difference; an address is its own
  // answer.
  task<dns_found> resolve(std::string host, std::uint16_t port);
  // Asks once more, with patience, for a name of which resolve() found a part; that answer, too, is
  // remembered and shared.
  task<std::vector<endpoint>> resolve_rest(std::string host, std::uint16_t port);
  void clear() noexcept { answers_.clear(); }
  dns_cache_statistics statistics() const noexcept;

 private:
  struct held {
    std::vector<endpoint> addresses;
    std::int64_t expires_ns;
    bool is_partial;
  };
  using answer = std::shared_ptr<const held>;

  task<answer> load(std::string key);
  answer find(const std::string& key);

  ask look_up_;
  std::int64_t most_ttl_ns_;
  std::uint64_t hits_ = 0;
  async_cache<std::string, answer> answers_;  // after what its loads use
};

}  // namespace eddy::inline v1::detail
