// The untyped part of async_cache: entries, their table and order, and those who wait for a load.
#pragma once

#include <eddy/runtime/core.hpp>
#include <eddy/sync/line.hpp>

namespace eddy::inline v1::detail {

class cache_base;

// A value, or the load that will bring it. A load is a task of its own, which no getter's
// cancellation reaches; it is awaited by one of its getters, the leader, and if that one leaves by
// the next. The last to leave cancels it and stays until it has ended. So no load runs that nobody
// waits for, and none outlives its getters.
//
// The entry lives while the table has it or a getter has not gone on with what it brought.
class cache_entry {
 public:
  cache_entry(const cache_entry&) = delete;
  cache_entry& operator=(const cache_entry&) = delete;
  virtual ~cache_entry() = default;

  std::size_t hash() const noexcept { return hash_; }
  bool is_loaded() const noexcept { return loaded_; }
  cache_entry* next_in_bucket() const noexcept { return next_in_bucket_; }

 protected:
  explicit cache_entry(std::size_t hash) noexcept : hash_(hash) {}
  // Moves the value of the load, which has ended well, here.
  virtual void keep_value(promise_base& load) = 0;

 private:
  friend class cache_base;
  friend class cache_wait;

  std::size_t hash_;
  cache_entry* next_in_bucket_ = nullptr;
  cache_entry* newer_ = nullptr;  // in the order of use, among the loaded ones in the table
  cache_entry* older_ = nullptr;
  spawned* load_ = nullptr;
  waiter* leader_ = nullptr;  // in no list: the load's joiner
  wait_list followers_;
  std::exception_ptr error_;
  std::int64_t expires_ = never_ns;
  std::size_t users_ = 0;
  bool in_table_ = false;
  bool loaded_ = false;
};

class cache_wait : public listed_waiter {
 public:
  void on_cancel() noexcept override;

 protected:
  explicit cache_wait(cache_base& of) noexcept : cache_(of) {}
  ~cache_wait() = default;

  // Uses the entry, or waits until it is loaded.
  bool join(cache_entry& e) noexcept;
  bool fail() noexcept {
    error_ = std::current_exception();
    return false;
  }
  // Throws cancelled, what the load threw, or task_cancelled. Else the value is there until done().
  cache_entry& finish();
  void done() noexcept;

  cache_base& cache_;

 private:
  cache_entry* entry_ = nullptr;
  std::exception_ptr error_;
  bool waits_ = false;
  bool cancelled_ = false;
};

}  // namespace eddy::inline v1::detail
