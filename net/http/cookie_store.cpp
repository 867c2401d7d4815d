#include "cookie_store.hpp"

#include <algorithm>
#include <eddy/net/http/error.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>

#include "cookie_rules.hpp"
#include "cookie_text.hpp"
#include "grammar.hpp"
#include "public_suffix.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

bool is_expired(const cookie& c, std::int64_t now) noexcept {
  return c.expires && *c.expires <= now;
}

bool is_for(const cookie& c, std::string_view host, std::string_view path, bool secure,
            std::int64_t now) noexcept {
  const bool is_host = c.host_only ? host == c.domain : domain_matches(host, c.domain);
  return is_host && path_matches(path, c.path) && (secure || !c.secure) && !is_expired(c, now);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), grammar::to_lower);
  return out;
}

// RFC 6265 §5.3, steps 4 to 6. False if the cookie is to be ignored.
bool settle_domain(cookie& c, std::string_view host, std::string_view attribute) {
  c.domain = host;
  c.host_only = true;
  if (attribute.starts_with('.')) attribute.remove_prefix(1);
  if (attribute.empty()) return true;
  if (attribute.front() == '[' && attribute.back() == ']') {
    attribute = attribute.substr(1, attribute.size() - 2);
  }
  std::string domain = lower(attribute);
  if (!domain_matches(host, domain)) return false;
  const bool has_none_below =
      domain.ends_with('.') || is_address_like(host) || is_public_suffix(domain);
  if (has_none_below) return domain == host;
  c.domain = std::move(domain);
  c.host_only = false;
  return true;
}

}  // namespace

std::string cookie_store::site_of(std::string_view host) {
  if (is_address_like(host)) return std::string(host);
  if (host.ends_with('.')) host.remove_suffix(1);
  return registrable_domain(std::string(host));
}

std::string cookie_store::field_for(const url& to, std::int64_t now) {
  constexpr std::size_t longest = max_cookie_field_bytes - std::string_view("Cookie: ").size();
  std::string field;
  if (empty() || !to.is_http()) return field;
  const auto here = sites_.find(site_of(to.host()));
  if (here == sites_.end()) return field;
  const bool secure = is_secure(to);
  ++moment_;
  for (record& r : here->second) {
    const cookie& c = r.what;
    if (!is_for(c, to.host(), to.path(), secure, now)) continue;
    const std::size_t needed = field.size() + 2 + c.name.size() + 1 + c.value.size();
    if (needed > longest) continue;
    if (!field.empty()) field += "; ";
    field.append(c.name).append(1, '=').append(c.value);
    r.used = moment_;
  }
  return field;
}

void cookie_store::store(const url& from, const headers& answer, std::int64_t now) {
  for (const auto& [name, value] : answer) {
    if (grammar::equal_ignoring_case(name, "set-cookie")) take(from, value, now);
  }
}

bool cookie_store::take(const url& from, std::string_view set_cookie_field, std::int64_t now) {
  const auto asked = parse_set_cookie(set_cookie_field, now);
  if (!asked || !from.is_http()) return false;
  cookie c(asked->name, asked->value, {});
  if (!settle_domain(c, from.host(), asked->domain)) return false;
  c.path = asked->path.empty() ? default_path(from.path()) : asked->path;
  c.expires = asked->expires;
  c.secure = asked->secure;
  c.http_only = asked->http_only;
  c.same_site = asked->same_site;
  const bool secure = is_secure(from);
  if (c.secure && !secure) return false;
  // The path must have been said, not only come out so (RFC 6265bis §5.7, step 21).
  if (has_host_prefix(c.name) && asked->path.empty()) return false;
  if (!fault_of(c).empty()) return false;
  if (!secure && hides_secure(c, now)) return false;
  put(std::move(c), now);
  return true;
}

// RFC 6265bis §5.7, step 16: from without TLS nobody may take a secure cookie's place, in the store
// or in front of it in a request.
bool cookie_store::hides_secure(const cookie& c, std::int64_t now) const {
  const auto here = sites_.find(site_of(c.domain));
  if (here == sites_.end()) return false;
  return std::any_of(here->second.begin(), here->second.end(), [&](const record& r) {
    const cookie& old = r.what;
    return old.secure && old.name == c.name && !is_expired(old, now) &&
           (domain_matches(old.domain, c.domain) || domain_matches(c.domain, old.domain)) &&
           path_matches(c.path, old.path);
  });
}

void cookie_store::set(const cookie& c, std::int64_t now) {
  const std::string fault = try_set(c, now);
  if (!fault.empty()) {
    throw invalid_request("cookie " + quoted(c.name) + " for " + quoted(c.domain) + ": " + fault);
  }
}

std::string cookie_store::try_set(cookie c, std::int64_t now) {
  auto domain = canonical_domain(c.domain);
  if (!domain) return "its domain " + quoted(c.domain) + " is no host name and no address";
  c.domain = std::move(*domain);
  std::string fault = fault_of(c);
  if (fault.empty()) put(std::move(c), now);
  return fault;
}

void cookie_store::put(cookie&& c, std::int64_t now) {
  record added;
  added.created = added.used = ++moment_;
  const std::string where = site_of(c.domain);
  const auto known = sites_.find(where);
  if (known != sites_.end()) {
    site& here = known->second;
    const auto old = std::find_if(here.begin(), here.end(), [&](const record& r) {
      return r.what.name == c.name && r.what.domain == c.domain && r.what.path == c.path &&
             r.what.host_only == c.host_only;
    });
    if (old != here.end()) {
      if (!is_expired(c, now)) {
        // It keeps its age, and so its place.
        old->what = std::move(c);
        old->used = added.used;
        return;
      }
      here.erase(old);
      --count_;
      if (here.empty()) sites_.erase(known);
      return;
    }
  }
  if (is_expired(c, now)) return;
  added.what = std::move(c);
  site& here = sites_[where];
  insert(here, std::move(added));
  ++count_;
  limit_site(here, now);
  limit_all(now);
}

void cookie_store::insert(site& into, record&& added) {
  const auto after = std::find_if(into.begin(), into.end(), [&](const record& r) {
    return r.what.path.size() < added.what.path.size();
  });
  into.insert(after, std::move(added));
}

template <class Predicate>
std::size_t cookie_store::erase_if(site& from, Predicate goes) {
  const std::size_t gone = std::erase_if(from, [&](const record& r) { return goes(r.what); });
  count_ -= gone;
  return gone;
}

template <class Predicate>
std::size_t cookie_store::erase_everywhere(Predicate goes) {
  std::size_t gone = 0;
  for (auto at = sites_.begin(); at != sites_.end();) {
    gone += erase_if(at->second, goes);
    at = at->second.empty() ? sites_.erase(at) : std::next(at);
  }
  return gone;
}

void cookie_store::limit_site(site& crowded, std::int64_t now) {
  if (crowded.size() <= max_cookies_per_site) return;
  erase_if(crowded, [now](const cookie& c) { return is_expired(c, now); });
  while (crowded.size() > max_cookies_per_site) {
    crowded.erase(std::min_element(
        crowded.begin(), crowded.end(), [](const record& left, const record& right) {
          if (left.what.secure != right.what.secure) return right.what.secure;
          return left.used < right.used;
        }));
    --count_;
  }
}

void cookie_store::limit_all(std::int64_t now) {
  if (count_ <= max_cookies) return;
  erase_everywhere([now](const cookie& c) { return is_expired(c, now); });
  while (count_ > max_cookies) {
    const auto older = [](const record& left, const record& right) {
      return left.used < right.used;
    };
    auto oldest = sites_.begin();
    auto victim = std::min_element(oldest->second.begin(), oldest->second.end(), older);
    for (auto at = std::next(oldest); at != sites_.end(); ++at) {
      const auto found = std::min_element(at->second.begin(), at->second.end(), older);
      if (!older(*found, *victim)) continue;
      oldest = at;
      victim = found;
    }
    oldest->second.erase(victim);
    --count_;
    if (oldest->second.empty()) sites_.erase(oldest);
  }
}

std::vector<cookie> cookie_store::cookies_for(const url& to, std::int64_t now) const {
  std::vector<cookie> out;
  if (empty() || !to.is_http()) return out;
  const auto here = sites_.find(site_of(to.host()));
  if (here == sites_.end()) return out;
  const bool secure = is_secure(to);
  for (const record& r : here->second) {
    if (is_for(r.what, to.host(), to.path(), secure, now)) out.push_back(r.what);
  }
  return out;
}

std::vector<cookie> cookie_store::all(std::int64_t now) const {
  std::vector<const record*> found;
  for (const auto& [name, here] : sites_) {
    for (const record& r : here) {
      if (!is_expired(r.what, now)) found.push_back(&r);
    }
  }
  std::sort(found.begin(), found.end(), [](const record* left, const record* right) {
    return left->created < right->created;
  });
  std::vector<cookie> out;
  out.reserve(found.size());
  for (const record* r : found) out.push_back(r->what);
  return out;
}

std::size_t cookie_store::size(std::int64_t now) const noexcept {
  std::size_t alive = 0;
  for (const auto& [name, here] : sites_) {
    alive += static_cast<std::size_t>(std::count_if(
        here.begin(), here.end(), [now](const record& r) { return !is_expired(r.what, now); }));
  }
  return alive;
}

std::size_t cookie_store::remove(std::string_view name, std::string_view domain,
                                 std::string_view path) {
  const auto wanted = canonical_domain(domain);
  if (!wanted) return 0;
  return erase_everywhere([&](const cookie& c) {
    return c.name == name && c.domain == *wanted && c.path == path;
  });
}

void cookie_store::clear() noexcept {
  sites_.clear();
  count_ = 0;
}

void cookie_store::clear_session() {
  erase_everywhere([](const cookie& c) { return !c.expires; });
}

}  // namespace eddy::inline v1::http
