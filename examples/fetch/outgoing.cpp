#include "outgoing.hpp"

#include <algorithm>

#include "failure.hpp"
#include "printable.hpp"

namespace fetch {

namespace {

constexpr const char* form_type = "application/x-www-form-urlencoded";

void require_http(const eddy::url& to) {
  if (to.is_http()) return;
  throw failure(exit_code::unsupported_protocol,
                "the protocol of \"" + place_of(to) + "\" is neither http nor https");
}

bool is_unwanted(const settings& s, std::string_view name) {
  for (const std::string& unwanted : s.unwanted) {
    if (eddy::http::headers().add(unwanted, "").contains(name)) return true;
  }
  return false;
}

// "example.com:80/a" is a host with its port, not the scheme "example.com".
std::string with_scheme(const std::string& text) {
  const std::size_t mark = std::min(text.find_first_of(":/?#"), text.size());
  return text.compare(mark, 3, "://") == 0 ? text : "http://" + text;
}

// Those of the first URL stay with its origin, as in curl.
void keep_user_info(eddy::url& to, const eddy::url& from) {
  if (!to.user_info().empty() || from.user_info().empty()) return;
  const std::size_t mark = to.scheme().size() + 3;
  std::string text = to.str();
  text.insert(mark, std::string(from.user_info()) + "@");
  to = eddy::url::parse(text);
}

// What one origin says is no login for another one, as in curl: it would choose who we are there.
void drop_user_info(eddy::url& to) {
  if (to.user_info().empty()) return;
  std::string text = to.str();
  text.erase(to.scheme().size() + 3, to.user_info().size() + 1);
  to = eddy::url::parse(text);
}

}  // namespace

outgoing first_request(const settings& s, const std::string& text) {
  outgoing out;
  out.to = eddy::url::parse(with_scheme(text));
  require_http(out.to);
  out.fields = s.fields;
  out.body = s.body;
  if (!s.range.empty()) out.fields.set("Range", "bytes=" + s.range);
  if (s.body && !out.fields.contains("Content-Type") && !is_unwanted(s, "Content-Type")) {
    out.fields.add("Content-Type", form_type);
  }
  out.method = s.method;
  if (out.method.empty()) out.method = s.head_only ? "HEAD" : s.body ? "POST" : "GET";
  return out;
}

std::optional<outgoing> next_request(const settings& s, const outgoing& last, int status,
                                     const eddy::http::headers& fields) {
  const auto location = fields.get("Location");
  if (status < 300 || status > 399 || !location || location->empty()) return std::nullopt;
  outgoing out = last;
  out.to = last.to.resolve(*location);
  require_http(out.to);
  if ((status == 301 || status == 302 || status == 303) && out.body) {
    out.body.reset();
    out.fields.remove("Content-Type");
    if (s.method.empty()) out.method = "GET";
  }
  if (out.to.origin() != last.to.origin()) {
    for (const char* name : {"Authorization", "Cookie", "Host"}) out.fields.remove(name);
    out.same_origin = false;
  }
  if (out.same_origin) {
    keep_user_info(out.to, last.to);
  } else {
    drop_user_info(out.to);
  }
  return out;
}

}  // namespace fetch
