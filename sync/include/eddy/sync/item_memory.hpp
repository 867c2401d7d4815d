// Raw memory for the items of a queue. It is asked for without throwing.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace eddy::inline v1::detail {

inline constexpr std::size_t first_item_room = 8;  // a power of two

// Uninitialised room for so many; null if there is none.
template <class T>
T* allocate_items(std::size_t count) noexcept {
  return static_cast<T*>(
      ::operator new(count * sizeof(T), std::align_val_t(alignof(T)), std::nothrow));
}
template <class T>
void free_items(T* items) noexcept {
  ::operator delete(items, std::align_val_t(alignof(T)));
}
// Moves the item to uninitialised memory, and leaves such memory behind.
template <class T>
void move_item(T* to, T* from) noexcept {
  ::new (static_cast<void*>(to)) T(std::move(*from));
  from->~T();
}
template <class T>
T take_item(T* from) noexcept {
  T item(std::move(*from));
  from->~T();
  return item;
}

}  // namespace eddy::inline v1::detail
