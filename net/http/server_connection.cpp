#include "server_connection.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <eddy/runtime/timer.hpp>
#include <stdexcept>

#include "server_exchange.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int request_timeout = 408;
constexpr int not_implemented = 501;

std::int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now().time_since_epoch()).count();
}

// The last to go, so that the descriptor is free when the slot is.
class slot_guard {
 public:
  slot_guard(server_core& core, std::list<served_connection>::iterator slot) noexcept
      : core_(core), slot_(slot) {}
  slot_guard(const slot_guard&) = delete;
  slot_guard& operator=(const slot_guard&) = delete;
  ~slot_guard() { core_.forget(slot_); }

 private:
  server_core& core_;
  std::list<served_connection>::iterator slot_;
};

}  // namespace

server_connection::server_connection(server_core& core, served_connection& slot, tcp_stream stream)
    : core_(core), channel_(core, slot, std::move(stream)), parser_(core.bounds) {}

task<> server_connection::run() {
  co_await channel_.secure();
  bool more = true;
  while (more) {
    const head_result got = co_await read_head();
    more = got == head_result::request;
    if (more) more = co_await exchange();
  }
  co_await end();
}

task<server_connection::head_result> server_connection::read_head() {
  if (!first_) parser_.begin();
  head_deadline_ = 0;
  head_result result = head_result::closed;
  try {
    for (;;) {
      if (core_.stopping && !parser_.request_begun()) co_return head_result::closed;
      const request_step step = parser_.feed(channel_.unread());
      channel_.consume(step.consumed);
      if (step.event == request_event::head) break;
      const bool more = co_await fill_head();
      if (!more) co_return head_result::closed;
    }
    first_ = false;
    channel_.release_buffer();
    result = head_result::request;
    if (parser_.head().method == "CONNECT") {
      refuse(not_implemented, "CONNECT needs a proxy");
      result = head_result::refused;
    }
  } catch (const protocol_error& error) {
    refuse(error.answer_status(), error.what());
    result = head_result::refused;
  } catch (const timeout_error&) {
    if (parser_.request_begun()) {
      refuse(request_timeout, "the head of the request did not come in time");
      result = head_result::refused;
    }
  }
  co_return result;
}

// More bytes of a head. False if the client has gone between two requests.
task<bool> server_connection::fill_head() {
  const bool begun = parser_.request_begun();
  const std::chrono::nanoseconds most = time_for_head();
  const bool more = co_await channel_.fill(most, begun ? waiting_for::anything : waiting_for::idle);
  if (!more) parser_.finish();
  co_return more;
}

std::chrono::nanoseconds server_connection::time_for_head() {
  if (!parser_.request_begun()) return first_ ? core_.header_timeout : core_.idle_timeout;
  const std::int64_t clock = clock_ns();
  if (head_deadline_ == 0) {
    head_deadline_ = eddy::detail::deadline_after(clock, core_.header_timeout.count());
  }
  return std::chrono::nanoseconds(head_deadline_ - clock);
}

void server_connection::refuse(int status, std::string_view reason) {
  append_refusal(refusal_, status, reason);
  ending_ = ending::lingering;
}

task<bool> server_connection::exchange() {
  ++core_.requests;
  server_exchange current(core_, channel_, parser_);
  const bool again = co_await current.run();
  if (!again && (current.broken_off() || channel_.failed())) {
    ending_ = ending::at_once;
  } else if (!again && (!parser_.done() || parser_.keep_alive())) {
    // The client does not know yet that nobody listens any more.
    ending_ = ending::lingering;
  }
  co_return again;
}

task<> server_connection::end() {
  if (ending_ != ending::at_once) {
    co_await channel_.write(refusal_);
    co_await channel_.finish_writing();
  }
  if (ending_ == ending::lingering) co_await channel_.linger();
  co_await channel_.close();
}

task<> serve_connection(server_core_ref core, std::list<served_connection>::iterator slot,
                        tcp_stream stream) {
  const slot_guard guard(*core, slot);
  server_connection connection(*core, *slot, std::move(stream));
  std::exception_ptr failure;
  try {
    co_await connection.run();
  } catch (const std::runtime_error&) {
    // The connection's end, as the system, TLS or a time limit tells it.
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  if (failure) core->report(failure, "a connection");
}

}  // namespace eddy::inline v1::http
