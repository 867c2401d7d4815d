// An HTTP origin that answers as badly as it can, by a seed.
#pragma once

#include <eddy/runtime/timer.hpp>
#include <random>
#include <string>

#include "scripted_origin.hpp"

namespace eddy_tests {

// What the body of a response to "/<id>" is, whatever else is wrong with it: so a client sees at
// once when it got another's.
inline std::string body_for(const std::string& id, std::size_t size) {
  std::string out = "body of " + id + ":";
  while (out.size() < size) out.push_back(static_cast<char>('a' + out.size() % 26));
  return out;
}

// The number behind the last "/" of a request's target.
inline std::string id_of(const std::string& request) {
  const std::size_t end = request.find(" HTTP/1.1\r\n");
  const std::size_t slash = request.rfind('/', end);
  return request.substr(slash + 1, end - slash - 1);
}

// Plays one of these to each request: says it in pieces, late, twice, not at all, wrongly, or well.
class hostile_script {
 public:
  explicit hostile_script(unsigned seed) : random_(seed) {}

  eddy::task<> operator()(origin_peer* peer) {
    for (bool on = true; on;) {
      std::string head = co_await read_head(peer);
      if (head.empty()) co_return;
      on = co_await answer(peer, std::move(head));
    }
  }

  std::size_t played(std::size_t what) const { return counts_[what]; }
  static constexpr std::size_t ways = 20;

 private:
  std::size_t draw(std::size_t below) { return random_() % below; }

  static eddy::task<std::string> read_head(origin_peer* peer) {
    std::string text;
    try {
      text = co_await peer->stream.read_until("\r\n\r\n", 1 << 16);
    } catch (const eddy::incomplete_read&) {
    }
    co_return std::move(text);
  }

  static eddy::task<> read_body(origin_peer* peer, std::string head) {
    const std::string field = "\r\nContent-Length: ";
    const std::size_t at = head.find(field);
    if (at == std::string::npos) co_return;
    std::string body(std::stoul(head.substr(at + field.size())), '\0');
    co_await peer->stream.read_exactly(std::as_writable_bytes(std::span<char>(body)));
  }

  static std::string head_of(const std::string& id, const std::string& framing,
                             const std::string& status = "200 OK") {
    return "HTTP/1.1 " + status + "\r\nX-Id: " + id + "\r\n" + framing + "\r\n";
  }
  static std::string sized(const std::string& id, const std::string& body,
                           const std::string& more = "") {
    return head_of(id, more + "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  }
  std::string chunked(const std::string& id, const std::string& body, const std::string& end) {
    std::string out = head_of(id, "Transfer-Encoding: chunked\r\n");
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t size = std::min(body.size() - at, 1 + draw(3000));
      char prefix[24];
      std::snprintf(prefix, sizeof prefix, "%zx;a=b\r\n", size);
      out.append(prefix).append(body, at, size).append("\r\n");
      at += size;
    }
    return out + end;
  }

  // In pieces, each in a turn of its own.
  eddy::task<> dribble(origin_peer* peer, std::string text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min(text.size() - at, 1 + draw(200));
      co_await peer->stream.write_all(std::string_view(text).substr(at, size));
      co_await eddy::sleep(std::chrono::microseconds(draw(30)));
      at += size;
    }
  }

  // Whether the connection goes on.
  eddy::task<bool> answer(origin_peer* peer, std::string head) {
    const std::string id = id_of(head);
    const bool asks_head = head.starts_with("HEAD ");
    const std::string body = body_for(id, 20 + draw(draw(4) ? 2000 : 60000));
    const std::size_t way = draw(ways);
    ++counts_[way];
    const bool reads_first = way != 13 && way != 14;
    if (reads_first) co_await read_body(peer, head);
    if (asks_head) {
      const std::string whole = sized(id, body);
      co_await peer->stream.write_all(whole.substr(0, whole.size() - body.size()));
      co_return true;
    }
    std::string out;
    bool goes_on = true;
    switch (way) {
      case 0:
        out = chunked(id, body, "0\r\nX-Trailer: 1\r\n\r\n");
        break;
      case 1:
        co_await dribble(peer, sized(id, body.substr(0, 500)));
        co_return true;
      case 2:
        co_await dribble(peer, chunked(id, body.substr(0, 500), "0\r\n\r\n"));
        co_return true;
      case 3:  // nothing
        co_return false;
      case 4:  // a piece of a head
        out = sized(id, body).substr(0, 1 + draw(30));
        goes_on = false;
        break;
      case 5: {  // a piece of a body
        const std::string whole = sized(id, body);
        out = whole.substr(0, whole.size() - 1 - draw(body.size()));
        goes_on = false;
        break;
      }
      case 6:  // a chunked one without its end
        out = chunked(id, body, "0\r\n");
        goes_on = false;
        break;
      case 7:  // silence
        co_await peer->stay();
        co_return false;
      case 8:  // another response, which nobody asked for
        out = sized(id, body) + sized("poison", "poison");
        break;
      case 9:
        out = sized(id, body) + "\r\n\r\nHTTP/1.1 200 OK\r\nX-Id: poison\r\n";
        break;
      case 10:
        out = "\x16\x03\x01garbage\r\n\r\n";
        break;
      case 11:
        out = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
              sized(id, body);
        break;
      case 12:
        out = sized(id, body, "Connection: close\r\n");
        goes_on = false;
        break;
      case 13:  // before the request's body has come
        out = sized(id, body);
        co_await peer->stream.write_all(out);
        co_await read_body(peer, head);
        co_return true;
      case 14:  // a refusal without reading on
        co_await peer->stream.write_all(head_of(id, "Content-Length: 0\r\n", "413 Too Large"));
        co_return false;
      case 15:  // until the end
        out = head_of(id, "") + body;
        goes_on = false;
        break;
      case 16:
        out = head_of(id, "Content-Length: 5\r\nContent-Length: 6\r\n") + "abcdef";
        break;
      case 17:
        out = head_of(id, "Location: /" + id + "\r\nContent-Length: 3\r\n", "302 Found") + "abc";
        break;
      case 18:
        out = head_of(id, "Content-Encoding: gzip\r\nContent-Length: 8\r\n") + "not gzip";
        break;
      case 19:  // a body where none may be
        out = head_of(id, "Content-Length: 6\r\n", "204 No Content") + "poison";
        break;
      default:
        break;
    }
    co_await peer->stream.write_all(out);
    co_return std::move(goes_on);
  }

  std::mt19937 random_;
  std::size_t counts_[ways] = {};
};

}  // namespace eddy_tests
