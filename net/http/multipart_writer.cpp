#include "multipart_writer.hpp"

#include "../../runtime/quoted.hpp"

namespace eddy::inline v1::http {

std::string boundary_of(std::span<const std::byte, boundary_random_bytes> random) {
  std::string boundary = "eddy-";
  for (const std::byte byte : random) detail::append_hex(boundary, static_cast<char>(byte));
  return boundary;
}

void append_quoted_name(std::string& out, std::string_view name) {
  out += '"';
  for (const char byte : name) {
    switch (byte) {
      case '"':
        out += "%22";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      default:
        out += byte;
    }
  }
  out += '"';
}

void append_part_head(std::string& out, std::string_view boundary, const part_head& head,
                      bool first) {
  if (!first) out.append("\r\n");
  out.append("--").append(boundary).append("\r\nContent-Disposition: form-data; name=");
  append_quoted_name(out, head.name);
  if (head.filename) {
    out.append("; filename=");
    append_quoted_name(out, *head.filename);
  }
  if (!head.content_type.empty()) out.append("\r\nContent-Type: ").append(head.content_type);
  out.append("\r\n\r\n");
}

void append_multipart_end(std::string& out, std::string_view boundary, bool empty) {
  if (!empty) out.append("\r\n");
  out.append("--").append(boundary).append("--\r\n");
}

}  // namespace eddy::inline v1::http
