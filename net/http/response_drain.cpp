// The rest of a body that nobody wants: read if that is little, so that the connection stays.
#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "drain.hpp"
#include "response_state.hpp"

namespace eddy::inline v1::http {

const headers& response_state::trailers() const {
  if (ended_) return trailers_;
  throw std::logic_error(request() + ": trailers() before the body has been read to its end");
}

// What there is of the body in memory, which is no more than a connection's buffer.
void response_state::finish_with_what_came() noexcept {
  try {
    do {
      piece_ = {};
      advance();
    } while (!piece_.empty());
  } catch (...) {
    slot_.drop();
  }
}

task<> response_state::drain() {
  for (std::size_t size = 0; !ended_ && size <= most_drained_bytes;) {
    finish_with_what_came();
    if (ended_ || !slot_) co_return;
    const std::size_t got = co_await slot_.get()->read();
    size += got;
    progress_.received(got);
    const response_event then = slot_.get()->arrived(got);
    if (then == response_event::end) end_exchange();
  }
}

// The body is over, whatever was not read of it.
void response_state::drop_rest() noexcept {
  ended_ = true;
  reading_ = false;
  held_ = false;
  piece_ = {};
  deferred_ = nullptr;
  decoder_.reset();
  slot_.drop();
}

task<bool> response_state::discard(share self) {
  if (self->failed_ || self->has_lost_loop()) co_return false;
  self->begin_read();
  self->claimed_ = true;
  try {
    if (self->slot_ && !takes_long_to_drain(self->slot_.get()->parser())) {
      const time_point until = std::min(self->clock_.total().at, now() + most_drain_time);
      co_await with_deadline(until, self->drain());
    }
  } catch (const std::exception&) {
    // Whatever it is, it concerns a body that nobody wants, and costs the connection.
  } catch (...) {
    self->drop_rest();
    throw;
  }
  self->drop_rest();
  co_return self->kept_;
}

}  // namespace eddy::inline v1::http
