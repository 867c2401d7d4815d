// What a request brings.
#pragma once

#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <eddy/runtime/task.hpp>
#include <span>
#include <string>
#include <vector>

namespace eddy::inline v1::http {

class response_state;
class timings;

// A redirection that was followed: where, and what it answered.
class visited {
 public:
  visited(eddy::url where, int status) : url_(std::move(where)), status_(status) {}

  const eddy::url& url() const noexcept { return url_; }
  int status() const noexcept { return status_; }

 private:
  eddy::url url_;
  int status_;
};

// A response whose head has come and whose body is still to be read, once. Move-only; belongs to
// its loop's thread and is destroyed before `run` returns. It may outlive its session, and may be
// moved or destroyed while a coroutine reads from it.
//
// Until the body has been read to its end the response holds one of the session's connections. Then
// the connection is free for the next request, though the response lives on. Dropping the response
// before that closes the connection: read what you want to reuse.
//
// Content-Encoding gzip and deflate are undone on the way (where Eddy is built with zlib);
// headers() show what was received. Errors of a read name the request; after one, cancellation
// included, the connection is closed and later reads throw http::error. Reads: one at a time.
// Cancellation points.
//
//   http::response answer = co_await session.get("http://example.com/");
//   answer.raise_for_status();
//   std::string page = co_await answer.text();
class [[nodiscard]] response {
 public:
  explicit response(response_state* adopted) noexcept : state_(adopted) {}
  response(response&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  response& operator=(response&& other) noexcept;
  ~response();

  int status() const noexcept;
  // As the server wrote it, which may be not at all.
  const std::string& reason() const noexcept;
  // True for 200 to 299.
  bool ok() const noexcept { return status() >= 200 && status() <= 299; }
  const http::headers& headers() const noexcept;
  // The URL finally reached.
  const eddy::url& url() const noexcept;
  // The redirections on the way there, in order.
  const std::vector<visited>& history() const noexcept;

  // How long what took, so far: <eddy/net/http/timings.hpp>.
  const http::timings& timings() const noexcept;

  // Throws http::status_error if the status is 400 or above.
  void raise_for_status() const;

  // All of the body that has not been read yet, as it is or as text. The text is what was sent,
  // taken for UTF-8; other charsets are not converted. More than session_options::max_body_bytes,
  // counted after decoding, throws http::content_error; a body that was read already
  // std::logic_error.
  task<std::string> text();
  task<std::vector<std::byte>> bytes();

  // The next bytes of the body, decoded; 0 at its end, or for an empty span. `into` is borrowed.
  task<std::size_t> read_some(std::span<std::byte> into);

 private:
  response_state* state_;
};

}  // namespace eddy::inline v1::http
