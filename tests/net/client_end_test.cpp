// How a response ends: trailers, files, bodies that nobody wants, and what its connection becomes.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <eddy/runtime/file.hpp>
#include <eddy/sync/event.hpp>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "../support/client_site.hpp"
#include "../support/simulated.hpp"

#if EDDY_HAVE_OPENSSL
#include "../support/tls_streams.hpp"
#endif
#if EDDY_HAVE_ZSTD
#include <zstd.h>
#endif

using namespace eddy_tests;
using namespace std::chrono_literals;
using eddy::task;
using eddy::http::response;
using eddy::http::session;
using eddy::http::session_options;

namespace {

const std::string with_trailers =
    "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: x\r\nETag: "
    "y\r\n\r\n";

// Sends the beginning, and the rest when it is told to.
scripted_origin::script in_two(std::string beginning, eddy::event& go, std::string rest) {
  return [beginning = std::move(beginning), &go, rest = std::move(rest)](
             origin_peer* peer) -> task<> {
    for (;;) {
      const std::string asked = co_await peer->request();
      if (asked.empty()) co_return;
      co_await peer->stream.write_all(beginning);
      co_await go.wait();
      co_await peer->stream.write_all(rest);
    }
  };
}

// Sends the beginning, and no more.
scripted_origin::script only(std::string beginning) {
  return [beginning = std::move(beginning)](origin_peer* peer) -> task<> {
    const std::string asked = co_await peer->request();
    co_await peer->stream.write_all(beginning);
    co_await peer->stay();
  };
}

std::string head_of(std::size_t body_size) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body_size) + "\r\n\r\n";
}

class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-save-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    path_ = pattern;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string at(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("the version, and trailers once the body has ended") {
  const auto main = []() -> task<> {
    eddy::event go;
    scripted_origin origin(in_two(with_trailers.substr(0, 54), go, with_trailers.substr(54)));
    session client;
    response answer = co_await client.get(origin.url());
    CHECK(answer.version() == "HTTP/1.1");
    CHECK_THROWS_WITH_AS((void)answer.trailers(),
                         ("GET " + origin.url() +
                          ": trailers() before the body has been read to its end")
                             .c_str(),
                         std::logic_error);
    go.set();
    CHECK(co_await answer.text() == "abc");
    CHECK(answer.trailers().size() == 2);
    CHECK(answer.trailers().get("etag") == "y");
    CHECK_FALSE(answer.headers().contains("etag"));
    // They stay, though the connection carries another response.
    CHECK(co_await text_of(client.get(origin.url())) == "abc");
    CHECK(client.statistics().connects == 1);
    CHECK(answer.trailers().get("Digest") == "x");

    scripted_origin old(once("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    response plain = co_await client.get(old.url());
    CHECK(plain.version() == "HTTP/1.0");
    CHECK(plain.trailers().empty());
  };
  eddy::run(main());
}

TEST_CASE("a response that is dropped keeps its connection if the rest has come already") {
  const auto main = []() -> task<> {
    for (const std::string& reply : {reply_with(std::string(8000, 'x')), with_trailers}) {
      scripted_origin origin(always(reply));
      session client;
      for (int i = 0; i < 3; ++i) {
        response answer = co_await client.get(origin.url());
        if (i < 2) {
          std::byte piece[2];
          CHECK(co_await answer.read_some(piece) == 2);
        }
      }
      CHECK(client.statistics().connects == 1);
      CHECK(client.statistics().idle == 1);
    }
  };
  eddy::run(main());
}

TEST_CASE("a response that is dropped before its rest has come closes its connection") {
  const auto main = []() -> task<> {
    const std::string cut_chunks = with_trailers.substr(0, with_trailers.size() - 2);
    const std::string broken = with_trailers.substr(0, 50) + "zz\r\n";
    for (const std::string& beginning : {head_of(6) + "abc", cut_chunks, broken, head_of(6)}) {
      scripted_origin origin(only(beginning));
      session client;
      { response answer = co_await client.get(origin.url()); }
      CHECK(client.statistics().open == 0);
      check_nothing_in_use(client);
    }
  };
  eddy::run(main());
}

TEST_CASE("discard reads a short rest, and keeps the connection") {
  const auto main = []() -> task<> {
    const std::string body(60'000, 'x');
    eddy::event go;
    for (const std::string& rest : {body.substr(3), std::string()}) {
      scripted_origin origin(in_two(head_of(rest.size() + 3) + "abc", go, rest));
      go.set();
      session client;
      response answer = co_await client.get(origin.url());
      CHECK(co_await answer.discard());
      CHECK(client.statistics().idle == 1);
      const std::size_t whole = head_of(rest.size() + 3).size() + 3 + rest.size();
      CHECK(client.statistics().bytes_received == whole);
      CHECK(co_await answer.discard());
      std::byte piece[3];
      CHECK(co_await answer.read_some(piece) == 0);
      CHECK_THROWS_AS(co_await answer.text(), std::logic_error);
      CHECK(answer.trailers().empty());
    }
    scripted_origin chunked(always(with_trailers));
    session client;
    response answer = co_await client.get(chunked.url());
    CHECK(co_await answer.discard());
    CHECK(answer.trailers().size() == 2);
  };
  eddy::run(main());
}

TEST_CASE("discard closes the connection if the rest is long, late, endless or broken") {
  const auto main = []() -> task<> {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string long_chunk = "186a0\r\n" + std::string(100'000, 'x') + "\r\n";
    for (const std::string& beginning :
         {head_of(70'000) + "abc", head_of(6) + "abc", chunked + long_chunk, chunked + "zz\r\n",
          std::string("HTTP/1.1 200 OK\r\n\r\nabc")}) {
      scripted_origin origin(only(beginning));
      session client;
      response answer = co_await client.get(origin.url());
      const auto begun = eddy::now();
      CHECK_FALSE(co_await answer.discard());
      // Only what may still come is waited for.
      const bool is_hopeless = beginning != head_of(6) + "abc";
      CHECK((eddy::now() - begun < 1s) == is_hopeless);
      CHECK(client.statistics().open == 0);
      std::byte piece[3];
      CHECK(co_await answer.read_some(piece) == 0);
      CHECK_FALSE(co_await answer.discard());
    }
  };
  eddy::run(main());
}

TEST_CASE("save writes the body to a file" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    const scratch folder;
    std::string body;
    for (int i = 0; i < 40'000; ++i) body += std::to_string(i) + ",";
    scripted_origin origin(always(reply_with(body)));
    session client(session_options().max_body_bytes(10));
    for (int i = 0; i < 2; ++i) {
      response answer = co_await client.get(origin.url());
      CHECK(co_await answer.save(folder.at("body")) == body.size());
      CHECK((content(folder.at("body")) == body));
    }
    CHECK(client.statistics().connects == 1);
    scripted_origin nothing(always(reply_with("")));
    response empty = co_await client.get(nothing.url());
    CHECK(co_await empty.save(folder.at("body")) == 0);
    CHECK(content(folder.at("body")).empty());
    CHECK_THROWS_AS(co_await empty.save(folder.at("body")), std::logic_error);

    response nowhere = co_await client.get(origin.url());
    const std::string failure =
        co_await failure_of<std::system_error>(nowhere.save(folder.at("none/body")));
    CHECK(failure.starts_with("GET " + origin.url() + ": reading the response: "));
    CHECK(failure.find(folder.at("none/body")) != std::string::npos);
    check_nothing_in_use(client);
    response full = co_await client.get(origin.url());
    const std::string error = co_await failure_of<std::system_error>(full.save("/dev/full"));
    CHECK(error.find("/dev/full") != std::string::npos);
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

namespace {

// A FIFO that takes no more until it is read from.
class full_pipe {
 public:
  explicit full_pipe(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    fd_ = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
    const std::string some(4096, 'f');
    while (::write(fd_, some.data(), some.size()) > 0) continue;
  }
  full_pipe(const full_pipe&) = delete;
  full_pipe& operator=(const full_pipe&) = delete;
  ~full_pipe() { ::close(fd_); }

  void drain() {
    std::string some(4096, '\0');
    while (::read(fd_, some.data(), some.size()) > 0) continue;
  }

 private:
  int fd_ = -1;
};

}  // namespace

TEST_CASE("a save is bound by the total timeout while it writes" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    const scratch folder;
    full_pipe pipe(folder.at("pipe"));
    scripted_origin origin(always(reply_with(std::string(4096, 'x'))));
    session client;
    response answer = co_await client.get(origin.url()).timeout(200ms);
    auto saving = eddy::spawn([](response from, std::string path) -> task<std::string> {
      try {
        (void)co_await from.save(path);
      } catch (const eddy::http::request_timeout& e) {
        CHECK(e.kind() == eddy::http::timeout_kind::total);
        co_return e.what();
      }
      co_return "saved";
    }(std::move(answer), folder.at("pipe")));
    co_await eddy::sleep(250ms);
    pipe.drain();
    const std::string failure = co_await saving;
    CHECK(failure ==
          "GET " + origin.url() + ": reading the response: the total timeout of 0.200 s passed");
    check_nothing_in_use(client);
  };
  eddy::run(main());
}

TEST_CASE("a save that fails or is cancelled leaves what had come" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    const scratch folder;
    scripted_origin origin(only(head_of(200'000) + std::string(100'000, 'x')));
    session client;
    response answer = co_await client.get(origin.url());
    auto waiting = eddy::spawn(answer.save(folder.at("body")));
    // The first piece is written on a thread, or by the kernel.
    const std::string piece(64 * 1024, 'x');
    for (int i = 0; i < 100'000 && content(folder.at("body")) != piece; ++i) {
      co_await eddy::sleep(1us);
    }
    CHECK(co_await cancel_waiting(std::move(waiting)));
    CHECK(client.statistics().open == 0);
    CHECK((content(folder.at("body")) == piece));
    // Before it has begun: the file is not touched.
    response second = co_await client.get(origin.url());
    auto saving = eddy::spawn(second.save(folder.at("other")));
    saving.cancel();
    CHECK(co_await was_cancelled(std::move(saving)));
    CHECK_FALSE(std::filesystem::exists(folder.at("other")));
    scripted_origin cut(once(head_of(10) + "abc"));
    response third = co_await client.get(cut.url());
    const std::string failure =
        co_await failure_of<eddy::http::protocol_error>(third.save(folder.at("cut")));
    CHECK(failure.ends_with("connection closed after 3 of 10 bytes of the response body"));
    CHECK_FALSE(std::filesystem::file_size(folder.at("cut")) > 3);
  };
  eddy::run(main());
}

#if EDDY_HAVE_ZSTD
TEST_CASE("decoding a bomb lets others run, and ends at the timeout") {
  const auto main = []() -> task<> {
    const std::string zeros(8U << 20U, '\0');
    std::string frame(ZSTD_compressBound(zeros.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), zeros.data(), zeros.size(), 1));
    std::string body;
    for (int i = 0; i < 8; ++i) body += frame;
    CHECK(body.size() < 16'000);
    scripted_origin origin(always(reply_with(body, "200 OK", "Content-Encoding: zstd\r\n")));
    session client;
    bool ended = false;
    int turns = 0;
    auto other = eddy::spawn([](bool* end, int* count) -> task<> {
      for (; !*end; ++*count) co_await eddy::yield();
    }(&ended, &turns));
    response answer = co_await client.get(origin.url());
    std::size_t total = 0;
    std::vector<std::byte> piece(64 * 1024);
    turns = 0;
    for (;;) {
      const std::size_t got = co_await answer.read_some(piece);
      if (got == 0) break;
      total += got;
    }
    ended = true;
    co_await other.join();
    CHECK(total == 64U << 20U);
    CHECK(turns >= 60);
    CHECK(client.statistics().idle == 1);

    response slow = co_await client.get(origin.url()).timeout(50ms);
    const auto read_slowly = [](response& r) -> task<> {
      std::vector<std::byte> room(64 * 1024);
      for (;;) {
        const std::size_t got = co_await r.read_some(room);
        if (got == 0) co_return;
        co_await eddy::sleep(1ms);
      }
    };
    const std::string failure =
        co_await failure_of<eddy::http::request_timeout>(read_slowly(slow));
    CHECK(failure.ends_with("the total timeout of 0.050 s passed"));
    check_nothing_in_use(client);
  };
  eddy::run(main());
}
#endif

#if EDDY_HAVE_OPENSSL
TEST_CASE("over TLS a body that ends with the connection needs close_notify" * needs_a_kernel()) {
  const auto main = []() -> task<> {
    for (const bool says_goodbye : {true, false}) {
      scripted_origin origin([says_goodbye](origin_peer* peer) -> task<> {
        eddy::tls_context identity = serving(certificates::get().good);
        eddy::tls_stream stream =
            co_await eddy::tls_stream::accept(std::move(peer->stream), identity);
        const std::string asked = co_await read_text(stream);
        co_await write_text(stream, "HTTP/1.1 200 OK\r\n\r\nhalf of it");
        if (says_goodbye) co_await stream.shutdown();
        co_await stream.close();
      });
      session client(session_options().tls(trusting(certificates::get().ca)));
      const std::string url = "https://localhost:" + std::to_string(origin.address().port()) + "/";
      response answer = co_await client.get(url);
      if (says_goodbye) {
        CHECK(co_await answer.text() == "half of it");
      } else {
        const std::string failure = co_await failure_of<eddy::tls_truncated>(answer.text());
        CHECK(failure.starts_with("GET " + url + ": reading the response: "));
        CHECK(failure.find("without close_notify") != std::string::npos);
      }
      CHECK(client.statistics().open == 0);
    }
  };
  eddy::run(main());
}
#endif
