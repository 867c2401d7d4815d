#include <eddy/net/http/cookies.hpp>
#include <eddy/net/http/headers.hpp>
#include <eddy/net/url.hpp>
#include <eddy/runtime/file.hpp>

#include "../../runtime/selector/system.hpp"
#include "cookie_netscape.hpp"
#include "cookie_store.hpp"

namespace eddy::inline v1::http {

namespace {

std::int64_t now() noexcept { return detail::system::wall_seconds(); }

// The jar is a copy: the caller's handle may be gone when this runs.
task<> save_copy(cookie_jar jar, std::string path) {
  task<> writing = replace_file(std::move(path), jar.to_netscape());
  co_await std::move(writing);
}

task<cookie_load_result> load_copy(cookie_jar jar, std::string path) {
  file in = co_await file::open(std::move(path), file_mode::read);
  const std::string text = co_await in.read_all(max_cookie_file_bytes);
  co_return jar.load_netscape(text);
}

}  // namespace

cookie_jar::cookie_jar() : store_(new cookie_store) {}

cookie_jar::cookie_jar(const cookie_jar& other) noexcept : store_(other.store_) {
  ++store_->references;
}

cookie_jar& cookie_jar::operator=(const cookie_jar& other) noexcept {
  cookie_jar copy(other);
  std::swap(store_, copy.store_);
  return *this;
}

cookie_jar::~cookie_jar() {
  if (--store_->references == 0) delete store_;
}

std::string cookie_jar::field_for(const url& to) {
  return store_->empty() ? std::string() : store_->field_for(to, now());
}

void cookie_jar::store(const url& from, const headers& answer) {
  if (answer.contains("set-cookie")) store_->store(from, answer, now());
}

void cookie_jar::set(const cookie& c) { store_->set(c, now()); }

std::vector<cookie> cookie_jar::cookies_for(const url& to) const {
  return store_->cookies_for(to, now());
}

std::vector<cookie> cookie_jar::all() const { return store_->all(now()); }

std::size_t cookie_jar::size() const { return store_->size(now()); }

std::size_t cookie_jar::remove(std::string_view name, std::string_view domain,
                               std::string_view path) {
  return store_->remove(name, domain, path);
}

void cookie_jar::clear() noexcept { store_->clear(); }

void cookie_jar::clear_session() { store_->clear_session(); }

std::string cookie_jar::to_netscape() const { return write_netscape(*store_, now()); }

cookie_load_result cookie_jar::load_netscape(std::string_view text) {
  return read_netscape(*store_, text, now());
}

task<> cookie_jar::save(std::string path) const { return save_copy(*this, std::move(path)); }

task<cookie_load_result> cookie_jar::load(std::string path) {
  return load_copy(*this, std::move(path));
}

}  // namespace eddy::inline v1::http
