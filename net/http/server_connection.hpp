#pragma once

#include <list>
#include <string>

#include "request_parser.hpp"
#include "server_channel.hpp"
#include "server_core.hpp"

namespace eddy::inline v1::http {

// The requests of one connection, one after the other (RFC 9112 §9.3).
class server_connection {
 public:
  server_connection(server_core& core, served_connection& slot, tcp_stream stream);

  // Throws what the connection throws, which only says that the client has gone.
  task<> run();

 private:
  enum class head_result { request, closed, refused };
  enum class ending { at_once, polite, lingering };

  task<head_result> read_head();
  task<bool> fill_head();
  task<bool> exchange();
  task<> end();
  std::chrono::nanoseconds time_for_head();
  void refuse(int status, std::string_view reason);

  server_core& core_;
  server_channel channel_;
  request_parser parser_;
  std::string refusal_;
  std::int64_t head_deadline_ = 0;  // 0: no byte of the head has come
  ending ending_ = ending::polite;
  bool first_ = true;
};

// The task of a connection: removes the slot when it ends.
task<> serve_connection(server_core_ref core, std::list<served_connection>::iterator slot,
                        tcp_stream stream);

}  // namespace eddy::inline v1::http
