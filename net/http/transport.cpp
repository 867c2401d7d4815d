#include "transport.hpp"

namespace eddy::inline v1::http {

namespace {

// A turn that takes longer than this is that of a program that blocks, in which a server has time
// to end a connection.
constexpr std::int64_t longest_look_back_ns = 1'000'000;

std::int64_t last_poll_ns(const byte_stream& of) noexcept {
  return detail::state_of(*detail::stream_of(of.descriptor()).loop).polled_ns;
}

}  // namespace

void transport::note_read() noexcept {
  const bool took_all = took_all_ && remote_ && is_plain() && plain_.is_open();
  emptied_ns_ = took_all ? last_poll_ns(plain_) : 0;
}

bool transport::was_just_emptied(std::int64_t now_ns) const noexcept {
  return emptied_ns_ > 0 && now_ns - emptied_ns_ <= longest_look_back_ns &&
         detail::is_quiet_here(plain_.descriptor()) && emptied_ns_ == last_poll_ns(plain_);
}

#if EDDY_HAVE_OPENSSL

task<transport> transport::secure(transport under, std::string host, tls_context trust,
                                  tls_options options) {
  transport out;
  out.remote_ = under.remote_;
  out.is_secure_ = true;
  task<tls_stream> shaking;
  if (under.is_secure_) {
    shaking = tls_stream::connect(std::move(under.secure_), std::move(host), std::move(trust),
                                  std::move(options));
  } else {
    shaking = tls_stream::connect(std::move(under.plain_), std::move(host), std::move(trust),
                                  std::move(options));
  }
  out.secure_ = co_await std::move(shaking);
  co_return std::move(out);
}

bool transport::is_plain() const noexcept { return !is_secure_; }

bool transport::is_open() const noexcept {
  return is_secure_ ? secure_.is_open() : plain_.is_open();
}

// Records that are on their way to us count as not quiet, also those that carry no data (tickets,
// key updates): telling them apart would need a read, and they are rare between two exchanges.
bool transport::is_quiet() const noexcept {
  if (is_secure_) return secure_.is_quiet();
  return detail::is_quiet(plain_.descriptor());
}

task<std::size_t> transport::read_some(std::span<std::byte> into) {
  std::size_t got = 0;
  if (is_secure_) {
    got = co_await secure_.read_some(into);
  } else {
    got = co_await plain_.read_some(into);
  }
  co_return got;
}

task<> transport::write_all(std::string_view bytes, std::size_t* sent) {
  if (is_secure_) {
    *sent += bytes.size();  // a part of it, perhaps: how much, TLS does not tell
    co_await secure_.write_all(bytes);
  } else {
    detail::counted_write_awaiter write(plain_.descriptor(), bytes.data(), bytes.size(), *sent);
    co_await write;
  }
}

task<> transport::say_goodbye() {
  if (is_secure_ && secure_.is_open()) co_await secure_.shutdown();
}

detail::close_awaiter transport::close() noexcept {
  return is_secure_ ? secure_.close() : plain_.close();
}

#else

bool transport::is_plain() const noexcept { return true; }

bool transport::is_open() const noexcept { return plain_.is_open(); }

bool transport::is_quiet() const noexcept { return detail::is_quiet(plain_.descriptor()); }

task<std::size_t> transport::read_some(std::span<std::byte> into) {
  const std::size_t got = co_await plain_.read_some(into);
  co_return got;
}

task<> transport::write_all(std::string_view bytes, std::size_t* sent) {
  detail::counted_write_awaiter write(plain_.descriptor(), bytes.data(), bytes.size(), *sent);
  co_await write;
}

task<> transport::say_goodbye() { co_return; }

detail::close_awaiter transport::close() noexcept { return plain_.close(); }

#endif

}  // namespace eddy::inline v1::http
