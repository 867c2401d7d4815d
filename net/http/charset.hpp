#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// One way to write text as bytes: a row of a table.
struct charset;

// The charset of that label (WHATWG Encoding §4.2, any case, spaces around it ignored), or null.
// Labels mean what browsers take them for: "iso-8859-1" and "us-ascii" are windows-1252, "gb2312"
// is GBK. Only what is listed is known: no name from a peer reaches the system.
const charset* find_charset(std::string_view label) noexcept;

// The same, but throws content_error that names the label.
const charset& require_charset(std::string_view label);

bool is_utf8(const charset& which) noexcept;

// Text on its way to UTF-8, streaming: windows-1252 and UTF-8 by itself, others through iconv. What
// means nothing in the charset becomes U+FFFD, UTF-8 included, so what comes out is well-formed
// whatever comes in. One owner, one thread.
//
//   charset_decoder decoder(require_charset("shift_jis"));
//   decoder.decode(bytes, text);   // as often as bytes come
//   decoder.finish(text);
//
// A byte order mark is left out, and decides (WHATWG Encoding, "decode"): UTF-8, UTF-16BE or
// UTF-16LE, whatever was said before.
class charset_decoder {
 public:
  enum class marks : std::uint8_t {
    decide,      // as above
    utf_8_only,  // only the one of UTF-8 is known: what an event stream asks for
  };

  // Throws content_error if this system's iconv cannot convert from it, or the build has none.
  explicit charset_decoder(const charset& from, marks known = marks::decide);
  charset_decoder(charset_decoder&&) noexcept;
  charset_decoder& operator=(charset_decoder&&) noexcept;
  ~charset_decoder();

  void decode(std::string_view bytes, std::string& out);
  // The text ends: a sequence that was begun becomes U+FFFD.
  void finish(std::string& out);

 private:
  class conversion;

  void choose(const charset& from);
  bool find_mark();
  void convert(std::string_view bytes, std::string& out);
  std::size_t convert_some(std::string_view bytes, std::string& out);

  const charset* from_;
  std::unique_ptr<conversion> conversion_;  // for those that iconv does
  std::string pending_;                     // a mark or a sequence that is not complete
  marks known_marks_;
  bool begun_ = false;  // it is known whether there is a mark
};

}  // namespace eddy::inline v1::http
