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
    if (size_ == room_ && !grow()) return false;
    ::new (static_cast<void*>(at(size_))) T(std::move(item));
    ++size_;
    return true;
  }
  T pop() noexcept {
    T* first = at(0);
    first_ = (first_ + 1) & (room_ - 1);
    --size_;
    return take_item(first);
  }
  T pop_last() noexcept { return take_item(at(--size_)); }
  void clear() noexcept {
    while (size_ > 0) at(--size_)->~T();
  }

 private:
  T* at(std::size_t i) const noexcept { return items_ + ((first_ + i) & (room_ - 1)); }

  bool grow() noexcept {
    const std::size_t more = room_ ? room_ * 2 : first_item_room;
    T* items = allocate_items<T>(more);
    if (!items) return false;
    for (std::size_t i = 0; i < size_; ++i) move_item(items + i, at(i));
    free_items(items_);
    items_ = items;
    room_ = more;
    first_ = 0;
    return true;
  }

  T* items_ = nullptr;
  std::size_t room_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
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
