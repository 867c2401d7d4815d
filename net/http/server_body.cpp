#include "server_body.hpp"

#include <algorithm>
#include <cstring>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <utility>

#include "bytes_view.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr int request_timeout = 408;
constexpr int content_too_large = 413;

// What an announced length alone makes us reserve.
constexpr std::uint64_t first_reservation = 64 * 1024;

}  // namespace

bool server_body::owes_continue() const noexcept {
  // RFC 9110 §10.1.1: a client that has begun to send does not wait.
  return parser_.expects_continue() && !continue_settled_ && channel_.unread().empty();
}

void server_body::fail(int status) noexcept {
  failure_ = std::current_exception();
  refusal_ = status;
}

task<std::span<const std::byte>> server_body::next_piece() {
  std::span<const std::byte> piece = std::exchange(piece_, {});
  while (piece.empty() && !parser_.done()) {
    request_step step{};
    try {
      step = parser_.feed(channel_.unread());
    } catch (const protocol_error& error) {
      fail(error.answer_status());
      throw;
    }
    channel_.consume(step.consumed);
    piece = step.body;
    if (!piece.empty()) continue_settled_ = true;
    if (step.event == request_event::need_more) co_await receive();
  }
  co_return piece;
}

task<> server_body::receive() {
  if (owes_continue()) {
    continue_settled_ = true;
    co_await channel_.write(continue_response);
  }
  try {
    const bool more = co_await channel_.fill(core_.read_timeout, waiting_for::anything);
    if (!more) parser_.finish();
  } catch (const timeout_error&) {
    fail(request_timeout);
    throw;
  } catch (const protocol_error& error) {
    fail(error.answer_status());
    throw;
  }
}

task<std::size_t> server_body::read_some(std::span<std::byte> into) {
  if (into.empty()) co_return std::size_t{0};
  const std::span<const std::byte> piece = co_await next_piece();
  const std::size_t count = std::min(piece.size(), into.size());
  if (count > 0) std::memcpy(into.data(), piece.data(), count);
  piece_ = piece.subspan(count);
  co_return count;
}

task<std::string> server_body::collect(std::size_t limit) {
  std::string collected;
  const body_framing framing = parser_.framing();
  bool too_large = framing.size > limit;
  if (!too_large) {
    collected.reserve(static_cast<std::size_t>(std::min(framing.size, first_reservation)));
  }
  while (!too_large) {
    const std::span<const std::byte> piece = co_await next_piece();
    if (piece.empty()) co_return collected;
    too_large = piece.size() > limit - collected.size();
    if (!too_large) collected.append(text_of(piece));
  }
  try {
    throw protocol_error(
        "request body exceeds the " + std::to_string(limit) + " bytes that its handler takes",
        content_too_large);
  } catch (const protocol_error& error) {
    fail(error.answer_status());
    throw;
  }
}

task<bool> server_body::drop_rest(std::size_t most) {
  std::size_t dropped = 0;
  try {
    while (!parser_.done() && dropped <= most) {
      const std::span<const std::byte> piece = co_await next_piece();
      dropped += piece.size();
    }
  } catch (const timeout_error&) {
  } catch (const protocol_error&) {
  }
  co_return parser_.done();
}

}  // namespace eddy::inline v1::http
