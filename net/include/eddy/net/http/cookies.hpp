// Cookies (RFC 6265): what servers set, kept and sent back.
#pragma once

#include <cstddef>
#include <eddy/net/http/cookie.hpp>
#include <eddy/runtime/task.hpp>
#include <vector>

namespace eddy::inline v1 {

class url;

namespace http {

class cookie_store;
class headers;

// Problems that a cookie_load_result spells out.
inline constexpr std::size_t max_cookie_problems = 16;

// What became of the lines of a file of cookies.
class cookie_load_result {
 public:
  cookie_load_result() noexcept {}

  std::size_t loaded = 0;
  std::size_t expired = 0;  // these are dropped
  std::size_t refused = 0;  // these are no cookies that the jar takes
  // "line 7: 5 fields, not 7": why, for the first max_cookie_problems of the refused.
  std::vector<std::string> problems;
};

// The cookies of a session or of several. A handle: copies share one jar, so that the caller sees
// and changes what a session uses. For one thread at a time. The time is the wall clock's, in a
// simulated world the virtual one.
//
//   http::cookie_jar jar;
//   jar.set(http::cookie("theme", "dark", "example.com"));
//   http::session session(http::session_options().cookies(jar));
//   …
//   co_await jar.save("cookies.txt");
//
// What is taken from servers is decided as by RFC 6265, and by RFC 6265bis where that is safer:
//
// - A Domain attribute must be the host or a domain above it, and no public suffix, "com" or
//   "co.uk" (by libpsl's list; without libpsl only names of one label are known to be such).
//   Otherwise the cookie is ignored; if it is the host itself, the cookie is for that host only, as
//   on IP addresses and names that end in a dot.
// - Secure ones come from, and go to, https only, and the loopback: "localhost", 127.0.0.0/8, ::1.
//   What comes without TLS neither replaces nor hides nor removes one.
// - "__Secure-" and "__Host-" in front of a name, in any case, must be true.
// - Ignored are cookies without a name, or with a control byte, or over a bound.
class cookie_jar {
 public:
  cookie_jar();
  cookie_jar(const cookie_jar& other) noexcept;
  cookie_jar& operator=(const cookie_jar& other) noexcept;
  ~cookie_jar();

  // The value of the field Cookie for a request: "a=1; b=2", longest paths first, then oldest
  // first; "" for none. They count as used now.
  [[nodiscard]] std::string field_for(const url& to);
  // Takes every Set-Cookie of the answer to a request for `from`. Bad ones are ignored.
  void store(const url& from, const headers& answer);

  // Adds a cookie, or replaces that of the same name, domain, host_only and path; one that has
  // expired only removes it. Throws invalid_request that says what is wrong with it: what a server
  // could not set for its own domain over TLS cannot be set here.
  void set(const cookie& c);
  // The cookies that field_for() sends, in its order, and all, oldest first.
  [[nodiscard]] std::vector<cookie> cookies_for(const url& to) const;
  [[nodiscard]] std::vector<cookie> all() const;
  [[nodiscard]] std::size_t size() const;
  // Removes those of that name, domain and path, and says how many there were: two at most, as one
  // may be host_only.
  std::size_t remove(std::string_view name, std::string_view domain, std::string_view path = "/");
  void clear() noexcept;
  // Removes those without an expiry, as a browser does at its end.
  void clear_session();

  // The format of Netscape's cookies.txt as curl and wget write it, cookies without an expiry (0)
  // included; SameSite has no place in it.
  [[nodiscard]] std::string to_netscape() const;
  // Adds, and replaces, those of a text in that format; never throws for what is in it.
  cookie_load_result load_netscape(std::string_view text);

  // The same with a file. The jar may change meanwhile: what is written is what it holds when the
  // await begins. Saving is one step, as replace_file(): whatever happens, the file holds all of
  // the old cookies or all of the new ones. A file that is made can be read by whom the umask
  // allows. Throw system_error, and load std::length_error for more than max_cookie_file_bytes.
  // Cancellation points, as those of `file`; a load that is cancelled has changed nothing.
  task<> save(std::string path) const;
  task<cookie_load_result> load(std::string path);

 private:
  cookie_store* store_;  // counted
};

}  // namespace http
}  // namespace eddy::inline v1
