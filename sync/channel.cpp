#include <eddy/sync/channel.hpp>

#include <stdexcept>
#include <string>

#include "../runtime/selector/parking.hpp"
#include "../runtime/selector/system.hpp"
#include "channel_core.hpp"

namespace eddy::inline v1 {

const char* channel_closed::what() const noexcept {
  return "channel: nothing can be sent, it was closed";
}

namespace detail {

namespace {

void refuse_on_loop(const char* what) {
  if (!current_loop()) return;
  throw std::logic_error(std::string("channel: ") + what +
                         " on a thread that runs a loop would stop the loop; co_await instead");
}

// Sleeps until the end, which stands in a line, was served; or leaves the line at the limit.
template <class End>
void sleep_in_line(channel_core& core, End& end, parking_spot& spot, std::int64_t deadline_ns) {
  if (spot.park_until(deadline_ns) || core.withdraw(end)) return;
  spot.park_until(never_ns);  // served meanwhile: whoever did that will touch the spot
}

// No clock is read, and nothing made to sleep on, for what need not wait.
template <class End>
void wait_blocking(channel_core& core, End& end, const limit* until) {
  if (core.attempt(end, nullptr) || (until && until->immediate())) return;
  std::int64_t deadline = never_ns;
  if (until) {
    deadline = until->relative() ? deadline_after(system::clock_ns(), until->ns()) : until->ns();
  }
  parking_spot spot;
  if (!core.attempt(end, &spot)) sleep_in_line(core, end, spot, deadline);
}

}  // namespace

bool channel_receiver::start() noexcept { return refused() || core_.begin(*this); }

void channel_receiver::on_cancel() noexcept {
  core_.give_up(*this);
  drop();
}

bool channel_receiver::withdraw() noexcept { return core_.withdraw(*this); }

void channel_receiver::finish() {
  leave();
  if (no_memory) throw_no_memory();
  if (promised) core_.redeem(*this);
}

void channel_receiver::receive_now() noexcept { core_.attempt(*this, nullptr); }

void channel_receiver::receive_blocking(const char* what, const limit* until) {
  refuse_on_loop(what);
  wait_blocking(core_, *this, until);
  if (promised) core_.redeem(*this);
}

bool channel_sender::start() noexcept { return refused() || core_.begin(*this); }

// What has been sent stays so, and the cancellation meets the next suspension.
void channel_sender::on_cancel() noexcept {
  if (core_.give_up(*this)) drop();
}

bool channel_sender::withdraw() noexcept {
  if (!core_.withdraw(*this)) return false;
  if (moved == 0) return true;
  wake();
  return false;
}

void channel_sender::check_closed() const {
  if (closed && moved == 0) throw channel_closed();
}

void channel_sender::finish() {
  leave();
  if (no_memory) throw_no_memory();
  check_closed();
}

void channel_sender::send_now() {
  core_.attempt(*this, nullptr);
  check_closed();
}

void channel_sender::send_blocking(const char* what, const limit* until) {
  refuse_on_loop(what);
  wait_blocking(core_, *this, until);
  check_closed();
}

channel_handle::channel_handle(const channel_items& items, std::size_t capacity) {
  if (capacity == 0) {
    throw std::invalid_argument("channel: a capacity of 0; it holds at least one item");
  }
  core_ = new channel_core(items, capacity);
}

channel_handle::channel_handle(const channel_handle& other) noexcept : core_(other.core_) {
  core_->hold();
}

channel_handle& channel_handle::operator=(const channel_handle& other) noexcept {
  other.core_->hold();
  core_->let_go();
  core_ = other.core_;
  return *this;
}

channel_handle::~channel_handle() { core_->let_go(); }

void channel_handle::close() const noexcept { core_->close(); }

channel_statistics channel_handle::statistics() const noexcept { return core_->statistics(); }

}  // namespace detail
}  // namespace eddy::inline v1
