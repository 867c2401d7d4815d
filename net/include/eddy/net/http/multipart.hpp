// A form with files: multipart/form-data (RFC 7578).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace eddy::inline v1 {

template <class T>
class generator;

namespace http {

struct multipart_parts;

// How a part is announced. Chained setters.
//
//   http::part().filename("photo.png").content_type("image/png")
class part {
 public:
  part() noexcept {}

  // What the server is told the file was called; may hold any bytes, UTF-8 best.
  part& filename(std::string_view name) &;
  part&& filename(std::string_view name) && { return std::move(filename(name)); }
  // Throws http::invalid_request for what a header field cannot hold.
  part& content_type(std::string_view type) &;
  part&& content_type(std::string_view type) && { return std::move(content_type(type)); }

 private:
  friend struct multipart_parts;
  std::string filename_;
  std::string content_type_;
  bool has_filename_ = false;
};

// The parts of a form, in the order they were added, names repeated or not. Move-only; a plain
// value until the request that it is given to is awaited. Names and file names may hold any bytes:
// a quote, CR and LF are escaped as browsers do (%22, %0D, %0A), so that none can end a header.
// Values go as they are, line ends included.
//
// The length is announced if all parts know theirs, else the body is chunked. It can be sent again
// (a retry, a 307 or 308) if no part is a generator.
//
//   http::multipart form;
//   form.field("title", "Holiday").file("photo", "beach.png");
//   co_await session.post(url).multipart(std::move(form))
class multipart {
 public:
  multipart();
  multipart(multipart&& other) noexcept : parts_(std::exchange(other.parts_, nullptr)) {}
  multipart& operator=(multipart&& other) noexcept {
    std::swap(parts_, other.parts_);
    return *this;
  }
  ~multipart();

  // A plain field.
  multipart& field(std::string_view name, std::string_view value) &;
  multipart&& field(std::string_view name, std::string_view value) && {
    return std::move(field(name, value));
  }
  // Bytes in memory. Content-Type, here and below: application/octet-stream unless `how` says.
  multipart& content(std::string_view name, std::string bytes, part how = part()) &;
  multipart&& content(std::string_view name, std::string bytes, part how = part()) && {
    return std::move(content(name, std::move(bytes), std::move(how)));
  }
  // A file, opened when the request is sent; its name is the last component of `path` unless `how`
  // says.
  multipart& file(std::string_view name, std::string path, part how = part()) &;
  multipart&& file(std::string_view name, std::string path, part how = part()) && {
    return std::move(file(name, std::move(path), std::move(how)));
  }
  // What a generator yields, to its end.
  multipart& stream(std::string_view name, generator<std::string> pieces, part how = part()) &;
  multipart&& stream(std::string_view name, generator<std::string> pieces, part how = part()) &&;
  // The same, of `size` bytes in all; anything else fails the request.
  multipart& stream(std::string_view name, generator<std::string> pieces, std::uint64_t size,
                    part how = part()) &;
  multipart&& stream(std::string_view name, generator<std::string> pieces, std::uint64_t size,
                     part how = part()) &&;

 private:
  friend class request_builder;
  multipart_parts& parts();  // throws std::logic_error if it was moved from

  multipart_parts* parts_;
};

}  // namespace http
}  // namespace eddy::inline v1
