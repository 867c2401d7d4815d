// Items in a ring, taken from at either end.
#pragma once

#include <eddy/sync/item_memory.hpp>

namespace eddy::inline v1::detail {

// First in, first out. Grows by doubling, never shrinks. std::deque costs its header, and a block
// for each object.
template <class T>
class item_ring {
 public:
  item_ring() noexcept {}
  item_ring(const item_ring&) = delete;
  item_ring& operator=(const item_ring&) = delete;
  ~item_ring() {
    clear();
    free_items(items_);
  }

  // False if there is no memory.
  bool push(T&& item) noexcept {
    if (end_ - first_ == room_ && !grow()) return false;
    ::new (static_cast<void*>(at(end_))) T(std::move(item));
    ++end_;
    return true;
  }
  T pop() noexcept { return take_item(at(first_++)); }
  T pop_last() noexcept { return take_item(at(--end_)); }
  void clear() noexcept {
    while (end_ != first_) at(--end_)->~T();
  }

 private:
  T* at(std::size_t i) const noexcept { return items_ + (i & (room_ - 1)); }

  bool grow() noexcept {
    const std::size_t more = room_ ? room_ * 2 : first_item_room;
    T* items = allocate_items<T>(more);
    if (!items) return false;
    const std::size_t size = end_ - first_;
    for (std::size_t i = 0; i < size; ++i) move_item(items + i, at(first_ + i));
    free_items(items_);
    items_ = items;
    room_ = more;
    first_ = 0;
    end_ = size;
    return true;
  }

  T* items_ = nullptr;
  std::size_t room_ = 0;
  // How many were ever taken from the front, and put behind: they may wrap, as room_ is a power of
  // two.
  std::size_t first_ = 0;
  std::size_t end_ = 0;
};

// Last in, first out.
template <class T>
class item_stack : private item_ring<T> {
 public:
  using item_ring<T>::push;
  using item_ring<T>::clear;
  T pop() noexcept { return this->pop_last(); }
};

}  // namespace eddy::inline v1::detail
