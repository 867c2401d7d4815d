// A server of raw bytes on 127.0.0.1: what an HTTP client is tested against.
#pragma once

#include <eddy/net/tcp.hpp>
#include <eddy/runtime/spawn.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace eddy_tests {

struct origin_log {
  std::vector<std::string>
      requests;  // heads and bodies, in the order they came, of all connections
  std::size_t accepted = 0;
  std::size_t open = 0;
  std::size_t most_open = 0;
};

// One accepted connection, in the hands of the script.
class origin_peer {
 public:
  origin_peer(eddy::tcp_stream s, origin_log& l, std::size_t n)
      : stream(std::move(s)), log(l), number(n) {}

  // The next request with its body, if that has a Content-Length; empty at the end of the stream.
  eddy::task<std::string> request() {
    std::string text;
    try {
      text = co_await stream.read_until("\r\n\r\n", 1 << 20);
    } catch (const eddy::incomplete_read&) {
      co_return std::string();
    }
    const std::string field = "\r\nContent-Length: ";
    const std::size_t at = text.find(field);
    if (at != std::string::npos) {
      std::string body(std::stoul(text.substr(at + field.size())), '\0');
      co_await stream.read_exactly(std::as_writable_bytes(std::span<char>(body)));
      text += body;
    }
    log.requests.push_back(text);
    co_return std::move(text);
  }

  // Answers every request with the same bytes until the client goes.
  eddy::task<> answer_all(std::string reply) {
    for (;;) {
      const std::string asked = co_await request();
      if (asked.empty()) co_return;
      co_await stream.write_all(reply);
    }
  }

  // Answers one request.
  eddy::task<> answer_once(std::string reply) {
    const std::string asked = co_await request();
    co_await stream.write_all(reply);
  }

  // Says nothing and waits until the client goes, reading whatever it sends.
  eddy::task<> stay() {
    for (;;) {
      const eddy::lease came = co_await stream.receive();
      if (came.empty()) co_return;
    }
  }

  eddy::tcp_stream stream;
  origin_log& log;
  std::size_t number;  // of the connection, from 0
};

// Runs a script on each connection, and closes it when the script ends. Its tasks end with it: when
// it is destroyed they are cancelled and touch nothing of the test's any more.
//
//   scripted_origin origin([](origin_peer* peer) -> eddy::task<> {
//     co_await peer->request();
//     co_await peer->stream.write_all("HTTP/1.1 204 No Content\r\n\r\n");
//   });
//   session.get(origin.url("/"))
class scripted_origin {
 public:
  using script = std::function<eddy::task<>(origin_peer*)>;

  explicit scripted_origin(script play) : state_(std::make_shared<state>()) {
    state_->play = std::move(play);
    state_->listener = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
    address_ = state_->listener.local_address();
    accepting_ = eddy::spawn(accept_all(state_), "scripted origin");
  }

  std::string url(const std::string& path = "/") const { return "http://" + authority() + path; }
  std::string authority() const { return address_.to_string(); }
  eddy::endpoint address() const { return address_; }
  const origin_log& log() const { return state_->log; }
  const std::vector<std::string>& requests() const { return state_->log.requests; }

 private:
  struct state {
    script play;
    eddy::tcp_listener listener;
    origin_log log;
  };

  static eddy::task<> accept_all(std::shared_ptr<state> s) {
    for (;;) {
      eddy::tcp_stream peer = co_await s->listener.accept();
      const std::size_t number = s->log.accepted++;
      eddy::spawn(serve(s, std::move(peer), number)).detach();
    }
  }

  static eddy::task<> serve(std::shared_ptr<state> s, eddy::tcp_stream stream, std::size_t number) {
    struct counted {
      explicit counted(origin_log& l) : log(l) {
        log.most_open = std::max(log.most_open, ++log.open);
      }
      ~counted() { --log.open; }
      origin_log& log;
    };
    const counted here(s->log);
    origin_peer peer(std::move(stream), s->log, number);
    try {
      co_await s->play(&peer);
    } catch (const std::runtime_error&) {
      // The client has gone, as many of the tests want it, or never wanted us.
    }
  }

  std::shared_ptr<state> state_;
  eddy::endpoint address_;
  eddy::join_handle<> accepting_;
};

}  // namespace eddy_tests
