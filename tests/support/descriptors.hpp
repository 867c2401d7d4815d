// Which descriptors this process has open: the same before and after, and none has leaked.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>

namespace eddy_tests {

#ifdef __linux__
inline constexpr const char* descriptor_folder = "/proc/self/fd";
#else
inline constexpr const char* descriptor_folder = "/dev/fd";
#endif

// What tells two uses of one number apart; devices begin with "/dev/". Linux names what is open,
// other systems only give it a number.
inline std::string name_of_descriptor(int fd) {
  const std::string entry = std::string(descriptor_folder) + "/" + std::to_string(fd);
  char target[256];
  const auto size = ::readlink(entry.c_str(), target, sizeof target);
  if (size > 0) return std::string(target, static_cast<std::size_t>(size));
  struct stat about {};
  if (::fstat(fd, &about) != 0) return "?";
  return (S_ISCHR(about.st_mode) ? "/dev/" : "inode ") + std::to_string(about.st_ino);
}

inline std::map<int, std::string> named_descriptors() {
  std::map<int, std::string> found;
  DIR* dir = ::opendir(descriptor_folder);
  if (!dir) return found;
  while (const dirent* entry = ::readdir(dir)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd != ::dirfd(dir)) found[fd] = name_of_descriptor(fd);
  }
  ::closedir(dir);
  return found;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* dir = ::opendir(descriptor_folder);
  if (!dir) return count;
  // The folder's own descriptor is among them, each time.
  while (::readdir(dir)) ++count;
  ::closedir(dir);
  return count;
}

#ifdef __linux__
extern "C" [[gnu::weak]] void __ubsan_handle_dynamic_type_cache_miss();
#endif

// Whether UBSan is here: its checks of virtual calls open a pipe, and call the object bad when they
// cannot. GCC has no macro that says so; where only clang compiles, there is one.
inline bool checks_need_descriptors() {
#if defined(__linux__)
  return &__ubsan_handle_dynamic_type_cache_miss != nullptr;
#elif defined(__has_feature)
  return __has_feature(undefined_behavior_sanitizer);
#else
  return false;
#endif
}

}  // namespace eddy_tests
