// A server without a kernel, for clients that know nothing of it.
#pragma once

#include <cstddef>
#include <string>

// While it lives, what this program sends, receives and waits for with send(2), recv(2), poll(2)
// and epoll(7) is answered from memory on the one connection over which a request for `target`
// goes; all else goes to the kernel. The server answers each such request with 200, usual fields
// and a body of `body_bytes`. Clients connect to url(), where nobody reads. One at a time, and one
// connection of each.
class memory_network {
 public:
  static constexpr std::size_t body_bytes = 1024;
  static constexpr char target[] = "/in-memory/1k";

  memory_network();
  memory_network(const memory_network&) = delete;
  memory_network& operator=(const memory_network&) = delete;
  ~memory_network();

  unsigned port() const noexcept { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + target; }
  // Requests answered so far.
  long answered() const noexcept;

 private:
  unsigned port_ = 0;
  int listener_ = -1;
};
