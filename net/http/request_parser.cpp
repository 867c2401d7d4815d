#include "request_parser.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "bytes_view.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int content_too_large = 413;

// RFC 9112 §3.2: which of the four forms a target may have follows from the method.
bool target_fits_method(std::string_view method, std::string_view target) {
  if (method == "CONNECT") {
    const bool is_authority =
        grammar::find_other(target, grammar::authority) == std::string_view::npos;
    return is_authority && target.find(':') != std::string_view::npos;
  }
  if (target == "*") return method == "OPTIONS";
  if (target.front() == '/') return true;
  return target.find("://") != std::string_view::npos && grammar::is_letter(target.front());
}

void check_target(std::string_view method, std::string_view target) {
  if (target.empty()) throw protocol_error("request target is empty");
  if (const auto bad = grammar::find_other(target, grammar::target);
      bad != std::string_view::npos) {
    throw protocol_error("request target " + quoted(target) + " holds " + hex_byte(target[bad]));
  }
  if (!target_fits_method(method, target)) {
    throw protocol_error("request target " + quoted(target) + " has no form that " +
                         quoted(method) + " allows");
  }
}

// RFC 9112 §3.2: without exactly one Host, two parties may disagree on whose request it is.
void check_host(const request_head& head) {
  std::size_t hosts = 0;
  for (const auto& [name, value] : head.fields) {
    if (!grammar::equal_ignoring_case(name, "Host")) continue;
    if (++hosts > 1) throw protocol_error("request has more than one Host");
    if (grammar::find_other(value, grammar::authority) != std::string_view::npos) {
      throw protocol_error("Host " + quoted(value) + " is not a host and port");
    }
  }
  if (hosts == 0 && head.version == http_version::http_1_1) {
    throw protocol_error("HTTP/1.1 request without Host");
  }
}

}  // namespace

request_parser::request_parser(const limits& bounds)
    : bounds_(bounds), head_parser_(head_parser::kind::request, bounds), chunks_(bounds) {}

void request_parser::begin() {
  if (state_ != state::done || !persists_) {
    throw std::logic_error("request_parser::begin on a connection that carries no other request");
  }
  head_parser_.reset();
  chunks_.reset();
  head_ = request_head();
  framing_ = body_framing();
  body_bytes_ = 0;
  empty_line_skipped_ = persists_ = expects_continue_ = false;
  state_ = state::awaits_head;
}

request_step request_parser::feed(std::span<const std::byte> bytes) {
  if (state_ == state::failed) throw std::logic_error("request_parser::feed after an error");
  try {
    return step(text_of(bytes));
  } catch (...) {
    state_ = state::failed;
    throw;
  }
}

request_step request_parser::step(std::string_view input) {
  if (state_ == state::awaits_head) return read_head(input);
  if (state_ == state::awaits_body) return read_body(input);
  return {request_event::end, 0, {}};
}

request_step request_parser::read_head(std::string_view input) {
  const std::size_t size = input.size();
  auto progress = head_parser::progress::need_more;
  do {
    if (head_parser_.bytes() == 0 && !input.empty()) check_first_byte(input.front());
    progress = head_parser_.feed(input);
    if (progress == head_parser::progress::start_line) {
      parse_request_line(head_parser_.start_line());
    }
  } while (progress == head_parser::progress::start_line);
  if (progress == head_parser::progress::need_more) return {request_event::need_more, size, {}};
  complete_head();
  return {request_event::head, size - input.size(), {}};
}

// Judged before there is a line: a TLS client on a plain port may never send a line end.
void request_parser::check_first_byte(char byte) const {
  if (grammar::is(byte, grammar::token) || (byte == '\r' && !empty_line_skipped_)) return;
  throw protocol_error("request starts with " + hex_byte(byte) + ", which no method does");
}

// RFC 9112 §3. One empty line before it is skipped (§2.2): old clients end a body with one too
// many.
void request_parser::parse_request_line(std::string_view line) {
  if (line.empty() && !empty_line_skipped_) {
    empty_line_skipped_ = true;
    head_parser_.reset();
    return;
  }
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  const std::string_view method = line.substr(0, first);
  if (!grammar::is_token(method)) {
    throw protocol_error("method " + quoted(method) + " is not a token");
  }
  if (second == std::string_view::npos) {
    throw protocol_error("request line " + quoted(line) +
                         " is not a method, a target and a version");
  }
  const std::string_view target = line.substr(first + 1, second - first - 1);
  head_.version = parse_version(line.substr(second + 1), line);
  check_target(method, target);
  head_.method = method;
  head_.target = target;
}

void request_parser::complete_head() {
  head_parser_.take_fields(head_.fields);
  check_host(head_);
  framing_ = request_framing(head_.version, head_.fields);
  if (framing_.end == body_end::sized && framing_.size > bounds_.max_body_bytes()) {
    throw protocol_error("request body of " + std::to_string(framing_.size) +
                             " bytes exceeds max_body_bytes (" +
                             std::to_string(bounds_.max_body_bytes()) + ")",
                         content_too_large);
  }
  persists_ = connection_persists(head_.version, head_.fields);
  const bool has_body = framing_.end == body_end::chunked || framing_.size > 0;
  const auto expectation = head_.fields.get("Expect");
  expects_continue_ = has_body && head_.version == http_version::http_1_1 && expectation &&
                      grammar::equal_ignoring_case(*expectation, "100-continue");
  state_ = state::awaits_body;
}

request_step request_parser::read_body(std::string_view input) {
  const std::size_t size = input.size();
  if (framing_.end == body_end::chunked) {
    const auto progress = chunks_.feed(input);
    const std::size_t consumed = size - input.size();
    if (progress == chunked_decoder::progress::data) {
      return {request_event::body, consumed, bytes_of(chunks_.data())};
    }
    if (progress == chunked_decoder::progress::need_more) {
      return {request_event::need_more, consumed, {}};
    }
    state_ = state::done;
    return {request_event::end, consumed, {}};
  }
  if (body_bytes_ == framing_.size) {
    state_ = state::done;
    return {request_event::end, 0, {}};
  }
  if (input.empty()) return {request_event::need_more, 0, {}};
  const auto taken =
      static_cast<std::size_t>(std::min<std::uint64_t>(framing_.size - body_bytes_, size));
  body_bytes_ += taken;
  return {request_event::body, taken, bytes_of(input.substr(0, taken))};
}

void request_parser::finish() {
  persists_ = false;
  const bool between_requests = state_ == state::awaits_head && head_parser_.bytes() == 0;
  const bool body_complete = state_ == state::awaits_body && framing_.end != body_end::chunked &&
                             body_bytes_ == framing_.size;
  if (body_complete) state_ = state::done;
  if (between_requests || state_ == state::done) return;
  const std::string missing = what_is_missing();
  state_ = state::failed;
  throw protocol_error("connection closed " + missing);
}

std::string request_parser::what_is_missing() const {
  if (state_ == state::awaits_head) {
    return "after " + std::to_string(head_parser_.bytes()) + " bytes of the request head";
  }
  if (state_ == state::failed) return "after an error";
  if (framing_.end == body_end::chunked) {
    return "after " + std::to_string(chunks_.decoded_bytes()) +
           " bytes of a chunked request body, before its end";
  }
  return "after " + std::to_string(body_bytes_) + " of " + std::to_string(framing_.size) +
         " bytes of the request body";
}

request_head request_parser::take_head() noexcept { return std::exchange(head_, request_head()); }

bool request_parser::request_begun() const noexcept {
  return state_ != state::awaits_head || head_parser_.bytes() > 0;
}

bool request_parser::keep_alive() const noexcept { return persists_ && state_ != state::failed; }

}  // namespace eddy::inline v1::http
