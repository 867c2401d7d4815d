// A response behind its handle: the head, and the body as far as it has been read.
#pragma once

#include <eddy/net/http/request_builder.hpp>
#include <eddy/net/http/response.hpp>
#include <eddy/runtime/file.hpp>
#include <optional>

#include "charset.hpp"
#include "content_decoder.hpp"
#include "exchange_clock.hpp"
#include "message.hpp"
#include "pool.hpp"
#include "progress.hpp"

namespace eddy::inline v1::http {

// Holds the connection until the last byte of the body has come, which is noticed as soon as it can
// be, not at the read that returns 0. Counted: by the handle and by the reads that are under way.
class response_state {
 public:
  response_state(detail::http_session_ref&& session, connection_slot&& slot,
                 const exchange_clock& clock, std::string&& method, eddy::url&& reached,
                 std::vector<visited>&& history, std::vector<interim_response>&& interim,
                 std::string&& early_body, request_progress&& progress);
  response_state(const response_state&) = delete;
  response_state& operator=(const response_state&) = delete;
  ~response_state();
  // There is one for each response, for a short time: in the memory that frames leave behind.
  static void* operator new(std::size_t size) { return detail::allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    detail::free_frame(memory, size);
  }

  const response_head& head() const noexcept { return head_; }
  const eddy::url& url() const noexcept { return url_; }
  const std::vector<visited>& history() const noexcept { return history_; }
  const std::vector<interim_response>& interim() const noexcept { return interim_; }
  const timings& times() const noexcept { return progress_.times(); }
  const std::optional<endpoint>& remote_address() const noexcept { return remote_; }
  // Throws std::logic_error before the body has ended.
  const headers& trailers() const;

  // What the request says in place of the session. Before the first read.
  void set_decoding(bool on) noexcept { decoding_ = on; }
  void set_max_body_bytes(std::size_t most) noexcept { max_body_bytes_ = most; }

  // A share, for a read that is under way.
  class share {
   public:
    explicit share(response_state& s) noexcept : state_(&s) { ++s.references_; }
    share(share&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    share& operator=(share&&) = delete;
    ~share() {
      if (state_) state_->let_go();
    }
    response_state* operator->() const noexcept { return state_; }

   private:
    response_state* state_;
  };
  // The last one drops the connection, if the body has not been read to its end.
  void let_go() noexcept;

  static task<std::size_t> read_some(share self, std::span<std::byte> into);
  template <class Buffer>
  static task<Buffer> collect(share self);
  // response_text.cpp
  static task<std::string> text(share self, const charset& fallback);
  static task<json> parse_json(share self);
  static generator<std::string> lines(share self, std::size_t max_line_bytes);
  static generator<server_sent_event> events(share self, std::size_t max_event_bytes);
  // response_save.cpp
  static task<std::uint64_t> save(share self, std::string path);
  // response_drain.cpp
  static task<bool> discard(share self);

 private:
  // "GET http://example.com/", for messages.
  std::string request() const;

  // The next bytes of the body; 0 at its end. pull_now() begins a read and says nothing where that
  // has to wait: then pull_later() must follow, which ends it. pull() is both.
  task<std::size_t> pull(std::span<std::byte> into);
  std::optional<std::size_t> pull_now(std::span<std::byte> into);
  task<std::size_t> pull_later(std::span<std::byte> into);
  std::optional<std::size_t> step(std::span<std::byte> into);
  std::size_t take(std::span<std::byte> into);
  bool is_coded() const noexcept;
  std::size_t copy(std::span<std::byte> into) noexcept;
  std::size_t decode(std::span<std::byte> into);
  void advance();
  void end_exchange() noexcept;
  void begin_read();
  bool has_lost_loop() noexcept;
  [[noreturn]] void fail();

  void check_total();
  task<> give_way();
  // For a catch block: the same for what went wrong beside the connection, with the connection's
  // end.
  [[noreturn]] void fail_beside();

  // The one that reads the whole body, or all that is left of it.
  void claim();
  const charset& charset_of_text(const charset& fallback) const;
  void check_is_event_stream() const;
  task<> pipe_to(file& to, std::uint64_t& saved);
  // Calls on the file are bound by the total timeout.
  void begin_file_call();
  task<file> open_in_time(std::string path);
  task<> write_in_time(task<> call);

  task<> drain();
  void drop_rest() noexcept;
  void finish_with_what_came() noexcept;

  // For collect().
  bool is_drained() const noexcept;
  std::uint64_t announced_bytes() const noexcept;
  void claim_whole();
  std::size_t next_step(std::size_t size) const noexcept;
  void check_collected(std::uint64_t size);

  std::uint32_t references_ = 1;
  detail::http_session_ref session_;  // outlives the slot
  connection_slot slot_;              // empty once the exchange is over
  exchange_clock clock_;
  time_limit limit_;
  std::string method_;
  response_head head_;
  eddy::url url_;
  std::vector<visited> history_;
  std::vector<interim_response> interim_;
  std::optional<endpoint> remote_;
  request_progress progress_;

  body_framing framing_;
  std::string early_body_;
  std::span<const std::byte> piece_;  // of the body: came, and not decoded yet
  headers trailers_;
  std::optional<content_decoder> decoder_;
  std::size_t max_body_bytes_;     // that are collected
  std::size_t decoded_bytes_ = 0;  // since there was something to wait for
  bool held_ = false;            // the decoder may have more without more input
  bool ended_ = false;           // the last byte has come
  std::exception_ptr deferred_;  // of what came right behind the head
  bool failed_ = false;
  bool reading_ = false;
  bool claimed_ = false;  // text() or one of its siblings took it
  bool decoding_ = true;
  bool kept_ = false;  // the connection went back to the pool
};

extern template task<std::string> response_state::collect<std::string>(share self);
extern template task<std::vector<std::byte>> response_state::collect<std::vector<std::byte>>(
    share self);

}  // namespace eddy::inline v1::http
