// The network of the simulated world: hosts, links between them, and faults by script or by seed.
#pragma once

#include <eddy/runtime/deadline.hpp>
#include <eddy/runtime/spawn.hpp>
#include <string_view>

namespace eddy::inline v1::sim {

// How one way from a host to another behaves. Chained setters; each says its default. What cannot
// be (more than a thousand in a thousand, a bandwidth below 0, a most below the least) is refused
// where the link is set, by std::invalid_argument. From a host
// to itself nothing takes time and nothing is lost, unless set_link says otherwise.
class link_options {
 public:
  link_options() noexcept {}

  // Between 0.5 and 1.5 ms: drawn for each segment and datagram; seed 0 takes the least. Streams
  // stay in order all the same.
  template <detail::duration_like D, detail::duration_like E>
  link_options& latency(const D& least, const E& most) noexcept {
    least_ns_ = detail::saturated_ns(least);
    most_ns_ = detail::saturated_ns(most);
    return *this;
  }
  template <detail::duration_like D>
  link_options& latency(const D& exactly) noexcept {
    return latency(exactly, exactly);
  }
  // Unlimited (0). What is sent waits until the link has sent what came before.
  link_options& bandwidth(std::int64_t bytes_per_second) noexcept {
    bandwidth_ = bytes_per_second;
    return *this;
  }
  // Of a thousand datagrams so many are lost, come twice, or come late. All 0. Streams lose
  // nothing: they send again.
  link_options& loss(unsigned in_thousand) noexcept {
    lost_ = in_thousand;
    return *this;
  }
  link_options& duplication(unsigned in_thousand) noexcept {
    duplicated_ = in_thousand;
    return *this;
  }
  link_options& reordering(unsigned in_thousand) noexcept {
    reordered_ = in_thousand;
    return *this;
  }

  std::int64_t least_ns() const noexcept { return least_ns_; }
  std::int64_t most_ns() const noexcept { return most_ns_; }
  std::int64_t bandwidth() const noexcept { return bandwidth_; }
  unsigned loss() const noexcept { return lost_; }
  unsigned duplication() const noexcept { return duplicated_; }
  unsigned reordering() const noexcept { return reordered_; }

 private:
  std::int64_t least_ns_ = 500'000;
  std::int64_t most_ns_ = 1'500'000;
  std::int64_t bandwidth_ = 0;
  unsigned lost_ = 0;
  unsigned duplicated_ = 0;
  unsigned reordered_ = 0;
};

// What goes wrong by itself: chances in a thousand, drawn from the world's seed, on every host. All
// are 0 by default.
class network_faults {
 public:
  network_faults() noexcept {}

  // A read brings fewer bytes than are there.
  network_faults& short_reads(unsigned in_thousand) noexcept {
    short_reads_ = in_thousand;
    return *this;
  }
  // A write stops in the middle, and goes on up to 2 ms later.
  network_faults& short_writes(unsigned in_thousand) noexcept {
    short_writes_ = in_thousand;
    return *this;
  }
  // A connection is reset when a segment is sent.
  network_faults& resets(unsigned in_thousand) noexcept {
    resets_ = in_thousand;
    return *this;
  }
  // A connect to another host is refused, or ends after 127 s without an answer.
  network_faults& refused_connects(unsigned in_thousand) noexcept {
    refused_ = in_thousand;
    return *this;
  }
  network_faults& lost_connects(unsigned in_thousand) noexcept {
    lost_ = in_thousand;
    return *this;
  }
  // A name is not resolved: "Temporary failure in name resolution".
  network_faults& failed_lookups(unsigned in_thousand) noexcept {
    lookups_ = in_thousand;
    return *this;
  }

  unsigned short_reads() const noexcept { return short_reads_; }
  unsigned short_writes() const noexcept { return short_writes_; }
  unsigned resets() const noexcept { return resets_; }
  unsigned refused_connects() const noexcept { return refused_; }
  unsigned lost_connects() const noexcept { return lost_; }
  unsigned failed_lookups() const noexcept { return lookups_; }

 private:
  unsigned short_reads_ = 0;
  unsigned short_writes_ = 0;
  unsigned resets_ = 0;
  unsigned refused_ = 0;
  unsigned lost_ = 0;
  unsigned lookups_ = 0;
};

// A host of the simulated network: a name for what runs there. Whatever a task of a host spawns
// runs on that host; everything else runs on "localhost", which is always there. A task's host
// decides where its sockets are: whose address they have and what 127.0.0.1 means. Copies name the
// same host; the host ends with its world.
class host {
 public:
  explicit host(std::uint16_t number) noexcept : number_(number) {}

  // As eddy::spawn, on this host. std::logic_error if the world of this thread has none such.
  template <class T>
  join_handle<T> spawn(task<T> body, std::string_view name = {}) const {
    if (!body || body.frame().promise().where) detail::throw_not_awaitable(!body);
    check();
    auto* s = detail::spawned::start(body.frame(), body.frame().promise(), name);
    s->host = number_;
    (void)body.release();
    return join_handle<T>(s);
  }
  template <class F, class... Args>
    requires detail::is_task<std::invoke_result_t<F&, Args...>>::value
  auto spawn(F fn, Args... args) const {
    check();
    auto* s = detail::start_call({}, fn, args...);
    s->host = number_;
    return join_handle<detail::called_result<F, Args...>>(s);
  }

  std::uint16_t number() const noexcept { return number_; }

 private:
  // Throws std::logic_error if this thread's world has no such host: it was another world's.
  void check() const;

  std::uint16_t number_;
};

// The network of this thread's world: co_await nothing, these act at once. Hosts are named as
// add_host was told; a name that is no host's is a std::logic_error. Also std::logic_error where no
// simulated world is.
//
//   sim::network net;
//   sim::host server = net.add_host("server");
//   auto serving = server.spawn(serve(8000));
//   tcp_stream s = co_await tcp_stream::connect("server", 8000);  // from "localhost"
//   net.partition("localhost", "server");
class network {
 public:
  network();

  // A host with that name for DNS and that address; without one it is of 10.0.0.0/16, where
  // "localhost" is 10.0.0.1 to the others.
  host add_host(std::string_view name, std::string_view address = {});
  // One more, of IPv4 or IPv6. DNS gives all of a host's in the order they came.
  network& add_address(std::string_view name, std::string_view address);
  host find_host(std::string_view name) const;

  // All links, or both ways between two hosts, or one way.
  network& set_links(const link_options& o);
  network& set_link(std::string_view a, std::string_view b, const link_options& o);
  network& set_one_way(std::string_view from, std::string_view to, const link_options& o);

  // Nothing passes from now on. Streams stand still until heal(), or until they give up: a connect
  // after 127 s, a connection that has sent something after 924 s, both with ETIMEDOUT. Datagrams
  // are lost.
  network& partition(std::string_view a, std::string_view b);
  network& partition_one_way(std::string_view from, std::string_view to);
  network& isolate(std::string_view name);
  network& heal(std::string_view a, std::string_view b);
  network& heal();

  // Every connection between the two, seen from both ends: ECONNRESET.
  network& reset_connections(std::string_view a, std::string_view b);
  // Cancels all tasks of the host, which may still clean up, and resets its connections; nobody
  // listens there any more. It is up again as soon as something is spawned on it.
  network& crash(std::string_view name);
  // Connects to that port are refused although somebody listens, or get no answer; or are what
  // they were.
  network& refuse(std::string_view name, std::uint16_t port);
  network& lose(std::string_view name, std::uint16_t port);
  network& admit(std::string_view name, std::uint16_t port);

  // What DNS says of a name, be it a host's or not: that it failed, and why; that it takes so long.
  network& fail_lookup(std::string_view name, std::string_view why);
  template <detail::duration_like D>
  network& delay_lookup(std::string_view name, const D& by) {
    return delay_lookup_ns(name, detail::saturated_ns(by));
  }
  network& restore_lookup(std::string_view name);

  network& set_faults(const network_faults& f);

 private:
  network& delay_lookup_ns(std::string_view name, std::int64_t ns);
};

}  // namespace eddy::inline v1::sim
