#include "accept.hpp"

#include <cerrno>

namespace eddy::inline v1::detail {

namespace {

// accept(2): what was wrong with the connection that was to be accepted, not with the listener.
bool concerns_one_connection(int result) noexcept {
  switch (-result) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

int accepted_descriptor(int result, const descriptor_ref& listener) {
  if (result >= 0) return result;
  if (!concerns_one_connection(result)) fail_descriptor(result, "accept on", listener);
  return -1;
}

}  // namespace eddy::inline v1::detail
