#include "connect_any.hpp"

#include <algorithm>
#include <chrono>
#include <eddy/net/resolve_error.hpp>
#include <eddy/runtime/task_group.hpp>
#include <eddy/sync/event.hpp>
#include <functional>
#include <stdexcept>
#include <system_error>

namespace eddy::inline v1::detail {

namespace {

// What the attempts share: in the frame of connect_any, which they do not outlive.
class contest {
 public:
  contest(std::vector<endpoint>&& addresses, std::int64_t delay_ns, more_addresses&& more)
      : addresses_(std::move(addresses)),
        causes_(addresses_.size()),
        delay_ns_(delay_ns),
        more_(std::move(more)) {}
  contest(const contest&) = delete;
  contest& operator=(const contest&) = delete;

  task<> run(task_group& group);
  // One that was cancelled from outside leaves no connection: that is in the contest, and goes with
  // it.
  bool is_won() const noexcept { return winner_.is_open(); }
  tcp_stream take_winner() noexcept { return std::move(winner_); }
  [[noreturn]] void throw_failures(const std::string& name) const;

 private:
  task<> find_more();
  static task<> attempt(contest& in, task_group& group, std::size_t i);

  std::vector<endpoint> addresses_;
  std::vector<std::error_code> causes_;
  std::int64_t delay_ns_;
  more_addresses more_;
  tcp_stream winner_;
  event next_;  // an attempt has failed: the next one need not wait
};

task<> contest::run(task_group& group) {
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    next_.reset();
    group.spawn(attempt(*this, group, i), "connect");
    const bool is_last = i + 1 == addresses_.size();
    if (is_last && !more_) break;
    (void)co_await next_.wait_for(std::chrono::nanoseconds(delay_ns_));
    if (is_last) co_await find_more();
  }
}

task<> contest::find_more() {
  task<std::vector<endpoint>> asking = more_();
  more_ = more_addresses();
  try {
    const std::vector<endpoint> found = co_await std::move(asking);
    for (const endpoint& at : found) {
      const bool is_new = std::find(addresses_.begin(), addresses_.end(), at) == addresses_.end();
      if (is_new) addresses_.push_back(at);
    }
  } catch (const resolve_error&) {
    // The failures of those that were tried say more.
  }
  causes_.resize(addresses_.size());
}

task<> contest::attempt(contest& in, task_group& group, std::size_t i) {
  try {
    tcp_stream stream = co_await tcp_stream::connect(in.addresses_[i]);
    // One that was connected when the winner was found is closed here.
    if (!in.is_won()) in.winner_ = std::move(stream);
    group.cancel();
  } catch (const std::system_error& e) {
    in.causes_[i] = e.code();
    in.next_.set();
  }
}

// The message of the last code is added by system_error itself.
void contest::throw_failures(const std::string& name) const {
  std::string text = "connect to " + name;
  const std::size_t last = addresses_.size() - 1;
  // An address that nobody has looked up needs not be named twice.
  if (last == 0 && addresses_[0].to_string() == name) throw std::system_error(causes_[0], text);
  text.append(":");
  for (std::size_t i = 0; i < last; ++i) {
    text.append(" ").append(addresses_[i].to_string());
    text.append(": ").append(causes_[i].message()).append(";");
  }
  text.append(" ").append(addresses_[last].to_string());
  throw std::system_error(causes_[last], text);
}

}  // namespace

std::vector<endpoint> interleave_families(const std::vector<endpoint>& sorted) {
  std::vector<endpoint> out;
  out.reserve(sorted.size());
  const bool first_is_ipv6 = !sorted.empty() && sorted.front().is_ipv6();
  std::size_t own = 0;
  std::size_t other = 0;
  const auto take = [&](std::size_t& from, bool ipv6) {
    while (from < sorted.size() && sorted[from].is_ipv6() != ipv6) ++from;
    if (from < sorted.size()) out.push_back(sorted[from++]);
  };
  while (out.size() < sorted.size()) {
    take(own, first_is_ipv6);
    take(other, !first_is_ipv6);
  }
  return out;
}

task<tcp_stream> connect_any(std::vector<endpoint> addresses, std::string name,
                             std::int64_t delay_ns, more_addresses more) {
  if (addresses.empty()) throw std::logic_error("connect to " + name + ": no addresses were given");
  contest all(std::move(addresses), delay_ns, std::move(more));
  co_await with_task_group([](task_group& group, contest& in) { return in.run(group); },
                           std::ref(all));
  if (!all.is_won()) all.throw_failures(name);
  co_return all.take_winner();
}

}  // namespace eddy::inline v1::detail
