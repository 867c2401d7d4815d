#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include <eddy/net/http/error.hpp>

#include "../../net/http/socks5.hpp"

using eddy::endpoint;
using eddy::http::invalid_request;
using eddy::http::socks5_client;

namespace {

using namespace std::string_literals;

const std::string no_password = "\x05\x00"s;
const std::string by_password = "\x05\x02"s;
const std::string welcome = "\x01\x00"s;
const std::string granted_ipv4 = "\x05\x00\x00\x01\x7F\x00\x00\x01\x1F\x90"s;
const std::string granted_name = "\x05\x00\x00\x03\x04host\x1F\x90"s;
const std::string granted_ipv6 = "\x05\x00\x00\x04"s + std::string(16, 'x') + "\x1F\x90";

struct outcome {
  std::string sent;  // messages, a '|' after each
  std::string failure;
  bool is_done = false;
  std::size_t taken = 0;

  friend bool operator==(const outcome&, const outcome&) = default;
};

// Gives the client what the proxy says in pieces of these sizes, the last of which repeats.
outcome converse(socks5_client client, std::string_view said, std::size_t first,
                 std::size_t then = 1'000'000) {
  outcome out;
  const auto send = [&] {
    if (client.outgoing().empty()) return;
    CHECK(client.wanted() == 0);
    out.sent.append(client.outgoing()).append("|");
    client.sent();
  };
  send();
  std::size_t size = first;
  while (!said.empty() && !client.is_done() && !client.has_failed()) {
    std::string_view piece = said.substr(0, size);
    size = then;
    while (!piece.empty()) {
      const std::size_t wanted = client.wanted();
      const std::size_t taken = client.feed(piece);
      CHECK(taken >= std::min(wanted, piece.size()));
      out.taken += taken;
      piece.remove_prefix(taken);
      said.remove_prefix(taken);
      send();
      if (taken == 0) break;
    }
  }
  if (said.empty()) client.ended();
  CHECK((client.has_failed() == !client.failure().empty()));
  if (client.is_done() || client.has_failed()) CHECK(client.wanted() == 0);
  out.failure = client.failure();
  out.is_done = client.is_done();
  return out;
}

// Whole; and the same however it is cut.
outcome converse(const std::function<socks5_client()>& make, const std::string& said) {
  const outcome whole = converse(make(), said, said.size());
  for (std::size_t cut = 1; cut < said.size(); ++cut) {
    CAPTURE(cut);
    CHECK(converse(make(), said, cut) == whole);
  }
  CHECK(converse(make(), said, 1, 1) == whole);
  return whole;
}

socks5_client to_example() { return socks5_client::to_host("example.com", 443); }

socks5_client with_password() {
  socks5_client client = to_example();
  client.credentials("user", "pass");
  return client;
}

const std::string request = "\x05\x01\x00\x03\x0B"s + "example.com" + "\x01\xBB";

}  // namespace

TEST_CASE("socks5: a name") {
  for (const std::string& granted : {granted_ipv4, granted_name, granted_ipv6}) {
    const outcome got = converse(to_example, no_password + granted);
    CHECK(got.sent == "\x05\x01\x00|"s + request + "|");
    CHECK(got.is_done);
    CHECK(got.failure == "");
  }
}

TEST_CASE("socks5: addresses") {
  const auto four = [] { return socks5_client::to_address(endpoint::parse("192.0.2.7:80")); };
  CHECK(converse(four, no_password + granted_ipv4).sent ==
        "\x05\x01\x00|\x05\x01\x00\x01\xC0\x00\x02\x07\x00\x50|"s);
  const auto six = [] { return socks5_client::to_address(endpoint::parse("[2001:db8::1]:8080")); };
  CHECK(converse(six, no_password + granted_ipv4).sent ==
        "\x05\x01\x00|\x05\x01\x00\x04\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\x1F\x90|"s);
  // An address that is written as a host is one.
  CHECK(converse(socks5_client::to_host("192.0.2.7", 80), no_password + granted_ipv4, 99) ==
        converse(four, no_password + granted_ipv4));
  CHECK(converse(socks5_client::to_host("2001:db8::1", 8080), no_password + granted_ipv4, 99) ==
        converse(six, no_password + granted_ipv4));
}

TEST_CASE("socks5: a user name and password") {
  const outcome got = converse(with_password, by_password + welcome + granted_ipv4);
  CHECK(got.sent == "\x05\x02\x00\x02|\x01\x04user\x04pass|"s + request + "|");
  CHECK(got.is_done);
  // They are offered, not forced.
  const outcome open = converse(with_password, no_password + granted_ipv4);
  CHECK(open.sent == "\x05\x02\x00\x02|"s + request + "|");
  CHECK(open.is_done);
}

TEST_CASE("socks5: nothing beyond the reply is taken") {
  for (const std::string& granted : {granted_ipv4, granted_name, granted_ipv6}) {
    const outcome got = converse(to_example, no_password + granted + "HTTP/1.1 200 OK\r\n");
    CHECK(got.is_done);
    CHECK(got.taken == no_password.size() + granted.size());
  }
  // The longest there is has a name of 255 bytes.
  const std::string longest = "\x05\x00\x00\x03\xFF"s + std::string(255, 'x') + "\x00\x50"s;
  const outcome got = converse(to_example, no_password + longest + std::string(4096, 'x'));
  CHECK(got.is_done);
  CHECK(got.taken == no_password.size() + longest.size());
  // Nor is wanted() ever beyond it: reading so many bytes leaves the rest in the socket.
  const std::string said = by_password + welcome + granted_name;
  socks5_client client = with_password();
  std::size_t read = 0;
  while (!client.is_done()) {
    client.sent();
    REQUIRE(client.wanted() > 0);
    REQUIRE(read + client.wanted() <= said.size());
    const std::string piece = said.substr(read, client.wanted());
    CHECK(client.feed(piece) == piece.size());
    read += piece.size();
  }
  CHECK(read == said.size());
}

TEST_CASE("socks5: answers wait until the question is sent") {
  socks5_client client = to_example();
  CHECK(client.wanted() == 0);
  CHECK(client.feed(no_password) == 0);
  client.sent();
  CHECK(client.feed(no_password + granted_ipv4) == no_password.size());
  CHECK(client.outgoing() == request);
}

TEST_CASE("socks5: every reply code has its text") {
  const auto refusal = [](unsigned char code) {
    const std::string reply = {'\x05', static_cast<char>(code), '\0', '\x01', '\0'};
    return converse(to_example, no_password + reply + "\0\0\0\0\0"s).failure;
  };
  const std::string before = "the SOCKS proxy refused: ";
  CHECK(refusal(1) == before + "general failure (reply 1)");
  CHECK(refusal(2) == before + "connection not allowed by its rules (reply 2)");
  CHECK(refusal(3) == before + "network unreachable (reply 3)");
  CHECK(refusal(4) == before + "host unreachable (reply 4)");
  CHECK(refusal(5) == before + "connection refused (reply 5)");
  CHECK(refusal(6) == before + "time to live expired (reply 6)");
  CHECK(refusal(7) == before + "command not supported (reply 7)");
  CHECK(refusal(8) == before + "address type not supported (reply 8)");
  CHECK(refusal(9) == before + "for a reason without a name (reply 9)");
  CHECK(refusal(255) == before + "for a reason without a name (reply 255)");

  socks5_client client = to_example();
  client.sent();
  client.feed(no_password);
  client.sent();
  client.feed("\x05\x04\x00\x01\x00"s);
  CHECK(client.reply_code() == 4);
  // Cut short after the code, it is a refusal still.
  CHECK(converse(to_example, no_password + "\x05\x05"s).failure ==
        before + "connection refused (reply 5)");
}

TEST_CASE("socks5: what the proxy may not say") {
  const std::string name = "the SOCKS proxy ";
  const auto failure = [](const std::string& said) { return converse(to_example, said).failure; };
  CHECK(failure("HTTP/1.1 400 Bad Request\r\n") ==
        name + "does not speak SOCKS version 5: its first byte is 0x48");
  CHECK(failure("\x04\x00"s) == name + "does not speak SOCKS version 5: its first byte is 0x04");
  CHECK(failure("\x05\xFF"s) ==
        name + "asks for a user name and password, or another authentication");
  CHECK(failure(by_password) ==
        name + "asks for a user name and password, or another authentication");
  CHECK(failure("\x05\x01"s) ==
        name + "chose an authentication method that was not offered: 0x01");
  CHECK(failure(no_password + "\x04\x00\x00\x01\x00"s) ==
        name + "replied with 0x04 in the place of version 5");
  CHECK(failure(no_password + "\x05\x00\x00\x02\x00"s) ==
        name + "replied with an address of the unknown type 0x02");

  const auto refused = [](const std::string& said) {
    return converse(with_password, said).failure;
  };
  CHECK(refused("\x05\xFF"s) == name + "takes neither user name and password nor none");
  CHECK(refused(by_password + "\x01\x01"s) == name + "does not accept the user name and password");
  CHECK(refused(by_password + "\x05\x00"s) ==
        name + "answered the user name with 0x05 in the place of version 1 (RFC 1929)");
}

TEST_CASE("socks5: an end says where") {
  const std::string name = "the SOCKS proxy ended the connection ";
  const auto failure = [](const std::string& said) {
    return converse(with_password(), said, said.size()).failure;
  };
  CHECK(failure("") == name + "before it chose how to authenticate");
  CHECK(failure("\x05") == name + "before it chose how to authenticate");
  CHECK(failure(by_password) == name + "while it checked user name and password");
  CHECK(failure(by_password + welcome) == name + "before it replied to the request");
  CHECK(failure(by_password + welcome + granted_name.substr(0, 8)) ==
        name + "before it replied to the request");
  CHECK(failure(by_password + welcome + granted_name) == "");
}

TEST_CASE("socks5: bounds of what is asked") {
  const std::string longest(255, 'x');
  CHECK(converse([&] { return socks5_client::to_host(longest, 1); }, no_password + granted_ipv4)
            .sent == "\x05\x01\x00|\x05\x01\x00\x03\xFF"s + longest + "\x00\x01|"s);
  CHECK_THROWS_AS((void)socks5_client::to_host(longest + "x", 1), invalid_request);
  CHECK_THROWS_AS((void)socks5_client::to_host("", 1), invalid_request);

  socks5_client client = to_example();
  client.credentials(longest, longest);
  client.credentials("u", "");
  CHECK_THROWS_WITH_AS(client.credentials("", "p"),
                       "the user name for the SOCKS proxy is empty", invalid_request);
  CHECK_THROWS_WITH_AS(
      client.credentials(longest + "x", "p"),
      "the user name for the SOCKS proxy has 256 bytes, over the limit of 255", invalid_request);
  CHECK_THROWS_WITH_AS(
      client.credentials("u", longest + "x"),
      "the password for the SOCKS proxy has 256 bytes, over the limit of 255", invalid_request);
}
