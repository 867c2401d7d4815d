#include "proxy_talk.hpp"

#include <array>
#include <eddy/net/http/error.hpp>

#include "auth_scheme.hpp"
#include "quoted.hpp"
#include "response_parser.hpp"
#include "status.hpp"
#include "writer.hpp"

namespace eddy::inline v1::http {

namespace {

// Heads of replies are small; larger ones take more reads.
constexpr std::size_t reply_buffer_bytes = 2048;

std::string request_for_tunnel(const route& to, const std::string& credentials) {
  const std::string authority = to.authority();
  headers fields;
  fields.add("Host", authority);
  if (!credentials.empty()) fields.add(credentials_field(auth_role::proxy), credentials);
  std::string head;
  append_request_head(head, "CONNECT", authority, fields);
  return head;
}

// "proxy P, asked for a tunnel to H:443: ".
std::string tunnel_prefix(const route& to) {
  return name_of(to.proxy()) + ", asked for a tunnel to " + to.authority() + ": ";
}

// Until the head of the final reply; true when it is there. Whoever speaks for the origin speaks
// when it has been spoken to, so that nothing can be behind the head of a tunnel's.
bool take_reply(response_parser& parser, std::span<const std::byte> came) {
  for (;;) {
    const response_step next = parser.feed(came);
    came = came.subspan(next.consumed);
    if (next.event == response_event::need_more) return false;
    if (next.event != response_event::head) continue;
    if (!is_success(parser.head().status) || came.empty()) return true;
    throw protocol_error("it has sent " + std::to_string(came.size()) +
                         " bytes behind the head of its reply");
  }
}

}  // namespace

std::string name_of(const http::proxy& p) { return "proxy " + p.str(); }

task<response_head> ask_for_tunnel(transport& link, const route& to, std::string credentials,
                                   limits bounds) {
  const std::string request = request_for_tunnel(to, credentials);
  std::size_t sent = 0;
  co_await link.write_all(request, &sent);
  response_parser parser(bounds);
  parser.begin("CONNECT");
  std::array<std::byte, reply_buffer_bytes> buffer;
  for (bool complete = false; !complete;) {
    const std::size_t got = co_await link.read_some(buffer);
    try {
      if (got == 0) {
        parser.finish();
        throw protocol_error("it has ended the connection");
      }
      complete = take_reply(parser, std::span<const std::byte>(buffer).first(got));
    } catch (const protocol_error& e) {
      throw proxy_error(proxy_error::kind::malformed, tunnel_prefix(to) + e.what());
    }
  }
  co_return parser.take_head();
}

void throw_tunnel_refused(const route& to, const response_head& reply) {
  std::string text = name_of(to.proxy()) + " refuses a tunnel to " + to.authority() + ": " +
                     std::to_string(reply.status);
  if (!reply.reason.empty()) text.append(" ").append(escaped(reply.reason));
  throw proxy_error(proxy_error::kind::refused, text, reply.status);
}

task<> ask_socks(transport& link, const route& to, socks5_client asked) {
  std::array<std::byte, max_socks5_name_bytes + 16> buffer;  // more than any message of a proxy's
  while (!asked.is_done()) {
    if (!asked.outgoing().empty()) {
      std::size_t sent = 0;
      co_await link.write_all(asked.outgoing(), &sent);
      asked.sent();
      continue;
    }
    const std::size_t wanted = std::min(asked.wanted(), buffer.size());
    const std::size_t got = co_await link.read_some(std::span<std::byte>(buffer).first(wanted));
    if (got == 0) {
      asked.ended();
    } else {
      asked.feed(std::string_view(reinterpret_cast<const char*>(buffer.data()), got));
    }
    if (!asked.has_failed()) continue;
    throw proxy_error(proxy_error::kind::socks, name_of(to.proxy()) + ", asked for " +
                                                    to.authority() + ": " + asked.failure());
  }
}

}  // namespace eddy::inline v1::http
