// Bodies, files and a reader of requests, for the tests of uploads.
#pragma once

#include <unistd.h>

#include <stdlib.h>

#include <eddy/runtime/file.hpp>
#include <eddy/runtime/generator.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "client_site.hpp"

namespace eddy_tests {

// A folder of its own, gone with it. In the simulator only its name counts.
class upload_folder {
 public:
  upload_folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "eddy-upload-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    path_ = pattern;
  }
  ~upload_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  upload_folder(const upload_folder&) = delete;
  upload_folder& operator=(const upload_folder&) = delete;
  std::string at(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline eddy::task<> put_file(std::string path, std::string bytes,
                             eddy::file_mode mode = eddy::file_mode::write) {
  eddy::file out = co_await eddy::file::open(std::move(path), mode);
  if (!bytes.empty()) co_await out.write_all(bytes);
  co_await out.close();
}

inline eddy::generator<std::string> yields_all(std::vector<std::string> pieces) {
  for (std::string& piece : pieces) co_yield std::move(piece);
}

// No list in braces: GCC 12 does not take one beside co_await.
template <class... Pieces>
eddy::generator<std::string> yields(const Pieces&... pieces) {
  std::vector<std::string> all;
  (all.emplace_back(pieces), ...);
  return yields_all(std::move(all));
}

// As origin_peer::request, also for a chunked body, which is kept as it came.
inline eddy::task<std::string> whole_request(origin_peer* peer) {
  std::string text;
  try {
    text = co_await peer->stream.read_until("\r\n\r\n", 1 << 16);
  } catch (const eddy::incomplete_read&) {
    co_return std::string();
  }
  const std::string field = "\r\nContent-Length: ";
  const std::size_t at = text.find(field);
  if (at != std::string::npos) {
    std::string body(std::stoul(text.substr(at + field.size())), '\0');
    co_await peer->stream.read_exactly(std::as_writable_bytes(std::span<char>(body)));
    text += body;
  } else if (text.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos) {
    const std::string body = co_await peer->stream.read_until("0\r\n\r\n", 1 << 26);
    text += body;
  }
  peer->log.requests.push_back(text);
  co_return std::move(text);
}

inline scripted_origin::script uploads(std::string reply = reply_with("done")) {
  return [reply = std::move(reply)](origin_peer* peer) -> eddy::task<> {
    for (;;) {
      const std::string asked = co_await whole_request(peer);
      if (asked.empty()) co_return;
      co_await peer->stream.write_all(reply);
    }
  };
}

// What a request that must fail throws, as in byte_streams.hpp.
template <class Error>
eddy::task<std::string> failure_of(eddy::http::request_builder request) {
  std::string text;
  try {
    const eddy::http::response unexpected = co_await std::move(request);
  } catch (const Error& e) {
    text = e.what();
  }
  co_return text;
}

inline std::string body_part(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

// What a session that adds nothing of its own is given.
inline eddy::http::session_options bare() {
  return eddy::http::session_options().user_agent("").header("Accept-Encoding", "identity");
}

// What it then sends before `rest`: the fields that follow from the body, and the body.
inline std::string bare_head(const std::string& method, const scripted_origin& origin,
                             const std::string& own, const std::string& rest) {
  return method + " / HTTP/1.1\r\nHost: " + origin.authority() + "\r\n" + own +
         "Accept-Encoding: identity\r\nAccept: */*\r\n" + rest;
}

}  // namespace eddy_tests
