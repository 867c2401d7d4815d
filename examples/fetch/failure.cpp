#include "failure.hpp"

#include <cstdio>
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/http/timeout.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tls.hpp>
#include <eddy/net/url.hpp>
#include <new>
#include <system_error>

#include "printable.hpp"

namespace fetch {

namespace {

namespace http = eddy::http;

template <class Type>
bool is(const std::exception& e) noexcept {
  return dynamic_cast<const Type*>(&e) != nullptr;
}

// The connection failed: which code depends on what was being done with it.
int by_step(const std::exception& e, int connecting) noexcept {
  const auto* request = dynamic_cast<const http::request_failure*>(&e);
  if (!request) return exit_code::receive_failed;
  switch (request->during()) {
    case http::request_stage::connecting:
      return connecting;
    case http::request_stage::sending:
      return exit_code::send_failed;
    default:
      return exit_code::receive_failed;
  }
}

}  // namespace

// Derived types stand before their bases.
int exit_code_of(const std::exception& e) noexcept {
  if (const auto* own = dynamic_cast<const failure*>(&e)) return own->code();
  if (is<http::request_timeout>(e)) return exit_code::timeout;
  if (is<http::invalid_proxy>(e)) return exit_code::proxy_not_resolved;  // of the environment
  if (is<eddy::url_error>(e)) return exit_code::malformed_url;
  if (is<http::proxy_resolve_error>(e)) return exit_code::proxy_not_resolved;
  if (is<eddy::resolve_error>(e)) return exit_code::host_not_resolved;
  if (is<eddy::certificate_error>(e)) return exit_code::certificate;
  if (is<eddy::tls_error>(e)) return by_step(e, exit_code::tls_handshake);
  if (is<http::empty_reply>(e)) return exit_code::empty_reply;
  if (is<http::incomplete_body>(e)) return exit_code::partial_body;
  if (is<http::protocol_error>(e)) return exit_code::malformed_response;
  if (const auto* proxy = dynamic_cast<const http::proxy_error*>(&e)) {
    const bool is_socks = proxy->which() == http::proxy_error::kind::socks;
    return is_socks ? exit_code::proxy : exit_code::receive_failed;  // as curl 7.88
  }
  if (is<http::content_error>(e)) return exit_code::bad_content_coding;
  if (is<http::status_error>(e)) return exit_code::http_error;
  if (is<http::too_many_redirects>(e)) return exit_code::too_many_redirects;
  if (is<http::invalid_request>(e)) return exit_code::usage;
  if (is<std::bad_alloc>(e)) return exit_code::out_of_memory;
  return by_step(e, exit_code::not_connected);
}

void report(const std::exception& e) {
  std::fprintf(stderr, "fetch: (%d) %s\n", exit_code_of(e), printable(e.what()).c_str());
}

}  // namespace fetch
