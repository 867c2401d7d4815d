#include <eddy/net/http/error.hpp>
#include <eddy/net/http/response.hpp>
#include <eddy/runtime/generator.hpp>

#include "charset.hpp"
#include "failure.hpp"
#include "quoted.hpp"
#include "response_state.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

response_state& present(response_state* state) {
  if (!state) throw std::logic_error("an empty http::response was read: it was moved from");
  return *state;
}

}  // namespace

response& response::operator=(response&& other) noexcept {
  if (this != &other) {
    if (state_) state_->let_go();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

response::~response() {
  if (state_) state_->let_go();
}

int response::status() const { return present(state_).head().status; }

const std::string& response::reason() const { return present(state_).head().reason; }

std::string_view response::version() const {
  return name_of(present(state_).head().version);
}

const http::headers& response::trailers() const { return present(state_).trailers(); }

const http::headers& response::headers() const { return present(state_).head().fields; }

const std::vector<interim_response>& response::interim() const {
  return present(state_).interim();
}

const eddy::url& response::url() const { return present(state_).url(); }

const std::vector<visited>& response::history() const { return present(state_).history(); }

const endpoint* response::remote_address() const {
  const std::optional<endpoint>& remote = present(state_).remote_address();
  return remote ? &*remote : nullptr;
}

const http::timings& response::timings() const { return present(state_).times(); }

void response::raise_for_status() const {
  if (!is_error(status())) return;
  throw status_error(status(), reason(), place_of(url()));
}

task<std::string> response::text() { return text("utf-8"); }

task<std::string> response::text(std::string_view default_charset) {
  response_state& state = present(state_);
  const charset* const fallback = find_charset(default_charset);
  if (!fallback) throw std::logic_error("unknown default charset " + quoted(default_charset));
  return response_state::text(response_state::share(state), *fallback);
}

task<std::vector<std::byte>> response::bytes() {
  return response_state::collect<std::vector<std::byte>>(response_state::share(present(state_)));
}

task<http::json> response::json() {
  return response_state::parse_json(response_state::share(present(state_)));
}

task<std::uint64_t> response::save(std::string path) {
  return response_state::save(response_state::share(present(state_)), std::move(path));
}

generator<std::string> response::lines(std::size_t max_line_bytes) {
  return response_state::lines(response_state::share(present(state_)), max_line_bytes);
}

generator<server_sent_event> response::events(std::size_t max_event_bytes) {
  return response_state::events(response_state::share(present(state_)), max_event_bytes);
}

task<bool> response::discard() {
  return response_state::discard(response_state::share(present(state_)));
}

task<std::size_t> response::read_some(std::span<std::byte> into) {
  return response_state::read_some(response_state::share(present(state_)), into);
}

}  // namespace eddy::inline v1::http
