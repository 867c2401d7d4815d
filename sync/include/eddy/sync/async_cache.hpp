// async_cache: the results of a coroutine by key.
#pragma once

#include <eddy/runtime/callable.hpp>
#include <eddy/runtime/deadline.hpp>
#include <eddy/runtime/nested_scope.hpp>
#include <eddy/sync/cache_entry.hpp>
#include <optional>

namespace eddy::inline v1 {

template <class Key, class Value, class Hash>
class async_cache;

// What statistics() of an async_cache tells.
struct cache_statistics {
  std::size_t size;           // values
  std::size_t loading;        // loads that run now
  std::size_t waiting;        // getters that wait for them
  std::size_t most_waiting;   // the most that ever did
  std::uint64_t hits;         // gets that found a value
  std::uint64_t misses;       // gets that started a load
  std::uint64_t joins;        // gets that joined one
  std::uint64_t evictions;    // values that made room for others
  std::uint64_t expirations;  // values that were found to be too old
};

namespace detail {

class cache_base {
 public:
  cache_base(const cache_base&) = delete;
  cache_base& operator=(const cache_base&) = delete;

  // Forgets all values. Loads that run go on for their getters, and are not kept.
  void clear() noexcept;

  // Values, some of which may be too old; capacity() is the most.
  std::size_t size() const noexcept { return told_.size; }
  std::size_t capacity() const noexcept { return capacity_; }
  cache_statistics statistics() const noexcept { return told_; }

 protected:
  friend class cache_wait;

  cache_base(std::size_t capacity, std::int64_t lifetime_ns);
  ~cache_base();

  cache_entry* bucket(std::size_t hash) const noexcept {
    return bucket_count_ == 0 ? nullptr : buckets_[hash & (bucket_count_ - 1)];
  }
  // False, and it is forgotten, if the value is too old. Throws std::logic_error outside a loop,
  // whose clock it reads.
  bool is_fresh(cache_entry& e);
  // Starts the load and puts the entry into the table, which owns it then.
  void start_load(cache_entry& e, loop_core& loop, std::coroutine_handle<> h, promise_base& body);
  // Throws std::logic_error if the load of `e` is the task that asks.
  void require_other(const cache_entry& e, scope& asks) const;
  void count_hit(cache_entry& e) noexcept;
  void remove(cache_entry& e) noexcept;
  // Makes room in the table for one more. Throws std::bad_alloc.
  void make_room();

 private:
  void grow_to(std::size_t count) noexcept;
  void link_newest(cache_entry& e) noexcept;
  void unlink(cache_entry& e) noexcept;
  // The load has ended: keeps or drops its value, and wakes who followed.
  void land(cache_entry& e, loop_core& loop) noexcept;
  void delete_if_unused(cache_entry& e) noexcept;

  cache_entry** buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
  std::size_t entries_ = 0;  // in the table, loads included
  cache_entry* newest_ = nullptr;
  cache_entry* oldest_ = nullptr;
  std::size_t capacity_;
  std::int64_t lifetime_;
  std::size_t users_ = 0;  // getters that have an entry
  cache_statistics told_{};
};

template <class Key, class Value>
class cache_entry_of final : public cache_entry {
 public:
  cache_entry_of(std::size_t hash, const Key& k) : cache_entry(hash), key(k) {}

  const Key key;
  std::optional<Value> value;

 private:
  void keep_value(promise_base& load) override {
    value.emplace(static_cast<task_promise<Value>&>(load).take());
  }
};

template <class Key, class Value, class Hash>
class cache_get final : public awaited<cache_get<Key, Value, Hash>, cache_wait> {
 public:
  using owner = async_cache<Key, Value, Hash>;
  cache_get(owner& of, Key&& key)
      : awaited<cache_get, cache_wait>(of), owner_(of), key_(std::move(key)) {}

  bool start() noexcept {
    if (this->refused()) return true;
    try {
      const bool suspends = this->join(owner_.find_or_load(key_, *this->where));
      // The loader, while it was no coroutine yet, may have cancelled the task that asks.
      if (suspends && this->where->cancelled) this->on_cancel();
      return suspends;
    } catch (...) {
      return this->fail();
    }
  }
  Value await_resume() {
    auto& entry = static_cast<cache_entry_of<Key, Value>&>(this->finish());
    const use_of in_use(*this);
    return *entry.value;
  }

 private:
  class use_of {
   public:
    explicit use_of(cache_get& by) noexcept : by_(by) {}
    ~use_of() { by_.done(); }
    use_of(const use_of&) = delete;
    use_of& operator=(const use_of&) = delete;

   private:
    cache_get& by_;
  };

  owner& owner_;
  Key key_;
};

}  // namespace detail

// Remembers what a coroutine returned for a key: at most `capacity` values, the one that was not
// used for the longest time goes first, and each for at most its time to live. Gets of one key at
// one time share one load. Values are copied out; let a large one be a shared_ptr<const T>.
//
//   task<address> look_up(std::string host);
//   async_cache<std::string, address> addresses(look_up, 1000, 5min);
//   address a = co_await addresses.get("example.com");
//
// A load is a task of its own, in nobody's scope: if the getter that started it is cancelled, it
// goes on for the others. When the last of them is cancelled the load is cancelled, and that getter
// ends when the load has; who asks meanwhile starts a new one. So the cache must outlive its
// getters, and then outlives its loads. What a load throws reaches all its getters and is not kept.
// A loader that gets its own key throws std::logic_error; one that does so through another key
// waits for itself. Thread: one loop's.
template <class Key, class Value, class Hash = std::hash<Key>>
class async_cache : public detail::cache_base {
 public:
  using loader = callable<task<Value>(Key)>;

  // Throws std::invalid_argument if capacity is 0, or the time to live not above zero.
  async_cache(loader load, std::size_t capacity)
      : cache_base(capacity, detail::never_ns), load_(std::move(load)) {}
  template <detail::duration_like D>
  async_cache(loader load, std::size_t capacity, const D& time_to_live)
      : cache_base(capacity, detail::saturated_ns(time_to_live)), load_(std::move(load)) {}

  // The value of the key, loaded if it is not there. Cancellation point. Throws what the loader
  // throws; task_cancelled if its task was cancelled, which happens at the end of the loop.
  [[nodiscard]] detail::cache_get<Key, Value, Hash> get(Key key) {
    return detail::cache_get<Key, Value, Hash>(*this, std::move(key));
  }
  // The value if it is there. Never waits, never loads. With a time to live it throws
  // std::logic_error outside a loop.
  [[nodiscard]] std::optional<Value> try_get(const Key& key) {
    auto* e = find(key);
    if (!e || !e->is_loaded() || !is_fresh(*e)) return std::nullopt;
    count_hit(*e);
    return e->value;
  }
  // Forgets the value of the key; a load of it that runs goes on for its getters, and is not kept.
  // False if there was neither.
  bool invalidate(const Key& key) {
    auto* e = find(key);
    if (!e) return false;
    remove(*e);
    return true;
  }

 private:
  using entry = detail::cache_entry_of<Key, Value>;
  friend class detail::cache_get<Key, Value, Hash>;

  entry* find(const Key& key) const {
    const std::size_t hash = Hash()(key);
    for (detail::cache_entry* e = bucket(hash); e; e = e->next_in_bucket()) {
      if (e->hash() == hash && static_cast<entry*>(e)->key == key) return static_cast<entry*>(e);
    }
    return nullptr;
  }

  entry& find_or_load(const Key& key, detail::scope& asks) {
    entry* found = find(key);
    if (found && found->is_loaded() && !is_fresh(*found)) found = nullptr;
    if (found) {
      require_other(*found, asks);
      return *found;
    }
    make_room();
    task<Value> body = load_(key);
    detail::require_startable(body);
    auto* fresh = new entry(Hash()(key), key);
    try {
      start_load(*fresh, *asks.loop, body.frame(), body.frame().promise());
    } catch (...) {
      delete fresh;
      throw;
    }
    (void)body.release();
    return *fresh;
  }

  loader load_;
};

}  // namespace eddy::inline v1
