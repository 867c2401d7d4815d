#include <cerrno>
#include <eddy/net/unix.hpp>

#include "../runtime/quoted.hpp"
#include "../runtime/selector/system.hpp"

namespace eddy::inline v1 {

namespace {

// Longer than any that a system takes, so that only what is refused is shortened.
constexpr std::size_t shown_bytes = 120;

[[noreturn]] void refuse(std::string_view name, const std::string& problem) {
  throw std::invalid_argument("unix address " + detail::quoted(name, shown_bytes) + ": " + problem);
}

void check_length(std::string_view name, std::size_t limit) {
  if (name.empty()) refuse(name, "is empty");
  if (name.size() > limit) {
    refuse(name, "is " + std::to_string(name.size()) + " bytes long, over the limit of " +
                     std::to_string(limit));
  }
}

}  // namespace

unix_address unix_address::path(std::string_view path) {
  check_length(path, detail::system::unix_path_limit());
  if (path.find('\0') != path.npos) refuse(path, "has a NUL byte");
  return {path, false};
}

unix_address unix_address::abstract(std::string_view name) {
  const std::size_t limit = detail::system::unix_abstract_limit();
  if (limit == 0) {
    const std::string shown = detail::quoted(name, shown_bytes);
    detail::throw_os_error(-EOPNOTSUPP, "this system has no abstract names: unix address",
                           shown.c_str());
  }
  check_length(name, limit);
  return {name, true};
}

std::string unix_address::to_string() const {
  std::string out;
  if (is_abstract_) out.push_back('@');
  detail::append_escaped(out, name_, shown_bytes, false);
  return out;
}

}  // namespace eddy::inline v1
