// One URL of the command line, from the request to the last byte of its output.
#pragma once

#include <chrono>
#include <eddy/net/http/session.hpp>
#include <optional>

#include "body_output.hpp"
#include "outgoing.hpp"

namespace fetch {

class transfer {
 public:
  transfer(const settings& s, eddy::http::session& session, turns& order, std::size_t index);

  // Returns the exit code; a failure has been reported. Throws cancellations only. `answered` is
  // set when the last head has come, or none will, and not touched later.
  eddy::task<int> run(eddy::event& answered);

 private:
  using clock = std::chrono::steady_clock;

  eddy::task<int> outcome();
  eddy::task<> perform();
  eddy::task<bool> attempt(bool may_retry);
  eddy::task<eddy::http::response> respond();
  eddy::task<eddy::http::response> send(const outgoing& request);
  eddy::task<> deliver(eddy::http::response& answer);
  eddy::task<> copy_body(eddy::http::response& answer);
  eddy::task<> finish_output();
  bool is_worth_a_retry(const eddy::http::response& answer);
  void keep_head(const eddy::http::response& answer);
  void tell_answered() noexcept;
  void check_announced(const eddy::http::response& answer) const;

  const settings& settings_;
  eddy::http::session& session_;
  std::size_t index_;
  body_output output_;
  eddy::event* answered_ = nullptr;  // until it is set

  std::optional<clock::time_point> deadline_;  // --max-time, of this attempt
  std::string heads_;                          // to be shown, not written yet
  std::optional<std::chrono::seconds> asked_to_wait_;  // Retry-After
};

}  // namespace fetch
