#include "failure.hpp"

#include <array>
#include <eddy/net/http/error.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/net/tls.hpp>
#include <stdexcept>
#include <system_error>
#include <typeinfo>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::size_t url_shown_bytes = 2048;

constexpr std::array<const char*, 8> step_names = {
    "preparing the request", "waiting for a connection", "connecting",
    "sending the request",   "waiting for the response", "following a redirection",
    "reading the response",  "waiting before a retry",
};

// system_error adds the message of its code again.
std::string text_without_code(const std::system_error& e) {
  const std::string text = e.what();
  const std::string tail = ": " + e.code().message();
  if (!text.ends_with(tail)) return text;
  return text.substr(0, text.size() - tail.size());
}

std::string where_of(const std::string& request, request_stage during) {
  return request + ": " + step_names[static_cast<std::size_t>(during)] + ": ";
}

// An error of that type which tells the step.
template <class Error>
class failed final : public Error, public request_failure {
 public:
  template <class... Arguments>
  explicit failed(request_stage during, const Arguments&... arguments)
      : Error(arguments...), request_failure(during) {}
};

// What is derived elsewhere is more than its text: a status_error of another request, which a
// body's generator lets through, a filesystem_error.
template <class Error>
bool is_known_here(const Error& e) noexcept {
  return typeid(e) == typeid(Error) || dynamic_cast<const request_failure*>(&e);
}

// With `where` in front; what has no place for it passes as it is.
[[noreturn]] void rethrow_in(const std::string& where, request_stage during) {
  try {
    throw;
  } catch (const certificate_error& e) {
    throw failed<certificate_error>(during, where + e.what());
  } catch (const tls_handshake_closed& e) {
    throw failed<tls_handshake_closed>(during, where + e.what());
  } catch (const tls_handshake_error& e) {
    throw failed<tls_handshake_error>(during, where + e.what());
  } catch (const tls_truncated& e) {
    throw failed<tls_truncated>(during, where + e.what());
  } catch (const tls_error& e) {
    throw failed<tls_error>(during, where + e.what());
  } catch (const proxy_resolve_error& e) {
    throw failed<proxy_resolve_error>(during, where + e.what());
  } catch (const resolve_error& e) {
    throw failed<resolve_error>(during, where + e.what());
  } catch (const stream_error& e) {
    throw failed<stream_error>(during, where + e.what());
  } catch (const empty_reply& e) {
    throw failed<empty_reply>(during, where + e.what());
  } catch (const incomplete_body& e) {
    throw failed<incomplete_body>(during, where + e.what());
  } catch (const protocol_error& e) {
    throw failed<protocol_error>(during, where + e.what(), e.answer_status());
  } catch (const content_error& e) {
    throw failed<content_error>(during, where + e.what());
  } catch (const invalid_request& e) {
    throw failed<invalid_request>(during, where + e.what());
  } catch (const too_many_redirects& e) {
    throw failed<too_many_redirects>(during, where + e.what());
  } catch (const proxy_error& e) {
    throw failed<proxy_error>(during, e.which(), where + e.what(), e.status());
  } catch (const error& e) {
    if (!is_known_here(e)) throw;
    throw failed<error>(during, where + e.what());
  } catch (const std::system_error& e) {
    if (!is_known_here(e)) throw;
    throw failed<std::system_error>(during, e.code(), where + text_without_code(e));
  } catch (const std::runtime_error& e) {
    if (!is_known_here(e)) throw;
    throw failed<std::runtime_error>(during, where + e.what());
  }
}

}  // namespace

std::string place_of(const url& to) {
  const std::string place = std::string(to.scheme()) + "://" + to.authority() + to.target();
  return escaped(place, url_shown_bytes);
}

std::string request_line_of(std::string_view method, const url& to) {
  return escaped(method) + " " + place_of(to);
}

void rethrow_named(const std::string& request, request_stage during, timeout_kind limit,
                   const exchange_clock& clock, bool aborted) {
  const std::string where = where_of(request, during);
  try {
    throw;
  } catch (const timeout_error&) {
    throw failed<request_timeout>(during, limit, where + clock.passed(limit));
  } catch (const std::exception&) {
    if (aborted) throw failed<error>(during, where + "the session was closed");
  }
  rethrow_in(where, during);
}

void rethrow_of_body(const std::string& request, request_stage during) {
  const std::string where = where_of(request, during) + "the body: ";
  try {
    throw;
  } catch (const request_timeout& e) {
    throw failed<request_timeout>(during, e.kind(), where + e.what());
  } catch (const timeout_error& e) {
    throw failed<timeout_error>(during, where + e.what());
  } catch (const std::exception&) {
    rethrow_in(where, during);
  }
}

}  // namespace eddy::inline v1::http
