#include "redirect.hpp"

#include <eddy/net/http/error.hpp>

#include "../url_text.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr int moved_permanently = 301;
constexpr int found = 302;
constexpr int see_other = 303;
constexpr int temporary_redirect = 307;
constexpr int permanent_redirect = 308;

// 301 and 302 change POST only, as all clients do; what they do with other methods differs, so
// those are kept.
bool changes_to_get(int status, std::string_view method) {
  if (status == see_other) return method != "GET" && method != "HEAD";
  return (status == moved_permanently || status == found) && method == "POST";
}

bool is_redirect(int status) {
  return status == moved_permanently || status == found || status == see_other ||
         status == temporary_redirect || status == permanent_redirect;
}

url target_of(const url& from, int status, std::string_view location) {
  const std::string what =
      std::to_string(status) + " redirects to " + url_syntax::quoted_url(location);
  url to;
  try {
    to = from.resolve(location);
    // RFC 9110 §10.2.2: the fragment of the original goes on.
    if (!to.has_fragment() && from.has_fragment()) {
      to = url::parse(to.str().append("#").append(from.fragment()));
    }
  } catch (const url_error& e) {
    throw error(what + ": " + e.what());
  }
  if (!to.is_http()) throw error(what + ", which is neither http nor https");
  return to;
}

}  // namespace

std::optional<redirection> redirection_of(std::string_view method, const url& from, int status,
                                          const headers& fields) {
  if (!is_redirect(status)) return std::nullopt;
  const auto location = fields.get("Location");
  if (!location) return std::nullopt;
  redirection r;
  r.to = target_of(from, status, *location);
  r.status = status;
  r.becomes_get = changes_to_get(status, method);
  r.new_origin = r.to.origin() != from.origin();
  return r;
}

void prepare_fields(headers& fields, const redirection& r) {
  if (r.becomes_get) {
    for (const char* name : {"Content-Type", "Content-Encoding", "Content-Language",
                             "Content-Location", "Content-Digest", "Expect"}) {
      fields.remove(name);
    }
  }
  if (r.new_origin) {
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
      fields.remove(name);
    }
  }
}

}  // namespace eddy::inline v1::http
