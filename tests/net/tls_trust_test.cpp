// Whom a TLS stream believes, as a client and as a server.
#include <doctest/doctest.h>

#include <eddy/net/tls.hpp>
#include <eddy/runtime/run.hpp>

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

const certificates& files() { return certificates::get(); }

// What `error` is and says, without the part that all of its kind say.
std::string named(const certificate_error& e, const std::string& peer) {
  const std::string text = e.what();
  const std::string prefix = "certificate verify failed for " + peer + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : "elsewhere: " + text;
}

// A handshake, and a byte each way: in TLS 1.3 a client is done before its certificate is looked
// at. Empty, or what the side has against it.
task<std::string> client_of(tcp_stream raw, std::string host, tls_context context) {
  std::string said;
  try {
    tls_stream s = co_await tls_stream::connect(std::move(raw), host, std::move(context));
    co_await s.write_all("?");
    const std::string answer = co_await read_text(s);
    if (answer != "!") said = "answered " + answer;
  } catch (const certificate_error& e) {
    said = named(e, host);
  } catch (const tls_handshake_error& e) {
    said = std::string("handshake: ") + e.what();
  } catch (const tls_error& e) {
    said = e.what();
  }
  co_return std::move(said);
}

task<std::string> server_of(tcp_stream raw, tls_context context) {
  std::string said;
  const std::string peer = raw.remote_address().to_string();
  try {
    tls_stream s = co_await tls_stream::accept(std::move(raw), std::move(context));
    const std::string question = co_await read_text(s);
    co_await s.write_all("!");
    said = s.peer_subject();
    if (question != "?") said = "asked " + question;
  } catch (const certificate_error& e) {
    said = named(e, peer);
  } catch (const tls_error& e) {
    said = "fails";
  }
  co_return std::move(said);
}

struct verdicts {
  verdicts(std::string c, std::string s) : client(std::move(c)), server(std::move(s)) {}
  std::string client;
  std::string server;
};

task<verdicts> meet(std::string host, tls_context client, tls_context server) {
  stream_pair raw = co_await connected_pair();
  auto both = co_await gather(client_of(std::move(raw.client), std::move(host), std::move(client)),
                              server_of(std::move(raw.server), std::move(server)));
  co_return verdicts(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
}

// What a client that trusts `ca` says of the server with the certificate of that name.
task<std::string> judge(const char* name, std::string host, std::string ca) {
  const verdicts said = co_await meet(std::move(host), trusting(ca), serving(files().named(name)));
  CHECK((said.server == "fails") == !said.client.empty());
  co_return std::string(said.client);
}

tls_context as_client(const char* name) {
  tls_context context = trusting(files().ca);
  if (*name) context.certificate(files().named(name).chain, files().named(name).key);
  return context;
}

tls_context asking() {
  tls_context context = serving(files().good);
  context.client_ca_file(files().ca);
  return context;
}

}  // namespace

TEST_CASE("tls: chains, dates and names, each with its verdict") {
  struct row {
    const char* name;
    const char* host;
    const char* verdict;
  };
  static constexpr const char* mismatch = "hostname mismatch";
  static constexpr const char* other_address = "IP address mismatch";
  static constexpr row rows[] = {
      {"good", "localhost", ""},
      {"good", "LOCALHOST", ""},
      {"good", "127.0.0.1", ""},
      {"good", "::1", ""},
      {"good", "127.0.0.2", other_address},
      {"good", "::2", other_address},
      {"good", "localhost.test", mismatch},
      {"through-intermediate", "localhost", ""},
      {"missing-intermediate", "localhost", "unable to get local issuer certificate"},
      {"leaf-of-leaf", "localhost", "invalid CA certificate"},
      {"expired", "localhost", "certificate has expired"},
      {"not-yet-valid", "localhost", "certificate is not yet valid"},
      {"wrong-host", "localhost", mismatch},
      {"wrong-host", "127.0.0.1", other_address},
      {"common-name", "localhost", mismatch},
      {"self-signed", "localhost", "self-signed certificate"},
      {"unknown-ca", "localhost", "unable to get local issuer certificate"},
      {"ip4", "127.0.0.1", ""},
      {"ip4", "localhost", mismatch},
      {"ip4", "::1", other_address},
      {"ip6", "::1", ""},
      {"ip6", "[::1]", ""},
      {"ip6", "0:0:0:0:0:0:0:1", ""},
      {"ip6", "127.0.0.1", other_address},
      {"ip-as-name", "127.0.0.1", other_address},
      {"wildcard", "a.wild.test", ""},
      {"wildcard", "ab-c.WILD.test", ""},
      {"wildcard", "a.wild.test.", ""},
      {"wildcard", "wild.test", mismatch},
      {"wildcard", "a.b.wild.test", mismatch},
      {"wildcard-part", "ab.wild.test", mismatch},
      {"wildcard-inside", "a.b.wild.test", mismatch},
      {"wildcard-top", "wild.test", mismatch},
      {"client", "localhost", "unsuitable certificate purpose"},
  };
  on_a_loop([]() -> task<> {
    for (const row& r : rows) {
      CAPTURE(r.name);
      CAPTURE(r.host);
      const std::string said = co_await judge(r.name, r.host, files().ca);
      CHECK(said == r.verdict);
    }
  });
}

TEST_CASE("tls: trust adds up, from files and folders") {
  on_a_loop([]() -> task<> {
    const std::string unknown = "unable to get local issuer certificate";
    tls_context both = trusting(files().other_ca);
    both.ca_file(files().ca);
    for (const char* name : {"good", "unknown-ca"}) {
      const verdicts said = co_await meet("localhost", both, serving(files().named(name)));
      CHECK(said.client == "");
    }
    tls_context folder;
    folder.ca_directory(files().path("hashed"));
    verdicts said = co_await meet("localhost", folder, serving(files().good));
    CHECK(said.client == "");
    said = co_await meet("localhost", folder, serving(files().named("unknown-ca")));
    CHECK(said.client == unknown);
    // An authority below another one, or a server itself, is trusted for its own sake.
    std::string one = co_await judge("missing-intermediate", "localhost",
                                     files().named("intermediate").chain);
    CHECK(one == "");
    one = co_await judge("good", "localhost", files().named("intermediate").chain);
    CHECK(one == unknown);
    one = co_await judge("self-signed", "localhost", files().self_signed.chain);
    CHECK(one == "");
    one = co_await judge("self-signed", "other.test", files().self_signed.chain);
    CHECK(one == "hostname mismatch");
    tls_context as_well = trusting(files().ca);
    as_well.trust_system();
    said = co_await meet("localhost", as_well, serving(files().good));
    CHECK(said.client == "");
    said = co_await meet("localhost", as_well, serving(files().named("unknown-ca")));
    CHECK(said.client == unknown);
  });
}

TEST_CASE("tls: a client's certificate, asked for or not") {
  on_a_loop([]() -> task<> {
    verdicts said = co_await meet("localhost", as_client("client"), asking());
    CHECK(said.client == "");
    CHECK(said.server == "CN=ann");
    said = co_await meet("localhost", as_client("client"), serving(files().good));
    CHECK(said.client == "");
    CHECK(said.server == "");
    said = co_await meet("localhost", as_client(""), serving(files().good));
    CHECK(said.client == "");

    const std::string alert = "TLS: read from localhost: ";
    said = co_await meet("localhost", as_client(""), asking());
    CHECK(said.client == alert + "tlsv13 alert certificate required");
    CHECK(said.server == "the client has shown none");
    said = co_await meet("localhost", as_client("client-unknown-ca"), asking());
    CHECK(said.client == alert + "tlsv1 alert unknown ca");
    CHECK(said.server == "unable to get local issuer certificate");
    said = co_await meet("localhost", as_client("client-not-a-client"), asking());
    CHECK(said.client == alert + "sslv3 alert unsupported certificate");
    CHECK(said.server == "unsuitable certificate purpose");
    said = co_await meet("localhost", as_client("client-unknown-ca"),
                         asking().client_ca_file(files().other_ca));
    CHECK(said.client == "");
    CHECK(said.server == "CN=ann");
    // The server's own trust is of no use to its clients.
    said = co_await meet("localhost", as_client("client-unknown-ca"),
                         asking().ca_file(files().other_ca));
    CHECK(said.server == "unable to get local issuer certificate");
  });
}

TEST_CASE("tls: versions below the least one are refused by name") {
  on_a_loop([]() -> task<> {
    tls_context modern = trusting(files().ca);
    modern.min_version(tls_version::tls_1_3);
    verdicts said = co_await meet("localhost", modern, serving(files().good));
    CHECK(said.client == "");

    stream_pair raw = co_await connected_pair();
    tls_peer old(std::move(raw.server), files().good);
    old.set_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    auto both = co_await gather(client_of(std::move(raw.client), "localhost", modern),
                                failure_of<std::runtime_error>(old.handshake()));
    CHECK(std::get<0>(both) ==
          "handshake: TLS handshake with localhost: tlsv1 alert protocol version; needed is TLS "
          "1.3");

    stream_pair second = co_await connected_pair();
    tls_peer older(std::move(second.server), files().good);
    older.set_versions(TLS1_VERSION, TLS1_1_VERSION);
    auto refused = co_await gather(
        client_of(std::move(second.client), "localhost", trusting(files().ca)),
        failure_of<std::runtime_error>(older.handshake()));
    CHECK(std::get<0>(refused) ==
          "handshake: TLS handshake with localhost: tlsv1 alert protocol version; needed is TLS "
          "1.2 or later");
  });
  tls_context context;
  CHECK_THROWS_AS(context.min_version(static_cast<tls_version>(7)), std::invalid_argument);
}

TEST_CASE("tls: a connection's own ALPN protocol goes before the context's") {
  on_a_loop([]() -> task<> {
    tls_context client = trusting(files().ca);
    client.alpn("h2");
    tls_context server = serving(files().good);
    server.alpn("http/1.1");
    stream_pair raw = co_await connected_pair();
    auto both = co_await gather(tls_stream::connect(std::move(raw.client), "localhost", client,
                                                    tls_options().alpn("http/1.1")),
                                tls_stream::accept(std::move(raw.server), server));
    CHECK(std::get<0>(both).alpn() == "http/1.1");
    stream_pair second = co_await connected_pair();
    const std::string error = co_await failure_of<tls_error>(
        tls_stream::connect(std::move(second.client), "localhost", client,
                            tls_options().alpn(std::string(256, 'x'))));
    CHECK(error == "ALPN protocol of 256 bytes: must have 1 to 255");
  });
}

TEST_CASE("tls: files and folders that cannot be trusted") {
  const auto refusal_by = [](auto set) -> std::string {
    tls_context context;
    try {
      set(context);
    } catch (const tls_error& e) {
      return e.what();
    }
    return {};
  };
  CHECK(refusal_by([](tls_context& c) { c.ca_directory("/no/such/folder"); }) ==
        "CA certificates in /no/such/folder: No such file or directory");
  CHECK(refusal_by([](tls_context& c) { c.ca_directory(files().ca); }) ==
        "CA certificates in " + files().ca + ": Not a directory");
  CHECK(refusal_by([](tls_context& c) { c.client_ca_file("/no/such/file"); }) ==
        "CA certificates for clients /no/such/file: No such file or directory");
  CHECK(refusal_by([](tls_context& c) { c.client_ca_file(files().good.key); })
            .starts_with("CA certificates for clients " + files().good.key + ": "));
}

TEST_CASE("tls: a peer that goes during the handshake is told apart from one that refuses") {
  on_a_loop([]() -> task<> {
    stream_pair raw = co_await connected_pair();
    auto dialing = spawn(failure_of<tls_handshake_closed>(
        tls_stream::connect(std::move(raw.client), "localhost", trusting(files().ca))));
    co_await settle();
    // The hello is not read: the close resets the connection.
    co_await raw.server.close();
    const std::string reset = co_await dialing;
    CHECK(reset.starts_with("TLS handshake with localhost: read from 127.0.0.1:"));
    CHECK(reset.ends_with(": Connection reset by peer"));

    stream_pair second = co_await connected_pair();
    second.client.shutdown();
    const std::string peer = second.server.remote_address().to_string();
    const std::string closed = co_await failure_of<tls_handshake_closed>(
        tls_stream::accept(std::move(second.server), serving(files().good)));
    CHECK(closed == "TLS handshake with " + peer + ": the peer closed the connection");
  });
}
