#include "eddy/net/url.hpp"

#include <utility>

#include "percent.hpp"
#include "url_authority.hpp"
#include "url_text.hpp"

namespace eddy::inline v1 {

using url_syntax::append_requoted;
using url_syntax::component;
using url_syntax::source;

namespace {

constexpr std::uint16_t http_port = 80;    // RFC 9110 §4.2.1
constexpr std::uint16_t https_port = 443;  // RFC 9110 §4.2.2

bool is_http_scheme(std::string_view scheme) noexcept {
  return scheme == "http" || scheme == "https";
}

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (scheme == "http") return http_port;
  return scheme == "https" ? https_port : 0;
}

}  // namespace

// Writes the text of a url from left to right, normalising each component and noting where it ends:
// scheme, authority if any, path, query and fragment if any, finish.
class url_builder {
 public:
  explicit url_builder(const source& from) : from_(from) {}

  void scheme(std::string_view raw) {
    text().reserve(from_.text().size() + 1);
    for (const char byte : raw) text() += url_syntax::to_lower(byte);
    out_.scheme_end_ = offset();
    text() += ':';
    out_.port_ = default_port(out_.scheme());
  }

  void authority(std::string_view raw) {
    const auto rules = is_http_scheme(out_.scheme()) ? url_syntax::host_rules::dns
                                                     : url_syntax::host_rules::generic;
    const auto parsed = url_syntax::parse_authority(from_, raw, rules);
    has_authority_ = true;
    text() += "//";
    append_requoted(text(), parsed.user_info, component::user_info);
    out_.user_info_end_ = offset();
    if (!parsed.user_info.empty()) text() += '@';
    if (parsed.ipv6) text() += '[';
    out_.host_begin_ = offset();
    text() += parsed.host;
    out_.host_end_ = offset();
    if (parsed.ipv6) text() += ']';
    out_.ipv6_ = parsed.ipv6;
    if (parsed.has_port && (parsed.port != out_.port_ || out_.port_ == 0)) {
      out_.explicit_port_ = true;
      out_.port_ = parsed.port;
      text() += ':' + std::to_string(parsed.port);
    }
  }

  // Scheme and authority of `base`.
  void origin_of(const url& base) {
    text().reserve(base.text_.size() + from_.text().size());
    text().append(base.text_, 0, base.path_begin_);
    out_.scheme_end_ = base.scheme_end_;
    out_.user_info_end_ = base.user_info_end_;
    out_.host_begin_ = base.host_begin_;
    out_.host_end_ = base.host_end_;
    out_.port_ = base.port_;
    out_.explicit_port_ = base.explicit_port_;
    out_.ipv6_ = base.ipv6_;
    has_authority_ = base.host_begin_ != 0;
  }

  // `directory` is normalised already.
  void path(std::string_view directory, std::string_view raw) {
    out_.path_begin_ = offset();
    text() += directory;
    append_requoted(text(), raw, component::path);
    const auto written = std::string_view(text()).substr(out_.path_begin_);
    if (written.starts_with('/')) {
      // Other paths are opaque (mailto:, javascript:): their dots mean nothing, and removing them
      // could leave a path that begins with "//".
      url_syntax::remove_dot_segments(text(), out_.path_begin_);
    } else if (written.empty() && has_authority_ && is_http_scheme(out_.scheme())) {
      text() += '/';
    }
    // Without an authority "//" would begin one (RFC 3986 §3.3).
    if (!has_authority_ && std::string_view(text()).substr(out_.path_begin_).starts_with("//")) {
      text().insert(out_.path_begin_, "/.");
    }
    out_.path_end_ = out_.query_end_ = offset();
  }

  void query(bool present, std::string_view raw) {
    if (!present) return;
    text() += '?';
    append_requoted(text(), raw, component::query);
    out_.query_end_ = offset();
  }

  void fragment(bool present, std::string_view raw) {
    if (!present) return;
    text() += '#';
    append_requoted(text(), raw, component::fragment);
  }

  url finish() && {
    from_.check_length(text().size());
    return std::move(out_);
  }

 private:
  std::string& text() { return out_.text_; }
  // Lossless: what goes in is bounded by max_url_length, and encoding triples it at most.
  std::uint32_t offset() { return static_cast<std::uint32_t>(text().size()); }

  const source& from_;
  url out_;
  bool has_authority_ = false;
};

namespace {

url build_absolute(const source& from, const url_syntax::reference& parts) {
  url_builder out(from);
  out.scheme(parts.scheme);
  if (parts.has_authority) out.authority(parts.authority);
  out.path("", parts.path);
  out.query(parts.has_query, parts.query);
  out.fragment(parts.has_fragment, parts.fragment);
  return std::move(out).finish();
}

url parse_source(const source& from) {
  const std::string_view text = from.text();
  from.check_length(text.size());
  if (text.empty()) from.fail("is empty");
  const std::size_t bad = url_syntax::find_first(text, url_syntax::control);
  if (bad < text.size()) from.fail_at(text.substr(bad), "has " + url_syntax::described(text[bad]));
  const auto parts = url_syntax::split(text);
  if (parts.scheme.empty()) from.fail("has no scheme, such as https://");
  return build_absolute(from, parts);
}

}  // namespace

url url::parse(std::string_view text) {
  return parse_source(source(url_syntax::without_surrounding_space(text)));
}

url url::parse_http(std::string_view text) {
  const source from(url_syntax::without_surrounding_space(text));
  url out = parse_source(from);
  if (!is_http_scheme(out.scheme())) {
    from.fail("scheme " + url_syntax::quoted(out.scheme()) + " is not http or https");
  }
  if (!out.is_http()) from.fail("has no host");
  return out;
}

url url::resolve(std::string_view reference) const {
  source(reference).check_length(reference.size());
  std::string room;
  const std::string_view cleaned = url_syntax::cleaned_href(reference, room);
  const source from(cleaned);
  const auto parts = url_syntax::split(cleaned);
  if (!parts.scheme.empty()) return build_absolute(from, parts);
  if (empty()) from.fail("is relative, and there is no URL to resolve it against");

  url_builder out(from);
  if (parts.has_authority) {
    out.scheme(scheme());
    out.authority(parts.authority);
    out.path("", parts.path);
  } else {
    out.origin_of(*this);
    if (parts.path.empty()) {
      out.path(path(), "");
    } else if (parts.path.starts_with('/')) {
      out.path("", parts.path);
    } else if (path().empty() && host_begin_ != 0) {
      out.path("/", parts.path);
    } else {
      out.path(path().substr(0, path().rfind('/') + 1), parts.path);
    }
  }
  // Only a reference with nothing before its '#' keeps the query.
  const bool keeps_query = !parts.has_authority && parts.path.empty() && !parts.has_query;
  out.query(keeps_query ? has_query() : parts.has_query, keeps_query ? query() : parts.query);
  out.fragment(parts.has_fragment, parts.fragment);
  return std::move(out).finish();
}

bool url::is_http() const noexcept { return is_http_scheme(scheme()) && !host().empty(); }

std::string url::target() const {
  std::string out(path().empty() ? "/" : "");
  return out += piece(path_begin_, query_end_);
}

std::string url::authority() const {
  return std::string(piece(ipv6_ ? host_begin_ - 1 : host_begin_, path_begin_));
}

std::string url::origin() const {
  if (host().empty()) return "null";
  return std::string(scheme()) + "://" + authority();
}

}  // namespace eddy::inline v1
