// Segments under way: in order, held up by cuts, answered by resets where nobody expects them.
#include <algorithm>
#include <cerrno>

#include "network.hpp"

namespace eddy::inline v1::detail::simulation {

namespace {

// After how long without an answer Linux ends a connection (tcp_retries2).
constexpr std::int64_t retransmission_limit_ns = 924'600'000'000;

}  // namespace

void flow_event::happen() noexcept {
  const auto keep = connection_->shared_from_this();
  (network_->*action_)(*connection_, side_);
}

connection::side_events::side_events(network& n, connection& c, int side) noexcept
    : arrival(n, c, side, &network::arrive),
      window(n, c, side, &network::tell_window),
      give_up(n, c, side, &network::give_up),
      resumption(n, c, side, &network::resume_write) {}

connection::connection(network& n, std::uint32_t number)
    : net(&n),
      id(number),
      events{side_events(n, *this, 0), side_events(n, *this, 1)},
      handshake(n, *this, 0, &network::try_handshake) {
  n.connections_.push_back(this);
}

connection::~connection() {
  const auto withdraw = [&](event& e) {
    if (e.is_queued()) net->world_.withdraw(e);
  };
  for (side_events& e : events) {
    withdraw(e.arrival);
    withdraw(e.window);
    withdraw(e.give_up);
    withdraw(e.resumption);
  }
  withdraw(handshake);
  std::erase(net->connections_, this);
}

network::connection_ptr network::make_connection() {
  return std::make_shared<connection>(*this, ++connections_made_);
}

void network::send(connection& c, int side, segment_kind kind, std::string bytes) {
  stream_end& from = c.ends[side];
  const std::int64_t arrives = arrival(from.host, c.ends[1 - side].host, bytes.size());
  from.under_way.push_back({kind, std::move(bytes), arrives});
  schedule_arrival(c, side);
}

void network::schedule_arrival(connection& c, int side) {
  stream_end& from = c.ends[side];
  event& next = c.events[side].arrival;
  if (from.is_stalled || from.under_way.empty() || next.is_queued()) return;
  world_.at(from.under_way.front().arrives_ns, next);
}

void network::arrive(connection& c, int side) {
  stream_end& from = c.ends[side];
  if (is_cut(from.host, c.ends[1 - side].host)) {
    // Nobody sends again what a connection that is gone has sent.
    if (from.state == end_state::gone) return from.under_way.clear();
    from.is_stalled = true;
    if (!c.events[side].give_up.is_queued()) {
      world_.at(world_.in(retransmission_limit_ns), c.events[side].give_up);
    }
    return;
  }
  while (!from.under_way.empty() && from.under_way.front().arrives_ns <= world_.now()) {
    segment next = std::move(from.under_way.front());
    from.under_way.pop_front();
    note(c.id, std::uint64_t{static_cast<std::uint8_t>(next.kind)} << 32 ^ next.bytes.size());
    take_segment(c, 1 - side, next);
  }
  schedule_arrival(c, side);
}

void network::take_segment(connection& c, int at, segment& what) {
  stream_end& e = c.ends[at];
  if (what.kind == segment_kind::resets) {
    if (e.state != end_state::gone) end_gone(c, at, e.heard_end ? EPIPE : ECONNRESET);
    return;
  }
  if (e.state == end_state::gone || (e.is_closed && what.kind == segment_kind::data)) {
    return reset(c, at);
  }
  switch (what.kind) {
    case segment_kind::accepts:
      e.state = end_state::open;
      send(c, at, segment_kind::opens);
      return end_connect(c, 0);
    case segment_kind::opens:
      return server_opened(c);
    case segment_kind::data:
      e.arrived.append(what.bytes);
      break;
    default:
      e.heard_end = true;
      break;
  }
  if (e.owner) try_again(*e.owner, false);
}

// The reader of `side` has taken bytes: the other side may send more.
void network::tell_window(connection& c, int side) {
  stream_end& reader = c.ends[side];
  stream_end& writer = c.ends[1 - side];
  if (is_cut(reader.host, writer.host)) return;  // told when the cut has healed
  writer.unread -= std::exchange(reader.untold, 0);
  if (writer.owner) try_again(*writer.owner, true);
}

void network::give_up(connection& c, int side) {
  if (c.ends[side].is_stalled && c.ends[side].state != end_state::gone) {
    end_gone(c, side, ETIMEDOUT);
  }
}

// The path may be open again.
void network::continue_flow(connection& c, int side) {
  stream_end& from = c.ends[side];
  const host_id to = c.ends[1 - side].host;
  if (is_cut(from.host, to)) return;
  if (from.untold > 0 && !c.events[side].window.is_queued()) {
    world_.at(world_.in(latency(from.host, to)), c.events[side].window);
  }
  if (!std::exchange(from.is_stalled, false)) return;
  if (c.events[side].give_up.is_queued()) world_.withdraw(c.events[side].give_up);
  // All of it is sent again.
  for (segment& s : from.under_way) s.arrives_ns = arrival(from.host, to, s.bytes.size());
  schedule_arrival(c, side);
}

// This end knows that the connection is over.
void network::end_gone(connection& c, int side, int error) {
  stream_end& e = c.ends[side];
  const bool was_opening = e.state == end_state::opening;
  e.state = end_state::gone;
  e.error = error;
  e.said_end = true;
  if (e.under_way.empty() || e.under_way.back().kind != segment_kind::resets) e.under_way.clear();
  if (c.events[side].give_up.is_queued()) world_.withdraw(c.events[side].give_up);
  if (side == 0 && was_opening) return end_connect(c, -error);
  if (was_opening) {
    // The client went before it was heard of again.
    const connection_ptr keep = c.shared_from_this();
    if (const socket_ptr at = c.listener.lock()) std::erase(at->half_open, keep);
  }
  if (e.owner) wake_both(c, side);
}

// This end is over, and tells the other one, if it can.
void network::reset(connection& c, int side) {
  stream_end& e = c.ends[side];
  e.state = end_state::gone;
  e.said_end = true;
  if (e.is_stalled) {
    e.under_way.clear();
  } else {
    send(c, side, segment_kind::resets);
  }
}

void network::wake_both(connection& c, int side) {
  if (socket* s = c.ends[side].owner) try_again(*s, false);
  if (socket* s = c.ends[side].owner) try_again(*s, true);
}

void network::close_end(connection& c, int side) {
  stream_end& e = c.ends[side];
  e.owner = nullptr;
  e.is_closed = true;
  if (c.events[side].resumption.is_queued()) world_.withdraw(c.events[side].resumption);
  if (e.state == end_state::gone) return;
  if (e.state == end_state::opening) {
    e.state = end_state::gone;  // whatever still comes is answered by a reset
  } else if (e.available() > 0) {
    reset(c, side);
  } else if (!std::exchange(e.said_end, true)) {
    send(c, side, segment_kind::finishes);
  }
}

}  // namespace eddy::inline v1::detail::simulation
