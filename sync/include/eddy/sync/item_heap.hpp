// Items in a binary heap, taken in the order of a comparison.
#pragma once

#include <cstdint>
#include <eddy/sync/item_memory.hpp>

namespace eddy::inline v1::detail {

// The item that comes before all others first, by Compare; among equals the one that came first:
// they are numbered, which is 8 bytes an item and a second comparison. Grows by doubling, never
// shrinks.
template <class T, class Compare>
class item_heap {
 public:
  explicit item_heap(Compare before) noexcept : before_(std::move(before)) {}
  item_heap(const item_heap&) = delete;
  item_heap& operator=(const item_heap&) = delete;
  ~item_heap() {
    clear();
    free_items(entries_);
  }

  // False if there is no memory.
  bool push(T&& item) noexcept {
    if (size_ == room_ && !grow()) return false;
    entry added(std::move(item), next_number_++);
    std::size_t hole = size_++;
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / 2;
      if (!before_(added.item, entries_[parent].item)) break;  // it came last
      move_item(entries_ + hole, entries_ + parent);
      hole = parent;
    }
    ::new (static_cast<void*>(entries_ + hole)) entry(std::move(added));
    return true;
  }
  T pop() noexcept {
    T first = std::move(entries_[0].item);
    entries_[0].~entry();
    if (--size_ > 0) fill_top(entries_ + size_);
    return first;
  }
  void clear() noexcept {
    while (size_ > 0) entries_[--size_].~entry();
  }

 private:
  struct entry {
    entry(T&& what, std::uint64_t n) noexcept : item(std::move(what)), number(n) {}
    T item;
    std::uint64_t number;
  };

  bool comes_before(const entry& a, const entry& b) const noexcept {
    if (before_(a.item, b.item)) return true;
    return !before_(b.item, a.item) && a.number < b.number;
  }
  // The top is empty; `last` goes where it belongs, and who comes before it moves up.
  void fill_top(entry* last) noexcept {
    std::size_t hole = 0;
    for (std::size_t child = 1; child < size_; child = 2 * hole + 1) {
      if (child + 1 < size_ && comes_before(entries_[child + 1], entries_[child])) ++child;
      if (!comes_before(entries_[child], *last)) break;
      move_item(entries_ + hole, entries_ + child);
      hole = child;
    }
    move_item(entries_ + hole, last);
  }
  bool grow() noexcept {
    const std::size_t more = room_ ? room_ * 2 : first_item_room;
    entry* entries = allocate_items<entry>(more);
    if (!entries) return false;
    for (std::size_t i = 0; i < size_; ++i) move_item(entries + i, entries_ + i);
    free_items(entries_);
    entries_ = entries;
    room_ = more;
    return true;
  }

  entry* entries_ = nullptr;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
  std::uint64_t next_number_ = 0;
  [[no_unique_address]] Compare before_;
};

}  // namespace eddy::inline v1::detail
