#pragma once

#include <exception>
#include <string>

#include "server_body.hpp"
#include "server_reply.hpp"

namespace eddy::inline v1::http {

// One request whose head is there, its handler, and the response.
class server_exchange {
 public:
  server_exchange(server_core& core, server_channel& channel, request_parser& parser);
  server_exchange(const server_exchange&) = delete;
  server_exchange& operator=(const server_exchange&) = delete;

  // Runs the handler and sees to it that the client gets an answer. True if the connection is in
  // order for another request.
  task<bool> run();

  // The response is incomplete, and only the end of the connection can tell the client.
  bool broken_off() const noexcept { return broken_off_; }

  const request_head& head() const noexcept { return parser_.head(); }
  const headers& trailers() const noexcept { return parser_.trailers(); }
  server_channel& channel() noexcept { return channel_; }
  server_body& body() noexcept { return body_; }
  server_reply& reply() noexcept { return reply_; }
  std::size_t body_limit() const noexcept { return core_.body_limit; }

 private:
  task<std::exception_ptr> call_handler();
  task<> answer_failure(std::exception_ptr failure);
  task<> complete_reply();
  void report(std::exception_ptr failure) const;

  server_core& core_;
  server_channel& channel_;
  request_parser& parser_;
  server_body body_;
  server_reply reply_;
  bool broken_off_ = false;
};

}  // namespace eddy::inline v1::http
