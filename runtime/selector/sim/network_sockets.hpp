// What the simulated network is made of: sockets, and the connections between them.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "../engine.hpp"
#include "event_queue.hpp"
#include "network_hosts.hpp"

namespace eddy::inline v1::detail::simulation {

class network;
struct connection;
struct socket;

// What an attempt returns while an operation cannot be done: not an errno value.
inline constexpr int must_wait = -100000;

// Bytes that may be on their way and unread in one direction of a connection; then writes wait.
inline constexpr std::size_t window_bytes = 128 << 10;
// The most that goes as one segment.
inline constexpr std::size_t segment_bytes = 16 << 10;

enum class segment_kind : std::uint8_t { accepts, opens, data, finishes, resets };

struct segment {
  segment_kind kind = segment_kind::data;
  std::string bytes;
  std::int64_t arrives_ns = 0;
};

enum class end_state : std::uint8_t { opening, open, gone };

// Something that the network does later with one direction of a connection.
class flow_event final : public event {
 public:
  using action = void (network::*)(connection&, int side);
  flow_event(network& n, connection& c, int side, action what) noexcept
      : network_(&n), connection_(&c), action_(what), side_(side) {}
  void happen() noexcept override;

 private:
  network* network_;
  connection* connection_;
  action action_;
  int side_;
};

// One end of a connection: what it has received, and what it has sent that has not arrived.
struct stream_end {
  host_id host = 0;
  net_address address;
  socket* owner = nullptr;  // null: not accepted yet, or closed
  end_state state = end_state::opening;
  bool is_closed = false;     // by its owner
  int error = 0;              // told once, as SO_ERROR is
  bool said_end = false;      // nothing more will be sent
  bool heard_end = false;     // nothing more will come
  std::string arrived;
  std::size_t taken = 0;      // of what has arrived
  std::size_t unread = 0;     // sent, and the other end has not said that it took it
  std::size_t untold = 0;     // taken, and the other end does not know
  bool is_paused = false;     // a write that is made short goes on later
  std::deque<segment> under_way;  // none arrives before the one in front of it
  bool is_stalled = false;    // the path was cut when a segment should have arrived

  std::size_t available() const noexcept { return arrived.size() - taken; }
};

// Belongs to the sockets of its ends, and to the listener until it is accepted.
struct connection : std::enable_shared_from_this<connection> {
  connection(network& n, std::uint32_t number);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  struct side_events {
    side_events(network& n, connection& c, int side) noexcept;
    flow_event arrival;     // of the first segment under way
    flow_event window;      // the other end learns that there is room
    flow_event give_up;     // nothing has come through for too long
    flow_event resumption;  // of a write that was made short
  };

  network* net;
  std::uint32_t id;
  stream_end ends[2];  // of the client and of the server
  side_events events[2];
  flow_event handshake;  // the next try
  unsigned tries = 0;
  bool is_lost = false;  // no try arrives
  bool is_unix = false;
  bool is_accepted = false;
  std::weak_ptr<socket> listener;
};

struct datagram_in {
  net_address from;
  std::string bytes;
};

enum class socket_kind : std::uint8_t { stream, datagram };

class retry_event final : public event {
 public:
  retry_event(network& n, socket& s, bool writing) noexcept
      : network_(&n), socket_(&s), writing_(writing) {}
  void happen() noexcept override;

 private:
  network* network_;
  socket* socket_;
  bool writing_;
};

struct socket : std::enable_shared_from_this<socket> {
  socket(network& n, int number) noexcept;
  socket(const socket&) = delete;
  socket& operator=(const socket&) = delete;

  int fd;
  socket_kind kind = socket_kind::stream;
  family of = family::none;
  host_id host = 0;
  bool is_attached = true;  // false: a descriptor of somebody else's, as yet
  bool is_bound = false;
  bool is_listening = false;
  bool reuses_port = false;
  bool broadcasts = false;
  net_address local;
  net_address peer;  // of a connected datagram socket
  operation* reader = nullptr;
  operation* writer = nullptr;
  retry_event read_later;
  retry_event write_later;
  // Of a stream.
  std::shared_ptr<connection> link;
  int side = 0;
  // Of a listener.
  std::size_t backlog = 0;
  std::deque<std::shared_ptr<connection>> half_open;
  std::deque<std::shared_ptr<connection>> waiting;
  // Of a datagram socket.
  std::deque<datagram_in> datagrams;
  std::size_t datagram_bytes = 0;
  std::size_t datagram_limit = 212'992;  // net.core.rmem_default of Linux
  int error = 0;  // told once

  stream_end& end() noexcept { return link->ends[side]; }
  const stream_end& end() const noexcept { return link->ends[side]; }
  operation*& slot(bool writing) noexcept { return writing ? writer : reader; }
  retry_event& later(bool writing) noexcept { return writing ? write_later : read_later; }
};

}  // namespace eddy::inline v1::detail::simulation
