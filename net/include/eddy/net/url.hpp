#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace eddy::inline v1 {

// Longer URLs and references are refused, before and after normalisation.
inline constexpr std::size_t max_url_length = 64 * 1024;

// What is wrong with a URL and where: `URL "http://exa mple/": host has a space at offset 10`.
// Offsets count from the start of the text shown, which is without its surrounding white space,
// escaped where it is not printable ASCII, and shortened.
class url_error : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// An absolute URL, always in normal form (RFC 3986 §6.2.2, §6.2.3): scheme and host in lower case,
// percent-encodings in upper case and only where they are needed, no dot segments, no default port,
// "/" for an empty http path, international host names in punycode, IPv6 as RFC 5952 writes it. So
// two URLs are equal when their texts are, str() is ASCII, and parse(u.str()) == u.
//
// A plain value: copies are independent, the views are good until the url is assigned to, moved
// from or destroyed. Members that take text throw url_error (and std::bad_alloc); the others do not
// throw except for memory. Thread-safe as a std::string is.
//
//   const auto page = url::parse_http("https://example.com/a/b");
//   page.resolve("../c?q=ü").str();  // https://example.com/c?q=%C3%BC
//
// Characters that may not stand in a URL are percent-encoded as browsers and yarl do, `\` included.
// A browser takes `\` for `/` in http; here it never separates, since readers that disagree about
// where the host ends can be played against each other. In an authority `\` is therefore an error.
class url {
 public:
  url() = default;

  // A URL with a scheme, of any scheme. Surrounding white space is dropped; control bytes are
  // errors. An http or https URL that has an authority must have a host usable in DNS, or an IP
  // address, and a port in 1..65535 if any.
  [[nodiscard]] static url parse(std::string_view text);

  // The same for what HTTP can be asked for: the scheme must be http or https (RFC 9110 §4.2).
  [[nodiscard]] static url parse_http(std::string_view text);

  // What `reference`, found in the page at this URL, points to (RFC 3986 §5.2, strict: "http:g" is
  // not relative). Surrounding controls and spaces are dropped, and tabs and line ends anywhere, as
  // browsers do with href. Any scheme may come out (javascript:, mailto:): ask is_http() before
  // following it.
  [[nodiscard]] url resolve(std::string_view reference) const;

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string_view scheme() const noexcept { return piece(0, scheme_end_); }
  [[nodiscard]] std::string_view user_info() const noexcept {
    return piece(scheme_end_ + 3, user_info_end_);
  }
  // IPv6 addresses without their brackets.
  [[nodiscard]] std::string_view host() const noexcept { return piece(host_begin_, host_end_); }
  [[nodiscard]] bool host_is_ipv6() const noexcept { return ipv6_; }
  // The port given, or the default of http and https, or 0.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // False for ":80" in http and ":443" in https, which normalisation drops.
  [[nodiscard]] bool has_explicit_port() const noexcept { return explicit_port_; }
  [[nodiscard]] std::string_view path() const noexcept { return piece(path_begin_, path_end_); }
  [[nodiscard]] bool has_query() const noexcept { return query_end_ > path_end_; }
  // Without the '?'.
  [[nodiscard]] std::string_view query() const noexcept { return piece(path_end_ + 1, query_end_); }
  [[nodiscard]] bool has_fragment() const noexcept { return text_.size() > query_end_; }
  // Without the '#'.
  [[nodiscard]] std::string_view fragment() const noexcept {
    return piece(query_end_ + 1, text_.size());
  }

  // True when the scheme is http or https and there is a host.
  [[nodiscard]] bool is_http() const noexcept;

  // The origin-form of a request line: path and query, "/" for an empty path (RFC 9112 §3.2.1).
  [[nodiscard]] std::string target() const;
  // A Host field: host and explicit port, IPv6 in brackets, no user info (RFC 9110 §7.2).
  [[nodiscard]] std::string authority() const;
  // "https://example.com:8443" (RFC 6454 §6.1); "null" without a host, which equals no other
  // origin.
  [[nodiscard]] std::string origin() const;
  // The whole, user info and fragment included.
  [[nodiscard]] std::string str() const { return text_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  friend bool operator==(const url& left, const url& right) noexcept {
    return left.text_ == right.text_;
  }

 private:
  friend class url_builder;

  // Empty, rather than out of range, after the url was moved from.
  [[nodiscard]] std::string_view piece(std::size_t begin, std::size_t end) const noexcept {
    if (begin >= end || end > text_.size()) return {};
    return {text_.data() + begin, end - begin};
  }

  // scheme ":" [ "//" [ user_info "@" ] host [ ":" port ] ] path [ "?" query ] [ "#" fragment ]
  std::string text_;
  std::uint32_t scheme_end_ = 0;
  std::uint32_t user_info_end_ = 0;  // 0 without an authority, as the next two
  std::uint32_t host_begin_ = 0;
  std::uint32_t host_end_ = 0;
  std::uint32_t path_begin_ = 0;
  std::uint32_t path_end_ = 0;
  std::uint32_t query_end_ = 0;
  std::uint16_t port_ = 0;
  bool explicit_port_ = false;
  bool ipv6_ = false;
};

}  // namespace eddy::inline v1
