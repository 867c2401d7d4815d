// The origins whose requests may be served, by how long their first one has waited.
#pragma once

#include <cstdint>

namespace eddy::inline v1::http {

// What makes something of it a member: the base of pool_host.
struct queued_host {
  std::uint64_t turn = 0;  // of its first request; the lowest comes first
  bool is_queued = false;

  queued_host* child = nullptr;    // links of the heap
  queued_host* next = nullptr;     // the next child of the same parent
  queued_host* previous = nullptr;  // the one before it, or the parent of the first
};

// A pairing heap through its members: adding takes one step, removing a number that grows with the
// logarithm of the members, on average over all. Owns nothing, never allocates or throws.
class host_queue {
 public:
  host_queue() noexcept {}
  host_queue(const host_queue&) = delete;
  host_queue& operator=(const host_queue&) = delete;

  queued_host* first() const noexcept { return root_; }
  void add(queued_host& h, std::uint64_t turn) noexcept;
  void remove(queued_host& h) noexcept;

  // Comparisons so far: what tests count in place of time.
  std::uint64_t steps() const noexcept { return steps_; }

 private:
  queued_host* joined(queued_host* a, queued_host* b) noexcept;
  queued_host* paired(queued_host* siblings) noexcept;

  queued_host* root_ = nullptr;
  std::uint64_t steps_ = 0;
};

}  // namespace eddy::inline v1::http
