// What the tests of the dialer share: a watch that writes down what it is told, and proxies.
#pragma once

#include <eddy/net/tcp.hpp>
#include <eddy/runtime/gather.hpp>
#include <string>
#include <vector>

#include "../../net/http/dialer.hpp"
#include "byte_streams.hpp"
#include "scripted_origin.hpp"

namespace eddy_tests {

// "resolving resolved connecting connected open".
class written_watch final : public eddy::http::dial_watch {
 public:
  eddy::time_point enter(eddy::http::dial_phase phase) override {
    constexpr const char* names[] = {"resolving",      "resolved",     "connecting", "connected",
                                     "securing_proxy", "asking_proxy", "securing",   "open"};
    if (!phases.empty()) phases += " ";
    phases += names[static_cast<std::size_t>(phase)];
    return phase == limited ? eddy::now() + limit : never_ends;
  }

  std::string phases;
  // The phase that may not last.
  eddy::http::dial_phase limited = eddy::http::dial_phase::open;
  std::chrono::nanoseconds limit{0};
};

inline eddy::task<> pump(eddy::tcp_stream& from, eddy::tcp_stream& to) {
  try {
    for (;;) {
      const eddy::lease got = co_await from.receive();
      if (got.empty()) break;
      co_await to.write_all(got.text());
    }
  } catch (const std::system_error&) {
    // One of them has gone: the other is told.
  }
  try {
    to.shutdown();
  } catch (const std::system_error&) {
    // That one, then.
  }
}

inline eddy::task<> relay(eddy::tcp_stream& one, eddy::tcp_stream& other) {
  co_await eddy::gather(pump(one, other), pump(other, one));
}

// What a script gets as a CONNECT proxy: answers with `refusals` first, one for each connection.
// The target's name is not looked at: all go to `to`.
inline scripted_origin::script tunnel_to(eddy::endpoint to,
                                         std::vector<std::string> refusals = {}) {
  return [to, refusals](origin_peer* peer) -> eddy::task<> {
    const std::string asked = co_await peer->request();
    if (asked.empty()) co_return;
    if (peer->number < refusals.size()) {
      co_await peer->stream.write_all(refusals[peer->number]);
      co_return;
    }
    eddy::tcp_stream target = co_await eddy::tcp_stream::connect(to);
    co_await peer->stream.write_all("HTTP/1.1 200 Connection established\r\n\r\n");
    co_await relay(peer->stream, target);
  };
}

inline eddy::task<std::string> bytes_from(eddy::tcp_stream& s, std::size_t count) {
  std::string out(count, '\0');
  co_await s.read_exactly(std::as_writable_bytes(std::span<char>(out)));
  co_return std::move(out);
}

// A SOCKS proxy: writes what it was asked into the log, and connects to `to`, whatever that was.
// Wants a password if `user` is not empty, and says `reply` of RFC 1928 §6.
inline scripted_origin::script socks_to(eddy::endpoint to, std::string user = {},
                                        std::string password = {}, char reply = 0) {
  return [to, user, password, reply](origin_peer* peer) -> eddy::task<> {
    eddy::tcp_stream& s = peer->stream;
    const std::string greeting = co_await bytes_from(s, 2);
    const std::string methods = co_await bytes_from(s, static_cast<std::size_t>(greeting[1]));
    const bool wants_password = !user.empty();
    co_await s.write_all(wants_password ? std::string_view("\x05\x02", 2)
                                        : std::string_view("\x05\x00", 2));
    if (wants_password) {
      const std::string u = co_await bytes_from(s, 2);
      const std::string name = co_await bytes_from(s, static_cast<std::size_t>(u[1]));
      const std::string size = co_await bytes_from(s, 1);
      const std::string secret = co_await bytes_from(s, static_cast<std::size_t>(size[0]));
      const bool good = name == user && secret == password;
      co_await s.write_all(good ? std::string_view("\x01\x00", 2)
                                : std::string_view("\x01\x01", 2));
      if (!good) co_return;
    }
    const std::string head = co_await bytes_from(s, 4);
    std::string target;
    if (head[3] == 3) {
      const std::string size = co_await bytes_from(s, 1);
      target = co_await bytes_from(s, static_cast<std::size_t>(size[0]));
    } else {
      target = co_await bytes_from(s, head[3] == 1 ? 4 : 16);
    }
    const std::string port = co_await bytes_from(s, 2);
    peer->log.requests.push_back((head[3] == 3 ? "name " : "address ") + target);
    std::string answer("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", 10);
    answer[1] = reply;
    if (reply != 0) {
      co_await s.write_all(answer);
      co_return;
    }
    eddy::tcp_stream behind = co_await eddy::tcp_stream::connect(to);
    co_await s.write_all(answer);
    co_await relay(s, behind);
  };
}

inline eddy::http::proxy proxy_at(const std::string& scheme_and_user, const scripted_origin& at) {
  return eddy::http::proxy::parse(scheme_and_user + at.authority());
}

// Sends a line, and brings the line that comes back.
inline eddy::task<std::string> exchange_line(eddy::http::transport& link, std::string line) {
  std::size_t sent = 0;
  co_await link.write_all(line, &sent);
  std::string answer;
  while (!answer.ends_with("\n")) {
    std::array<std::byte, 256> room;
    const std::size_t got = co_await link.read_some(room);
    if (got == 0) break;
    answer.append(reinterpret_cast<const char*>(room.data()), got);
  }
  co_return std::move(answer);
}

// Answers each line with itself.
inline eddy::task<> echo_lines(origin_peer* peer) {
  for (;;) {
    const eddy::lease got = co_await peer->stream.receive();
    if (got.empty()) co_return;
    co_await peer->stream.write_all(got.text());
  }
}

}  // namespace eddy_tests
