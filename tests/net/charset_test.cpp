// Text to UTF-8: labels, byte order marks, what is cut and what means nothing.
#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <utility>

#include "../../net/http/charset.hpp"
#include "../../net/http/media_type.hpp"
#include "parse_trace.hpp"

using eddy::http::charset_decoder;
using eddy::http::find_charset;
using eddy::http::parse_media_type;
using namespace std::string_literals;

namespace {

std::string decoded(std::string_view label, const parse_trace::pieces& input,
                    charset_decoder::marks known = charset_decoder::marks::decide) {
  charset_decoder decoder(eddy::http::require_charset(label), known);
  std::string out;
  for (const std::string_view piece : input) decoder.decode(piece, out);
  decoder.finish(out);
  return out;
}

void check(std::string_view label, const std::string& bytes, const std::string& text) {
  CAPTURE(label);
  for (const auto& cut : parse_trace::every_cut(bytes)) CHECK(decoded(label, cut) == text);
}

}  // namespace

TEST_CASE("UTF-8 is checked, and each maximal part that is none becomes U+FFFD") {
  check("utf-8", "", "");
  check("utf-8", "plain", "plain");
  check("utf-8", "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80", "grüß € 😀");
  const std::pair<std::string, std::string> broken[] = {
      {"\x80", "\uFFFD"},
      {"a\xFF" "b", "a\uFFFDb"},
      {"\xC0\xAF", "\uFFFD\uFFFD"},                      // too long
      {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},            // too long
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // a surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // beyond U+10FFFF
      {"\xF5", "\uFFFD"},
      {"\xE2\x82", "\uFFFD"},  // cut at the end
      {"\xE2\x82x", "\uFFFDx"},
      {"\xF0\x9F\x98\xE2\x82\xAC", "\uFFFD€"},
      {"\xF0\x9F\x98", "\uFFFD"},
      // Unicode 15, table 3-11
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF" "A", "\uFFFD\uFFFD\uFFFD\uFFFDA"},
  };
  for (const auto& [bytes, text] : broken) check("utf-8", bytes, text);
}

TEST_CASE("labels mean what browsers take them for") {
  for (const char* label : {"iso-8859-1", "Latin1", " US-ASCII ", "windows-1252", "cp1252"}) {
    check(label, "\x80 na\xEFve \x81\x9F", "€ naïve \u0081Ÿ");
  }
  check("UTF8", "\xC3\xBC", "ü");
#if EDDY_HAVE_ICONV
  check("iso-8859-15", "\xA4", "€");
  check("koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет");
  check("windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет");
  check("shift_jis", "\x83\x65\x83\x58\x83\x67 \xB1", "テスト ｱ");
  check("euc-jp", "\xA5\xC6\xA5\xB9", "テス");
  check("iso-2022-jp", "a\x1B$B%F%9\x1B(Bb", "aテスb");
  check("gb2312", "\xC4\xE3\xBA\xC3", "你好");
  check("gb18030", "\x81\x30\x84\x36", "¥");
  check("big5", "\xA7\x41\xA6\x6E", "你好");
  check("euc-kr", "\xBE\xC8\xB3\xE7", "안녕");
  check("utf-16", "h\0i\0\x3D\xD8\0\xDE"s, "hi😀");
  check("utf-16be", "\0h\0i"s, "hi");
#endif
  CHECK(find_charset("utf-7") == nullptr);
  CHECK(find_charset("") == nullptr);
  CHECK(find_charset("utf-8//IGNORE") == nullptr);
  CHECK(find_charset("utf-8 utf8") == nullptr);
  CHECK_THROWS_WITH_AS(eddy::http::require_charset("x-\x01"), "unknown charset \"x-\\x01\"",
                       eddy::http::content_error);
}

#if EDDY_HAVE_ICONV
TEST_CASE("every charset of the table can be converted from") {
  for (const char* label :
       {"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
        "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-16",
        "koi8-u", "macintosh", "x-mac-cyrillic", "ibm866", "windows-874", "windows-1250",
        "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257",
        "windows-1258", "gbk"}) {
    check(label, "abc", "abc");
  }
}

TEST_CASE("bytes that mean nothing in the charset become U+FFFD") {
  check("shift_jis", "a\xFF" "b", "a\uFFFDb");
  check("shift_jis", "\x83", "\uFFFD");
  check("euc-kr", "\xBE x", "\uFFFD x");
  check("gb18030", "\x81\x30\x81", "\uFFFD");
  check("utf-16le", "a\0\x00\xDC" "b\0"s, "a\uFFFDb");
  check("utf-16le", "a\0b"s, "a\uFFFD");
}

TEST_CASE("a byte order mark is left out, and decides") {
  for (const char* label : {"utf-8", "iso-8859-1", "shift_jis"}) {
    check(label, "\xEF\xBB\xBF\xC3\xBC", "ü");
    check(label, "\xFF\xFEh\0i\0"s, "hi");
    check(label, "\xFE\xFF\0h\0i"s, "hi");
    check(label, "\xEF\xBB\xBF", "");
    check(label, "\xFF\xFE", "");
  }
  check("utf-16le", "\xEF\xBB\xBFhi", "hi");
  // Only the first is a mark.
  check("utf-8", "\xEF\xBB\xBF\xEF\xBB\xBFx", "\uFEFFx");
  check("utf-8", "\xEF\xBB", "\uFFFD");
  check("latin1", "\xEF\xBB", "ï»");
  check("latin1", "\xFE", "þ");
  const std::string mark = "\xFF\xFE";
  CHECK(decoded("utf-8", {mark}, charset_decoder::marks::utf_8_only) == "\uFFFD\uFFFD");
}

TEST_CASE("long text goes through in pieces") {
  std::string bytes;
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    bytes += "\x83\x65";
    text += "テ";
  }
  CHECK((decoded("shift_jis", {bytes}) == text));
  CHECK((decoded("shift_jis", parse_trace::byte_by_byte(bytes)) == text));
}

#endif

TEST_CASE("Content-Type: the essence, and the charset however it is written") {
  const auto charset_of = [](std::string_view text) {
    return parse_media_type(text).charset.value_or("none");
  };
  CHECK(parse_media_type("Text/HTML; charset=utf-8").essence == "text/html");
  CHECK(parse_media_type("").essence == "");
  CHECK(parse_media_type(" text/plain ").essence == "text/plain");
  CHECK(charset_of("text/html; charset=utf-8") == "utf-8");
  CHECK(charset_of("text/html;charset=\"utf-8\"") == "utf-8");
  CHECK(charset_of("text/html ; CharSet = \"a\\\"b\" ; x=y") == "a\"b");
  CHECK(charset_of("text/html; boundary=\"; charset=x\"; charset=y") == "y");
  CHECK(charset_of("text/html; charset=a; charset=b") == "a");
  CHECK(charset_of("text/html; charset") == "none");
  CHECK(charset_of("text/html; charset=") == "");
  CHECK(charset_of("text/html;; ;charset=x;") == "x");
  CHECK(charset_of("text/html; charset=\"open") == "open");
  CHECK(charset_of("text/html; xcharset=a") == "none");
}
