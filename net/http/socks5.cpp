#include "socks5.hpp"

#include <eddy/net/http/error.hpp>
#include <utility>

#include "credential_text.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr char version = 5;           // RFC 1928 §3
constexpr char password_version = 1;  // RFC 1929 §2
constexpr char connect_command = 1;   // RFC 1928 §4

constexpr char no_authentication = 0;  // §3
constexpr char by_password = 2;
constexpr char none_acceptable = '\xFF';

enum address_type : char { ipv4 = 1, name = 3, ipv6 = 4 };  // §5

constexpr std::size_t status_bytes = 2;        // of the first two answers
constexpr std::size_t reply_head_bytes = 5;    // up to the first byte of the address
constexpr std::size_t reply_before_address = 4;
constexpr std::size_t port_bytes = 2;

// §6
const char* reply_text(unsigned code) {
  switch (code) {
    case 1:
      return "general failure";
    case 2:
      return "connection not allowed by its rules";
    case 3:
      return "network unreachable";
    case 4:
      return "host unreachable";
    case 5:
      return "connection refused";
    case 6:
      return "time to live expired";
    case 7:
      return "command not supported";
    case 8:
      return "address type not supported";
    default:
      return "for a reason without a name";
  }
}

std::string request_head(address_type type) {
  return {version, connect_command, '\0', static_cast<char>(type)};
}

void append_port(std::string& out, std::uint16_t port) {
  out.push_back(static_cast<char>(port >> 8U));
  out.push_back(static_cast<char>(port & 0xFFU));
}

}  // namespace

socks5_client socks5_client::to_host(std::string_view host, std::uint16_t port) {
  if (endpoint::is_address(host)) return to_address(endpoint::parse(host, port));
  if (host.empty()) throw invalid_request("the host to reach through a SOCKS proxy is empty");
  if (host.size() > max_socks5_name_bytes) {
    throw invalid_request("the host name " + quoted(host) + " has " + std::to_string(host.size()) +
                          " bytes, over SOCKS's limit of " + std::to_string(max_socks5_name_bytes));
  }
  socks5_client out;
  out.request_ = request_head(name);
  out.request_.push_back(static_cast<char>(host.size()));
  out.request_.append(host);
  append_port(out.request_, port);
  out.greet();
  return out;
}

socks5_client socks5_client::to_address(const endpoint& address) {
  socks5_client out;
  out.request_ = request_head(address.is_ipv6() ? ipv6 : ipv4);
  const std::size_t size = address.is_ipv6() ? 16 : 4;
  for (std::size_t i = 0; i < size; ++i) {
    out.request_.push_back(static_cast<char>(address.bytes()[i]));
  }
  append_port(out.request_, address.port());
  out.greet();
  return out;
}

void socks5_client::credentials(std::string_view user, std::string_view password) {
  const auto check = [](const char* what, std::string_view text) {
    const std::string fault = credential_fault(text, max_socks5_credential_bytes);
    if (!fault.empty()) throw invalid_request(std::string(what) + " for the SOCKS proxy " + fault);
  };
  check("the user name", user);
  check("the password", password);
  if (user.empty()) throw invalid_request("the user name for the SOCKS proxy is empty");
  password_.assign(1, password_version);
  password_.push_back(static_cast<char>(user.size()));
  password_.append(user);
  password_.push_back(static_cast<char>(password.size()));
  password_.append(password);
  greet();
}

void socks5_client::greet() {
  outgoing_ = password_.empty() ? std::string{version, 1, no_authentication}
                                : std::string{version, 2, no_authentication, by_password};
  expect(step::method, status_bytes);
}

std::size_t socks5_client::wanted() const noexcept {
  const bool is_over = step_ == step::done || step_ == step::failed;
  return is_over || !outgoing_.empty() ? 0 : expected_ - incoming_.size();
}

std::size_t socks5_client::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && wanted() != 0) {
    const std::string_view piece = bytes.substr(taken, wanted());
    taken += piece.size();
    incoming_.append(piece);
    if (incoming_.size() < expected_) break;
    switch (step_) {
      case step::method:
        take_method();
        break;
      case step::password_status:
        take_password_status();
        break;
      case step::reply:
        take_reply();
        break;
      case step::done:
      case step::failed:
        break;
    }
  }
  return taken;
}

void socks5_client::ended() {
  if (is_done() || has_failed()) return;
  // Some that refuse do not trouble to send an address.
  if (step_ == step::reply && incoming_.size() >= status_bytes && incoming_[1] != 0) {
    return take_reply();
  }
  const char* where = step_ == step::method            ? "before it chose how to authenticate"
                      : step_ == step::password_status ? "while it checked user name and password"
                                                       : "before it replied to the request";
  fail(std::string("ended the connection ") + where);
}

void socks5_client::take_method() {
  if (incoming_[0] != version) {
    return fail("does not speak SOCKS version 5: its first byte is " + hex_byte(incoming_[0]));
  }
  const char method = incoming_[1];
  if (method == no_authentication) {
    outgoing_ = std::move(request_);
    return expect(step::reply, reply_head_bytes);
  }
  if (method == by_password && !password_.empty()) {
    outgoing_ = std::move(password_);
    return expect(step::password_status, status_bytes);
  }
  if (method == none_acceptable || method == by_password) {
    return fail(password_.empty() ? "asks for a user name and password, or another authentication"
                                  : "takes neither user name and password nor none");
  }
  fail("chose an authentication method that was not offered: " + hex_byte(method));
}

void socks5_client::take_password_status() {
  if (incoming_[0] != password_version) {
    return fail("answered the user name with " + hex_byte(incoming_[0]) +
                " in the place of version 1 (RFC 1929)");
  }
  if (incoming_[1] != 0) return fail("does not accept the user name and password");
  outgoing_ = std::move(request_);
  expect(step::reply, reply_head_bytes);
}

// Twice: with the first byte of the address, which says how long a name is, and with all of it.
void socks5_client::take_reply() {
  if (incoming_[0] != version) {
    return fail("replied with " + hex_byte(incoming_[0]) + " in the place of version 5");
  }
  reply_code_ = static_cast<unsigned char>(incoming_[1]);
  if (reply_code_ != 0) {
    return fail(std::string("refused: ") + reply_text(reply_code_) + " (reply " +
                std::to_string(reply_code_) + ")");
  }
  std::size_t whole = reply_before_address + port_bytes;
  switch (incoming_[3]) {
    case ipv4:
      whole += 4;
      break;
    case ipv6:
      whole += 16;
      break;
    case name:
      whole += 1 + std::size_t{static_cast<unsigned char>(incoming_[4])};
      break;
    default:
      return fail("replied with an address of the unknown type " + hex_byte(incoming_[3]));
  }
  expected_ = whole;
  if (incoming_.size() == whole) expect(step::done, 0);
}

void socks5_client::expect(step next, std::size_t bytes) noexcept {
  step_ = next;
  expected_ = bytes;
  incoming_.clear();
}

void socks5_client::fail(std::string why) {
  failure_ = "the SOCKS proxy " + std::move(why);
  outgoing_.clear();
  step_ = step::failed;
}

}  // namespace eddy::inline v1::http
