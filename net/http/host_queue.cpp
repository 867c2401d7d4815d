#include "host_queue.hpp"

#include <utility>

namespace eddy::inline v1::http {

void host_queue::add(queued_host& h, std::uint64_t turn) noexcept {
  h.turn = turn;
  h.is_queued = true;
  root_ = joined(root_, &h);
}

void host_queue::remove(queued_host& h) noexcept {
  queued_host* const below = paired(std::exchange(h.child, nullptr));
  h.is_queued = false;
  if (&h == root_) {
    root_ = below;
    return;
  }
  (h.previous->child == &h ? h.previous->child : h.previous->next) = h.next;
  if (h.next) h.next->previous = h.previous;
  h.next = h.previous = nullptr;
  root_ = joined(root_, below);
}

// Two heaps into one; either may be empty.
queued_host* host_queue::joined(queued_host* a, queued_host* b) noexcept {
  if (!a || !b) return a ? a : b;
  ++steps_;
  if (b->turn < a->turn) std::swap(a, b);
  b->previous = a;
  b->next = a->child;
  if (a->child) a->child->previous = b;
  a->child = b;
  return a;
}

// The children of what was removed into one heap: in pairs from the first to the last, and the
// pairs from the last to the first. That order is what makes the average logarithmic.
queued_host* host_queue::paired(queued_host* siblings) noexcept {
  queued_host* pairs = nullptr;  // the last pair first
  while (siblings) {
    queued_host* const a = siblings;
    queued_host* const b = a->next;
    siblings = b ? b->next : nullptr;
    a->next = a->previous = nullptr;
    if (b) b->next = b->previous = nullptr;
    queued_host* const pair = joined(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  queued_host* all = nullptr;
  while (pairs) {
    queued_host* const pair = std::exchange(pairs, pairs->next);
    pair->next = nullptr;
    all = joined(all, pair);
  }
  return all;
}

}  // namespace eddy::inline v1::http
