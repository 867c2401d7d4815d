// What the copies of a tls_session_store share.
#pragma once

#include <openssl/ssl.h>

#include <eddy/net/tls.hpp>
#include <eddy/runtime/timer.hpp>
#include <list>
#include <memory>

namespace eddy::inline v1::detail {

struct free_session {
  void operator()(SSL_SESSION* s) const noexcept { SSL_SESSION_free(s); }
};
using owned_session = std::unique_ptr<SSL_SESSION, free_session>;

// For which connections a session will do.
class session_use {
 public:
  session_use(const tls_context& context, const std::string& host, const std::string& key);
  bool operator==(const session_use& other) const noexcept;

  const tls_context& context() const noexcept { return context_; }

 private:
  tls_context context_;  // held, so that another one cannot get its address
  unsigned revision_;
  std::string key_;  // the host's name has no NUL byte, with which it ends
};

// The newest first. Searched one by one: next to a handshake, a hundred comparisons are nothing.
struct tls_session_shelf {
  explicit tls_session_shelf(std::size_t most) noexcept : limit(most) {}

  void put(const session_use& use, owned_session session, time_point now);
  // The newest that can be used now, or null. The caller's alone: of one that may be used again it
  // is a copy, because a connection that ends badly spoils its session.
  owned_session take(const session_use& use, time_point now);
  void forget(const session_use& use) noexcept;

  struct entry {
    session_use use;
    owned_session session;
    time_point until;
  };
  std::size_t limit;
  unsigned references = 1;
  std::list<entry> entries;
};

class shelf_ref {
 public:
  explicit shelf_ref(tls_session_shelf* shelf) noexcept : shelf_(shelf) {
    if (shelf_) ++shelf_->references;
  }
  shelf_ref(const shelf_ref&) = delete;
  shelf_ref& operator=(const shelf_ref&) = delete;
  ~shelf_ref() { drop(shelf_); }
  static void drop(tls_session_shelf* shelf) noexcept {
    if (shelf && --shelf->references == 0) delete shelf;
  }

  tls_session_shelf* operator->() const noexcept { return shelf_; }
  explicit operator bool() const noexcept { return shelf_ != nullptr; }

 private:
  tls_session_shelf* shelf_;
};

}  // namespace eddy::inline v1::detail
