// A tls_session on a byte_stream, or on another TLS.
#include "socket_address.hpp"
#include "tcp_state.hpp"
#include "tls_state.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// Throws std::logic_error for a stream that is empty.
const std::string& name_of(tls_state* below) {
  if (!below) throw std::logic_error("TLS over a stream that is empty or was moved from");
  return below->peer;
}

std::string name_of(const byte_stream& raw) {
  const descriptor_state& s = state_for("TLS over", raw.descriptor());
  return s.type->name(s);
}

const tls_ref& checked(const tls_ref& s, const char* what) {
  if (!s) throw std::logic_error(std::string(what) + " a stream that is empty or was moved from");
  return s;
}

[[noreturn]] void refuse_other_kind(const tls_ref& s, const char* what) {
  throw std::logic_error(std::string(what) + " " + s->peer + ": not a TCP connection");
}

}  // namespace

tls_state::tls_state(byte_stream&& carrier, const tls_context& context, const std::string& host,
                     const tls_options& options)
    : raw(std::move(carrier)), session(as_client(), context, host, options), peer(host) {
  (void)name_of(raw);
}

tls_state::tls_state(tls_stream&& carrier, const tls_context& context, const std::string& host,
                     const tls_options& options)
    : outer(std::move(carrier)), session(as_client(), context, host, options), peer(host) {
  (void)name_of(below());
}

tls_state::tls_state(byte_stream&& carrier, const tls_context& context)
    : raw(std::move(carrier)), session(as_server(), context, name_of(raw)), peer(name_of(raw)) {}

tls_state::tls_state(tls_stream&& carrier, const tls_context& context)
    : outer(std::move(carrier)),
      session(as_server(), context, name_of(below())),
      peer(name_of(below())) {}

}  // namespace detail

task<tls_stream> tls_stream::connect(byte_stream raw, std::string host, tls_context context,
                                     tls_options options) {
  tls_stream stream(new detail::tls_state(std::move(raw), context, host, options));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

task<tls_stream> tls_stream::connect(tls_stream raw, std::string host, tls_context context,
                                     tls_options options) {
  tls_stream stream(new detail::tls_state(std::move(raw), context, host, options));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

task<tls_stream> tls_stream::accept(byte_stream raw, tls_context context) {
  tls_stream stream(new detail::tls_state(std::move(raw), context));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

task<tls_stream> tls_stream::accept(tls_stream raw, tls_context context) {
  tls_stream stream(new detail::tls_state(std::move(raw), context));
  co_await detail::shake_hands(detail::tls_ref(stream.state_));
  co_return std::move(stream);
}

void tls_stream::release() noexcept {
  const detail::descriptor_ref& bottom = state_->descriptor();
  if (bottom.is_open()) detail::descriptor_of(bottom).release();
  detail::tls_ref::drop(std::exchange(state_, nullptr));
}

bool tls_stream::is_open() const noexcept { return state_ && state_->descriptor().is_open(); }

bool tls_stream::is_quiet() const noexcept {
  if (!is_open()) return false;
  for (const detail::tls_state* s = state_; s; s = s->below()) {
    if (s->connection_ended || s->session.has_failed() || s->session.holds_input()) return false;
  }
  return detail::is_quiet(state_->descriptor());
}

task<std::size_t> tls_stream::read_some(std::span<std::byte> into) {
  return detail::read_from(detail::tls_ref(state_), into);
}

task<> tls_stream::write_all(std::span<const std::byte> bytes) {
  return detail::write_from(detail::tls_ref(state_), bytes);
}

task<> tls_stream::shutdown() { return detail::shut_down(detail::tls_ref(state_)); }

detail::close_awaiter tls_stream::close() noexcept {
  return detail::close_awaiter(state_ ? state_->descriptor() : detail::descriptor_ref());
}

endpoint tls_stream::local_address() const {
  constexpr const char* what = "local address of";
  const detail::tls_ref s(state_);
  const detail::descriptor_ref& bottom = detail::checked(s, what)->descriptor();
  detail::socket_address found;
  endpoint out;
  const int failed = detail::system::local_address(detail::open_descriptor(what, bottom), found);
  if (failed < 0) detail::fail_descriptor(failed, what, bottom);
  if (!detail::from_socket_address(found, out)) detail::refuse_other_kind(s, what);
  return out;
}

endpoint tls_stream::remote_address() const {
  constexpr const char* what = "remote address of";
  const detail::tls_ref s(state_);
  const detail::descriptor_state& bottom =
      detail::descriptor_of(detail::checked(s, what)->descriptor());
  const bool is_tcp = bottom.type == &detail::descriptor_type_of<detail::tcp_state>;
  if (!is_tcp) detail::refuse_other_kind(s, what);
  return static_cast<const detail::tcp_state&>(bottom).peer;
}

std::string tls_stream::version() const {
  const detail::tls_ref s(state_);
  return SSL_get_version(detail::checked(s, "TLS version of")->session.native());
}

std::string tls_stream::alpn() const {
  const detail::tls_ref s(state_);
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(detail::checked(s, "ALPN of")->session.native(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

bool tls_stream::resumed() const {
  const detail::tls_ref s(state_);
  return SSL_session_reused(detail::checked(s, "whether TLS was resumed on")->session.native()) ==
         1;
}

std::string tls_stream::peer_subject() const {
  const detail::tls_ref s(state_);
  return detail::checked(s, "certificate of the peer of")->session.peer_subject();
}

}  // namespace eddy::inline v1
