#include "connection.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>
#include <system_error>

namespace eddy::inline v1::http {

namespace {

// How long a server that does not read may keep a closing connection.
constexpr std::chrono::seconds goodbye_limit(1);

task<> close_quietly(transport closing, bool politely) {
  try {
    if (politely) co_await with_timeout(goodbye_limit, closing.say_goodbye());
  } catch (const std::exception&) {
    // It may have gone already.
  }
  try {
    co_await closing.close();
  } catch (const std::system_error&) {
    // The descriptor is gone all the same, and of a connection that nobody uses any more no one
    // would want to know.
  }
}

}  // namespace

task<> connection::close() { return close_quietly(std::move(transport_), false); }

task<> connection::close_idle() { return close_quietly(std::move(transport_), true); }

task<> connection::open(dialer& by, route to, dial_watch& watch) {
  const bool connected = co_await connecting_.run(dial(by, std::move(to), watch));
  if (!connected) aborted_ = true;
}

task<> connection::dial(dialer& by, route to, dial_watch& watch) {
  transport_ = co_await by.dial(std::move(to), watch);
}

void connection::begin(std::string_view method, read_buffers& spare, headers&& room) {
  parser_.begin(method, std::move(room));
  if (!is_plain() && !buffer_) buffer_ = spare.take();
  unparsed_ = {};
  sent_ = received_ = 0;
}

response_step connection::next() {
  const response_step step = parser_.feed(unparsed_);
  unparsed_ = unparsed_.subspan(step.consumed);
  return step;
}

task<std::size_t> connection::read() {
  std::size_t got = 0;
  if (is_plain()) {
    lease came = co_await receive_by(time_point::max());
    got = hold(std::move(came));
  } else {
    const std::span<std::byte> room(buffer_.get(), read_buffers::buffer_bytes);
    got = co_await transport_.read_some(room);
  }
  co_return got;
}

response_event connection::arrived(std::size_t bytes) {
  transport_.note_read();
  unparsed_ = is_plain() ? lent_.bytes() : std::span<const std::byte>(buffer_.get(), bytes);
  received_ += bytes;
  return bytes > 0 ? response_event::need_more : parser_.finish();
}

bool connection::is_reusable() const noexcept {
  return !tainted_ && !aborted_ && parser_.keep_alive() && unparsed_.empty();
}

}  // namespace eddy::inline v1::http
