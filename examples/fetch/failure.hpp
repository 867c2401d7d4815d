#pragma once

#include <eddy/runtime/cancellation.hpp>
#include <stdexcept>
#include <string>

namespace fetch {

// curl's, for what fetch itself notices or must tell apart.
namespace exit_code {
inline constexpr int unsupported_protocol = 1;
inline constexpr int usage = 2;
inline constexpr int malformed_url = 3;
inline constexpr int proxy_not_resolved = 5;
inline constexpr int host_not_resolved = 6;
inline constexpr int not_connected = 7;
inline constexpr int malformed_response = 8;
inline constexpr int partial_body = 18;
inline constexpr int http_error = 22;
inline constexpr int cannot_write = 23;
inline constexpr int cannot_read = 26;
inline constexpr int out_of_memory = 27;
inline constexpr int timeout = 28;
inline constexpr int tls_handshake = 35;
inline constexpr int too_many_redirects = 47;
inline constexpr int empty_reply = 52;
inline constexpr int send_failed = 55;
inline constexpr int receive_failed = 56;
inline constexpr int certificate = 60;
inline constexpr int bad_content_coding = 61;
inline constexpr int too_large = 63;
inline constexpr int bad_ca_file = 77;
inline constexpr int proxy = 97;
inline constexpr int interrupted = 130;  // what a shell reports for SIGINT
}  // namespace exit_code

// A failure that knows its exit code.
class failure : public std::runtime_error {
 public:
  failure(int code, const std::string& what) : std::runtime_error(what), code_(code) {}

  int code() const noexcept { return code_; }

 private:
  int code_;
};

// The exit code for whatever a transfer has thrown.
int exit_code_of(const std::exception& e) noexcept;

// One line on the standard error: "fetch: (7) GET http://…: connecting: Connection refused".
void report(const std::exception& e);

}  // namespace fetch
