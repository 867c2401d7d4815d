// The line of those who wait for a primitive, and what is told of it.
#pragma once

#include <eddy/runtime/wait_list.hpp>

namespace eddy::inline v1::detail {

// A wait_list that remembers how long it has been at most.
class line : public wait_list {
 public:
  void push_back(listed_waiter& w) noexcept {
    wait_list::push_back(w);
    if (size() > most_) most_ = size();
  }
  // The high-water mark of size().
  std::size_t most() const noexcept { return most_; }

 private:
  std::size_t most_ = 0;
};

}  // namespace eddy::inline v1::detail
