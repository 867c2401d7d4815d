#include "public_suffix.hpp"

#if EDDY_HAVE_PSL
#include <libpsl.h>
#endif

namespace eddy::inline v1::http {

namespace {

bool is_one_label(const std::string& name) { return name.find('.') == std::string::npos; }

std::string last_two_labels(const std::string& name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string::npos || last == 0) return name;
  const std::size_t before = name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

}  // namespace

#if EDDY_HAVE_PSL

// A libpsl that was built without a list has no psl_builtin().
bool is_public_suffix(const std::string& name) {
  const psl_ctx_t* const list = psl_builtin();
  return list ? psl_is_public_suffix(list, name.c_str()) != 0 : is_one_label(name);
}

std::string registrable_domain(const std::string& name) {
  const psl_ctx_t* const list = psl_builtin();
  if (!list) return last_two_labels(name);
  const char* const found = psl_registrable_domain(list, name.c_str());
  return found ? std::string(found) : name;
}

#else

bool is_public_suffix(const std::string& name) { return is_one_label(name); }

std::string registrable_domain(const std::string& name) { return last_two_labels(name); }

#endif

}  // namespace eddy::inline v1::http
