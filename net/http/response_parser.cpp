#include "response_parser.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "bytes_view.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int switching_protocols = 101;
constexpr std::size_t status_digits = 3;

int parse_status(std::string_view digits, std::string_view line) {
  const bool three_digits = digits.size() == status_digits &&
                            std::all_of(digits.begin(), digits.end(), grammar::is_digit);
  const int status =
      three_digits ? (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0' : 0;
  if (status < 100) {
    throw protocol_error("status " + quoted(digits) + " in status line " + quoted(line) +
                         " is not a number from 100 to 999");
  }
  return status;
}

}  // namespace

response_parser::response_parser(const limits& bounds)
    : bounds_(bounds), head_parser_(head_parser::kind::response, bounds), chunks_(bounds) {}

void response_parser::begin(std::string_view method, headers&& room) {
  if (state_ != state::idle && !keep_alive()) {
    throw std::logic_error("response_parser::begin on a connection that cannot carry a request");
  }
  method_ = method;
  head_parser_.reset(std::move(room));
  chunks_.reset();
  forget_head();
  framing_ = body_framing();
  body_bytes_ = 0;
  interim_responses_ = 0;
  first_bytes_seen_ = 0;
  persists_ = false;
  state_ = state::awaits_head;
}

response_step response_parser::feed(std::span<const std::byte> bytes) {
  if (state_ == state::failed) throw std::logic_error("response_parser::feed after an error");
  try {
    return step(text_of(bytes));
  } catch (...) {
    state_ = state::failed;
    throw;
  }
}

response_step response_parser::step(std::string_view input) {
  switch (state_) {
    case state::idle:
      break;
    case state::awaits_head:
      return read_head(input);
    case state::awaits_body:
      return read_body(input);
    case state::done:
    case state::failed:
      return end_message(0, input);
  }
  if (!input.empty()) throw protocol_error("bytes from the server before any request");
  return {response_event::need_more, 0, {}};
}

response_step response_parser::read_head(std::string_view input) {
  check_protocol_name(input);
  const std::size_t size = input.size();
  auto progress = head_parser_.feed(input);
  if (progress == head_parser::progress::start_line) {
    parse_status_line(head_parser_.start_line());
    progress = head_parser_.feed(input);
  }
  const bool complete = progress == head_parser::progress::complete;
  return {complete ? complete_head() : response_event::need_more, size - input.size(), {}};
}

// Judged before there is a line: what answers in TLS, HTTP/2 or SSH may never send a line end.
void response_parser::check_protocol_name(std::string_view input) {
  if (first_bytes_seen_ == 0 && input.starts_with(protocol_name)) {
    first_bytes_seen_ = protocol_name.size();
    return;
  }
  while (first_bytes_seen_ < first_bytes_.size() && !input.empty()) {
    first_bytes_[first_bytes_seen_++] = input.front();
    input.remove_prefix(1);
    const std::string_view seen(first_bytes_.data(), first_bytes_seen_);
    if (seen.size() < protocol_name.size() && seen.back() != '\n') continue;
    if (seen != protocol_name) {
      throw protocol_error("response starts with " + quoted(seen) + " instead of \"HTTP/\"");
    }
  }
}

// RFC 9112 §4. The space before an empty reason is often missing, which is harmless.
void response_parser::parse_status_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  head_.version = parse_version(line.substr(0, space), line);
  const std::string_view rest = space == std::string_view::npos ? "" : line.substr(space + 1);
  head_.status = parse_status(rest.substr(0, rest.find(' ')), line);
  const std::string_view reason = rest.substr(std::min(rest.size(), status_digits + 1));
  if (const auto bad = grammar::find_other(reason, grammar::field_text);
      bad != std::string_view::npos) {
    throw protocol_error("reason in status line " + quoted(line) + " holds the control byte " +
                         hex_byte(reason[bad]));
  }
  head_.reason = reason;
}

response_event response_parser::complete_head() {
  head_parser_.take_fields(head_.fields);
  head_parser_.reset();
  framing_ = response_framing(method_, head_.version, head_.status, head_.fields);
  if (head_.status == switching_protocols) {
    throw protocol_error("101 Switching Protocols to a request that asked for no upgrade");
  }
  if (framing_.ambiguous) reusable_ = false;
  if (head_.status < 200) {
    if (++interim_responses_ > bounds_.max_interim_responses()) {
      throw protocol_error("more interim responses than max_interim_responses (" +
                           std::to_string(bounds_.max_interim_responses()) + ")");
    }
    first_bytes_seen_ = 0;
    return response_event::interim;
  }
  if (framing_.end == body_end::sized) check_body_bound(framing_.size);
  persists_ = connection_persists(head_.version, head_.fields);
  state_ = state::awaits_body;
  return response_event::head;
}

response_step response_parser::read_body(std::string_view input) {
  if (framing_.end == body_end::chunked) return read_chunks(input);
  const bool until_close = framing_.end == body_end::until_close;
  const bool sized = framing_.end == body_end::sized;
  if (!until_close && !(sized && body_bytes_ < framing_.size)) return end_message(0, input);
  if (input.empty()) return {response_event::need_more, 0, {}};
  const std::uint64_t left = sized ? framing_.size - body_bytes_ : input.size();
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size()));
  if (until_close) check_body_bound(body_bytes_ + taken);
  body_bytes_ += taken;
  return {response_event::body, taken, bytes_of(input.substr(0, taken))};
}

response_step response_parser::read_chunks(std::string_view input) {
  const std::size_t size = input.size();
  const auto progress = chunks_.feed(input);
  const std::size_t consumed = size - input.size();
  switch (progress) {
    case chunked_decoder::progress::data:
      return {response_event::body, consumed, bytes_of(chunks_.data())};
    case chunked_decoder::progress::complete:
      return end_message(consumed, input);
    case chunked_decoder::progress::need_more:
      break;
  }
  return {response_event::need_more, consumed, {}};
}

response_step response_parser::end_message(std::size_t consumed, std::string_view rest) {
  state_ = state::done;
  // Nothing was asked for beyond this message, so what follows it answers nobody.
  if (!rest.empty()) reusable_ = false;
  return {response_event::end, consumed, {}};
}

void response_parser::check_body_bound(std::uint64_t bytes) const {
  if (bytes <= bounds_.max_body_bytes()) return;
  throw protocol_error("response body of at least " + std::to_string(bytes) +
                       " bytes exceeds max_body_bytes (" +
                       std::to_string(bounds_.max_body_bytes()) + ")");
}

response_event response_parser::finish() {
  reusable_ = false;
  const bool ends_with_connection =
      state_ == state::awaits_body &&
      (framing_.end == body_end::until_close || framing_.end == body_end::none ||
       framing_.end == body_end::tunnel ||
       (framing_.end == body_end::sized && body_bytes_ == framing_.size));
  if (ends_with_connection) state_ = state::done;
  if (state_ == state::done) return response_event::end;
  const std::string what = "connection closed " + what_is_missing();
  const bool in_body = state_ == state::awaits_body;
  const bool empty = state_ == state::awaits_head && head_parser_.bytes() == 0;
  state_ = state::failed;
  if (in_body) throw incomplete_body(what);
  if (empty) throw empty_reply(what);
  throw protocol_error(what);
}

std::string response_parser::what_is_missing() const {
  if (state_ == state::awaits_head) {
    const std::size_t read = head_parser_.bytes();
    if (read > 0) return "after " + std::to_string(read) + " bytes of the response head";
    return interim_responses_ > 0 ? "between an interim response and the final one"
                                  : "before the response";
  }
  if (state_ == state::awaits_body && framing_.end == body_end::sized) {
    return "after " + std::to_string(body_bytes_) + " of " + std::to_string(framing_.size) +
           " bytes of the response body";
  }
  if (state_ == state::awaits_body) {
    return "after " + std::to_string(chunks_.decoded_bytes()) +
           " bytes of a chunked response body, before its end";
  }
  return state_ == state::idle ? "before any request" : "after an error";
}

void response_parser::forget_head() noexcept {
  head_.status = 0;
  head_.version = http_version::http_1_1;
  head_.reason.clear();
  head_.fields.clear();
}

response_head response_parser::take_head() noexcept {
  response_head taken(std::move(head_));
  forget_head();
  return taken;
}

bool response_parser::keep_alive() const noexcept {
  const bool self_delimited =
      framing_.end != body_end::until_close && framing_.end != body_end::tunnel;
  return state_ == state::done && reusable_ && persists_ && self_delimited;
}

}  // namespace eddy::inline v1::http
