// CONTRACT 3, the world: every other call into the operating system. Plain functions that a
// simulated world can stand in for at link time. Results are as in the kernel: non-negative, or a
// negative errno value. Those that block are marked; they are for the lanes of `offload`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/runtime/operation.hpp>
#include <string>
#include <vector>

namespace eddy::inline v1::detail::system {

// CLOCK_MONOTONIC, which is std::chrono::steady_clock.
std::int64_t clock_ns() noexcept;
// CLOCK_REALTIME in whole seconds since 1970-01-01 00:00 UTC: for dates, not for how long things
// take.
std::int64_t wall_seconds() noexcept;
unsigned core_count() noexcept;
// Random bytes that nobody can guess; in a simulated world they follow from its seed. At most 256.
inline constexpr std::size_t most_random_bytes = 256;
int fill_random(void* out, std::size_t size) noexcept;

using detail::socket_address;

// Gives an open, engine-made socket its address and starts listening.
int listen_on(int fd, const socket_address& at, int backlog, bool reuse_port) noexcept;
int local_address(int fd, socket_address& out) noexcept;
int peer_address(int fd, socket_address& out) noexcept;
int set_no_delay(int fd, bool on) noexcept;
// The address alone, of a datagram socket or of one that listens by `listen` later.
int bind_to(int fd, const socket_address& at) noexcept;
int listen(int fd, int backlog) noexcept;
// Whose datagrams come, and where those without an address go. Never waits.
int connect_datagrams(int fd, const socket_address& to) noexcept;
enum class socket_option : std::uint8_t {
  broadcast,
  reuse_port,
  ipv6_only,
  receive_buffer_bytes,
  send_buffer_bytes,
};
int set_option(int fd, socket_option option, int value) noexcept;
int shutdown_sending(int fd) noexcept;
// Whether a stream that nobody reads has anything to say: -EAGAIN if not, 0 at its end, 1 if bytes
// are waiting, which stay where they are. Never blocks.
int peek(int fd) noexcept;

// Unix sockets (unix(7)).
// The longest path, and the longest abstract name: 0 where there are none.
std::size_t unix_path_limit() noexcept;
std::size_t unix_abstract_limit() noexcept;
// `name` is within the limit.
socket_address unix_socket_address(std::string_view name, bool is_abstract) noexcept;
// Two connected stream sockets that the engine does not know yet.
int make_socket_pair(int (&out)[2]) noexcept;
// Who was at the other end when the connection was made; `pid` is -1 where the system does not say.
struct peer_identity {
  std::int64_t pid = -1;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};
int identify_peer(int fd, peer_identity& out) noexcept;
// Which file a path names, so that nothing is removed that has taken its place.
struct file_identity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  bool is_socket = false;
};
int identify_file(const char* path, file_identity& out) noexcept;
// Removes the path if it still names that file; -ESTALE if not.
int unlink_if_same(const char* path, const file_identity& file) noexcept;
// Whether a server listens there: 0, or -ECONNREFUSED or another error of connect(2). Never waits.
int probe_unix_server(const socket_address& at) noexcept;

// Blocks. getaddrinfo(3) for stream sockets. On failure `out` is empty and `error` says why.
void resolve_name(const std::string& host, std::uint16_t port, std::vector<socket_address>& out,
                  std::string& error);
// How long that takes in a simulated world; 0 elsewhere.
std::int64_t simulated_lookup_time(const std::string& host);
// Whether libraries that open sockets of their own reach the same network: not from a simulated
// world.
bool has_real_network() noexcept;

// Files. All of them block.
enum class open_mode : std::uint8_t { read, write, append };
int file_open(const char* path, open_mode mode) noexcept;
std::int64_t file_read(int fd, void* data, std::size_t size) noexcept;
// All of it, or an error.
std::int64_t file_write(int fd, const void* data, std::size_t size) noexcept;
int file_sync(int fd) noexcept;
// The bytes of a regular file; -ESPIPE for what has no size, as pipes and devices, and -EISDIR.
std::int64_t file_size(int fd) noexcept;
int file_close(int fd) noexcept;
// `bytes` in place of what the file held: it has the old ones or the new ones, whatever happens. A
// path that names no regular file, as a device, is written to. Throws std::bad_alloc.
int file_replace(const std::string& path, const std::string& bytes);

// Child processes.
struct child_plan {
  const char* program = nullptr;  // without a slash it is looked for in PATH
  char* const* arguments = nullptr;
  char* const* environment = nullptr;   // null: this process's
  int directory = -1;                   // where it starts; -1: where this process is
  int standard[3] = {-1, -1, -1};       // what its 0, 1 and 2 become; -1: this process's
  bool errors_join_output = false;      // its 2 becomes what its 1 is
};
// 0 once the program runs, `pid` is it then; else nothing is left of it. No signal is blocked in
// the child, and SIGPIPE has its default effect. It has no descriptors but 0, 1 and 2.
int spawn_child(const child_plan& plan, int& pid) noexcept;
// How the child ended.
struct child_end {
  bool signalled = false;
  int number = 0;  // of the signal, or the exit code
};
// 1 and how it ended: it is reaped then, and its number free; 0 while it runs; a negative errno
// value if it is not, or no longer, a child of this process.
int reap_child(int pid, child_end& end) noexcept;
// Blocks until it has ended, and reaps it.
void await_child(int pid) noexcept;
// A descriptor that polls as readable from the child's end on, to be closed by file_close();
// negative where there is none to be had.
int watch_child(int pid) noexcept;
// To a child that was not reaped. With its watch descriptor, where there is one (else -1), no other
// process is hit even if somebody else has reaped it.
int signal_child(int pid, int watch, int signal) noexcept;
extern const int kill_signal;
extern const int terminate_signal;
// Both ends close-on-exec, and neither a number below 3: dup2 into a child's 0, 1 and 2 then
// overwrites no other.
int make_pipe(int& read_end, int& write_end) noexcept;
int open_null() noexcept;
// For child_plan::directory; tells also whether it may be entered.
int open_directory(const char* path) noexcept;
// "NAME=value" each, and a null pointer at the end; a simulated world's is empty.
const char* const* environment() noexcept;

}  // namespace eddy::inline v1::detail::system
