// Who a request says it is: its cookies and its credentials, hop by hop.
#include <algorithm>
#include <array>
#include <eddy/net/http/cookies.hpp>
#include <eddy/net/http/error.hpp>
#include <eddy/runtime/file.hpp>
#include <eddy/runtime/timeout.hpp>
#include <system_error>

#include "../../runtime/selector/system.hpp"
#include "environment.hpp"
#include "exchange.hpp"
#include "netrc.hpp"
#include "session_state.hpp"
#include "status.hpp"

namespace eddy::inline v1::http {

namespace {

bool is_absent(const std::system_error& e) {
  return e.code() == std::errc::no_such_file_or_directory;
}

// Empty for the usual file if there is no place for one.
task<std::string> text_of_netrc(std::string path, bool is_optional) {
  std::string text;
  if (path.empty()) co_return text;
  try {
    file source = co_await file::open(std::move(path), file_mode::read);
    text = co_await source.read_all(max_netrc_bytes);
  } catch (const std::system_error& e) {
    if (!is_optional || !is_absent(e)) throw;
  }
  co_return std::move(text);
}

std::string_view name_of_cookie(std::string_view pair) { return pair.substr(0, pair.find('=')); }

// "a=1; b=2" into its pairs.
template <class Visit>
void each_cookie(std::string_view field, Visit visit) {
  constexpr std::string_view between = "; ";
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(between), field.size());
    visit(field.substr(0, end));
    field.remove_prefix(std::min(end + between.size(), field.size()));
  }
}

bool has_cookie(std::string_view field, std::string_view name) {
  bool found = false;
  each_cookie(field, [&](std::string_view pair) { found = found || name_of_cookie(pair) == name; });
  return found;
}

}  // namespace

std::string fresh_cnonce() {
  std::array<std::byte, cnonce_random_bytes> random;
  const int failed = detail::system::fill_random(random.data(), random.size());
  if (failed < 0) detail::throw_os_error(failed, "entropy for Digest", nullptr);
  return cnonce_of(random);
}

// Before the first attempt of a hop. True if the credentials are in a file yet.
bool exchange::begin_hop() {
  begin_route();
  const bool has_session_login = session_->settings.credentials.is_set();
  if (history_.empty() && !settings_ && !has_session_login && url_.user_info().empty()) {
    return false;  // as most requests: nobody has said who they are
  }
  const url& first = history_.empty() ? url_ : history_.front().url();
  const http::auth own = settings_ ? settings_->credentials : http::auth();
  if (!history_.empty() && url_.origin() != first.origin()) forget_own_cookies();
  if (has_authorization_) {
    server_auth_.begin(http::auth());
    return false;
  }
  server_auth_.begin(auth_for_hop(own, session_->settings.credentials, first, url_));
  return server_auth_.who().which() == auth::kind::netrc;
}

void exchange::forget_own_cookies() noexcept {
  if (settings_) settings_->cookies.clear();
}

task<> exchange::look_up_login() {
  step_ = step::preparing;
  limit_ = clock_.total();
  std::string path = server_auth_.who().path();
  const bool is_usual = path.empty();
  if (is_usual) path = usual_netrc_path(detail::system::environment());
  task<std::string> reading = text_of_netrc(std::move(path), is_usual);
  const std::string text = co_await with_deadline(limit_.at, std::move(reading));
  const netrc known = netrc::parse(text);
  const netrc_entry* const found = known.find(url_.host());
  http::auth who;
  if (found && found->has_login && is_meant_for_hop(*found)) {
    who = http::auth::basic(found->login, found->password);
  }
  server_auth_.begin(std::move(who));
}

// Where a redirection leads is for the server to say: another origin gets what is said of its host
// by name, and that never in the clear if the request began with TLS.
bool exchange::is_meant_for_hop(const netrc_entry& entry) const {
  if (history_.empty()) return true;
  const url& first = history_.front().url();
  if (url_.origin() == first.origin()) return true;
  return !entry.machine.empty() && (first.scheme() != "https" || url_.scheme() == "https");
}

std::string exchange::cookie_field() {
  std::string field = settings_ ? settings_->cookies : std::string();
  const std::string kept = uses_jar() ? session_->jar->field_for(url_) : std::string();
  if (field.empty()) return kept;
  const std::size_t own = field.size();
  each_cookie(kept, [&](std::string_view pair) {
    const std::string_view mine = std::string_view(field).substr(0, own);
    if (!has_cookie(mine, name_of_cookie(pair))) field.append("; ").append(pair);
  });
  return field;
}

bool exchange::uses_jar() const noexcept {
  return session_->jar && (!settings_ || settings_->uses_jar);
}

// What a proxy says for itself is not the origin's.
void exchange::keep_cookies() {
  const response_head& head = slot_.get()->parser().head();
  if (is_forwarded_ && head.status == proxy_authentication_required) return;
  if (uses_jar()) session_->jar->store(url_, head.fields);
}

// For each sending: a Digest answers with a count.
void exchange::write_identity() {
  if (!has_cookie_field_) {
    fields_.remove("Cookie");
    const std::string cookies = cookie_field();
    if (!cookies.empty()) fields_.add("Cookie", cookies);
  }
  if (!has_authorization_) write_credentials(server_auth_, auth_role::server);
  fields_.remove("Proxy-Authorization");
  if (is_forwarded_) write_credentials(proxy_auth_, auth_role::proxy);
}

void exchange::write_credentials(request_auth& who, auth_role role) {
  const char* const name = credentials_field(role);
  fields_.remove(name);
  if (!who.who().is_set()) return;
  const identity_words words = words_for(who, role);
  const auto value = who.field(words.context(role, method_), session_->digests);
  if (value) fields_.add(name, *value);
}

// What Digest computes with; the others need none of it.
exchange::identity_words exchange::words_for(const request_auth& who, auth_role role) const {
  identity_words words;
  if (!who.wants_cnonce()) return words;
  words.space = role == auth_role::proxy ? proxy_name_ : url_.origin();
  words.target = target();
  words.cnonce = fresh_cnonce();
  return words;
}

// Whether the answer to the response that is there is to send the request once more.
bool exchange::is_challenged() {
  const response_head& head = slot_.get()->parser().head();
  const bool by_server = head.status == unauthorized && !has_authorization_;
  const bool by_proxy = head.status == proxy_authentication_required && is_forwarded_;
  if (!by_server && !by_proxy) return false;
  const auth_role role = by_proxy ? auth_role::proxy : auth_role::server;
  request_auth& asked = by_proxy ? proxy_auth_ : server_auth_;
  if (!asked.wants_cnonce() || !can_send_body_again()) return false;
  const identity_words words = words_for(asked, role);
  return asked.answer(words.context(role, method_), head.status, head.fields, session_->digests);
}

// Over the same connection, if the rest of the response is little.
task<> exchange::answer_challenge() {
  const int status = slot_.get()->parser().head().status;
  co_await leave_hop();
  progress_.lap(&timings::receive);
  progress_.retried({}, status);
}

}  // namespace eddy::inline v1::http
