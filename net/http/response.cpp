#include <eddy/net/http/error.hpp>
#include <eddy/net/http/response.hpp>

#include "failure.hpp"
#include "response_state.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int first_error_status = 400;

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

int response::status() const noexcept { return state_->head().status; }

const std::string& response::reason() const noexcept { return state_->head().reason; }

const http::headers& response::headers() const noexcept { return state_->head().fields; }

const eddy::url& response::url() const noexcept { return state_->url(); }

const std::vector<visited>& response::history() const noexcept { return state_->history(); }

const http::timings& response::timings() const noexcept { return state_->times(); }

void response::raise_for_status() const {
  if (status() < first_error_status) return;
  throw status_error(status(), reason(), place_of(url()));
}

task<std::string> response::text() {
  return response_state::collect<std::string>(response_state::share(present(state_)));
}

task<std::vector<std::byte>> response::bytes() {
  return response_state::collect<std::vector<std::byte>>(response_state::share(present(state_)));
}

task<std::size_t> response::read_some(std::span<std::byte> into) {
  return response_state::read_some(response_state::share(present(state_)), into);
}

}  // namespace eddy::inline v1::http
