#include "failure.hpp"

#include <array>
#include <eddy/net/http/error.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/net/tls.hpp>
#include <system_error>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::size_t url_shown_bytes = 2048;

constexpr std::array<const char*, 7> step_names = {
    "preparing the request", "waiting for a connection", "connecting",
    "sending the request",   "waiting for the response", "following a redirection",
    "reading the response",
};

// system_error adds the message of its code again.
std::string text_without_code(const std::system_error& e) {
  const std::string text = e.what();
  const std::string tail = ": " + e.code().message();
  if (!text.ends_with(tail)) return text;
  return text.substr(0, text.size() - tail.size());
}

}  // namespace

std::string place_of(const url& to) {
  const std::string place = std::string(to.scheme()) + "://" + to.authority() + to.target();
  return escaped(place, url_shown_bytes);
}

std::string request_line_of(std::string_view method, const url& to) {
  return escaped(method) + " " + place_of(to);
}

void rethrow_named(const std::string& request, step during, timeout_kind limit,
                   const exchange_clock& clock, bool aborted) {
  const std::string where = request + ": " + step_names[static_cast<std::size_t>(during)] + ": ";
  try {
    throw;
  } catch (const timeout_error&) {
    throw request_timeout(limit, where + clock.passed(limit));
  } catch (const std::exception&) {
    if (aborted) throw error(where + "the session was closed");
  }
  try {
    throw;
  } catch (const certificate_error& e) {
    throw certificate_error(where + e.what());
  } catch (const tls_handshake_closed& e) {
    throw tls_handshake_closed(where + e.what());
  } catch (const tls_handshake_error& e) {
    throw tls_handshake_error(where + e.what());
  } catch (const tls_truncated& e) {
    throw tls_truncated(where + e.what());
  } catch (const tls_error& e) {
    throw tls_error(where + e.what());
  } catch (const proxy_resolve_error& e) {
    throw proxy_resolve_error(where + e.what());
  } catch (const resolve_error& e) {
    throw resolve_error(where + e.what());
  } catch (const stream_error& e) {
    throw stream_error(where + e.what());
  } catch (const protocol_error& e) {
    throw protocol_error(where + e.what(), e.answer_status());
  } catch (const content_error& e) {
    throw content_error(where + e.what());
  } catch (const invalid_request& e) {
    throw invalid_request(where + e.what());
  } catch (const too_many_redirects& e) {
    throw too_many_redirects(where + e.what());
  } catch (const proxy_error& e) {
    throw proxy_error(where + e.what(), e.status());
  } catch (const error& e) {
    throw error(where + e.what());
  } catch (const std::system_error& e) {
    throw std::system_error(e.code(), where + text_without_code(e));
  }
}

}  // namespace eddy::inline v1::http
