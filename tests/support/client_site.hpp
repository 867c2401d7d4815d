// A session and a scripted origin on one loop, for the client's tests.
#pragma once

#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <eddy/net/http/session.hpp>
#include <eddy/runtime/run.hpp>
#include <string>
#include <utility>

#include "scripted_origin.hpp"
#include "streams.hpp"

namespace eddy_tests {

inline std::string reply_with(const std::string& body, const std::string& status = "200 OK",
                              const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// A script that answers every request of every connection with the same bytes.
inline scripted_origin::script always(std::string reply) {
  return [reply = std::move(reply)](origin_peer* peer) { return peer->answer_all(reply); };
}

// A script that answers one request of each connection, and closes it.
inline scripted_origin::script once(std::string reply) {
  return [reply = std::move(reply)](origin_peer* peer) { return peer->answer_once(reply); };
}

inline eddy::task<std::string> text_of(eddy::http::request_builder request) {
  eddy::http::response answer = co_await std::move(request);
  std::string text = co_await answer.text();
  co_return std::move(text);
}

inline eddy::task<int> status_of(eddy::http::request_builder request) {
  eddy::http::response answer = co_await std::move(request);
  const std::string ignored = co_await answer.text();
  co_return answer.status();
}

inline void check_nothing_in_use(const eddy::http::session& session) {
  const eddy::http::pool_statistics now = session.statistics();
  CHECK(now.in_use == 0);
  CHECK(now.waiting == 0);
}

}  // namespace eddy_tests
