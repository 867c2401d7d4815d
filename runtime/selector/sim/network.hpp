// The network of the simulated world, and what the engine does with its descriptors.
#pragma once

#include <eddy/runtime/sim_network.hpp>
#include <functional>
#include <map>
#include <vector>

#include "../system.hpp"
#include "network_sockets.hpp"
#include "world.hpp"

namespace eddy::inline v1::detail::simulation {

class network {
 public:
  explicit network(world& w) : world_(w) {}
  network(const network&) = delete;
  network& operator=(const network&) = delete;
  ~network();

  // The engine of a loop comes and goes; what it had open and nobody gave up is closed then.
  void engine_begins(const engine_options& options) noexcept;
  void engine_ends() noexcept;

  // As engine's, for operations that are not on files. Results of the others are 0, a descriptor or
  // a negative errno value.
  bool submit(operation& op) noexcept;
  void cancel(operation& op) noexcept;
  int open_socket(int family, int type) noexcept;
  int attach(int fd) noexcept;
  void release(int fd) noexcept;
  void recycle(std::byte* data, std::uint32_t buffer) noexcept;
  void forget(int fd) noexcept;
  bool holds_input(int fd) const noexcept;

  // As those of system.hpp. network_bind.cpp.
  int bind(socket& s, const net_address& at);
  int listen(socket& s, int backlog);
  int local_address(const socket& s, net_address& out) const;
  int peer_address(const socket& s, net_address& out) const;
  int shut_down_sending(socket& s);
  int peek(socket& s);
  int connect_datagrams(socket& s, const net_address& to);
  // network_unix.cpp.
  int make_pair(int (&out)[2]);
  int identify_file(const std::string& path, system::file_identity& out) const;
  int unlink_if_same(const std::string& path, const system::file_identity& file);
  int probe(const net_address& at) const;
  // network_names.cpp. How long a lookup takes, and what it says.
  std::int64_t lookup_time(const std::string& name);
  std::vector<net_address> lookup(const std::string& name, std::string& error);

  // Null if the number is none of a socket.
  socket* find(int fd) const noexcept;

  // What a script does to the network. network_script.cpp.
  void cut(host_id from, host_id to, bool is_cut);
  void reset_all(host_id a, host_id b);
  void crash(host_id host);

  host_table hosts;
  sim::network_faults faults;
  struct name_script {
    std::int64_t delay_ns = 0;
    std::string error;
  };
  std::map<std::string, name_script> name_scripts;
  enum class connect_script : std::uint8_t { refuse, lose };
  std::map<std::pair<host_id, std::uint16_t>, connect_script> connect_scripts;

 private:
  friend class flow_event;
  friend class retry_event;
  friend struct connection;
  friend struct socket;
  using socket_ptr = std::shared_ptr<socket>;
  using connection_ptr = std::shared_ptr<connection>;

  // network.cpp: sockets and what waits on them.
  socket& make_socket(family of, socket_kind kind, host_id host);
  socket_ptr take_out(int fd) noexcept;
  int begin(operation& op);
  int begin_foreign(operation& op);
  int attempt(operation& op, socket& s);
  void try_again(socket& s, bool writing);
  void end_waiting(socket& s);
  bool is_readable(const socket& s) const;
  bool is_writable(const socket& s) const;
  void close(socket& s);
  // Whether something with this chance in a thousand happens now.
  bool chance(unsigned in_thousand) {
    return in_thousand > 0 && world_.chances.chance(in_thousand);
  }
  bool by_turns(std::uint64_t in_thousand);
  void note(std::uint64_t what, std::uint64_t value) noexcept {
    world_.note(trace::network, what << 48 ^ value);
  }

  // network_links.cpp: when what is sent now arrives.
  std::int64_t arrival(host_id from, host_id to, std::size_t bytes);
  std::int64_t latency(host_id from, host_id to);
  bool is_cut(host_id from, host_id to) { return hosts.way(from, to).is_cut; }

  // network_handshake.cpp.
  int connect(operation& op, socket& s);
  int choose_source(socket& s, const net_address& to);
  void try_handshake(connection& c, int side);
  void ask_server(connection_ptr c);
  void end_connect(connection& c, int result);
  int accept(socket& s);
  void server_opened(connection& c);

  // network_flow.cpp: segments.
  connection_ptr make_connection();
  void send(connection& c, int side, segment_kind kind, std::string bytes = {});
  void schedule_arrival(connection& c, int side);
  void arrive(connection& c, int side);
  void tell_window(connection& c, int side);
  void give_up(connection& c, int side);
  void resume_write(connection& c, int side);
  void take_segment(connection& c, int at, segment& what);
  void end_gone(connection& c, int side, int error);
  void reset(connection& c, int side);
  void wake_both(connection& c, int side);
  void close_end(connection& c, int side);
  void continue_flow(connection& c, int side);

  // network_streams.cpp: one try of each.
  int read(operation& op, socket& s);
  int receive(operation& op, socket& s);
  int write(operation& op, socket& s);
  int write_pieces(pieces_operation& op, socket& s);
  int may_write(socket& s);
  std::size_t room_for(socket& s, std::size_t wanted);
  void put(socket& s, std::string bytes);

  // network_datagrams.cpp.
  int send_to(datagram_operation& op, socket& s);
  int receive_from(datagram_operation& op, socket& s);
  void send_datagram(host_id from, host_id to, datagram_in what, const net_address& at, int by);
  void datagram_arrives(host_id at, const net_address& to, datagram_in what, host_id from, int by);

  // network_bind.cpp: who has a port.
  bool is_taken(const socket& by, const net_address& at) const;
  std::uint16_t free_port(const socket& by, const net_address& at);
  socket* listener_at(host_id host, const net_address& at) const;

  // network_unix.cpp.
  struct unix_name {
    std::weak_ptr<socket> owner;
    std::uint64_t number = 0;
  };
  int bind_unix(socket& s, const net_address& at);
  int connect_unix(socket& s, const net_address& to);
  void join(socket& client, connection_ptr c);

  world& world_;
  std::size_t buffer_bytes_ = 16 << 10;
  std::uint32_t connections_made_ = 0;
  std::map<int, socket_ptr> sockets_;
  std::map<std::pair<host_id, std::string>, unix_name> unix_names_;
  std::vector<connection*> connections_;  // all there are, in the order they were made
};

// The host of the task that runs now.
host_id host_here() noexcept;

}  // namespace eddy::inline v1::detail::simulation
