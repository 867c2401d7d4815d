#include "server_channel.hpp"

#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timer.hpp>

namespace eddy::inline v1::http {

namespace {

using namespace std::chrono_literals;

// What write_timeout is granted for: as much as a slow link of 5 KiB/s takes in its 60 s.
constexpr std::size_t timed_write_bytes = 256 * 1024;

// nginx lingers 30 s, Go half a second.
constexpr auto linger_time = 2s;
constexpr std::size_t max_lingering_bytes = 256 * 1024;

// Lets server::stop() find the wait of an idle connection.
class idle_mark {
 public:
  idle_mark(served_connection& slot, eddy::detail::timeout_base& wait, waiting_for what) noexcept
      : slot_(slot) {
    if (what == waiting_for::idle) slot_.idle_wait = &wait;
  }
  idle_mark(const idle_mark&) = delete;
  idle_mark& operator=(const idle_mark&) = delete;
  ~idle_mark() { slot_.idle_wait = nullptr; }

 private:
  served_connection& slot_;
};

}  // namespace

server_channel::server_channel(server_core& core, served_connection& slot, tcp_stream stream)
    : core_(core), slot_(slot), remote_(stream.remote_address()), stream_(std::move(stream)) {}

task<> server_channel::secure() {
  if (!core_.tls) co_return;
  auto handshake = with_timeout(core_.header_timeout, stream_.accept_tls(*core_.tls));
  const idle_mark mark(slot_, handshake, waiting_for::idle);
  co_await handshake;
}

task<bool> server_channel::fill(std::chrono::nanoseconds most, waiting_for what) {
  auto reading = with_timeout(most, stream_.receive());
  const idle_mark mark(slot_, reading, what);
  try {
    unread_ = co_await reading;
  } catch (const cancelled&) {
    throw;
  } catch (const timeout_error&) {
    throw;
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
  co_return !unread_.empty();
}

// A write that was cut off leaves the client in the middle of something: whatever ended it, the
// connection is lost.
task<> server_channel::write(std::string_view bytes) {
  try {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, timed_write_bytes);
      co_await with_timeout(core_.write_timeout, stream_.write_all(piece));
      bytes.remove_prefix(piece.size());
    }
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
}

task<> server_channel::finish_writing() {
  co_await with_timeout(core_.write_timeout, stream_.shutdown());
}

task<> server_channel::linger() {
  const time_point until = now() + linger_time;
  std::size_t dropped = unread_.size();
  try {
    while (dropped < max_lingering_bytes && !core_.stopping) {
      const bool more = co_await fill(until - now(), waiting_for::idle);
      if (!more) break;
      dropped += unread_.size();
    }
  } catch (const timeout_error&) {
  }
}

}  // namespace eddy::inline v1::http
