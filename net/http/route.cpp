#include "route.hpp"

namespace eddy::inline v1::http {

namespace {

// With its length in front, so that no text can pass for two others.
void append_counted(std::string& out, const std::string& text) {
  out.append(" ").append(std::to_string(text.size())).append(":").append(text);
}

void append_credentials(std::string& out, const auth& who) {
  switch (who.which()) {
    case auth::kind::basic:
      out.append(" basic");
      break;
    case auth::kind::digest:
      out.append(" digest");
      break;
    default:
      return;
  }
  append_counted(out, who.user());
  append_counted(out, who.password());
}

}  // namespace

route& route::through(const http::proxy& p) {
  if (!p.is_used() || kind_ == route_kind::unix_socket) return *this;
  proxy_ = p;
  if (p.is_socks()) {
    kind_ = route_kind::socks;
  } else {
    kind_ = secure_ ? route_kind::tunnel : route_kind::forward;
  }
  return *this;
}

route& route::by_socket(const unix_address& at) {
  socket_ = at;
  proxy_ = http::proxy();
  kind_ = route_kind::unix_socket;
  return *this;
}

bool route::needs_tls() const noexcept {
  return secure_ || proxy_.which() == http::proxy::kind::https;
}

std::string route::authority() const {
  const bool is_ipv6 = host_.find(':') != host_.npos;
  std::string out = is_ipv6 ? "[" + host_ + "]" : host_;
  return out.append(":").append(std::to_string(port_));
}

std::string route::pool_key() const {
  std::string key = secure_ ? "https://" : "http://";
  if (kind_ != route_kind::forward) key.append(authority());
  if (kind_ == route_kind::direct) return key;
  if (kind_ == route_kind::unix_socket) {
    key.append(socket_.is_abstract() ? " by @" : " by");
    append_counted(key, socket_.name());
    return key;
  }
  key.append(" through ").append(proxy_.str());
  append_credentials(key, proxy_.credentials());
  return key;
}

}  // namespace eddy::inline v1::http
