#include <eddy/net/http/error.hpp>

#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::size_t url_shown_bytes = 2048;

std::string status_message(int status, std::string_view reason, std::string_view url) {
  std::string message = std::to_string(status);
  if (!reason.empty()) message.append(" ").append(escaped(reason));
  message.append(" for ").append(escaped(url, url_shown_bytes));
  return message;
}

}  // namespace

error::~error() = default;

protocol_error::protocol_error(const std::string& what, int answer_status)
    : error(what), answer_status_(answer_status) {}

protocol_error::~protocol_error() = default;

empty_reply::empty_reply(const std::string& what) : protocol_error(what) {}

empty_reply::~empty_reply() = default;

incomplete_body::incomplete_body(const std::string& what) : protocol_error(what) {}

incomplete_body::~incomplete_body() = default;

request_failure::~request_failure() = default;

status_error::status_error(int status, std::string_view reason, std::string_view url)
    : error(status_message(status, reason, url)), status_(status), reason_(escaped(reason)) {}

status_error::~status_error() = default;

too_many_redirects::~too_many_redirects() = default;

content_error::~content_error() = default;

invalid_request::~invalid_request() = default;

proxy_error::proxy_error(kind which, const std::string& what, int status)
    : error(what), which_(which), status_(status) {}

proxy_error::~proxy_error() = default;

proxy_resolve_error::~proxy_resolve_error() = default;

}  // namespace eddy::inline v1::http
