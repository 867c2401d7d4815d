#include <eddy/net/http/server.hpp>

#if EDDY_HAVE_OPENSSL
#include <eddy/net/tls.hpp>
#endif

namespace eddy::inline v1::http {

server_options::server_options() = default;

server_options::server_options(server_options&& other) noexcept { *this = std::move(other); }

server_options& server_options::operator=(server_options&& other) noexcept {
  if (this == &other) return *this;
  max_connections_ = other.max_connections_;
  backlog_ = other.backlog_;
  idle_timeout_ = other.idle_timeout_;
  header_timeout_ = other.header_timeout_;
  read_timeout_ = other.read_timeout_;
  write_timeout_ = other.write_timeout_;
  grace_ = other.grace_;
  body_limit_ = other.body_limit_;
  limits_ = other.limits_;
  std::swap(tls_, other.tls_);
  on_error_ = std::move(other.on_error_);
  return *this;
}

server_options::~server_options() { destroy(tls_); }

server_options& server_options::max_connections(std::size_t most) & {
  max_connections_ = most;
  return *this;
}

server_options&& server_options::max_connections(std::size_t most) && {
  return std::move(max_connections(most));
}

server_options& server_options::backlog(int connections) & {
  backlog_ = connections;
  return *this;
}

server_options&& server_options::backlog(int connections) && {
  return std::move(backlog(connections));
}

server_options& server_options::idle_timeout(std::chrono::nanoseconds most) & {
  idle_timeout_ = most;
  return *this;
}

server_options&& server_options::idle_timeout(std::chrono::nanoseconds most) && {
  return std::move(idle_timeout(most));
}

server_options& server_options::header_timeout(std::chrono::nanoseconds most) & {
  header_timeout_ = most;
  return *this;
}

server_options&& server_options::header_timeout(std::chrono::nanoseconds most) && {
  return std::move(header_timeout(most));
}

server_options& server_options::read_timeout(std::chrono::nanoseconds most) & {
  read_timeout_ = most;
  return *this;
}

server_options&& server_options::read_timeout(std::chrono::nanoseconds most) && {
  return std::move(read_timeout(most));
}

server_options& server_options::write_timeout(std::chrono::nanoseconds most) & {
  write_timeout_ = most;
  return *this;
}

server_options&& server_options::write_timeout(std::chrono::nanoseconds most) && {
  return std::move(write_timeout(most));
}

server_options& server_options::grace(std::chrono::nanoseconds most) & {
  grace_ = most;
  return *this;
}

server_options&& server_options::grace(std::chrono::nanoseconds most) && {
  return std::move(grace(most));
}

server_options& server_options::body_limit(std::size_t most) & {
  body_limit_ = most;
  return *this;
}

server_options&& server_options::body_limit(std::size_t most) && {
  return std::move(body_limit(most));
}

server_options& server_options::limits(const http::limits& bounds) & {
  limits_ = bounds;
  return *this;
}

server_options&& server_options::limits(const http::limits& bounds) && {
  return std::move(limits(bounds));
}

#if EDDY_HAVE_OPENSSL

server_options& server_options::tls(const tls_context& context) & {
  const tls_context* before = std::exchange(tls_, new tls_context(context));
  destroy(before);
  return *this;
}

server_options&& server_options::tls(const tls_context& context) && {
  return std::move(tls(context));
}

void server_options::destroy(const tls_context* context) noexcept { delete context; }

#else

void server_options::destroy(const tls_context*) noexcept {}

#endif

server_options& server_options::on_error(
    callable<void(std::exception_ptr, std::string_view)> told) & {
  on_error_ = std::move(told);
  return *this;
}

server_options&& server_options::on_error(
    callable<void(std::exception_ptr, std::string_view)> told) && {
  return std::move(on_error(std::move(told)));
}

}  // namespace eddy::inline v1::http
