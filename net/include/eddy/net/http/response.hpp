// What a request brings.
#pragma once

#include <eddy/net/http/headers.hpp>
#include <eddy/net/http/json.hpp>
#include <eddy/net/http/server_sent_event.hpp>
#include <eddy/net/url.hpp>
#include <eddy/runtime/task.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::inline v1 {

template <class T>
class generator;  // <eddy/runtime/generator.hpp>

class endpoint;

namespace http {

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

// A 1xx response, as 103 Early Hints, that came before the final one (RFC 9110 §15.2).
class interim_response {
 public:
  interim_response(int status, std::string_view version, std::string reason, http::headers fields)
      : version_(version),
        reason_(std::move(reason)),
        fields_(std::move(fields)),
        status_(status) {}

  int status() const noexcept { return status_; }
  std::string_view version() const noexcept { return version_; }
  const std::string& reason() const noexcept { return reason_; }
  const http::headers& headers() const noexcept { return fields_; }

 private:
  std::string_view version_;  // of a literal
  std::string reason_;
  http::headers fields_;
  int status_;
};

// A response whose head has come and whose body is still to be read, once. Move-only; belongs to
// its loop's thread. It may outlive its session, and may be moved or destroyed while a coroutine
// reads from it. One that outlives its loop has its head still; reads throw http::error.
//
// Until the body has been read to its end the response holds one of the session's connections. Then
// the connection is free for the next request, though the response lives on. Dropping the response
// before that closes the connection, unless the rest of the body has come already: read what you
// want to reuse, or discard() it.
//
// Content-Encoding gzip, deflate, br and zstd are undone on the way, as far as Eddy is built with
// them; headers() show what was received. Errors of a read name the request; after one,
// cancellation included, the connection is closed and later reads throw http::error. Reads: one at
// a time. Cancellation points, what generators do in next() among them.
//
//   http::response answer = co_await session.get("http://example.com/");
//   answer.raise_for_status();
//   std::string page = co_await answer.text();
class [[nodiscard]] response {
 public:
  // For Eddy's own layers.
  explicit response(response_state* adopted) noexcept : state_(adopted) {}
  response(response&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  response& operator=(response&& other) noexcept;
  ~response();

  // Of a response that was moved from: std::logic_error, as all that follows.
  int status() const;
  // "HTTP/1.1" or "HTTP/1.0".
  std::string_view version() const;
  // As the server wrote it, which may be not at all.
  const std::string& reason() const;
  // True for 200 to 299.
  bool ok() const { return status() >= 200 && status() <= 299; }
  const http::headers& headers() const;
  // The fields that came after a chunked body; std::logic_error before it has been read to its end.
  const http::headers& trailers() const;
  // The interim responses before this one, in order: as many as limits::max_interim_responses().
  const std::vector<interim_response>& interim() const;
  // The URL finally reached.
  const eddy::url& url() const;
  // The redirections on the way there, in order.
  const std::vector<visited>& history() const;

  // Where the connection led: to the proxy, if there is one. Null for a unix socket.
  const endpoint* remote_address() const;
  // How long what took, so far: <eddy/net/http/timings.hpp>.
  const http::timings& timings() const;

  // Throws http::status_error if the status is 400 or above.
  void raise_for_status() const;

  // The body can be taken once: by one of the following up to events(), from where read_some() has
  // come to. std::logic_error if it was taken already.

  // All of it, as it is or as UTF-8. The text's charset is what a byte order mark says, or else the
  // charset of Content-Type, or else `default_charset`; labels mean what browsers take them for
  // ("iso-8859-1" is windows-1252), and what means nothing becomes U+FFFD. One that nobody knows is
  // an http::content_error, before anything is read; as `default_charset` a std::logic_error. More
  // than max_body_bytes of the session or the request, counted after decoding, throws
  // http::content_error.
  task<std::string> text();
  task<std::string> text(std::string_view default_charset);
  task<std::vector<std::byte>> bytes();
  // The same as JSON, whatever Content-Type says: UTF-8 (RFC 8259 §8.1), http::json_error if not.
  task<http::json> json();

  // To a file, which is made, or emptied if there is one; returns how many bytes that were. If it
  // fails or is cancelled the file stays, with a part of the body. Errors of the file are
  // std::system_error with its path, and end the exchange too. Not bound by max_body_bytes. The
  // total timeout goes on while the file is written; a write that a thread has begun is waited for.
  task<std::uint64_t> save(std::string path);

  // Both need <eddy/runtime/generator.hpp>.
  //
  // Line by line, as UTF-8 and without LF, CR or CRLF; charset as with text(). A longer line throws
  // http::content_error. The response may be dropped while the generator lives.
  //
  //   auto lines = answer.lines();
  //   while (auto line = co_await lines.next()) use(*line);
  generator<std::string> lines(std::size_t max_line_bytes = std::size_t{1} << 20U);
  // The events of a text/event-stream: http::content_error at the first next() for another
  // Content-Type, and for an event that has more. What makes the stream end is for the caller to
  // judge: to go on, ask again with Last-Event-ID. The request's timeout() counts: turn it off.
  generator<server_sent_event> events(std::size_t max_event_bytes = std::size_t{1} << 20U);

  // Reads what is left, so that the connection can be used again, if that is at most 64 KiB and
  // comes within a second; closes it otherwise. Whether it was kept. The body is at its end then.
  // Never throws but for a cancellation and bad use.
  task<bool> discard();

  // The next bytes of the body, decoded; 0 at its end, or for an empty span. `into` is borrowed.
  task<std::size_t> read_some(std::span<std::byte> into);

 private:
  response_state* state_;
};

}  // namespace http
}  // namespace eddy::inline v1
