#include <doctest/doctest.h>

#include <eddy/net/address.hpp>
#include <stdexcept>

#include "../../net/socket_address.hpp"

using eddy::endpoint;

namespace {

std::string refusal(std::string_view text) {
  try {
    return "accepted " + endpoint::parse(text).to_string();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("endpoint: texts that parse come back in their normal form") {
  CHECK(endpoint::parse("127.0.0.1:80").to_string() == "127.0.0.1:80");
  CHECK(endpoint::parse("[::1]:8080").to_string() == "[::1]:8080");
  CHECK(endpoint::parse("[2001:DB8:0:0:0:0:0:1]:65535").to_string() == "[2001:db8::1]:65535");
  CHECK(endpoint::parse("[fe80::1%7]:1").to_string() == "[fe80::1%7]:1");
  CHECK(endpoint::parse("[::ffff:1.2.3.4]:0").to_string() == "[::ffff:1.2.3.4]:0");
  CHECK(endpoint::parse("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:1").scope() ==
        4294967295U);
}

TEST_CASE("endpoint: address and port apart") {
  CHECK(endpoint::parse("::1", 80) == endpoint::parse("[::1]:80"));
  CHECK(endpoint::parse("[::1]", 80) == endpoint::parse("[::1]:80"));
  CHECK(endpoint::parse("10.1.2.3", 5).address_string() == "10.1.2.3");
  CHECK(endpoint::parse("fe80::1%2", 5).address_string() == "fe80::1%2");
  CHECK(endpoint::parse("10.1.2.3", 5).port() == 5);
  CHECK_FALSE(endpoint::parse("10.1.2.3", 5).is_ipv6());
  CHECK(endpoint::parse("::", 5).is_ipv6());
}

TEST_CASE("endpoint: what does not parse is named") {
  CHECK(refusal("127.0.0.1") == "endpoint \"127.0.0.1\": no port");
  CHECK(refusal("127.0.0.1:65536") == "endpoint \"127.0.0.1:65536\": port is not in 0..65535");
  CHECK(refusal("127.0.0.1:-1") == "endpoint \"127.0.0.1:-1\": port is not in 0..65535");
  CHECK(refusal("127.0.0.1:") == "endpoint \"127.0.0.1:\": port is not in 0..65535");
  CHECK(refusal("127.0.0.1:8 ") == "endpoint \"127.0.0.1:8 \": port is not in 0..65535");
  CHECK(refusal("::1:80") == "endpoint \"::1:80\": an IPv6 address with a port needs brackets");
  CHECK(refusal("localhost:80") == "endpoint \"localhost:80\": not an IPv4 or IPv6 address");
  CHECK(refusal("[127.0.0.1]:80") == "endpoint \"[127.0.0.1]:80\": not an IPv4 or IPv6 address");
  CHECK(refusal("[::1%]:80") == "endpoint \"[::1%]:80\": not an IPv4 or IPv6 address");
  CHECK(refusal("127.0.0.1%1:80") == "endpoint \"127.0.0.1%1:80\": not an IPv4 or IPv6 address");
  CHECK(refusal("01.2.3.4:80") == "endpoint \"01.2.3.4:80\": not an IPv4 or IPv6 address");
  CHECK(refusal(":80") == "endpoint \":80\": not an IPv4 or IPv6 address");
  CHECK(refusal(std::string_view("::1\0x", 5)).find("accepted") == std::string::npos);
  CHECK(refusal("a\n:80").find('\n') == std::string::npos);
}

TEST_CASE("endpoint: which hosts are addresses") {
  CHECK(endpoint::is_address("1.2.3.4"));
  CHECK(endpoint::is_address("::1"));
  CHECK(endpoint::is_address("[::1]"));
  CHECK_FALSE(endpoint::is_address("1.2.3"));
  CHECK_FALSE(endpoint::is_address("example.com"));
  CHECK_FALSE(endpoint::is_address(""));
  CHECK_FALSE(endpoint::is_address("[]"));
  CHECK_FALSE(endpoint::is_address(std::string(1000, '1')));
}

TEST_CASE("endpoint: equality counts every part") {
  CHECK(endpoint() == endpoint::any(0));
  CHECK(endpoint::loopback(1) == endpoint::parse("127.0.0.1:1"));
  CHECK(endpoint::loopback(1) != endpoint::loopback(2));
  CHECK(endpoint::parse("[fe80::1%1]:1") != endpoint::parse("[fe80::1%2]:1"));
  CHECK(endpoint::parse("[::]:1") != endpoint::any(1));
}

TEST_CASE("endpoint: to the kernel's form and back") {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:8080", "[fe80::1%7]:1", "255.255.255.255:65535"}) {
    const endpoint at = endpoint::parse(text);
    endpoint back;
    CHECK(eddy::detail::from_socket_address(eddy::detail::to_socket_address(at), back));
    CHECK(back == at);
  }
  eddy::detail::system::socket_address unknown;
  unknown.size = 110;
  unknown.bytes[0] = 1;  // AF_UNIX
  endpoint out = endpoint::loopback(3);
  CHECK_FALSE(eddy::detail::from_socket_address(unknown, out));
  CHECK(out == endpoint::loopback(3));
}
