#include "idn.hpp"

#if EDDY_HAVE_IDN2
#include <idn2.h>
#endif

namespace eddy::inline v1::url_syntax {

#if EDDY_HAVE_IDN2

punycode_result to_punycode(const std::string& name) {
  struct output {
    char* text = nullptr;
    output() = default;
    output(const output&) = delete;
    output& operator=(const output&) = delete;
    ~output() { idn2_free(text); }
  } out;
  const int status = idn2_to_ascii_8z(name.c_str(), &out.text, IDN2_NONTRANSITIONAL);
  if (status != IDN2_OK) {
    return {{}, std::string("is no international domain name: ") + idn2_strerror(status)};
  }
  return {out.text, {}};
}

#else

punycode_result to_punycode(const std::string&) {
  return {{},
          "international domain names need a build with libidn2: write it in punycode (xn--...)"};
}

#endif

}  // namespace eddy::inline v1::url_syntax
