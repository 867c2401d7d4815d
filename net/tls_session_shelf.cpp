#include "tls_session_shelf.hpp"

#include <openssl/err.h>

#include <algorithm>

#include "tls_settings.hpp"

namespace eddy::inline v1 {
namespace detail {

namespace {

// A resumed session is not verified anew: this is how late we learn that a server's certificate
// has been replaced or taken away. Servers allow days (RFC 8446 §4.6.1: seven at the most).
constexpr std::chrono::seconds longest_age = std::chrono::hours(1);

bool is_single_use(const SSL_SESSION* s) noexcept {
  return SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

// 0 in TLS 1.2: the server does not say.
std::chrono::seconds lifetime(const SSL_SESSION* s) noexcept {
  const std::chrono::seconds hint(SSL_SESSION_get_ticket_lifetime_hint(s));
  if (hint.count() == 0 && !is_single_use(s)) return longest_age;
  return std::min(hint, longest_age);
}

// The certificate that was verified when the session was made.
bool is_certificate_valid(SSL_SESSION* s) noexcept {
  const X509* peer = SSL_SESSION_get0_peer(s);
  return !peer || X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

}  // namespace

session_use::session_use(const tls_context& context, const std::string& host,
                         const std::string& key)
    : context_(context), revision_(context.settings().revision), key_(host) {
  key_.append(1, '\0').append(key);
}

bool session_use::operator==(const session_use& other) const noexcept {
  return &context_.settings() == &other.context_.settings() && revision_ == other.revision_ &&
         key_ == other.key_;
}

void tls_session_shelf::put(const session_use& use, owned_session session, time_point now) {
  if (limit == 0 || !SSL_SESSION_is_resumable(session.get())) return;
  const std::chrono::seconds age = lifetime(session.get());
  if (age.count() <= 0) return;
  std::size_t of_this_use = 1;
  const std::size_t most =
      is_single_use(session.get()) ? tls_session_store::tickets_per_key : std::size_t{1};
  entries.push_front(entry{use, std::move(session), now + age});
  for (auto it = std::next(entries.begin()); it != entries.end();) {
    const bool is_superfluous = it->use == use && ++of_this_use > most;
    it = is_superfluous ? entries.erase(it) : std::next(it);
  }
  if (entries.size() > limit) entries.pop_back();
}

owned_session tls_session_shelf::take(const session_use& use, time_point now) {
  for (auto it = entries.begin(); it != entries.end();) {
    if (!(it->use == use)) {
      ++it;
      continue;
    }
    SSL_SESSION* kept = it->session.get();
    if (it->until <= now || !is_certificate_valid(kept)) {
      it = entries.erase(it);
      continue;
    }
    if (is_single_use(kept)) {
      owned_session out = std::move(it->session);
      entries.erase(it);
      return out;
    }
    entries.splice(entries.begin(), entries, it);
    return owned_session(SSL_SESSION_dup(kept));
  }
  return nullptr;
}

void tls_session_shelf::forget(const session_use& use) noexcept {
  entries.remove_if([&use](const entry& e) { return e.use == use; });
}

}  // namespace detail

tls_session_store::tls_session_store(std::size_t limit)
    : shelf_(new detail::tls_session_shelf(limit)) {}

tls_session_store::tls_session_store(const tls_session_store& other) noexcept
    : shelf_(other.shelf_) {
  if (shelf_) ++shelf_->references;
}

tls_session_store& tls_session_store::operator=(const tls_session_store& other) noexcept {
  tls_session_store copy(other);
  std::swap(shelf_, copy.shelf_);
  return *this;
}

tls_session_store::~tls_session_store() { detail::shelf_ref::drop(shelf_); }

std::size_t tls_session_store::size() const noexcept { return shelf_->entries.size(); }

void tls_session_store::clear() noexcept { shelf_->entries.clear(); }

}  // namespace eddy::inline v1
