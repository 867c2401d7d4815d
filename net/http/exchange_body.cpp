// The body of a request: which one it is, how it is announced, and whether it can be had again.
#include <array>
#include <bit>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "exchange.hpp"
#include "grammar.hpp"
#include "session_state.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view continue_expectation = "100-continue";

// In the order of their bits.
constexpr std::array<const char*, 6> body_names = {"body()", "body_file()", "stream()",
                                                   "json()", "form()",      "multipart()"};

bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void check_one_body(std::uint8_t bodies) {
  if ((bodies & (bodies - 1)) == 0) return;
  const int first = std::countr_zero(bodies);
  const int second = std::countr_zero(static_cast<std::uint8_t>(bodies & (bodies - 1)));
  throw invalid_request(std::string(body_names[static_cast<std::size_t>(first)]) + " and " +
                        body_names[static_cast<std::size_t>(second)] +
                        " are both given: a request has one body");
}

}  // namespace

void exchange::prepare_body() {
  check_one_body(bodies_);
  if (method_ == "TRACE" && (source() || !body_.empty())) {
    throw invalid_request("a TRACE has no body");  // RFC 9110 §9.3.8
  }
  if (bodies_ == request_builder::multipart_body && fields_.contains("Content-Type")) {
    throw invalid_request("Content-Type follows from multipart() and cannot be set");
  }
  std::string type;
  if (bodies_ == request_builder::json_body) type = "application/json";
  if (bodies_ == request_builder::form_body) type = "application/x-www-form-urlencoded";
  if (source()) type = source()->content_type();
  if (!type.empty() && !fields_.contains("Content-Type")) fields_.add("Content-Type", type);

  const auto expectation = fields_.get("Expect");
  expects_ = (settings_ && settings_->expect_continue) ||
             (expectation && grammar::equal_ignoring_case(*expectation, continue_expectation));
}

// Before each attempt: a file may have changed, the method, too.
void exchange::announce_body() {
  fields_.remove("Content-Length");
  if (expects_) fields_.remove("Expect");
  bool has_content = !body_.empty();
  if (const body_source* const from = source()) {
    has_content = from->size() > 0;
    fields_.remove("Transfer-Encoding");
    if (from->size() == body_source::unknown_size) {
      fields_.add("Transfer-Encoding", "chunked");
    } else {
      fields_.add("Content-Length", std::to_string(from->size()));
    }
  } else if (has_content || expects_body(method_)) {
    fields_.add("Content-Length", std::to_string(body_.size()));
  }
  expecting_ = expects_ && has_content;
  if (expecting_) fields_.add("Expect", continue_expectation);
}

void exchange::drop_body() {
  body_.clear();
  bodies_ = 0;
  fields_.remove("Transfer-Encoding");
  if (settings_) settings_->source.reset();
}

// Good for another attempt however the last one ended, unless can_send_body_again() says no.
task<> exchange::start_source() {
  if (source_state_ == source_state::started) co_return;
  step_ = step::preparing;
  limit_ = clock_.total();
  co_await with_deadline(limit_.at, open_source());
}

task<> exchange::open_source() {
  try {
    co_await source()->start();
  } catch (const std::exception&) {
    source_failed_ = true;
    throw;
  }
  source_state_ = source_state::started;
}

// Never more than was announced, and never less.
task<std::string_view> exchange::take_piece() {
  body_source& from = *source();
  source_state_ = source_state::used;
  try {
    const std::string_view piece = co_await from.next();
    const bool is_sized = from.size() != body_source::unknown_size;
    if (is_sized && (piece.size() > source_left_ || (piece.empty() && source_left_ > 0))) {
      throw error("its size is not the one of " + std::to_string(from.size()) +
                  " bytes that was announced");
    }
    source_left_ -= piece.size();
    co_return piece;
  } catch (const std::exception&) {
    source_failed_ = true;
    throw;
  }
}

bool exchange::can_send_body_again() const noexcept {
  const body_source* const from = source();
  if (!from || source_state_ != source_state::used) return true;
  return !source_failed_ && from->can_replay();
}

// RFC 9110 §15.5.18.
bool exchange::is_expectation_refused() const noexcept {
  return expecting_ && slot_.get()->parser().head().status == expectation_failed &&
         can_send_body_again();
}

void exchange::expect_nothing() {
  fields_.remove("Expect");
  expects_ = false;
}

}  // namespace eddy::inline v1::http
