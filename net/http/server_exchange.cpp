#include "server_exchange.hpp"

#include <eddy/net/http/error.hpp>
#include <eddy/runtime/cancellation.hpp>
#include <stdexcept>

#include "bytes_view.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int internal_server_error = 500;

// What a handler may leave unread of a body without ending the connection (Go: 256 KiB).
constexpr std::size_t max_dropped_body_bytes = 256 * 1024;

}  // namespace

server_exchange::server_exchange(server_core& core, server_channel& channel, request_parser& parser)
    : core_(core),
      channel_(channel),
      parser_(parser),
      body_(core, channel, parser),
      reply_(core, channel, parser, body_, parser.head().method == "HEAD") {}

task<bool> server_exchange::run() {
  const std::exception_ptr failure = co_await call_handler();
  if (failure) {
    co_await answer_failure(failure);
  } else {
    co_await complete_reply();
  }
  if (broken_off_ || reply_.closes() || channel_.failed()) co_return false;
  const bool dropped = co_await body_.drop_rest(max_dropped_body_bytes);
  co_return dropped&& parser_.keep_alive();
}

task<std::exception_ptr> server_exchange::call_handler() {
  std::exception_ptr failure;
  try {
    server_request request(*this);
    server_response response(*this);
    task<> handling = core_.handler(request, response);
    co_await handling;
    if (!reply_.started()) throw std::logic_error("the handler has sent no response");
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  co_return failure;
}

// What the client or the network did is no news to the server's owner.
task<> server_exchange::answer_failure(std::exception_ptr failure) {
  const bool body_failed = failure == body_.failure();
  if (!body_failed && !channel_.failed_with(failure)) report(failure);
  if (reply_.started() || channel_.failed()) {
    broken_off_ = true;
    co_return;
  }
  std::string reason;
  if (body_failed) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      reason = error.what();
    }
  }
  co_await reply_.refuse(body_failed ? body_.refusal() : internal_server_error, reason);
}

task<> server_exchange::complete_reply() {
  try {
    if (channel_.failed()) co_return;
    if (reply_.finished()) {
      co_await reply_.flush();
    } else {
      co_await reply_.finish();
    }
    if (reply_.missing() > 0) throw std::logic_error("the task of send() was not awaited");
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    broken_off_ = true;
    if (!channel_.failed()) report(std::current_exception());
  }
}

void server_exchange::report(std::exception_ptr failure) const {
  const request_head& request = parser_.head();
  core_.report(std::move(failure), request.method + " " + request.target + " from " +
                                       channel_.remote_address().to_string());
}

std::string_view server_request::method() const noexcept { return exchange_->head().method; }

std::string_view server_request::target() const noexcept { return exchange_->head().target; }

std::string_view server_request::path() const noexcept {
  std::string_view rest = target();
  rest = rest.substr(0, rest.find('?'));
  if (rest.starts_with('/') || rest == "*") return rest;
  // The absolute form (RFC 9112 §3.2.2).
  const std::size_t slash = rest.find('/', rest.find("://") + 3);
  return slash == std::string_view::npos ? "/" : rest.substr(slash);
}

std::string_view server_request::query() const noexcept {
  const std::size_t mark = target().find('?');
  return mark == std::string_view::npos ? std::string_view() : target().substr(mark + 1);
}

const http::headers& server_request::headers() const noexcept { return exchange_->head().fields; }

endpoint server_request::remote_address() const { return exchange_->channel().remote_address(); }

bool server_request::is_secure() const noexcept { return exchange_->channel().is_secure(); }

task<std::size_t> server_request::read_some(std::span<std::byte> into) {
  return exchange_->body().read_some(into);
}

task<std::string> server_request::body(std::size_t limit) {
  return exchange_->body().collect(limit);
}

task<std::string> server_request::body() { return body(exchange_->body_limit()); }

const http::headers& server_request::trailers() const noexcept { return exchange_->trailers(); }

http::headers& server_response::headers() noexcept { return exchange_->reply().fields; }

server_response& server_response::header(std::string_view name, std::string_view value) {
  headers().add(name, value);
  return *this;
}

task<> server_response::send(int status, std::string_view content_type, std::string body) {
  return exchange_->reply().send(status, content_type, std::move(body));
}

task<> server_response::send(int status) { return send(status, {}, {}); }

task<> server_response::start(int status) { return exchange_->reply().start(status); }

task<> server_response::start(int status, std::uint64_t size) {
  return exchange_->reply().start(status, size);
}

task<> server_response::write(std::string_view bytes) { return exchange_->reply().write(bytes); }

task<> server_response::write(std::span<const std::byte> bytes) { return write(text_of(bytes)); }

task<> server_response::finish() { return exchange_->reply().finish(); }

bool server_response::started() const noexcept { return exchange_->reply().started(); }

}  // namespace eddy::inline v1::http
