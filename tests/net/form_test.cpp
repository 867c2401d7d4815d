// application/x-www-form-urlencoded.
#include "../../net/http/form.hpp"

#include <doctest/doctest.h>

#include <utility>

using eddy::http::append_form_field;

TEST_CASE("form fields are serialized as browsers do") {
  const std::pair<std::string, std::string> values[] = {
      {"", "n="},
      {"abcXYZ019*-._", "n=abcXYZ019*-._"},
      {"a b", "n=a+b"},
      {"a+b&c=d%20~", "n=a%2Bb%26c%3Dd%2520%7E"},
      {"\r\n\t", "n=%0D%0A%09"},
      {"Gr\xc3\xbc\xc3\x9f" "e", "n=Gr%C3%BC%C3%9Fe"},
      {"!'()", "n=%21%27%28%29"},
  };
  for (const auto& [value, expected] : values) {
    std::string out;
    append_form_field(out, "n", value);
    CHECK(out == expected);
  }
}

TEST_CASE("every byte but those of the list is encoded, in names and in values") {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '*' || byte == '-' ||
                       byte == '.' || byte == '_';
    char text[8];
    std::snprintf(text, sizeof text, "%%%02X", value);
    std::string expected = plain ? std::string(1, byte) : text;
    if (byte == ' ') expected = "+";
    std::string out;
    append_form_field(out, std::string_view(&byte, 1), std::string_view(&byte, 1));
    CHECK(out == expected + "=" + expected);
  }
}

TEST_CASE("fields are joined, repeated and empty ones too") {
  std::string out;
  append_form_field(out, "a", "1");
  append_form_field(out, "a", "2");
  append_form_field(out, "", "");
  append_form_field(out, "b", "");
  CHECK(out == "a=1&a=2&=&b=");
}
