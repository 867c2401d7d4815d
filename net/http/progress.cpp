#include "progress.hpp"

#include <array>
#include <exception>

#include "failure.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// Zero outside a loop, where a response may be destroyed but nothing else can happen.
std::int64_t now_here() noexcept {
  detail::loop_core* const loop = detail::current_loop();
  return loop ? detail::now_ns(*loop) : 0;
}

}  // namespace

trace_observer::~trace_observer() = default;

std::string_view name_of(trace_step what) noexcept {
  constexpr std::array<std::string_view, 16> names = {
      "queued",    "reused",       "resolving", "resolved",   "connecting", "connected",
      "handshake", "request_sent", "body_sent", "first_byte", "head",       "chunk",
      "retried",   "redirected",   "done",      "failed"};
  return names[static_cast<std::size_t>(what)];
}

request_progress::request_progress(trace_observer* observer, session_counters& counters) noexcept
    : observer_(observer),
      counters_(&counters),
      id_(++counters.requests),
      begun_ns_(now_here()),
      lap_ns_(begun_ns_) {}

request_progress::request_progress(request_progress&& other) noexcept
    : observer_(std::exchange(other.observer_, nullptr)),
      counters_(std::exchange(other.counters_, nullptr)),
      id_(other.id_),
      times_(other.times_),
      begun_ns_(other.begun_ns_),
      lap_ns_(other.lap_ns_),
      line_(std::move(other.line_)),
      method_bytes_(other.method_bytes_),
      hop_(other.hop_),
      ended_(other.ended_) {}

request_progress::~request_progress() {
  if (observer_ && !ended_) {
    emit(trace_step::failed, 0, 0, "the response was dropped before its end");
  }
}

void request_progress::describe(std::string_view method, const url& to) {
  line_ = escaped(method);
  method_bytes_ = line_.size();
  line_.append(" ").append(place_of(to));
}

void request_progress::redirected(std::string_view method, const url& to, int status) {
  ++counters_->redirects;
  ++hop_;
  enter(method, to);
  tell(trace_step::redirected, 0, status);
}

void request_progress::retried(std::string_view error, int status) noexcept {
  ++counters_->retries;
  if (observer_) emit(trace_step::retried, 0, status, error);
}

void request_progress::lap(timings::duration timings::* phase) noexcept {
  const std::int64_t now = now_here();
  times_.*phase += timings::duration(now - lap_ns_);
  times_.total = timings::duration(now - begun_ns_);
  lap_ns_ = now;
}

void request_progress::done() noexcept {
  if (ended_) return;
  ended_ = true;
  tell(trace_step::done);
}

void request_progress::failed(std::string_view error) noexcept {
  if (ended_) return;
  ended_ = true;
  ++counters_->failures;
  if (observer_) emit(trace_step::failed, 0, 0, error);
}

void request_progress::failed_with_current() noexcept {
  try {
    throw;
  } catch (const std::exception& e) {
    failed(e.what());
  } catch (...) {
    failed("cancelled");
  }
}

void request_progress::emit(trace_step what, std::size_t bytes, int status,
                            std::string_view error) const noexcept {
  trace_event e = event_of(what);
  e.status = status;
  e.bytes = bytes;
  e.error = error;
  observer_->on_event(e);
}

void request_progress::emit_sent(std::string_view message) const noexcept {
  trace_event e = event_of(trace_step::request_sent);
  e.bytes = message.size();
  e.head = message.substr(0, message.find("\r\n\r\n") + 4);
  observer_->on_event(e);
}

trace_event request_progress::event_of(trace_step what) const noexcept {
  const std::string_view line = line_;
  trace_event e;
  e.step = what;
  e.request = id_;
  e.method = line.substr(0, method_bytes_);
  if (line.size() > method_bytes_) e.url = line.substr(method_bytes_ + 1);
  e.hop = hop_;
  e.at = time_point(std::chrono::nanoseconds(now_here()));
  return e;
}

}  // namespace eddy::inline v1::http
