#include <cassert>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/sync/async_cache.hpp>
#include <new>
#include <stdexcept>

namespace eddy::inline v1::detail {

namespace {

constexpr std::size_t first_buckets = 16;  // a power of two, as all sizes of the table

}  // namespace

cache_base::cache_base(std::size_t capacity, std::int64_t lifetime_ns)
    : capacity_(capacity), lifetime_(lifetime_ns) {
  if (capacity == 0) throw std::invalid_argument("async_cache: room for 0 values; 1 at least");
  if (lifetime_ns <= 0) throw std::invalid_argument("async_cache: a time to live must be above 0");
}

cache_base::~cache_base() {
  assert(users_ == 0 && "an async_cache was destroyed while tasks wait for it");
  clear();
  delete[] buckets_;
}

void cache_base::clear() noexcept {
  for (std::size_t i = 0; i < bucket_count_; ++i) {
    while (buckets_[i]) remove(*buckets_[i]);
  }
}

void cache_base::make_room() {
  if (entries_ >= bucket_count_) grow_to(bucket_count_ ? bucket_count_ * 2 : first_buckets);
  if (!buckets_) throw std::bad_alloc();
}

// Without memory the chains get longer instead.
void cache_base::grow_to(std::size_t count) noexcept {
  auto** buckets = new (std::nothrow) cache_entry*[count]();
  if (!buckets) return;
  for (std::size_t i = 0; i < bucket_count_; ++i) {
    while (cache_entry* e = buckets_[i]) {
      buckets_[i] = e->next_in_bucket_;
      cache_entry*& into = buckets[e->hash_ & (count - 1)];
      e->next_in_bucket_ = into;
      into = e;
    }
  }
  delete[] buckets_;
  buckets_ = buckets;
  bucket_count_ = count;
}

void cache_base::start_load(cache_entry& e, loop_core& loop, std::coroutine_handle<> h,
                            promise_base& body) {
  e.load_ = spawned::create(loop, h, body, nullptr, "async_cache");
  cache_entry*& into = buckets_[e.hash_ & (bucket_count_ - 1)];
  e.next_in_bucket_ = into;
  into = &e;
  e.in_table_ = true;
  ++entries_;
  ++told_.misses;
  ++told_.loading;
}

void cache_base::require_other(const cache_entry& e, scope& asks) const {
  if (!e.load_ || e.load_ != asks.root()) return;
  throw std::logic_error("async_cache: the loader of a key gets the same key: it waits for itself");
}

bool cache_base::is_fresh(cache_entry& e) {
  if (e.expires_ == never_ns || now_ns(require_loop("async_cache")) < e.expires_) return true;
  ++told_.expirations;
  remove(e);
  return false;
}

void cache_base::count_hit(cache_entry& e) noexcept {
  ++told_.hits;
  if (!e.in_table_ || newest_ == &e) return;
  unlink(e);
  link_newest(e);
}

void cache_base::link_newest(cache_entry& e) noexcept {
  e.newer_ = nullptr;
  e.older_ = newest_;
  (newest_ ? newest_->newer_ : oldest_) = &e;
  newest_ = &e;
}

void cache_base::unlink(cache_entry& e) noexcept {
  (e.newer_ ? e.newer_->older_ : newest_) = e.older_;
  (e.older_ ? e.older_->newer_ : oldest_) = e.newer_;
}

void cache_base::remove(cache_entry& e) noexcept {
  cache_entry** at = &buckets_[e.hash_ & (bucket_count_ - 1)];
  while (*at != &e) at = &(*at)->next_in_bucket_;
  *at = e.next_in_bucket_;
  e.in_table_ = false;
  --entries_;
  if (e.loaded_) {
    unlink(e);
    --told_.size;
  }
  delete_if_unused(e);
}

void cache_base::delete_if_unused(cache_entry& e) noexcept {
  if (e.users_ == 0 && !e.in_table_) delete &e;
}

void cache_base::land(cache_entry& e, loop_core& loop) noexcept {
  spawned& load = *std::exchange(e.load_, nullptr);
  e.leader_ = nullptr;
  load.joined = true;
  load.joiner = nullptr;
  --told_.loading;
  e.error_ = load.body().error();
  if (!e.error_) {
    try {
      e.keep_value(load.body());
    } catch (...) {
      e.error_ = std::current_exception();
    }
  }
  load.handle_dropped();
  if (e.error_) {
    if (e.in_table_) remove(e);
  } else if (e.in_table_) {
    e.loaded_ = true;
    if (lifetime_ != never_ns) e.expires_ = deadline_after(now_ns(loop), lifetime_);
    link_newest(e);
    if (++told_.size > capacity_) {
      ++told_.evictions;
      remove(*oldest_);
    }
  }
  while (e.followers_.wake_one()) {
  }
}

bool cache_wait::join(cache_entry& e) noexcept {
  entry_ = &e;
  ++e.users_;
  ++cache_.users_;
  if (e.loaded_) {
    cache_.count_hit(e);
    return complete_now();
  }
  waits_ = true;
  cache_statistics& told = cache_.told_;
  if (++told.waiting > told.most_waiting) told.most_waiting = told.waiting;
  park();
  if (e.leader_) {
    ++told.joins;
    e.followers_.push_back(*this);
  } else {
    e.leader_ = this;
    e.load_->joiner = this;
  }
  return true;
}

void cache_wait::done() noexcept {
  cache_entry& e = *std::exchange(entry_, nullptr);
  if (waits_) --cache_.told_.waiting;
  --cache_.users_;
  --e.users_;
  cache_.delete_if_unused(e);
}

void cache_wait::on_cancel() noexcept {
  cache_entry& e = *entry_;
  const bool leads = e.leader_ == this;
  if (state != wait_state::waiting) {
    if (leads) cache_.land(e, *where->loop);
  } else if (!leads) {
    e.followers_.remove(*this);
  } else if (listed_waiter* next_one = e.followers_.front()) {
    e.followers_.remove(*next_one);
    e.leader_ = next_one;
    e.load_->joiner = next_one;
  } else {
    // Nobody wants it any more. This ends when the load has.
    cancelled_ = true;
    if (e.in_table_) cache_.remove(e);
    e.load_->cancel();
    return;
  }
  done();
  drop();
}

cache_entry& cache_wait::finish() {
  leave();
  if (error_) std::rethrow_exception(error_);
  cache_entry& e = *entry_;
  loop_core& loop = *where->loop;
  if (e.leader_ == this) cache_.land(e, loop);
  if (!cancelled_ && !e.error_) return e;
  const std::exception_ptr error = e.error_;
  done();
  if (cancelled_) throw_cancelled();
  if (is_cancellation(loop, error)) {
    throw task_cancelled("async_cache: the task that loaded the value was cancelled");
  }
  std::rethrow_exception(error);
}

}  // namespace eddy::inline v1::detail
