#include <doctest/doctest.h>

#include <eddy/net/tls.hpp>
#include <eddy/runtime/run.hpp>
#include <fstream>
#include <system_error>

#include "../../net/tls_settings.hpp"
#include "../support/descriptors.hpp"
#include "../support/tls_peer.hpp"
#include "../support/tls_streams.hpp"

using namespace eddy;
using namespace eddy_tests;

namespace {

void on_a_loop(task<> (*body)()) {
  (void)certificates::get();
  const std::size_t descriptors = open_descriptors();
  run(body());
  CHECK(open_descriptors() == descriptors);
}

// What a client that trusts `ca` says of a server with this certificate. The server's error, if
// any, is not its fault.
task<std::string> refusal_of(certificate identity, std::string host, std::string ca) {
  stream_pair raw = co_await connected_pair();
  auto both = co_await gather_settled(
      tls_stream::connect(std::move(raw.client), std::move(host), trusting(ca)),
      tls_stream::accept(std::move(raw.server), serving(identity)));
  auto& client = std::get<0>(both);
  std::string text;
  try {
    tls_stream accepted = client.value();
    text = "accepted";
  } catch (const certificate_error& e) {
    text = e.what();
  }
  co_return std::move(text);
}

template <class Setter>
std::string refusal_by(Setter set) {
  tls_context context;
  try {
    set(context);
  } catch (const tls_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("tls: both ways, with what was agreed on") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    tls_context client_side = trusting(files.ca);
    client_side.alpn("http/1.1");
    tls_context server_side = serving(files.good);
    server_side.alpn("http/1.1");
    for (const char* host : {"localhost", "localhost.", "127.0.0.1", "::1", "[::1]"}) {
      stream_pair raw = co_await connected_pair();
      const endpoint client_address = raw.client.local_address();
      auto both = co_await gather(tls_stream::connect(std::move(raw.client), host, client_side),
                                  tls_stream::accept(std::move(raw.server), server_side));
      tls_stream& client = std::get<0>(both);
      tls_stream& server = std::get<1>(both);
      CHECK(client.version() == "TLSv1.3");
      CHECK(client.alpn() == "http/1.1");
      CHECK(server.alpn() == "http/1.1");
      CHECK(client.local_address() == client_address);
      CHECK(server.remote_address() == client_address);
      co_await client.write_all("ping");
      const std::string ping = co_await read_text(server);
      CHECK(ping == "ping");
      co_await server.write_all("pong");
      const std::string pong = co_await read_text(client);
      CHECK(pong == "pong");
      co_await client.close();
      CHECK_FALSE(client.is_open());
    }
  });
}

TEST_CASE("tls: without a common protocol none is chosen") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    tls_context client_side = trusting(files.ca);
    client_side.alpn("h2");
    tls_context server_side = serving(files.good);
    server_side.alpn("http/1.1");
    stream_pair raw = co_await connected_pair();
    auto both =
        co_await gather(tls_stream::connect(std::move(raw.client), "localhost", client_side),
                        tls_stream::accept(std::move(raw.server), server_side));
    CHECK(std::get<0>(both).alpn().empty());
    CHECK(std::get<1>(both).alpn().empty());
  });
}

TEST_CASE("tls: large transfers both ways at once") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    const std::string sent = large_text();
    auto up = spawn(write_text(pair.client, sent));
    auto down = spawn(write_text(pair.server, sent));
    const auto count = [](tls_stream& s, const std::string& wanted) -> task<bool> {
      std::string all;
      while (all.size() < wanted.size()) {
        const std::string part = co_await read_text(s, 50'000);
        if (part.empty()) break;
        all += part;
      }
      co_return all == wanted;
    };
    auto both = co_await gather(count(pair.client, sent), count(pair.server, sent));
    CHECK(std::get<0>(both));
    CHECK(std::get<1>(both));
    co_await up;
    co_await down;
  });
}

TEST_CASE("tls: certificates that prove nothing are refused, with the reason and the host") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    std::string why = co_await refusal_of(files.good, "localhost", files.ca);
    CHECK(why == "accepted");
    why = co_await refusal_of(files.good, "127.0.0.1", files.ca);
    CHECK(why == "accepted");
    why = co_await refusal_of(files.self_signed, "localhost", files.ca);
    CHECK(why == "certificate verify failed for localhost: self-signed certificate");
    why = co_await refusal_of(files.good, "localhost", files.other_ca);
    CHECK(why == "certificate verify failed for localhost: unable to get local issuer certificate");
    why = co_await refusal_of(files.expired, "localhost", files.ca);
    CHECK(why == "certificate verify failed for localhost: certificate has expired");
    why = co_await refusal_of(files.wrong_host, "localhost", files.ca);
    CHECK(why == "certificate verify failed for localhost: hostname mismatch");
    why = co_await refusal_of(files.good, "127.0.0.2", files.ca);
    CHECK(why == "certificate verify failed for 127.0.0.2: IP address mismatch");
    why = co_await refusal_of(files.common_name, "localhost", files.ca);
    CHECK(why == "certificate verify failed for localhost: hostname mismatch");
  });
}

TEST_CASE("tls: by default a client trusts the system's certificates only") {
  on_a_loop([]() -> task<> {
    stream_pair raw = co_await connected_pair();
    auto both = co_await gather_settled(
        tls_stream::connect(std::move(raw.client), "localhost", tls_context()),
        tls_stream::accept(std::move(raw.server), serving(certificates::get().good)));
    CHECK_THROWS_AS((void)std::get<0>(both).value(), certificate_error);
  });
}

TEST_CASE("tls: a server learns why a client went") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    stream_pair raw = co_await connected_pair();
    const auto serve = [](tcp_stream s) -> task<std::string> {
      tls_stream peer =
          co_await tls_stream::accept(std::move(s), serving(certificates::get().good));
      const std::string text = co_await read_text(peer);
      co_return text + " came";
    };
    auto both = co_await gather_settled(
        tls_stream::connect(std::move(raw.client), "localhost", trusting(files.other_ca)),
        serve(std::move(raw.server)));
    std::string said;
    try {
      said = std::get<1>(both).value();
    } catch (const tls_error& e) {
      said = e.what();
    }
    CHECK(said.find("alert unknown ca") != std::string::npos);
  });
}

TEST_CASE("tls: verification can be switched off") {
  on_a_loop([]() -> task<> {
    stream_pair raw = co_await connected_pair();
    tls_context careless;
    careless.verify(false);
    auto both = co_await gather(
        tls_stream::connect(std::move(raw.client), "any.test", careless),
        tls_stream::accept(std::move(raw.server), serving(certificates::get().expired)));
    CHECK(std::get<0>(both).is_open());
  });
}

TEST_CASE("tls: configuration errors name the file and the reason") {
  const certificates& files = certificates::get();
  const std::string text_file = files.path("not-a-certificate");
  std::ofstream(text_file) << "hello\n";
  CHECK(refusal_by([](tls_context& c) { c.ca_file("/no/such/file"); }) ==
        "CA certificates /no/such/file: No such file or directory");
  CHECK(refusal_by([&](tls_context& c) { c.ca_file(text_file); }) ==
        "CA certificates " + text_file + ": no certificate or crl found");
  CHECK(refusal_by([&](tls_context& c) { c.certificate(text_file, files.good.key); }) ==
        "certificate " + text_file + ": no start line");
  CHECK(refusal_by([&](tls_context& c) { c.certificate(files.good.chain, "/no/key"); }) ==
        "private key /no/key: No such file or directory");
  CHECK(refusal_by([&](tls_context& c) { c.certificate(files.good.chain, files.expired.key); }) ==
        "private key " + files.expired.key + ": key values mismatch");
  const std::string locked =
      refusal_by([&](tls_context& c) { c.certificate(files.good.chain, files.locked_key); });
  CHECK(locked.starts_with("private key " + files.locked_key + ": "));
  CHECK(refusal_by([](tls_context& c) { c.alpn(""); }) ==
        "ALPN protocol of 0 bytes: must have 1 to 255");
  CHECK(refusal_by([](tls_context& c) { c.alpn(std::string(256, 'x')); }) ==
        "ALPN protocol of 256 bytes: must have 1 to 255");
}

TEST_CASE("tls: impossible hosts, and a server without a certificate") {
  on_a_loop([]() -> task<> {
    for (const std::string& host : {std::string(), std::string("."), std::string("a\0b", 3),
                                    std::string("a\nb"), std::string("a b"),
                                    std::string(".wild.test"), std::string("a..test")}) {
      stream_pair raw = co_await connected_pair();
      const std::string error = co_await failure_of<tls_error>(
          tls_stream::connect(std::move(raw.client), host, tls_context()));
      CHECK(error.ends_with(": not a host name"));
    }
    stream_pair raw = co_await connected_pair();
    const std::string error =
        co_await failure_of<tls_error>(tls_stream::accept(std::move(raw.server), tls_context()));
    CHECK(error == "TLS as a server: the tls_context has no certificate");
    tcp_stream empty;
    const std::string nobody = co_await failure_of<std::logic_error>(
        tls_stream::connect(std::move(empty), "localhost", tls_context()));
    CHECK_FALSE(nobody.empty());
  });
}

TEST_CASE("tls: a clean end is a value, and leaves the other direction open") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    co_await pair.client.write_all("last words");
    co_await pair.client.shutdown();
    co_await pair.client.shutdown();
    const std::string all = co_await read_to_end(pair.server);
    CHECK(all == "last words");
    const std::string again = co_await read_text(pair.server);
    CHECK(again.empty());
    co_await pair.server.write_all("answer");
    const std::string answer = co_await read_text(pair.client);
    CHECK(answer == "answer");
    const std::string error = co_await failure_of<tls_error>(write_text(pair.client, "x"));
    CHECK(error == "TLS: write to localhost: the stream was shut down for writing");
  });
}

TEST_CASE("tls: an end without close_notify is an error of its own") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    co_await pair.server.write_all("half of");
    co_await pair.server.close();
    const std::string got = co_await read_text(pair.client);
    CHECK(got == "half of");
    for (int i = 0; i < 2; ++i) {
      const std::string error = co_await failure_of<tls_truncated>(read_text(pair.client));
      CHECK(error ==
            "TLS: read from localhost: the connection ended without close_notify; data may be "
            "missing");
    }
  });
}

TEST_CASE("tls: peers that do not speak it") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    stream_pair raw = co_await connected_pair();
    co_await raw.server.write_all("220 mail.test ready\r\n");
    std::string error = co_await failure_of<tls_error>(
        tls_stream::connect(std::move(raw.client), "localhost", trusting(files.ca)));
    CHECK(error == "TLS handshake with localhost: wrong version number");

    stream_pair second = co_await connected_pair();
    second.server.shutdown();
    error = co_await failure_of<tls_handshake_closed>(
        tls_stream::connect(std::move(second.client), "localhost", trusting(files.ca)));
    CHECK(error == "TLS handshake with localhost: the peer closed the connection");

    stream_pair third = co_await connected_pair();
    const std::string client = third.client.local_address().to_string();
    co_await third.client.write_all("GET / HTTP/1.1\r\n\r\n");
    error = co_await failure_of<tls_error>(
        tls_stream::accept(std::move(third.server), serving(files.good)));
    CHECK(error == "TLS handshake with " + client + ": http request");
  });
}

TEST_CASE("tls: versions before 1.2 are refused, 1.2 is not") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    // Where the system's OpenSSL refuses old versions by itself, the peer below proves nothing.
    const tls_context usual_context;
    CHECK(SSL_CTX_get_min_proto_version(usual_context.settings().context) == TLS1_2_VERSION);
    stream_pair old = co_await connected_pair();
    tls_peer old_peer(std::move(old.server), files.good);
    old_peer.set_versions(TLS1_VERSION, TLS1_1_VERSION);
    auto both = co_await gather_settled(
        tls_stream::connect(std::move(old.client), "localhost", trusting(files.ca)),
        old_peer.handshake());
    CHECK_THROWS_AS((void)std::get<0>(both).value(), tls_error);

    stream_pair usual = co_await connected_pair();
    tls_peer peer(std::move(usual.server), files.good);
    peer.set_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    auto connected = co_await gather(
        tls_stream::connect(std::move(usual.client), "localhost", trusting(files.ca)),
        peer.handshake());
    tls_stream& client = std::get<0>(connected);
    CHECK(client.version() == "TLSv1.2");
    // It is asked for a new handshake while it reads, has to say no, and reads on.
    auto reading = spawn(failure_of<tls_error>(read_text(client)));
    co_await settle();
    co_await peer.ask_to_renegotiate();
    co_await settle();
    CHECK_FALSE(reading.done());
    const std::string refused = co_await failure_of<std::runtime_error>(peer.read());
    CHECK(refused == "tls_peer: TLS has failed");
    // OpenSSL as a server takes the refusal badly; the answer has come, which is what counts.
    const std::string alert = co_await reading;
    CHECK(alert == "TLS: read from localhost: sslv3 alert handshake failure");
  });
}

TEST_CASE("tls: the host's name is sent to the server, an address is not") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    for (const char* host : {"localhost", "127.0.0.1"}) {
      stream_pair raw = co_await connected_pair();
      tls_peer peer(std::move(raw.server), files.good);
      auto both = co_await gather(
          tls_stream::connect(std::move(raw.client), host, trusting(files.ca)), peer.handshake());
      CHECK(std::get<0>(both).is_open());
      CHECK(peer.server_name() == (host == std::string("localhost") ? "localhost" : ""));
    }
  });
}

TEST_CASE("tls: key updates that the peer asks for, between and during reads and writes") {
  on_a_loop([]() -> task<> {
    const certificates& files = certificates::get();
    stream_pair raw = co_await connected_pair();
    tls_peer peer(std::move(raw.server), files.good);
    auto both =
        co_await gather(tls_stream::connect(std::move(raw.client), "localhost", trusting(files.ca)),
                        peer.handshake());
    tls_stream& client = std::get<0>(both);
    for (int i = 0; i < 3; ++i) {
      auto reading = spawn(read_text(client));
      co_await settle();
      co_await peer.update_keys();
      co_await peer.write("news");
      const std::string news = co_await reading;
      CHECK(news == "news");
      co_await client.write_all("thanks");
      const std::string thanks = co_await peer.read();
      CHECK(thanks == "thanks");
    }
    co_await peer.close_notify();
    const std::string end = co_await read_text(client);
    CHECK(end.empty());
  });
}

TEST_CASE("tls: one reader and one writer, who do not disturb each other") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    const std::string large = large_text();
    auto writing = spawn(write_text(pair.client, large));
    co_await settle();
    CHECK_FALSE(writing.done());
    // The writer is stuck: nobody reads. That must not keep the reader from reading.
    auto reading = spawn(read_text(pair.client));
    co_await settle();
    std::string error = co_await failure_of<std::logic_error>(read_text(pair.client));
    CHECK(error == "TLS: read from localhost: another coroutine is doing that already");
    error = co_await failure_of<std::logic_error>(write_text(pair.client, "x"));
    CHECK(error == "TLS: write to localhost: another coroutine is doing that already");
    error = co_await failure_of<std::logic_error>(pair.client.shutdown());
    CHECK(error == "TLS: write to localhost: another coroutine is doing that already");
    co_await pair.server.write_all("hello");
    const std::string hello = co_await reading;
    CHECK(hello == "hello");
    std::size_t count = 0;
    while (count < large.size()) {
      const std::string part = co_await read_text(pair.server, 100'000);
      count += part.size();
    }
    co_await writing;
    CHECK(count == large.size());
  });
}

TEST_CASE("tls: streams moved, destroyed and closed while coroutines wait on them") {
  on_a_loop([]() -> task<> {
    tls_pair pair = co_await connected_tls_pair();
    auto reading = spawn(failure_of<std::system_error>(read_text(pair.client)));
    auto writing = spawn(failure_of<std::system_error>(write_text(pair.client, large_text())));
    auto other = spawn(failure_of<std::system_error>(read_text(pair.server)));
    co_await settle();
    {
      tls_stream moved = std::move(pair.client);
      co_await settle();
      CHECK_FALSE(reading.done());
    }
    const std::string read_error = co_await reading;
    CHECK(read_error.find("Operation canceled") != std::string::npos);
    const std::string write_error = co_await writing;
    CHECK(write_error.find("Operation canceled") != std::string::npos);
    co_await pair.server.close();
    const std::string other_error = co_await other;
    const std::string empty = co_await failure_of<std::logic_error>(read_text(pair.client));
    CHECK(empty == "TLS: read from a stream that is empty or was moved from");
    co_await pair.client.close();
    CHECK_THROWS_AS((void)pair.client.alpn(), std::logic_error);
  });
}
