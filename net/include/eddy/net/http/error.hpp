#pragma once

#include <cstdint>
#include <eddy/net/resolve_error.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// What goes wrong in HTTP itself, as opposed to the network beneath it (std::system_error) and to
// time (timeout_error). Every message names what, where and the limit or value that was wrong;
// bytes that came from the peer are escaped in it, so that it can be logged as it is.
//
//   try { … } catch (const eddy::http::error& failure) { log(failure.what()); }
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~error() override;
};

// The peer broke the grammar or the framing of RFC 9112, or exceeded a bound of http::limits.
class protocol_error : public error {
 public:
  explicit protocol_error(const std::string& what, int answer_status = 400);
  ~protocol_error() override;

  // The status with which a server refuses such a request: 400, 413, 414, 431, 501 or 505.
  int answer_status() const noexcept { return answer_status_; }

 private:
  int answer_status_;
};

// The connection ended before a byte of the response had come, interim ones apart. (A connection
// that was reset is a std::system_error.)
class empty_reply : public protocol_error {
 public:
  explicit empty_reply(const std::string& what);
  ~empty_reply() override;
};

// The connection ended inside the body. What has been read of it is good.
class incomplete_body : public protocol_error {
 public:
  explicit incomplete_body(const std::string& what);
  ~incomplete_body() override;
};

// A complete response whose status is an error, thrown by raise_for_status():
// "404 Not Found for http://example.com/".
class status_error : public error {
 public:
  status_error(int status, std::string_view reason, std::string_view url);
  ~status_error() override;

  int status() const noexcept { return status_; }
  // The reason phrase, escaped like all of the peer's bytes in messages; may be empty.
  const std::string& reason() const noexcept { return reason_; }

 private:
  int status_;
  std::string reason_;
};

// A chain of redirections longer than the caller allowed.
class too_many_redirects : public error {
 public:
  using error::error;
  ~too_many_redirects() override;
};

// The content cannot be decoded: unknown coding, corrupt or truncated data, more than
// max_decoded_bytes.
class content_error : public error {
 public:
  using error::error;
  ~content_error() override;
};

// What the caller passed cannot be sent: a control byte in a field value, no Host, a bad target.
class invalid_request : public error {
 public:
  using error::error;
  ~invalid_request() override;
};

// A proxy does not let us through to the origin: it refuses, or what it says makes no sense:
// "proxy http://proxy.example:3128 refuses a tunnel to example.com:443: 407 Proxy Authentication
// Required". Errors of the way to the proxy are the usual ones of connections and TLS, which name
// it, and proxy_resolve_error.
class proxy_error : public error {
 public:
  enum class kind : std::uint8_t {
    refused,    // CONNECT, with status()
    malformed,  // what it says to CONNECT is no HTTP, ends, or exceeds a bound
    socks,      // whatever goes wrong with SOCKS
  };
  proxy_error(kind which, const std::string& what, int status = 0);
  ~proxy_error() override;

  kind which() const noexcept { return which_; }
  // With which an HTTP proxy has refused; 0 for everything else.
  int status() const noexcept { return status_; }

 private:
  kind which_;
  int status_;
};

// The proxy's name has no address: "proxy http://proxy.example:3128: cannot resolve proxy.example:
// Name or service not known". For the origin's it is a resolve_error.
class proxy_resolve_error : public resolve_error {
 public:
  using resolve_error::resolve_error;
  ~proxy_resolve_error() override;
};

// How far a request had come.
enum class request_stage : std::uint8_t {
  preparing,
  queueing,    // for one of the session's connections
  connecting,  // name, TCP, a proxy and TLS together
  sending,
  receiving_head,
  redirecting,
  receiving_body,
  pausing,  // before a retry that a retry_policy wants
};

// What every error of a request is as well, whatever its type: std::system_error does not tell
// whether connecting, sending or receiving failed.
//
//   } catch (const eddy::http::request_failure& failed) {
//     const bool nobody_there = failed.during() == eddy::http::request_stage::connecting;
class request_failure {
 public:
  explicit request_failure(request_stage during) noexcept : during_(during) {}
  request_failure(const request_failure&) = default;
  request_failure& operator=(const request_failure&) = default;
  virtual ~request_failure();

  request_stage during() const noexcept { return during_; }

 private:
  request_stage during_;
};

}  // namespace eddy::inline v1::http
