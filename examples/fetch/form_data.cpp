#include "form_data.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "failure.hpp"
#include "printable.hpp"

namespace fetch {

namespace {

struct closer {
  void operator()(std::FILE* opened) const noexcept {
    if (opened != stdin) std::fclose(opened);
  }
};

void append_stripped(std::string& out, const char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const char c = bytes[i];
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
}

void append_file(std::string& out, const std::string& path) {
  const bool standard = path == "-";
  const std::unique_ptr<std::FILE, closer> from(standard ? stdin : std::fopen(path.c_str(), "rb"));
  std::array<char, 16384> buffer;
  std::size_t got = 0;
  while (from && (got = std::fread(buffer.data(), 1, buffer.size(), from.get())) > 0) {
    append_stripped(out, buffer.data(), got);
  }
  if (from && std::ferror(from.get()) == 0) return;
  const char* why = std::strerror(errno);
  throw failure(exit_code::cannot_read,
                "cannot read " + (standard ? "the standard input" : printable(path)) + ": " + why);
}

}  // namespace

std::string form_data(const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) {
    if (&piece != &pieces.front()) out += '&';
    if (piece.starts_with('@')) {
      append_file(out, piece.substr(1));
    } else {
      out += piece;
    }
  }
  return out;
}

}  // namespace fetch
