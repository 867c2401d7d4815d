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
unsigned core_count() noexcept;

using detail::socket_address;

// Gives an open, engine-made socket its address and starts listening.
int listen_on(int fd, const socket_address& at, int backlog, bool reuse_port) noexcept;
int local_address(int fd, socket_address& out) noexcept;
int peer_address(int fd, socket_address& out) noexcept;
int set_no_delay(int fd, bool on) noexcept;
int shutdown_sending(int fd) noexcept;
// Whether a stream that nobody reads has anything to say: -EAGAIN if not, 0 at its end, 1 if bytes
// are waiting, which stay where they are. Never blocks.
int peek(int fd) noexcept;

// Blocks. getaddrinfo(3) for stream sockets. On failure `out` is empty and `error` says why.
void resolve_name(const std::string& host, std::uint16_t port, std::vector<socket_address>& out,
                  std::string& error);

// Files. All of them block.
enum class open_mode : std::uint8_t { read, write, append };
int file_open(const char* path, open_mode mode) noexcept;
std::int64_t file_read(int fd, void* data, std::size_t size) noexcept;
// All of it, or an error.
std::int64_t file_write(int fd, const void* data, std::size_t size) noexcept;
int file_sync(int fd) noexcept;
int file_close(int fd) noexcept;

// SIGINT: from watch to unwatch it is counted instead of ending the process, once; `wake` is called
// in the handler. One watcher in a process; false if there is one already.
bool watch_interrupt(void (*wake)(void*), void* context) noexcept;
bool interrupt_seen() noexcept;
void unwatch_interrupt() noexcept;

}  // namespace eddy::inline v1::detail::system
