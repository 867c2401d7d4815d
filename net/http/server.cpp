#include <eddy/net/http/server.hpp>
#include <stdexcept>
#include <string>

#include "server_core.hpp"

namespace eddy::inline v1::http {

server server::listen(endpoint at, server_options options) {
  listen_options how;
  how.backlog(options.backlog_);
  tcp_listener listener = tcp_listener::bind(at, std::move(how));
  auto* core = new server_core(std::move(listener), std::move(options));
  core->references = 1;
  return server(core);
}

server::server(server&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

server& server::operator=(server&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}

server::~server() {
  if (core_ && --core_->references == 0) delete core_;
}

server_core& server::core(const char* what) const {
  if (!core_) throw std::logic_error(std::string("server::") + what + ": the server is empty");
  return *core_;
}

task<> server::serve(server_handler handler) {
  server_core& state = core("serve");
  if (state.serving) throw std::logic_error("server::serve: it serves or has served already");
  state.serving = true;
  state.handler = std::move(handler);
  return run_server(server_core_ref(&state));
}

void server::stop() { core("stop").stop(); }

endpoint server::local_address() const { return core("local_address").address; }

server_statistics server::statistics() const {
  const server_core& state = core("statistics");
  return {state.accepted, state.slots.size(), state.requests};
}

}  // namespace eddy::inline v1::http
