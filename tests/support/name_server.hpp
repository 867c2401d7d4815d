// A DNS server (RFC 1035) on the loopback interface that says what a test wants.
#pragma once

#include <chrono>
#include <eddy/net/tcp.hpp>
#include <eddy/net/udp.hpp>
#include <eddy/runtime/spawn.hpp>
#include <eddy/runtime/timer.hpp>
#include <eddy/sync/mutex.hpp>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace eddy_tests {

// What it says of a name.
struct name_record {
  std::vector<std::string> addresses;
  std::uint32_t ttl = 60;
  std::string alias;  // the addresses are those of this name
  std::uint32_t alias_ttl = 60;
  unsigned code = 0;       // RCODE: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  bool silent = false;     // it says nothing
  unsigned silent_type = 0;  // nor of records of this type
  unsigned held_type = 0;    // it tells of this type as long after it was asked as `held` says
  std::chrono::milliseconds held{0};
  unsigned broken_type = 0;  // of this type it says SERVFAIL
  bool truncated = false;  // by datagrams it says only that the answer is too long
  bool malformed = false;  // its records end in the middle
};

class name_server_state {
 public:
  void set(const std::string& name, name_record r) { records_[name] = std::move(r); }
  eddy::endpoint address() const { return datagrams_.local_address(); }
  std::uint16_t tcp_port() const { return listener_.local_address().port(); }
  int questions() const noexcept { return questions_; }
  int by_stream() const noexcept { return streams_; }

  static eddy::task<> answer_datagrams(std::shared_ptr<name_server_state> me) {
    std::vector<std::byte> room(4096);
    for (;;) {
      const eddy::datagram got = co_await me->datagrams_.receive_from(room);
      const std::string_view question(reinterpret_cast<const char*>(room.data()), got.size);
      const std::string answer = me->answer_to(question, true);
      if (answer.empty()) continue;
      if (me->hold_.count() > 0) {
        eddy::spawn(send_later(me, answer, got.from, me->hold_)).detach();
      } else {
        co_await send(me, answer, got.from);
      }
    }
  }
  static eddy::task<> answer_streams(std::shared_ptr<name_server_state> me) {
    for (;;) {
      eddy::tcp_stream s = co_await me->listener_.accept();
      ++me->streams_;
      eddy::spawn(converse(me, std::move(s))).detach();
    }
  }

 private:
  static eddy::task<> send(std::shared_ptr<name_server_state> me, std::string answer,
                           eddy::endpoint to) {
    const auto only_one = co_await me->sending_.lock();  // a socket has one sender at a time
    try {
      co_await me->datagrams_.send_to(std::as_bytes(std::span<const char>(answer)), to);
    } catch (const std::system_error&) {
      // Whoever asked has gone.
    }
  }
  static eddy::task<> send_later(std::shared_ptr<name_server_state> me, std::string answer,
                                 eddy::endpoint to, std::chrono::milliseconds after) {
    co_await eddy::sleep(after);
    co_await send(me, std::move(answer), to);
  }
  static name_record failing() {
    name_record r;
    r.code = 2;
    return r;
  }
  static void put(std::string& to, unsigned value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<char>(value >> 8 * i & 0xff));
  }
  static unsigned byte_at(std::string_view from, std::size_t i) {
    return static_cast<unsigned char>(from.at(i));
  }
  static std::string encoded(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      put(out, static_cast<unsigned>(label.size()), 1);
      out.append(label);
      name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    put(out, 0, 1);
    return out;
  }
  static std::string name_in(std::string_view question) {
    std::string out;
    for (std::size_t i = 12; byte_at(question, i) != 0; i += byte_at(question, i) + 1) {
      if (!out.empty()) out += '.';
      out += question.substr(i + 1, byte_at(question, i));
    }
    return out;
  }
  static void add_record(std::string& to, std::string_view owner, unsigned type,
                         std::uint32_t ttl, std::string_view data) {
    to += encoded(owner);
    put(to, type, 2);
    put(to, 1, 2);
    put(to, ttl, 4);
    put(to, static_cast<unsigned>(data.size()), 2);
    to += data;
  }

  // Empty: none.
  std::string answer_to(std::string_view question, bool by_datagram) {
    constexpr unsigned type_a = 1;
    constexpr unsigned type_cname = 5;
    constexpr unsigned type_aaaa = 28;
    ++questions_;
    const std::string name = name_in(question);
    const std::size_t end = 12 + name.size() + 2;
    const unsigned type = byte_at(question, end) << 8 | byte_at(question, end + 1);
    const auto found = records_.find(name);
    name_record r;
    if (found == records_.end()) {
      r.code = 3;
    } else {
      r = found->second;
    }
    if (r.silent || r.silent_type == type) return {};
    if (r.broken_type == type) r = failing();
    hold_ = r.held_type == type ? r.held : std::chrono::milliseconds(0);
    const bool cut = r.truncated && by_datagram;
    std::string records;
    unsigned count = 0;
    if (!r.alias.empty()) {
      add_record(records, name, type_cname, r.alias_ttl, encoded(r.alias));
      ++count;
    }
    for (const std::string& text : r.addresses) {
      const auto at = eddy::endpoint::parse(text, 0);
      if (cut || (at.is_ipv6() ? type_aaaa : type_a) != type) continue;
      const std::string_view bytes(reinterpret_cast<const char*>(at.bytes().data()),
                                   at.is_ipv6() ? 16 : 4);
      add_record(records, r.alias.empty() ? name : r.alias, type, r.ttl, bytes);
      ++count;
    }
    if (r.malformed) records.resize(records.size() / 2);
    std::string out(question.substr(0, 2));
    put(out, 0x8180U | (cut ? 0x0200U : 0U) | r.code, 2);
    put(out, 1, 2);
    put(out, count, 2);
    put(out, 0, 4);
    out += question.substr(12, end + 4 - 12);
    return out + records;
  }

  static eddy::task<> converse(std::shared_ptr<name_server_state> me, eddy::tcp_stream s) {
    try {
      for (;;) {
        std::string size(2, '\0');
        co_await s.read_exactly(std::as_writable_bytes(std::span<char>(size)));
        std::string question(byte_at(size, 0) << 8 | byte_at(size, 1), '\0');
        co_await s.read_exactly(std::as_writable_bytes(std::span<char>(question)));
        const std::string answer = me->answer_to(question, false);
        std::string framed;
        put(framed, static_cast<unsigned>(answer.size()), 2);
        co_await s.write_all(framed + answer);
      }
    } catch (const std::exception&) {
      // It has gone.
    }
  }

  eddy::udp_socket datagrams_ = eddy::udp_socket::bind(eddy::endpoint::loopback(0));
  eddy::mutex sending_;
  eddy::tcp_listener listener_ = eddy::tcp_listener::bind(eddy::endpoint::loopback(0));
  std::map<std::string, name_record> records_;
  int questions_ = 0;
  int streams_ = 0;
  std::chrono::milliseconds hold_{0};  // of the last answer
};

// Answers as long as it lives; what it has begun may take until the next turn to end.
class name_server {
 public:
  name_server()
      : state_(std::make_shared<name_server_state>()),
        by_datagram_(eddy::spawn(name_server_state::answer_datagrams(state_))),
        by_stream_(eddy::spawn(name_server_state::answer_streams(state_))) {}

  // Other names do not exist.
  void set(const std::string& name, name_record r) { state_->set(name, std::move(r)); }
  eddy::endpoint address() const { return state_->address(); }
  std::uint16_t tcp_port() const { return state_->tcp_port(); }
  int questions() const noexcept { return state_->questions(); }
  int by_stream() const noexcept { return state_->by_stream(); }

 private:
  std::shared_ptr<name_server_state> state_;
  eddy::join_handle<> by_datagram_;
  eddy::join_handle<> by_stream_;
};

}  // namespace eddy_tests
