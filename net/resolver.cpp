#include <eddy/net/resolver.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <memory>

#include "../runtime/selector/lane.hpp"
#include "../runtime/loop_state.hpp"
#include "socket_address.hpp"
#include "url_text.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// One getaddrinfo call, owner of all it uses. The loop's thread and the lane's hand it to and fro:
// while it runs only the thread of the lane touches it, `waiting` excepted, which is the loop's.
// Whoever is last frees it: the one that waits; or, when that has gone, its delivery; or, when the
// loop has gone, the lane's thread.
class lookup final : public job, public mail {
 public:
  lookup(std::string&& name, std::uint16_t to, const loop_handle& loop)
      : host(std::move(name)), port(to), home_(loop) {
    simulated_ns = system::simulated_lookup_time(host);
  }

  void run() noexcept override {
    try {
      system::resolve_name(host, port, found, failure);
    } catch (const std::exception& e) {
      found.clear();
      failure_is_memory = true;
    }
    // The delivery may free this while send has not returned.
    const loop_handle home = std::move(home_);
    if (!home.send(*this)) delete this;
  }

  void deliver() override {
    if (waiting) {
      waiting->wake();
    } else {
      delete this;
    }
  }

  std::string host;
  std::uint16_t port;
  std::vector<system::socket_address> found;
  std::string failure;
  bool failure_is_memory = false;
  waiter* waiting = nullptr;

 private:
  loop_handle home_;
};

class lookup_awaiter final : public waiter {
 public:
  explicit lookup_awaiter(std::unique_ptr<lookup> owned) noexcept : lookup_(std::move(owned)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h,
                     std::source_location at = std::source_location::current()) noexcept {
    enter(h, at);
    if (refused()) return true;
    try {
      lookup_->waiting = this;
      names_lane_of(*where->loop).submit(*lookup_);
    } catch (...) {
      error_ = std::current_exception();
      return complete_now();
    }
    park();
    return true;
  }
  std::unique_ptr<lookup> await_resume() {
    leave();
    if (error_) std::rethrow_exception(error_);
    return std::move(lookup_);
  }

  // An answer that is there is kept.
  void on_cancel() noexcept override {
    if (state != wait_state::waiting) return;
    if (!names_lane_of(*where->loop).withdraw(*lookup_)) lookup_.release()->waiting = nullptr;
    drop();
  }

 private:
  std::unique_ptr<lookup> lookup_;
  std::exception_ptr error_;
};

// A name as a message shows it: quoted only where it must be.
std::string shown(std::string_view host) {
  for (const char c : host) {
    if (c <= ' ' || c > '~') return url_syntax::quoted(host);
  }
  return host.empty() ? "\"\"" : std::string(host);
}

void check_name(std::string_view host) {
  const char* fault = nullptr;
  if (host.empty()) fault = "the name is empty";
  for (const char c : host) {
    if (c <= ' ' || c > '~') fault = "the name has a byte that is not printable ASCII";
  }
  if (fault) throw resolve_error("cannot resolve " + shown(host) + ": " + fault);
  if (host.size() <= max_host_length) return;
  throw resolve_error("cannot resolve " + url_syntax::quoted(host) + ": the name has " +
                      std::to_string(host.size()) + " bytes, the limit is " +
                      std::to_string(max_host_length));
}

std::vector<endpoint> endpoints_of(const lookup& answer) {
  if (answer.failure_is_memory) throw std::bad_alloc();
  std::vector<endpoint> out;
  for (const system::socket_address& address : answer.found) {
    endpoint at;
    if (out.size() < max_resolved_addresses && from_socket_address(address, at)) out.push_back(at);
  }
  if (!out.empty()) return out;
  const std::string why = answer.failure.empty() ? "no IPv4 or IPv6 address" : answer.failure;
  throw resolve_error("cannot resolve " + shown(answer.host) + ": " + why);
}

}  // namespace
}  // namespace detail

task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port) {
  if (endpoint::is_address(host)) co_return std::vector<endpoint>(1, endpoint::parse(host, port));
  detail::check_name(host);
  const loop_handle& home = loop::current().handle();
  detail::lookup_awaiter asking(std::make_unique<detail::lookup>(std::move(host), port, home));
  const std::unique_ptr<detail::lookup> answer = co_await asking;
  co_return detail::endpoints_of(*answer);
}

}  // namespace eddy::inline v1
