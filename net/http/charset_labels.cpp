// Which charsets there are, and what they are called.
#include <algorithm>

#include <eddy/net/http/error.hpp>

#include "charset_table.hpp"
#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

using method = charset::method;

// WHATWG Encoding §4.2; each with the name that iconv has for it. Not a std::array whose type is
// deduced: GCC 12 puts that into writable memory.
constexpr charset charsets[] = {
    charset{"UTF-8", method::utf_8, 1,
            "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8"},
    charset{"WINDOWS-1252", method::windows_1252, 1,
            "windows-1252 iso-8859-1 latin1 us-ascii ascii ansi_x3.4-1968 cp1252 cp819 "
            "csisolatin1 ibm819 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 "
            "x-cp1252"},
    charset{"UTF-16LE", method::iconv, 2,
            "utf-16le utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff"},
    charset{"UTF-16BE", method::iconv, 2, "utf-16be unicodefffe"},
    charset{"ISO-8859-2", method::iconv, 1,
            "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 "
            "latin2"},
    charset{"ISO-8859-3", method::iconv, 1,
            "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 "
            "latin3"},
    charset{"ISO-8859-4", method::iconv, 1,
            "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 "
            "latin4"},
    charset{"ISO-8859-5", method::iconv, 1,
            "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
            "iso_8859-5:1988"},
    charset{"ISO-8859-6", method::iconv, 1,
            "iso-8859-6 arabic asmo-708 csisolatinarabic ecma-114 iso-ir-127 iso8859-6 iso88596 "
            "iso_8859-6 iso_8859-6:1987 iso-8859-6-e iso-8859-6-i"},
    charset{"ISO-8859-7", method::iconv, 1,
            "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 "
            "iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek"},
    charset{"ISO-8859-8", method::iconv, 1,
            "iso-8859-8 csisolatinhebrew hebrew iso-ir-138 iso8859-8 iso88598 iso_8859-8 "
            "iso_8859-8:1988 visual iso-8859-8-e iso-8859-8-i logical csiso88598e csiso88598i"},
    charset{"ISO-8859-10", method::iconv, 1,
            "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6"},
    charset{"ISO-8859-13", method::iconv, 1, "iso-8859-13 iso8859-13 iso885913"},
    charset{"ISO-8859-14", method::iconv, 1, "iso-8859-14 iso8859-14 iso885914"},
    charset{"ISO-8859-15", method::iconv, 1,
            "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 latin9"},
    charset{"ISO-8859-16", method::iconv, 1, "iso-8859-16"},
    charset{"KOI8-R", method::iconv, 1, "koi8-r cskoi8r koi koi8 koi8_r"},
    charset{"KOI8-U", method::iconv, 1, "koi8-u koi8-ru"},
    charset{"MACINTOSH", method::iconv, 1, "macintosh csmacintosh mac x-mac-roman"},
    charset{"MAC-CYRILLIC", method::iconv, 1, "x-mac-cyrillic x-mac-ukrainian"},
    charset{"CP866", method::iconv, 1, "ibm866 866 cp866 csibm866"},
    charset{"CP874", method::iconv, 1,
            "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620"},
    charset{"CP1250", method::iconv, 1, "windows-1250 cp1250 x-cp1250"},
    charset{"CP1251", method::iconv, 1, "windows-1251 cp1251 x-cp1251"},
    charset{"CP1253", method::iconv, 1, "windows-1253 cp1253 x-cp1253"},
    charset{"CP1254", method::iconv, 1,
            "windows-1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
            "iso_8859-9:1989 l5 latin5 x-cp1254"},
    charset{"CP1255", method::iconv, 1, "windows-1255 cp1255 x-cp1255"},
    charset{"CP1256", method::iconv, 1, "windows-1256 cp1256 x-cp1256"},
    charset{"CP1257", method::iconv, 1, "windows-1257 cp1257 x-cp1257"},
    charset{"CP1258", method::iconv, 1, "windows-1258 cp1258 x-cp1258"},
    charset{"GB18030", method::iconv, 1,
            "gb18030 gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 "
            "x-gbk"},
    charset{"BIG5-HKSCS", method::iconv, 1, "big5 big5-hkscs cn-big5 csbig5 x-x-big5"},
    charset{"EUC-JP", method::iconv, 1, "euc-jp cseucpkdfmtjapanese x-euc-jp"},
    charset{"ISO-2022-JP", method::iconv, 1, "iso-2022-jp csiso2022jp"},
    charset{"CP932", method::iconv, 1,
            "shift_jis shift-jis sjis csshiftjis ms932 ms_kanji windows-31j x-sjis"},
    charset{"CP949", method::iconv, 1,
            "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
            "ksc_5601 windows-949"},
};

bool has_label(std::string_view labels, std::string_view label) {
  while (!labels.empty()) {
    const std::size_t space = std::min(labels.find(' '), labels.size());
    if (grammar::equal_ignoring_case(labels.substr(0, space), label)) return true;
    labels.remove_prefix(std::min(space + 1, labels.size()));
  }
  return false;
}

}  // namespace

const charset* find_charset(std::string_view label) noexcept {
  const std::string_view trimmed = grammar::trim_whitespace(label);
  if (trimmed.empty()) return nullptr;
  for (const charset& it : charsets) {
    if (has_label(it.labels, trimmed)) return &it;
  }
  return nullptr;
}

bool is_utf8(const charset& which) noexcept { return which.how == charset::method::utf_8; }

const charset& require_charset(std::string_view label) {
  const charset* const found = find_charset(label);
  if (!found) throw content_error("unknown charset " + quoted(label));
  return *found;
}

}  // namespace eddy::inline v1::http
