// The connection pool: acts on what the ledger decides.
#pragma once

#include <eddy/runtime/timer.hpp>
#include <eddy/sync/event.hpp>
#include <memory>

#include "connection.hpp"
#include "pool_ledger.hpp"

namespace eddy::inline v1::http {

class connection_pool;

// The right to one connection, and the connection if there is one. Move-only; freeing the place in
// the pool is its destructor's work, so that no way out of an exchange can lose one. The pool
// outlives it.
class connection_slot {
 public:
  connection_slot() noexcept {}
  connection_slot(connection_slot&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        host_(other.host_),
        connection_(std::move(other.connection_)),
        evicted_(std::move(other.evicted_)) {}
  connection_slot& operator=(connection_slot&& other) noexcept {
    if (this != &other) {
      drop();
      pool_ = std::exchange(other.pool_, nullptr);
      host_ = other.host_;
      connection_ = std::move(other.connection_);
      evicted_ = std::move(other.evicted_);
    }
    return *this;
  }
  ~connection_slot() { drop(); }

  explicit operator bool() const noexcept { return pool_ != nullptr; }
  connection_pool& pool() const noexcept { return *pool_; }
  // False once the loop has ended: then there is nothing to wait for, and nothing to give back.
  bool has_loop() const noexcept;
  // Null in a slot that is to be opened.
  connection* get() const noexcept { return connection_.get(); }

  // What has to be closed before this slot opens a connection of its own, or null: one that gave
  // its slot up, or one found dead.
  std::unique_ptr<connection> take_closing() noexcept;
  // A connection that is about to be opened takes the place.
  connection& adopt(std::unique_ptr<connection> fresh) noexcept;

  // The connection is idle from now on, for whoever is next; the slot is empty.
  void keep() noexcept;
  // The same for a caller that has just read the clock.
  void keep(std::int64_t now_ns) noexcept;
  // Closes the connection and frees the place; the slot is empty.
  void drop() noexcept;

 private:
  friend class connection_pool;
  connection_slot(connection_pool& pool, pool_host& host, std::unique_ptr<connection> reused,
                  std::unique_ptr<connection> evicted) noexcept;
  void close_evicted(connection_pool& pool) noexcept;

  connection_pool* pool_ = nullptr;
  pool_host* host_ = nullptr;
  std::unique_ptr<connection> connection_;
  std::unique_ptr<connection> evicted_;  // among those in use, so that close() knows it
};

// Waits in the pool's line. Named, and alive until the await is over. A grant that comes together
// with a cancellation passes to the next in the line. Cancellation point.
class slot_request final : public pool_request {
 public:
  slot_request(connection_pool& pool, std::string_view origin);
  ~slot_request();

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    return start();
  }
  // Throws http::error if the pool was closed.
  connection_slot await_resume();
  void on_cancel() noexcept override;

 private:
  friend class connection_pool;
  bool start() noexcept;

  connection_pool& pool_;
  connection_slot granted_;
  bool turned_away_ = false;
};

// All connections of a session. Thread: its loop's. Destroyed after the last slot; closes what is
// idle.
class connection_pool final : private detail::timer {
 public:
  struct settings {
    std::size_t limit;
    std::size_t limit_per_host;
    std::int64_t keep_alive_ns;
  };
  // Of the loop that runs on this thread; throws std::logic_error if there is none.
  explicit connection_pool(const settings& s)
      : ledger_(s.limit, s.limit_per_host),
        keep_alive_ns_(s.keep_alive_ns),
        loop_(detail::require_loop("http::session")),
        loop_serial_(loop_.serial) {}
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;
  ~connection_pool() { retire(); }

  // A slot for a connection to `origin`, at once or in turn.
  task<connection_slot> acquire(std::string origin);
  // At once or not at all: an empty slot. Throws http::error if the pool was closed.
  connection_slot try_acquire(std::string_view origin);

  // Turns away who waits, ends what is being connected, closes every connection, in use or not, and
  // returns when that has happened. From then on nothing can be acquired.
  task<> close();
  bool is_closed() const noexcept { return closed_; }
  bool has_loop() const noexcept { return detail::runs_here(&loop_, loop_serial_); }
  // Set when close() begins: for who waits without a slot.
  event& closing() noexcept { return closing_; }
  // Nobody will ask for idle connections any more: closes them, now and from now on. Never waits.
  void retire() noexcept;

  read_buffers& buffers() noexcept { return buffers_; }
  const pool_ledger& ledger() const noexcept { return ledger_; }
  std::uint64_t opened() const noexcept { return opened_; }
  std::uint64_t reused() const noexcept { return reused_; }
  // A kept connection has brought a response.
  void count_reuse() noexcept { ++reused_; }

  // While a slot of this pool connects: close() waits for that.
  class connecting_mark {
   public:
    explicit connecting_mark(connection_pool& pool) noexcept : pool_(pool) { ++pool_.connecting_; }
    connecting_mark(const connecting_mark&) = delete;
    connecting_mark& operator=(const connecting_mark&) = delete;
    ~connecting_mark() {
      if (--pool_.connecting_ == 0) pool_.none_connecting_.set();
    }

   private:
    connection_pool& pool_;
  };

 private:
  friend class connection_slot;
  friend class slot_request;

  connection_slot make_slot(pool_host& host, const pool_ledger::decision& d) noexcept;
  void serve() noexcept;
  void keep(pool_host& host, std::unique_ptr<connection> c, std::int64_t now_ns) noexcept;
  void vacate(pool_host& host) noexcept;
  void schedule_expiry() noexcept;
  void fire() noexcept override;  // a connection has been idle for too long
  connection* next_to_abort() noexcept;

  pool_ledger ledger_;
  entry_list in_use_;
  read_buffers buffers_;
  std::int64_t keep_alive_ns_;
  detail::loop_core& loop_;
  std::uint32_t loop_serial_;
  std::size_t connecting_ = 0;
  event none_connecting_;
  event closing_;
  std::uint64_t opened_ = 0;
  std::uint64_t reused_ = 0;
  bool closed_ = false;
  bool retired_ = false;
};

}  // namespace eddy::inline v1::http
