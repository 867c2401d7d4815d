// Feeds libFuzzer's bytes to the writers of forms: what they write is read back by a strict reader,
// and is the same. Lines are taken in turn as name, file name, content type and content of a part.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../../net/http/form.hpp"
#include "../../net/http/multipart_writer.hpp"

namespace {

using eddy::http::part_head;

constexpr std::string_view boundary = "eddy-0123456789abcdef0123456789abcdef";

void require(bool holds) {
  if (!holds) std::abort();
}

struct part {
  part_head head;
  std::string content;
};

std::string_view take(std::string_view& input, char until) {
  const std::size_t end = input.find(until);
  const std::string_view found = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return found;
}

// What the caller's side has checked: no control byte in a content type.
std::string as_field_value(std::string_view text) {
  std::string value;
  for (const char byte : text) {
    if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) value += byte;
  }
  return value;
}

// NUL separates, so that names may hold line ends.
std::vector<part> parts_of(std::string_view input) {
  constexpr std::size_t most_parts = 20;
  std::vector<part> parts;
  while (!input.empty() && parts.size() < most_parts) {
    part& p = parts.emplace_back();
    p.head.name = take(input, '\0');
    const std::string_view filename = take(input, '\0');
    if (!filename.empty()) p.head.filename = filename.substr(1);
    p.head.content_type = as_field_value(take(input, '\0'));
    p.content = take(input, '\0');
    // What chance forbids.
    if (p.content.find(boundary) != std::string::npos) p.content.clear();
    if (p.head.content_type.find(boundary) != std::string::npos) p.head.content_type.clear();
  }
  return parts;
}

std::string written(const std::vector<part>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    append_part_head(out, boundary, parts[i].head, i == 0);
    out += parts[i].content;
  }
  eddy::http::append_multipart_end(out, boundary, parts.empty());
  return out;
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char byte : name) {
    if (byte == '"') {
      out += "%22";
    } else if (byte == '\r') {
      out += "%0D";
    } else if (byte == '\n') {
      out += "%0A";
    } else {
      out += byte;
    }
  }
  return out;
}

void expect(std::string_view& text, std::string_view begin) {
  require(text.starts_with(begin));
  text.remove_prefix(begin.size());
}

// Up to the line's end, which is not in it.
std::string_view line_of(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  require(end != std::string_view::npos);
  const std::string_view line = text.substr(0, end);
  require(line.find_first_of("\r\n") == std::string_view::npos);
  text.remove_prefix(end + 2);
  return line;
}

// One name between quotes, in which there is no quote.
std::string_view name_of(std::string_view& line) {
  expect(line, "\"");
  const std::size_t end = line.find('"');
  require(end != std::string_view::npos);
  const std::string_view name = line.substr(0, end);
  line.remove_prefix(end + 1);
  return name;
}

void check_part(std::string_view head, const part& expected) {
  std::string_view line = line_of(head);
  expect(line, "Content-Disposition: form-data; name=");
  require(name_of(line) == escaped(expected.head.name));
  if (expected.head.filename) {
    expect(line, "; filename=");
    require(name_of(line) == escaped(*expected.head.filename));
  }
  require(line.empty());
  if (!expected.head.content_type.empty()) {
    line = line_of(head);
    expect(line, "Content-Type: ");
    require(line == expected.head.content_type);
  }
  require(head.empty());
}

// RFC 2046 §5.1.1, knowing nothing but the boundary.
void check(std::string_view text, const std::vector<part>& parts) {
  const std::string delimiter = "\r\n--" + std::string(boundary);
  std::string whole = "\r\n" + std::string(text);
  std::string_view rest = whole;
  expect(rest, delimiter);
  for (const part& expected : parts) {
    expect(rest, "\r\n");
    const std::size_t end = rest.find(delimiter);
    require(end != std::string_view::npos);
    const std::string_view entity = rest.substr(0, end);
    const std::size_t blank = entity.find("\r\n\r\n");
    require(blank != std::string_view::npos);
    check_part(entity.substr(0, blank + 2), expected);
    require(entity.substr(blank + 4) == expected.content);
    rest.remove_prefix(end + delimiter.size());
  }
  require(rest == "--\r\n");
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  require(digit >= 'A' && digit <= 'F');
  return digit - 'A' + 10;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    require(byte > 0x20 && byte < 0x7f);
    if (byte == '+') {
      out += ' ';
    } else if (byte == '%') {
      require(i + 2 < text.size());
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void check_form(const std::vector<part>& parts) {
  std::string out;
  for (const part& p : parts) eddy::http::append_form_field(out, p.head.name, p.content);
  std::string_view rest = out;
  for (const part& p : parts) {
    std::string_view field = take(rest, '&');
    const std::string_view name = take(field, '=');
    require(field.find('=') == std::string_view::npos);
    require(decoded(name) == p.head.name && decoded(field) == p.content);
  }
  require(rest.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<part> parts =
      parts_of(std::string_view(reinterpret_cast<const char*>(data), size));
  check(written(parts), parts);
  check_form(parts);
  return 0;
}
