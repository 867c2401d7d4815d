#include "../../net/http/socks5.hpp"
#include "cut_input.hpp"

namespace {

struct outcome {
  std::string sent;
  std::string failure;
  bool is_done = false;
  std::size_t taken = 0;

  friend bool operator==(const outcome&, const outcome&) = default;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void send(eddy::http::socks5_client& client, outcome& out) {
  if (!client.outgoing().empty()) require(client.wanted() == 0);
  out.sent.append(client.outgoing());
  client.sent();
}

outcome converse(eddy::http::socks5_client client, const parse_trace::pieces& said) {
  outcome out;
  send(client, out);
  for (std::string_view piece : said) {
    while (!piece.empty() && client.wanted() > 0) {
      const std::size_t wanted = client.wanted();
      const std::size_t taken = client.feed(piece);
      require(taken > 0 && taken <= piece.size());
      require(taken >= wanted || taken == piece.size());
      piece.remove_prefix(taken);
      out.taken += taken;
      send(client, out);
    }
    require(client.feed({}) == 0);
  }
  client.ended();
  require(client.is_done() != client.has_failed());
  require(client.wanted() == 0 && client.outgoing().empty());
  out.failure = client.failure();
  require(out.failure.empty() == client.is_done());
  for (const char byte : out.failure) require(byte >= 0x20 && byte < 0x7F);
  out.is_done = client.is_done();
  return out;
}

}  // namespace

// A SOCKS proxy's replies. The choice is of what is asked.
void check_cut(std::uint8_t choice, std::string_view said, const parse_trace::pieces& cut) {
  const char* hosts[] = {"example.com", "192.0.2.7", "2001:db8::1", "a"};
  auto client = eddy::http::socks5_client::to_host(hosts[choice % 4U], 443);
  if ((choice & 4U) != 0) client.credentials("user", "password");

  const outcome whole = converse(client, {said});
  require(converse(client, cut) == whole);
  require(whole.taken <= said.size());
  // What follows the replies changes nothing.
  if (whole.is_done) {
    require(converse(client, {said.substr(0, whole.taken)}) == whole);
    require(!converse(client, {said.substr(0, whole.taken - 1)}).is_done);
  }
}
