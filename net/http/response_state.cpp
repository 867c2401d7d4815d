#include "response_state.hpp"

#include <algorithm>
#include <cstring>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/timeout.hpp>

#include "bytes_view.hpp"
#include "failure.hpp"
#include "session_state.hpp"

namespace eddy::inline v1::http {

namespace {

// A collected body grows by its own size, within these: few steps, and little room wasted.
constexpr std::size_t least_step = 4 * 1024;
constexpr std::size_t most_step = 1024 * 1024;

// So much is decoded before others get their turn: a few KiB that came may decode to as many MiB.
constexpr std::size_t most_decoded_at_once = 1024 * 1024;

}  // namespace

response_state::response_state(detail::http_session_ref&& session, connection_slot&& slot,
                               const exchange_clock& clock, std::string&& method,
                               eddy::url&& reached, std::vector<visited>&& history,
                               std::vector<interim_response>&& interim, std::string&& early_body,
                               request_progress&& progress)
    : session_(std::move(session)),
      slot_(std::move(slot)),
      clock_(clock),
      method_(std::move(method)),
      head_(slot_.get()->take_head()),
      url_(std::move(reached)),
      history_(std::move(history)),
      interim_(std::move(interim)),
      remote_(slot_.get()->remote_address()),
      progress_(std::move(progress)),
      framing_(slot_.get()->parser().framing()),
      early_body_(std::move(early_body)),
      piece_(bytes_of(early_body_)),
      max_body_bytes_(session_->settings.max_body_bytes) {
  try {
    advance();  // a response without a body is over already
  } catch (...) {
    // The head is good all the same; the first read tells.
    deferred_ = std::current_exception();
    slot_.drop();
  }
}

response_state::~response_state() { session_->spare_fields.put_back(head_.fields); }

std::string response_state::request() const { return request_line_of(method_, url_); }

void response_state::let_go() noexcept {
  if (--references_ > 0) return;
  if (!has_lost_loop() && slot_ && !failed_ && !reading_) finish_with_what_came();
  delete this;
}

// The next pieces that need no reading.
void response_state::advance() {
  while (!ended_ && piece_.empty()) {
    const response_step next = slot_.get()->next();
    if (next.event == response_event::need_more) return;
    if (next.event == response_event::body) {
      piece_ = next.body;
      progress_.tell(trace_step::chunk, piece_.size());
    }
    if (next.event == response_event::end) end_exchange();
  }
}

void response_state::end_exchange() noexcept {
  ended_ = true;
  progress_.lap(&timings::receive);
  progress_.done();
  trailers_ = slot_.get()->take_trailers();
  kept_ = slot_.get()->is_reusable();
  if (kept_) {
    slot_.keep(progress_.lap_ns());
  } else {
    slot_.drop();
  }
}

// What is there, decoded. 0: nothing is, or `into` is empty.
std::size_t response_state::take(std::span<std::byte> into) {
  while (!into.empty()) {
    if (piece_.empty() && !held_) advance();
    if (piece_.empty() && !held_) return 0;
    const std::size_t got = is_coded() ? decode(into) : copy(into);
    if (piece_.empty()) advance();
    decoded_bytes_ += got;
    if (got > 0 || held_) return got;
  }
  return 0;
}

bool response_state::is_coded() const noexcept {
  return decoder_ || (decoding_ && head_.fields.contains("Content-Encoding"));
}

std::size_t response_state::copy(std::span<std::byte> into) noexcept {
  const std::size_t size = std::min(into.size(), piece_.size());
  std::memcpy(into.data(), piece_.data(), size);
  piece_ = piece_.subspan(size);
  return size;
}

std::size_t response_state::decode(std::span<std::byte> into) {
  if (!decoder_) {
    const std::optional<std::string> coding = head_.fields.get_combined("Content-Encoding");
    decoder_.emplace(*coding, session_->settings.bounds);
  }
  const content_decoder::progress got = decoder_->decode(piece_, into);
  piece_ = piece_.subspan(got.consumed);
  held_ = got.more && !decoder_->is_identity();
  return got.produced;
}

// True at the first look after the loop has ended. The rest of the body went with the loop, as did
// the memory in which a part of it may have been.
bool response_state::has_lost_loop() noexcept {
  if (!slot_ || slot_.has_loop()) return false;
  failed_ = true;
  piece_ = {};
  slot_.get()->abandon();
  slot_.drop();
  return true;
}

void response_state::begin_read() {
  if (has_lost_loop()) {
    throw error(request() + ": the event loop that the response belongs to has ended");
  }
  if (reading_) throw std::logic_error(request() + ": another coroutine reads this response");
  if (failed_) {
    throw error(request() + ": an earlier read of this response failed or was cancelled");
  }
  reading_ = true;
}

// Nothing: more has to come, or others have to have their turn.
std::optional<std::size_t> response_state::step(std::span<std::byte> into) {
  if (deferred_) std::rethrow_exception(std::exchange(deferred_, nullptr));
  if (decoded_bytes_ > most_decoded_at_once) return std::nullopt;
  const std::size_t got = take(into);
  if (got == 0 && !into.empty()) {
    if (held_ || !ended_) return std::nullopt;
    if (decoder_) decoder_->finish();
  }
  reading_ = false;
  return got;
}

std::optional<std::size_t> response_state::pull_now(std::span<std::byte> into) {
  begin_read();
  try {
    return step(into);
  } catch (...) {
    fail();
  }
}

task<std::size_t> response_state::pull_later(std::span<std::byte> into) {
  try {
    for (;;) {
      if (held_ || decoded_bytes_ > most_decoded_at_once) {
        co_await give_way();
      } else {
        decoded_bytes_ = 0;
        check_total();
        limit_ = clock_.from_now(timeout_kind::read);
        connection& c = *slot_.get();
        std::size_t came = 0;
        if (c.is_plain()) {
          lease lent = co_await c.receive_by(limit_.at);
          came = c.hold(std::move(lent));
        } else {
          came = co_await with_deadline(limit_.at, c.read());
        }
        progress_.received(came);
        const response_event then = c.arrived(came);
        if (then == response_event::end) end_exchange();
      }
      const std::optional<std::size_t> got = step(into);
      if (got) co_return *got;
    }
  } catch (...) {
    fail();
  }
}

task<std::size_t> response_state::pull(std::span<std::byte> into) {
  std::optional<std::size_t> got = pull_now(into);
  if (!got) got = co_await pull_later(into);
  co_return *got;
}

// Decoding waits for nothing, nor do reads where the server is faster than the program: so no timer
// is armed that could come.
void response_state::check_total() {
  limit_ = clock_.total();
  if (clock_.has_passed()) throw timeout_error("the response took too long");
}

task<> response_state::give_way() {
  decoded_bytes_ = 0;
  co_await yield();
  check_total();
}

void response_state::fail() {
  const bool aborted = slot_.get() && slot_.get()->is_aborted();
  reading_ = false;
  failed_ = true;
  piece_ = {};
  slot_.drop();
  try {
    rethrow_named(request(), request_stage::receiving_body, limit_.kind, clock_, aborted);
  } catch (...) {
    progress_.failed_with_current();
    throw;
  }
}

void response_state::fail_beside() {
  // pull() has named it, or another coroutine reads, which concerns only the one that came second.
  if (failed_ || reading_) throw;
  fail();
}

task<std::size_t> response_state::read_some(share self, std::span<std::byte> into) {
  std::optional<std::size_t> got = self->pull_now(into);
  if (!got) got = co_await self->pull_later(into);
  co_return *got;
}

bool response_state::is_drained() const noexcept {
  return ended_ && piece_.empty() && !held_ && (!decoder_ || decoder_->is_identity());
}

// Known only for what is sent as it is.
std::uint64_t response_state::announced_bytes() const noexcept {
  const bool known = framing_.end == body_end::sized && !is_coded();
  return known ? framing_.size : 0;
}

void response_state::claim() {
  if (claimed_) throw std::logic_error(request() + ": the body was read already");
  claimed_ = true;
}

void response_state::claim_whole() {
  claim();
  check_collected(announced_bytes());
}

std::size_t response_state::next_step(std::size_t size) const noexcept {
  const std::uint64_t announced = announced_bytes();
  if (announced > size) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(announced - size, most_step));
  }
  return std::clamp(size, least_step, most_step);
}

void response_state::check_collected(std::uint64_t size) {
  if (size <= max_body_bytes_) return;
  failed_ = true;
  piece_ = {};
  slot_.drop();
  const std::string what = request() +
                           ": reading the response: the body has more than max_body_bytes (" +
                           std::to_string(max_body_bytes_) + ")";
  progress_.failed(what);
  throw content_error(what);
}

template <class Buffer>
task<Buffer> response_state::collect(share self) {
  self->claim_whole();
  Buffer all;
  std::size_t size = 0;
  while (!self->is_drained()) {
    all.resize(size + self->next_step(size));
    const std::span<std::byte> room(reinterpret_cast<std::byte*>(all.data()) + size,
                                    all.size() - size);
    std::optional<std::size_t> got = self->pull_now(room);
    if (!got) got = co_await self->pull_later(room);
    if (*got == 0) break;
    size += *got;
    self->check_collected(size);
  }
  all.resize(size);
  co_return std::move(all);
}

template task<std::string> response_state::collect<std::string>(share self);
template task<std::vector<std::byte>> response_state::collect<std::vector<std::byte>>(share self);

}  // namespace eddy::inline v1::http
