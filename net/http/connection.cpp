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

void connection::begin(std::string_view method, read_buffers& spare) {
  parser_.begin(method);
  if (!buffer_) buffer_ = spare.take();
  begin_ = end_ = sent_ = received_ = 0;
}

response_step connection::next() {
  const response_step step = parser_.feed({buffer_.get() + begin_, end_ - begin_});
  begin_ += step.consumed;
  return step;
}

response_event connection::arrived(std::size_t bytes) {
  transport_.note_read(bytes, read_buffers::buffer_bytes);
  begin_ = 0;
  end_ = bytes;
  received_ += bytes;
  return bytes > 0 ? response_event::need_more : parser_.finish();
}

bool connection::is_reusable() const noexcept {
  return !tainted_ && !aborted_ && parser_.keep_alive() && begin_ == end_;
}

}  // namespace eddy::inline v1::http
