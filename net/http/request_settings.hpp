// What a request may bring beside method, URL, fields and a body in memory.
#pragma once

#include <eddy/net/http/auth.hpp>
#include <eddy/net/http/proxy.hpp>
#include <eddy/net/http/retry_policy.hpp>
#include <memory>
#include <optional>

#include "body_source.hpp"
#include "exchange_clock.hpp"

namespace eddy::inline v1::http {

// Most requests have none of it, and then no memory for it either.
struct request_settings {
  request_settings() { times_set.fill(false); }

  timeouts times;
  std::array<bool, timeout_kinds> times_set;  // the others are the session's
  std::unique_ptr<body_source> source;
  std::optional<retry_policy> retries;
  std::optional<std::size_t> max_body_bytes;
  bool decompress = true;
  http::auth credentials;
  http::proxy proxy;
  std::string cookies;  // "a=1; b=2"
  bool uses_jar = true;
  bool expect_continue = false;
};

}  // namespace eddy::inline v1::http
