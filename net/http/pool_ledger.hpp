// Who may have a connection: every decision of the connection pool, and none of its acts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/runtime/wait_list.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host_queue.hpp"

namespace eddy::inline v1::http {

// What the ledger knows of one origin ("https://example.com:8443"). Its record lives as long as it
// has a slot or is pinned.
struct pool_host : queued_host {
  const std::string* origin = nullptr;
  std::size_t slots = 0;  // connections that are open, idle ones included, or about to be
  std::size_t pins = 0;   // requests that may still ask
  class pool_entry* newest_idle = nullptr;
  class pool_request* first_waiting = nullptr;  // its own line, a part of the line of all
  class pool_request* last_waiting = nullptr;
};

// What the ledger knows of one connection: the base of `connection`.
class pool_entry {
 public:
  pool_entry() noexcept {}
  pool_entry(const pool_entry&) = delete;
  pool_entry& operator=(const pool_entry&) = delete;

  pool_host* host = nullptr;
  std::int64_t idle_since_ns = 0;

  pool_entry* older = nullptr;  // links of the one list of the pool that it is on
  pool_entry* newer = nullptr;
  pool_entry* older_of_host = nullptr;  // links among the idle ones of its origin
  pool_entry* newer_of_host = nullptr;
};

// A list of entries by age, through the entries. Owns nothing.
class entry_list {
 public:
  pool_entry* oldest() const noexcept { return oldest_; }
  std::size_t size() const noexcept { return size_; }
  void add(pool_entry& e) noexcept;
  void remove(pool_entry& e) noexcept;

 private:
  pool_entry* oldest_ = nullptr;
  pool_entry* newest_ = nullptr;
  std::size_t size_ = 0;
};

// A request in the line for a connection.
class pool_request : public detail::listed_waiter {
 public:
  pool_host* host = nullptr;

  std::uint64_t turn = 0;  // in the line of all
  pool_request* before = nullptr;  // links of the line of its host
  pool_request* behind = nullptr;

 protected:
  pool_request() noexcept {}
  ~pool_request() = default;
};

// The bookkeeping of a pool: slots, idle connections and the line of those who wait. No I/O, no
// clock, no coroutine; the caller acts on the answers. But for find(), nothing allocates or throws.
//
// The rules:
//  1. A slot is reserved when it is handed over, so that the limits hold at every moment.
//  2. The line is one FIFO: whoever has waited longest among those who can be served comes first. A
//     request that its origin's own limit holds up is passed over by requests for other origins.
//  3. An idle connection of the origin is taken before a new one, the one used last first: it is
//     the likeliest to be alive. Where all slots are taken, the connection that has been idle
//     longest gives its slot to a request for another origin.
//  4. Nobody who waits could be served: whoever changes the books asks first_in_line() until it
//     answers null. So a newcomer that can be served at once overtakes no one.
//
// Nothing walks the line or the origins: every step costs the same with ten thousand of them as
// with ten, but for host_queue, which is needed only with a limit per host.
class pool_ledger {
 public:
  // 0: no limit.
  pool_ledger(std::size_t limit, std::size_t limit_per_host) noexcept
      : limit_(limit), limit_per_host_(limit_per_host) {}
  pool_ledger(const pool_ledger&) = delete;
  pool_ledger& operator=(const pool_ledger&) = delete;

  enum class answer : std::uint8_t {
    wait,
    reuse,  // `entry`, which is idle
    open,   // a new connection
    evict,  // a new connection, after `entry` has been closed
  };
  struct decision {
    answer what = answer::wait;
    pool_entry* entry = nullptr;
  };

  // The record of an origin, pinned. May throw std::bad_alloc.
  pool_host& find(std::string_view origin);
  void unpin(pool_host& host) noexcept;

  // What a request for this origin can have now.
  decision decide(const pool_host& host) const noexcept;
  // Books what was decided, unless that is `wait`. From then on the slot, and `entry`, are the
  // caller's.
  void take(pool_host& host, const decision& d) noexcept;

  void enqueue(pool_request& r) noexcept;
  void withdraw(pool_request& r) noexcept;
  // The one to be served next and what it gets; null if everyone has to wait.
  pool_request* first_in_line(decision& d) const noexcept;
  // The one that has waited longest, to be turned away.
  pool_request* front_of_line() const noexcept { return static_cast<pool_request*>(line_.front()); }

  // A connection keeps its slot and is idle from now on.
  void give_back(pool_entry& e, std::int64_t now_ns) noexcept;
  // The slot is free again.
  void vacate(pool_host& host) noexcept;

  // The connection that has been idle longest, not counting those idle after `since_ns`. The slot
  // and the entry are the caller's then.
  pool_entry* take_idle(std::int64_t since_ns) noexcept;
  const pool_entry* oldest_idle() const noexcept { return idle_.oldest(); }

  std::size_t slots() const noexcept { return slots_; }
  std::size_t idle() const noexcept { return idle_.size(); }
  std::size_t waiting() const noexcept { return line_.size(); }
  std::size_t hosts() const noexcept { return hosts_.size(); }
  std::size_t most_slots() const noexcept { return most_slots_; }
  // What finding the next in the line has cost so far.
  std::uint64_t steps() const noexcept { return servable_.steps(); }

 private:
  bool is_held_up(const pool_host& host) const noexcept;
  void requeue(pool_host& host) noexcept;
  void add_slot(pool_host& host) noexcept;
  void remove_idle(pool_entry& e) noexcept;
  void forget_if_unused(pool_host& host) noexcept;

  std::size_t limit_;
  std::size_t limit_per_host_;
  // As many hosts as one likes cost a request no more than one.
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, pool_host, text_hash, std::equal_to<>> hosts_;
  pool_host* last_found_ = nullptr;  // most requests go where the one before went
  entry_list idle_;
  detail::wait_list line_;
  // With a limit per host: those with somebody in the line whom that limit does not hold up.
  host_queue servable_;
  std::uint64_t last_turn_ = 0;
  std::size_t slots_ = 0;
  std::size_t most_slots_ = 0;
};

}  // namespace eddy::inline v1::http
