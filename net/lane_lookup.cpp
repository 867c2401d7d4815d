// Names by getaddrinfo(3), which blocks, on threads of their own.
#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>
#include <memory>

#include "../runtime/selector/lane.hpp"
#include "../runtime/loop_state.hpp"
#include "lookup.hpp"
#include "socket_address.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// One getaddrinfo call, owner of all it uses. The loop's thread and the lane's hand it to and fro:
// while it runs only the thread of the lane touches it, `waiting` excepted, which is the loop's.
// Whoever is last frees it: the one that waits; or, when that has gone, its delivery; or, when the
// loop has gone, the lane's thread.
class lookup final : public job, public mail {
 public:
  lookup(std::string&& name, const loop_handle& loop) : host(std::move(name)), home_(loop) {
    simulated_ns = system::simulated_lookup_time(host);
  }

  void run() noexcept override {
    try {
      system::resolve_name(host, 0, found, failure);
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

std::vector<endpoint> endpoints_of(const lookup& answer) {
  if (answer.failure_is_memory) throw std::bad_alloc();
  std::vector<endpoint> out;
  for (const system::socket_address& address : answer.found) {
    endpoint at;
    if (out.size() < max_resolved_addresses && from_socket_address(address, at)) out.push_back(at);
  }
  if (!out.empty()) return out;
  throw_not_resolved(answer.host,
                     answer.failure.empty() ? "no IPv4 or IPv6 address" : answer.failure);
}

}  // namespace

task<lookup_answer> look_up_on_lane(std::string host) {
  const loop_handle& home = loop::current().handle();
  lookup_awaiter asking(std::make_unique<lookup>(std::move(host), home));
  const std::unique_ptr<lookup> found = co_await asking;
  lookup_answer answer;
  answer.addresses = endpoints_of(*found);
  co_return std::move(answer);
}

}  // namespace detail
}  // namespace eddy::inline v1
