// Whether a sanitizer watches memory. What recycles memory steps aside then, so that every use
// after free is seen. For source files only: in a header, the two answers would mix across them.
#pragma once

namespace eddy::inline v1::detail {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_watched = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
constexpr bool memory_is_watched = true;
#else
constexpr bool memory_is_watched = false;
#endif
#else
constexpr bool memory_is_watched = false;
#endif

}  // namespace eddy::inline v1::detail
