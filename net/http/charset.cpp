#include "charset.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#if EDDY_HAVE_ICONV
#include <iconv.h>
#endif

#include <eddy/net/http/error.hpp>

#include "charset_table.hpp"
#include "utf8.hpp"

namespace eddy::inline v1::http {

namespace {

// No sequence of any charset, shifts included, is as long: what waits for its end may be no longer.
[[maybe_unused]] constexpr std::size_t most_pending_bytes = 16;

// WHATWG Encoding, index windows-1252: what 0x80 to 0x9F mean. All other bytes are Latin-1.
constexpr std::array<std::uint16_t, 32> windows_1252_high = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

void append_windows_1252(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    const bool special = value >= 0x80 && value < 0xA0;
    append_code_point(out, special ? windows_1252_high[value - 0x80U] : value);
  }
}

struct byte_order_mark {
  std::string_view bytes;
  std::string_view label;
};

constexpr std::array<byte_order_mark, 3> byte_order_marks = {{
    {"\xEF\xBB\xBF", "utf-8"},
    {"\xFE\xFF", "utf-16be"},
    {"\xFF\xFE", "utf-16le"},
}};

}  // namespace

#if EDDY_HAVE_ICONV

// iconv's descriptor.
class charset_decoder::conversion {
 public:
  explicit conversion(const charset& from) : from_(from), handle_(iconv_open("UTF-8", from.name)) {
    // iconv_open(3): what it returns where it knows no such conversion.
    if (handle_ == reinterpret_cast<iconv_t>(-1)) {
      throw content_error("this system's iconv does not know the charset " +
                          std::string(from.name));
    }
  }
  conversion(const conversion&) = delete;
  conversion& operator=(const conversion&) = delete;
  ~conversion() { iconv_close(handle_); }

  // Returns how many bytes were used: all but those of a sequence that is not complete.
  std::size_t convert(std::string_view bytes, std::string& out) {
    std::size_t left = bytes.size();
    while (left > 0) {
      const int failure = step(bytes, left, out);
      if (failure == 0 || failure == E2BIG) continue;
      if (failure == EINVAL && left <= most_pending_bytes) break;
      out.append(replacement_character);
      left -= std::min(left, from_.unit);
    }
    return bytes.size() - left;
  }

  // Some charsets keep a character back until they know whether another one combines with it.
  void flush(std::string& out) {
    std::array<char, piece_bytes> piece;
    char* to = piece.data();
    std::size_t room = piece.size();
    iconv(handle_, nullptr, nullptr, &to, &room);
    out.append(piece.data(), piece.size() - room);
  }

 private:
  static constexpr std::size_t piece_bytes = 1024;

  // The last `left` of `bytes`, as far as they go. Returns the error, or 0.
  int step(std::string_view bytes, std::size_t& left, std::string& out) {
    std::array<char, piece_bytes> piece;
    // iconv declares its input as writable, but does not write to it.
    char* from = const_cast<char*>(bytes.data()) + (bytes.size() - left);
    char* to = piece.data();
    std::size_t room = piece.size();
    errno = 0;
    const std::size_t result = iconv(handle_, &from, &left, &to, &room);
    const int failure = result == static_cast<std::size_t>(-1) ? errno : 0;
    out.append(piece.data(), piece.size() - room);
    return failure;
  }

  const charset& from_;
  iconv_t handle_;
};

#else

class charset_decoder::conversion {
 public:
  explicit conversion(const charset& from) {
    throw content_error("this build of Eddy is without iconv, which the charset " +
                        std::string(from.name) + " needs");
  }
  std::size_t convert(std::string_view bytes, std::string&) { return bytes.size(); }
  void flush(std::string&) {}
};

#endif

charset_decoder::charset_decoder(const charset& from, marks known) : known_marks_(known) {
  choose(from);
}

charset_decoder::charset_decoder(charset_decoder&&) noexcept = default;
charset_decoder& charset_decoder::operator=(charset_decoder&&) noexcept = default;
charset_decoder::~charset_decoder() = default;

void charset_decoder::choose(const charset& from) {
  from_ = &from;
  conversion_.reset();
  if (from.how == charset::method::iconv) conversion_ = std::make_unique<conversion>(from);
}

// Looks at the first bytes, in pending_. False: the next ones will tell.
bool charset_decoder::find_mark() {
  const std::size_t known = known_marks_ == marks::decide ? byte_order_marks.size() : 1;
  for (std::size_t i = 0; i < known; ++i) {
    const auto& [mark, label] = byte_order_marks[i];
    if (pending_.starts_with(mark)) {
      choose(require_charset(label));
      pending_.erase(0, mark.size());
      return true;
    }
    if (mark.starts_with(pending_)) return false;
  }
  return true;
}

void charset_decoder::decode(std::string_view bytes, std::string& out) {
  while (!begun_) {
    if (bytes.empty()) return;
    pending_.push_back(bytes.front());
    bytes.remove_prefix(1);
    begun_ = find_mark();
  }
  if (pending_.empty()) {
    convert(bytes, out);
  } else {
    const std::string joined = std::exchange(pending_, std::string()).append(bytes);
    convert(joined, out);
  }
}

void charset_decoder::convert(std::string_view bytes, std::string& out) {
  pending_ = bytes.substr(convert_some(bytes, out));
}

std::size_t charset_decoder::convert_some(std::string_view bytes, std::string& out) {
  switch (from_->how) {
    case charset::method::utf_8:
      return append_valid_utf8(out, bytes);
    case charset::method::windows_1252:
      append_windows_1252(out, bytes);
      return bytes.size();
    case charset::method::iconv:
      break;
  }
  return conversion_->convert(bytes, out);
}

void charset_decoder::finish(std::string& out) {
  if (!begun_) convert(std::exchange(pending_, std::string()), out);
  begun_ = true;
  if (conversion_) conversion_->flush(out);
  if (!pending_.empty()) out.append(replacement_character);
  pending_.clear();
}

}  // namespace eddy::inline v1::http
