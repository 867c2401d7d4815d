// What a tls_stream and the coroutines that wait on it share, as descriptor_state is.
#pragma once

#include <eddy/sync/event.hpp>

#include "../runtime/stream_state.hpp"
#include "tls_session.hpp"

namespace eddy::inline v1::detail {

// Something that one coroutine at a time does for all of them.
class shared_turn {
 public:
  shared_turn() noexcept {}
  bool taken() const noexcept { return taken_; }
  // Until the turn that is now taken has ended.
  untimed<event_wait> ended() noexcept { return ended_.wait(); }
  void take() noexcept { taken_ = true; }
  void give_up() noexcept {
    taken_ = false;
    ended_.set();
    ended_.reset();
  }

 private:
  event ended_;
  bool taken_ = false;
};

class turn_guard {
 public:
  explicit turn_guard(shared_turn& turn) noexcept : turn_(turn) { turn_.take(); }
  turn_guard(const turn_guard&) = delete;
  turn_guard& operator=(const turn_guard&) = delete;
  ~turn_guard() { turn_.give_up(); }

 private:
  shared_turn& turn_;
};

struct tls_state {
  // As a client of `host`, and as a server; over a byte_stream, or over another TLS.
  tls_state(byte_stream&& raw, const tls_context& context, const std::string& host,
            const tls_options& options);
  tls_state(tls_stream&& raw, const tls_context& context, const std::string& host,
            const tls_options& options);
  tls_state(byte_stream&& raw, const tls_context& context);
  tls_state(tls_stream&& raw, const tls_context& context);

  // The TLS that this one runs through; null at the bottom, where the descriptor is.
  tls_state* below() const noexcept { return outer.state_; }
  const descriptor_ref& descriptor() const noexcept {
    const tls_state* s = this;
    while (s->below()) s = s->below();
    return s->raw.descriptor();
  }

  bool has_output() noexcept {
    if (sent < sending.size() || !session.output().empty()) return true;
    return below() && below()->has_output();
  }
  // Whether a reader sends what the session has to answer. Not when another coroutine is sending,
  // who will send that, too; nor what a cancelled write has left: a peer that does not read must
  // not keep us from reading, or both wait for ever.
  bool may_answer() noexcept { return has_output() && !sending_turn.taken() && !write_fault; }
  // Of this and of all below: what they hold may be a part of a record.
  void spoil_writing(const char* why) noexcept {
    for (tls_state* s = this; s; s = s->below()) s->write_fault = why;
  }

  unsigned references = 1;
  // One of the two carries us.
  byte_stream raw;
  tls_stream outer;
  tls_session session;
  std::string peer;
  shared_turn sending_turn;
  shared_turn receiving_turn;
  // Encrypted bytes on their way, the first `sent` of which are with the kernel or the TLS below.
  // What a cancelled coroutine leaves here the next one sends.
  std::string sending;
  std::size_t sent = 0;
  bool reader_waits = false;
  bool writer_waits = false;
  bool connection_ended = false;
  bool shut_down = false;
  const char* write_fault = nullptr;
};

class tls_ref {
 public:
  explicit tls_ref(tls_state* s) noexcept : state_(s) {
    if (state_) ++state_->references;
  }
  tls_ref(const tls_ref& other) noexcept : tls_ref(other.state_) {}
  tls_ref& operator=(const tls_ref&) = delete;
  ~tls_ref() { drop(state_); }
  static void drop(tls_state* s) noexcept {
    if (s && --s->references == 0) delete s;
  }
  tls_state* operator->() const noexcept { return state_; }
  tls_state& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  tls_state* state_;
};

// The waits of a tls_stream. They keep the state.
task<> shake_hands(tls_ref s);
task<std::size_t> read_from(tls_ref s, std::span<std::byte> into);
task<> write_from(tls_ref s, std::span<const std::byte> bytes);
task<> shut_down(tls_ref s);

}  // namespace eddy::inline v1::detail
