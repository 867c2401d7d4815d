#pragma once

#include <cstdint>
#include <eddy/net/http/headers.hpp>
#include <string>
#include <string_view>

#include "framing.hpp"
#include "request_parser.hpp"
#include "server_body.hpp"
#include "server_channel.hpp"

namespace eddy::inline v1::http {

// Writes the response to one request, and decides how it is framed and whether the connection
// persists after it (RFC 9112 §6, §9.3).
class server_reply {
 public:
  server_reply(server_core& core, server_channel& channel, const request_parser& parser,
               server_body& body, bool to_head) noexcept
      : core_(core), channel_(channel), parser_(parser), body_(body), to_head_(to_head) {}

  task<> send(int status, std::string_view content_type, std::string body);
  task<> start(int status);
  task<> start(int status, std::uint64_t size);
  task<> write(std::string_view bytes);
  task<> finish();
  // Answers what went wrong, in place of what the handler has prepared, and closes.
  task<> refuse(int status, std::string_view reason);
  // Sends what was given to calls whose tasks nobody awaited.
  task<> flush();

  bool started() const noexcept { return stage_ != stage::awaits_start; }
  bool finished() const noexcept { return stage_ == stage::finished; }
  // What the announced body lacks.
  std::uint64_t missing() const noexcept { return missing_; }
  bool closes() const noexcept { return closes_; }

  headers fields;

 private:
  enum class stage : std::uint8_t { awaits_start, streams, finished };

  void begin(int status, body_framing framing);
  task<> write_large(std::string body);

  server_core& core_;
  server_channel& channel_;
  const request_parser& parser_;
  server_body& body_;
  std::string out_;
  std::uint64_t missing_ = 0;
  body_end end_ = body_end::none;
  stage stage_ = stage::awaits_start;
  bool to_head_;
  bool without_body_ = false;
  bool closes_ = false;
};

// A response that needs no request: "400 Bad Request: …" as text, and the connection closes.
std::string refusal_text(int status, std::string_view reason);
void append_refusal(std::string& out, int status, std::string_view reason);

}  // namespace eddy::inline v1::http
