// How a hop gets to its origin.
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "exchange.hpp"
#include "session_state.hpp"

namespace eddy::inline v1::http {

namespace {

// Whose time it is.
timings::duration timings::* account_of(dial_phase phase) noexcept {
  switch (phase) {
    case dial_phase::resolving:
      return &timings::resolve;
    case dial_phase::securing_proxy:
    case dial_phase::securing:
      return &timings::handshake;
    default:
      return &timings::connect;
  }
}

}  // namespace

// Gives each phase of the dialling its time and tells of it. `limit` is of the whole.
class exchange::dial_steps final : public dial_watch {
 public:
  dial_steps(exchange& of, time_limit whole) noexcept : of_(of), whole_(whole) {}
  dial_steps(const dial_steps&) = delete;
  dial_steps& operator=(const dial_steps&) = delete;

  time_point enter(dial_phase phase) override {
    end(last_);
    last_ = phase;
    switch (phase) {
      case dial_phase::resolving:
        of_.progress_.tell(trace_step::resolving);
        return until(timeout_kind::resolve);
      case dial_phase::resolved:
        of_.progress_.tell(trace_step::resolved);
        break;
      case dial_phase::connecting:
        of_.progress_.tell(trace_step::connecting);
        break;
      case dial_phase::connected:
        of_.progress_.tell(trace_step::connected);
        break;
      case dial_phase::securing_proxy:
      case dial_phase::securing:
        return until(timeout_kind::handshake);
      case dial_phase::asking_proxy:
      case dial_phase::open:
        break;
    }
    of_.limit_ = whole_;
    return never_ends;
  }

 private:
  void end(dial_phase phase) noexcept {
    of_.progress_.lap(account_of(phase));
    const bool was_secured = phase == dial_phase::securing || phase == dial_phase::securing_proxy;
    if (was_secured) of_.progress_.tell(trace_step::handshake);
  }

  // The whole has a timer of its own.
  time_point until(timeout_kind kind) {
    const time_limit own = of_.clock_.from_now(kind);
    of_.limit_ = own.at < whole_.at ? own : whole_;
    return own.at < whole_.at ? own.at : never_ends;
  }

  exchange& of_;
  time_limit whole_;
  dial_phase last_ = dial_phase::connecting;
};

bool exchange::is_routed() const noexcept {
  return session_->is_routed() || (settings_ && settings_->proxy.is_used());
}

route exchange::way() const {
  return session_->route_of(url_, settings_ ? settings_->proxy : http::proxy());
}

// Before a hop: whether its request is for a proxy to read.
void exchange::begin_route() {
  is_forwarded_ = false;
  proxy_auth_.begin(http::auth());
  if (!is_routed()) return;
  const route to = way();
  is_forwarded_ = to.kind() == route_kind::forward;
  if (!is_forwarded_) return;
  proxy_name_ = to.proxy().str();
  proxy_auth_.begin(to.proxy().credentials());
}

// In the slot that is ours already: neither a stale connection nor a retry goes to the end of the
// line again.
task<> exchange::connect() {
  step_ = step::connecting;
  connection_pool& pool = session_->pool;
  const connection_pool::connecting_mark mark(pool);
  const time_limit whole = clock_.from_now(timeout_kind::connect);
  limit_ = whole;
  const std::unique_ptr<connection> old = slot_.take_closing();
  if (old) co_await with_deadline(whole.at, old->close_idle());
  if (pool.is_closed()) throw error("the session is closed");
  connection& fresh = slot_.adopt(std::make_unique<connection>(session_->settings.bounds));
  route to = way();
  if (to.needs_tls()) session_->trust_somebody();
  dial_steps watch(*this, whole);
  task<> opening = fresh.open(session_->dialer, std::move(to), watch);
  co_await with_deadline(whole.at, std::move(opening));
  if (fresh.is_aborted()) throw error("the session was closed");
}

}  // namespace eddy::inline v1::http
