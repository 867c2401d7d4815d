// One request of a session, from its builder to its response's head.
#pragma once

#include <eddy/net/http/session.hpp>
#include <optional>

#include "exchange_clock.hpp"
#include "failure.hpp"
#include "pool.hpp"
#include "progress.hpp"
#include "redirect.hpp"
#include "request_auth.hpp"
#include "request_settings.hpp"

namespace eddy::inline v1::http {

struct netrc_entry;

// Follows redirections, each a hop with a connection of its own, and repeats a hop where retry.hpp
// says so. Lives in the frame of perform(); whatever way that ends, the
// slot goes with it, so that nothing is left open or reserved. Each coroutine here is a frame for
// each request: what seldom waits is a function that says whether it has to.
class exchange {
 public:
  static task<response> perform(request_builder request);
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

 private:
  using step = request_stage;

  // Works on what `r` holds, which outlives it.
  explicit exchange(request_builder& r);
  // exchange.cpp
  task<> hop();
  bool acquire_now();
  task<> wait_in_line();
  std::string_view pool_key(std::string& room) const;
  bool is_routed() const noexcept;
  route way() const;
  bool has_usable_connection() const noexcept;
  bool retry_allowed(bool is_retry) const noexcept;
  time_limit head_limit() const;
  response_event arrived(std::size_t bytes);
  void interim_came();
  void head_came();
  response finish();
  [[noreturn]] void fail();
  bool is_aborted() const noexcept;
  // exchange_dial.cpp
  class dial_steps;
  task<> connect();
  // exchange_prepare.cpp
  void prepare();
  void add_defaults();
  bool begin_with_usual_fields();
  std::string target() const;
  void write_head();
  // exchange_follow.cpp
  std::optional<redirection> next_hop() const;
  task<> leave_hop();
  task<> drain();
  void follow(redirection&& r);
  const retry_policy& policy() const noexcept;
  std::optional<std::int64_t> pause_before_retry() const;
  task<> try_again(std::int64_t pause_ns);
  // exchange_body.cpp
  void prepare_body();
  void announce_body();
  void drop_body();
  body_source* source() const noexcept { return settings_ ? settings_->source.get() : nullptr; }
  task<> start_source();
  task<> open_source();
  task<std::string_view> take_piece();
  bool can_send_body_again() const noexcept;
  bool is_expectation_refused() const noexcept;
  void expect_nothing();
  // exchange_identity.cpp
  struct identity_words {
    std::string space;
    std::string target;
    std::string cnonce;
    auth_context context(auth_role role, std::string_view method) const {
      return {role, space, method, target, cnonce};
    }
  };
  bool begin_hop();
  void begin_route();
  void forget_own_cookies() noexcept;
  task<> look_up_login();
  bool is_meant_for_hop(const netrc_entry& entry) const;
  std::string cookie_field();
  bool uses_jar() const noexcept;
  void keep_cookies();
  void write_identity();
  void write_credentials(request_auth& who, auth_role role);
  identity_words words_for(const request_auth& who, auth_role role) const;
  bool is_challenged();
  task<> answer_challenge();
  // exchange_send.cpp
  struct conversation;
  task<> attempt();
  task<> converse();
  task<> upload(conversation* talk);
  task<> write_parts(conversation* talk);
  task<> write_body();
  task<> write_source(std::string out);
  task<> write_piece(std::string_view bytes);
  task<> watch(conversation* talk);
  task<> receive_early(conversation* talk);
  void keep_early(std::span<const std::byte> body);

  detail::http_session_ref session_;  // outlives the slot
  std::string& method_;
  url& url_;
  headers& fields_;
  std::string& body_;
  std::uint8_t bodies_;                         // as in request_builder
  std::unique_ptr<request_settings> settings_;  // may be null
  int max_redirects_;
  bool has_usual_fields_ = false;   // the session's usual_fields stand before `fields_`
  bool has_cookie_field_ = false;   // the caller's own, which takes the place of all cookies
  bool has_authorization_ = false;  // the same of credentials
  bool is_forwarded_ = false;       // by a proxy that reads the request
  request_auth server_auth_;
  request_auth proxy_auth_;  // of that proxy
  std::string proxy_name_;
  request_progress progress_;
  exchange_clock clock_;  // begins when that did: one reading serves both

  std::string head_;         // of the request as sent
  bool body_rides_ = false;  // the body is small and stands behind the head
  bool expects_ = false;     // the caller wants 100 Continue before a body
  bool expecting_ = false;   // the head says so
  bool head_told_ = false;   // the observer knows that the head was sent
  // Of a body that is not in memory.
  enum class source_state : std::uint8_t { fresh, started, used };
  source_state source_state_ = source_state::fresh;
  bool source_failed_ = false;     // what is thrown is its error
  std::uint64_t source_left_ = 0;  // of what is announced
  connection_slot slot_;
  step step_ = step::preparing;  // the middle of "GET http://example.com/: connecting: refused"
  time_limit limit_;       // of the wait that is under way
  time_limit first_byte_;  // once the request has been sent
  unsigned attempts_ = 1;  // as a retry_policy counts them
  std::vector<visited> history_;

  bool reused_ = false;  // the connection was a kept one
  bool head_received_ = false;
  std::vector<interim_response> interim_;
  std::string early_body_;  // what came of the response while the request was still being sent
};

}  // namespace eddy::inline v1::http
