// Connected TLS streams on the loopback interface.
#pragma once

#include <eddy/net/tls.hpp>

#include "certificates.hpp"
#include "streams.hpp"

namespace eddy_tests {

inline eddy::tls_context trusting(const std::string& ca_file) {
  eddy::tls_context context;
  context.ca_file(ca_file);
  return context;
}

inline eddy::tls_context serving(const certificate& identity) {
  eddy::tls_context context;
  context.certificate(identity.chain, identity.key);
  return context;
}

struct tls_pair {
  tls_pair(eddy::tls_stream a, eddy::tls_stream b) noexcept
      : client(std::move(a)), server(std::move(b)) {}
  eddy::tls_stream client;
  eddy::tls_stream server;
};

// The handshake of both sides, on any two streams that are connected.
template <class Stream>
eddy::task<tls_pair> tls_pair_over(Stream client, Stream server) {
  const certificates& files = certificates::get();
  auto both = co_await eddy::gather(
      eddy::tls_stream::connect(std::move(client), "localhost", trusting(files.ca)),
      eddy::tls_stream::accept(std::move(server), serving(files.good)));
  tls_pair pair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
  co_return std::move(pair);
}

inline eddy::task<tls_pair> connected_tls_pair() {
  stream_pair raw = co_await connected_pair();
  tls_pair pair = co_await tls_pair_over(std::move(raw.client), std::move(raw.server));
  co_return std::move(pair);
}

// TLS in TLS.
inline eddy::task<tls_pair> connected_nested_pair() {
  tls_pair carrier = co_await connected_tls_pair();
  tls_pair pair = co_await tls_pair_over(std::move(carrier.client), std::move(carrier.server));
  co_return std::move(pair);
}

inline eddy::task<std::string> read_text(eddy::tls_stream& s, std::size_t most = 4096) {
  std::string text(most, '\0');
  const std::size_t got = co_await s.read_some(std::as_writable_bytes(std::span(text)));
  text.resize(got);
  co_return std::move(text);
}

inline eddy::task<std::string> read_to_end(eddy::tls_stream& s) {
  std::string all;
  while (true) {
    const std::string part = co_await read_text(s);
    if (part.empty()) break;
    all += part;
  }
  co_return std::move(all);
}

inline eddy::task<> write_text(eddy::tls_stream& s, std::string text) {
  co_await s.write_all(text);
}

}  // namespace eddy_tests
