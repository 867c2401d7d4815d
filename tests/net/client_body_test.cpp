// Bodies in both directions: streaming, decoding, bounds, and uploads that are answered early.
#include <eddy/runtime/gather.hpp>
#include <eddy/sync/event.hpp>

#include "../support/client_site.hpp"

#if EDDY_HAVE_ZLIB
#include <zlib.h>
#endif

using namespace eddy_tests;
using eddy::task;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

namespace {

task<std::string> stream(response answer, std::size_t piece) {
  std::string all;
  std::string buffer(piece, '\0');
  for (;;) {
    const std::size_t got = co_await answer.read_some(std::as_writable_bytes(std::span(buffer)));
    if (got == 0) break;
    all.append(buffer, 0, got);
  }
  const std::size_t after = co_await answer.read_some(std::as_writable_bytes(std::span(buffer)));
  CHECK(after == 0);
  co_return std::move(all);
}

std::string in_chunks(const std::string& body, std::size_t size) {
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += size) {
    const std::string piece = body.substr(at, size);
    char prefix[32];
    std::snprintf(prefix, sizeof prefix, "%zx\r\n", piece.size());
    text += prefix + piece + "\r\n";
  }
  return text + "0\r\n\r\n";
}

#if EDDY_HAVE_ZLIB
constexpr int gzip_bits = 15 + 16;
constexpr int zlib_bits = 15;

std::string deflated(const std::string& text, int bits) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
#endif

}  // namespace

TEST_CASE("a body is the same however it is framed, cut and read") {
  const auto main = []() -> task<> {
    std::string body;
    for (int i = 0; i < 20000; ++i) body += std::to_string(i) + ",";
    const std::string until_close = "HTTP/1.0 200 OK\r\n\r\n" + body;
    for (const std::string& reply :
         {reply_with(body), in_chunks(body, 7), in_chunks(body, 70000), until_close}) {
      scripted_origin origin(once(reply));
      session client;
      for (const std::size_t piece :
           {std::size_t{1000}, std::size_t{16384}, std::size_t{1} << 20}) {
        response answer = co_await client.get(origin.url());
        const std::string streamed = co_await stream(std::move(answer), piece);
        CHECK((streamed == body));
      }
      response whole = co_await client.get(origin.url());
      const std::string text = co_await whole.text();
      CHECK((text == body));
      response raw = co_await client.get(origin.url());
      const std::vector<std::byte> bytes = co_await raw.bytes();
      CHECK(bytes.size() == body.size());
      check_nothing_in_use(client);
    }
  };
  eddy::run(main());
}

TEST_CASE("a response that comes byte by byte is the same response") {
  const auto main = []() -> task<> {
    const std::string reply = "HTTP/1.1 100 Continue\r\n\r\n" + in_chunks("hello, world", 5);
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      for (int i = 0; i < 2; ++i) {
        const std::string asked = co_await peer->request();
        for (const char c : reply) {
          co_await peer->stream.write_all(std::string_view(&c, 1));
          co_await eddy::sleep(std::chrono::nanoseconds(1));
        }
      }
    });
    session client;
    for (int i = 0; i < 2; ++i) {
      CHECK(co_await text_of(client.get(origin.url())) == "hello, world");
    }
    CHECK(client.statistics().connects == 1);
  };
  eddy::run(main());
}

TEST_CASE("the connection is free as soon as the last byte has been read") {
  const auto main = []() -> task<> {
    scripted_origin origin(always(reply_with("abcdef")));
    session client;
    response answer = co_await client.get(origin.url());
    std::byte piece[3];
    CHECK(co_await answer.read_some(piece) == 3);
    CHECK(client.statistics().idle == 0);
    CHECK(co_await answer.read_some(piece) == 3);
    CHECK(client.statistics().idle == 1);
    CHECK(co_await answer.read_some(std::span<std::byte>()) == 0);
    CHECK(co_await answer.read_some(piece) == 0);
  };
  eddy::run(main());
}

#if EDDY_HAVE_ZLIB
TEST_CASE("gzip and deflate are undone") {
  const auto main = []() -> task<> {
    std::string body;
    for (int i = 0; i < 50000; ++i) body += "line " + std::to_string(i % 97) + "\n";
    const std::string gzip = deflated(body, gzip_bits);
    const std::string both = deflated(gzip, zlib_bits);
    for (const std::string& reply :
         {reply_with(gzip, "200 OK", "Content-Encoding: gzip\r\n"),
          reply_with(deflated(body, zlib_bits), "200 OK", "Content-Encoding: deflate\r\n"),
          reply_with(both, "200 OK", "Content-Encoding: gzip, deflate\r\n")}) {
      scripted_origin origin(always(reply));
      session client;
      const std::string text = co_await text_of(client.get(origin.url()));
      CHECK((text == body));
      for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
        response answer = co_await client.get(origin.url());
        const std::string streamed = co_await stream(std::move(answer), piece);
        CHECK((streamed == body));
      }
      CHECK(client.statistics().connects == 1);
      CHECK(origin.requests()[0].find("\r\nAccept-Encoding: gzip, deflate") !=
            std::string::npos);
    }
    // A range counts encoded bytes: nothing is offered.
    scripted_origin plain(always(reply_with("x")));
    session client;
    CHECK(co_await text_of(client.get(plain.url()).header("Range", "bytes=0-1")) == "x");
    CHECK(plain.requests()[0].find("Accept-Encoding") == std::string::npos);
  };
  eddy::run(main());
}

TEST_CASE("broken and unknown codings are errors of the body, not of the response") {
  const auto main = []() -> task<> {
    const std::string gzip = deflated(std::string(5000, 'x'), gzip_bits);
    std::string wrong_sum = gzip;
    wrong_sum[wrong_sum.size() - 5] = static_cast<char>(wrong_sum[wrong_sum.size() - 5] ^ 1);
    for (const std::string& reply :
         {reply_with(gzip.substr(0, gzip.size() - 3), "200 OK", "Content-Encoding: gzip\r\n"),
          reply_with(wrong_sum, "200 OK", "Content-Encoding: gzip\r\n"),
          reply_with("text", "200 OK", "Content-Encoding: gzip\r\n"),
          reply_with("text", "200 OK", "Content-Encoding: br\r\n")}) {
      scripted_origin origin(always(reply));
      session client;
      response answer = co_await client.get(origin.url());
      CHECK(answer.status() == 200);
      const std::string failure = co_await failure_of<eddy::http::content_error>(answer.text());
      CHECK(failure.starts_with("GET " + origin.url() + ": reading the response: "));
      std::byte piece[3];
      CHECK_THROWS_AS(co_await answer.read_some(piece), eddy::http::error);
      check_nothing_in_use(client);
    }
  };
  eddy::run(main());
}
#endif

TEST_CASE("a body of more than max_body_bytes is refused, wherever that is noticed") {
  const auto main = []() -> task<> {
    const std::string large(5000, 'x');
    std::vector<std::string> replies = {reply_with(large), in_chunks(large, 1000),
                                        "HTTP/1.1 200 OK\r\n\r\n" + large};
#if EDDY_HAVE_ZLIB
    replies.push_back(
        reply_with(deflated(large, gzip_bits), "200 OK", "Content-Encoding: gzip\r\n"));
#endif
    for (const std::string& reply : replies) {
      scripted_origin origin(once(reply));
      session client(session_options().max_body_bytes(4999));
      response answer = co_await client.get(origin.url());
      const std::string failure = co_await failure_of<eddy::http::content_error>(answer.bytes());
      CHECK(failure == "GET " + origin.url() +
                           ": reading the response: the body has more than max_body_bytes (4999)");
      check_nothing_in_use(client);
      session enough(session_options().max_body_bytes(5000));
      CHECK(co_await text_of(enough.get(origin.url())) == large);
      // Streaming is bound by the reader.
      response streamed = co_await client.get(origin.url());
      CHECK(co_await stream(std::move(streamed), 100) == large);
    }
  };
  eddy::run(main());
}

TEST_CASE("one read at a time, and a failed or cancelled read is the last") {
  const auto main = []() -> task<> {
    scripted_origin origin([](origin_peer* peer) -> task<> {
      const std::string asked = co_await peer->request();
      co_await peer->stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      co_await peer->stay();
    });
    session client;
    response answer = co_await client.get(origin.url());
    std::byte piece[3];
    CHECK(co_await answer.read_some(piece) == 3);
    auto reading = eddy::spawn(answer.read_some(piece));
    co_await settle();
    CHECK_THROWS_AS(co_await answer.read_some(piece), std::logic_error);
    CHECK(co_await cancel_waiting(std::move(reading)));
    CHECK(client.statistics().open == 0);
    CHECK(co_await failure_of<eddy::http::error>(answer.text()) ==
          "GET " + origin.url() + ": an earlier read of this response failed or was cancelled");
  };
  eddy::run(main());
}

TEST_CASE("a large body goes out whole") {
  const auto main = []() -> task<> {
    const std::string body = large_text();
    scripted_origin origin(always(reply_with("got it")));
    session client;
    for (int i = 0; i < 2; ++i) {
      CHECK(co_await text_of(client.post(origin.url()).body(body)) == "got it");
    }
    CHECK(origin.log().accepted == 1);
    for (const std::string& request : origin.requests()) {
      const std::string_view got = std::string_view(request).substr(request.find("\r\n\r\n") + 4);
      CHECK((got == body));
    }
  };
  eddy::run(main());
}

TEST_CASE("a server that echoes while it reads does not make both sides wait for ever") {
  const auto main = []() -> task<> {
    const std::string body = large_text();
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      co_await peer->stream.write_all(
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
      for (std::size_t left = body.size(); left > 0;) {
        const eddy::lease part = co_await peer->stream.receive();
        co_await peer->stream.write_all(part.text());
        left -= part.size();
      }
      co_await peer->answer_all(reply_with("next"));
    });
    session client;
    response echo = co_await client.put(origin.url()).body(body);
    const std::vector<std::byte> bytes = co_await echo.bytes();
    CHECK((std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == body));
    CHECK(co_await text_of(client.get(origin.url())) == "next");
    CHECK(client.statistics().connects == 1);
    session narrow(session_options().max_body_bytes(1 << 20));
    CHECK_THROWS_AS(co_await text_of(narrow.put(origin.url()).body(body)),
                    eddy::http::content_error);
    CHECK(narrow.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("an error that begins while the request is still being sent ends the sending") {
  const auto main = []() -> task<> {
    eddy::event seen;
    scripted_origin origin([&](origin_peer* peer) -> task<> {
      const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
      co_await peer->stream.write_all("HTTP/1.1 507 Full\r\nContent-Length: 6\r\n\r\nabc");
      co_await seen.wait();
      co_await peer->stream.write_all("def");
      co_await peer->stay();
    });
    session client;
    response answer = co_await client.post(origin.url()).body(large_text());
    CHECK(answer.status() == 507);
    seen.set();
    CHECK(co_await answer.text() == "abcdef");
    CHECK(client.statistics().open == 0);
  };
  eddy::run(main());
}

TEST_CASE("an upload that is refused or answered early is not sent to its end") {
  for (const bool closes : {false, true}) {
    for (const char* status : {"413 Content Too Large", "200 OK"}) {
      CAPTURE(closes);
      CAPTURE(status);
      const auto main = [&]() -> task<> {
        eddy::event done;
        scripted_origin origin([&](origin_peer* peer) -> task<> {
          const std::string head = co_await peer->stream.read_until("\r\n\r\n", 4096);
          co_await peer->stream.write_all(reply_with("enough", status));
          // Neither reads what is still coming, nor closes, until the client has its answer; or
          // closes at once, which resets the connection under the sender.
          if (!closes) co_await done.wait();
        });
        session client;
        response answer = co_await client.post(origin.url()).body(large_text());
        CHECK(answer.reason() == std::string(status).substr(4));
        CHECK(co_await answer.text() == "enough");
        CHECK(client.statistics().open == 0);
        done.set();
      };
      eddy::run(main());
    }
  }
}
