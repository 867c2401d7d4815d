// The cookies of a jar: what is taken, what is sent, what has to go. The time is an input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/net/http/cookie.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::inline v1 {

class url;

namespace http {

class headers;

// What the copies of a cookie_jar share; what its members promise is said there. `now` is in
// seconds since the epoch. For one thread at a time.
class cookie_store {
 public:
  std::size_t references = 1;

  [[nodiscard]] std::string field_for(const url& to, std::int64_t now);
  void store(const url& from, const headers& answer, std::int64_t now);
  // One Set-Cookie. False if it is ignored.
  bool take(const url& from, std::string_view set_cookie_field, std::int64_t now);

  // Throws invalid_request.
  void set(const cookie& c, std::int64_t now);
  // The same without a throw: what is wrong with it, or "".
  [[nodiscard]] std::string try_set(cookie c, std::int64_t now);
  [[nodiscard]] std::vector<cookie> cookies_for(const url& to, std::int64_t now) const;
  [[nodiscard]] std::vector<cookie> all(std::int64_t now) const;
  [[nodiscard]] std::size_t size(std::int64_t now) const noexcept;
  std::size_t remove(std::string_view name, std::string_view domain, std::string_view path);
  void clear() noexcept;
  void clear_session();
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  struct record {
    cookie what;
    // Places in the order of all that happened to this store.
    std::uint64_t created = 0;
    std::uint64_t used = 0;
  };
  // In the order in which they are sent: longer paths first, then older first (RFC 6265 §5.4).
  using site = std::vector<record>;
  // By what somebody registered: a cookie can go to hosts of its own site only.
  using sites = std::map<std::string, site, std::less<>>;

  static std::string site_of(std::string_view host);
  bool hides_secure(const cookie& c, std::int64_t now) const;
  void put(cookie&& c, std::int64_t now);
  static void insert(site& into, record&& added);
  void limit_site(site& crowded, std::int64_t now);
  void limit_all(std::int64_t now);
  template <class Predicate>
  std::size_t erase_if(site& from, Predicate goes);
  template <class Predicate>
  std::size_t erase_everywhere(Predicate goes);

  sites sites_;
  std::size_t count_ = 0;
  std::uint64_t moment_ = 0;
};

}  // namespace http
}  // namespace eddy::inline v1
