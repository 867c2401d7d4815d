#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string>

#include "request_parser.hpp"
#include "server_channel.hpp"

namespace eddy::inline v1::http {

// Reads the body of one request (RFC 9112 §6). What ends it early is kept, with the status that
// tells the client.
class server_body {
 public:
  server_body(server_core& core, server_channel& channel, request_parser& parser) noexcept
      : core_(core), channel_(channel), parser_(parser) {}

  task<std::size_t> read_some(std::span<std::byte> into);
  task<std::string> collect(std::size_t limit);
  // Reads and drops the rest, of at most so many bytes. False if there is more or it is broken.
  task<bool> drop_rest(std::size_t most);

  // The client waits for "100 Continue" and has not been told. It will not be any more once a
  // response has begun.
  bool owes_continue() const noexcept;
  void forgo_continue() noexcept { continue_settled_ = true; }

  // What reading threw, and the status that answers it.
  const std::exception_ptr& failure() const noexcept { return failure_; }
  int refusal() const noexcept { return refusal_; }

 private:
  // The next bytes, a view until the next call; empty at the end.
  task<std::span<const std::byte>> next_piece();
  task<> receive();
  void fail(int status) noexcept;

  server_core& core_;
  server_channel& channel_;
  request_parser& parser_;
  std::span<const std::byte> piece_;  // read, but not handed out
  std::exception_ptr failure_;
  int refusal_ = 0;
  bool continue_settled_ = false;
};

}  // namespace eddy::inline v1::http
