#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// Text in, lines out, however the text was cut; a line ends with LF, CR or CRLF, and is whole as
// soon as the first byte of that has come. A line of more than `max_line_bytes`, its end not
// counted, throws content_error that says so. One owner, one thread.
//
//   while (auto line = splitter.next(text)) use(*line);   // as often as text comes
//   if (auto line = splitter.finish()) use(*line);        // what is behind the last line end
class line_splitter {
 public:
  explicit line_splitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Removes from `text` what it used: all of it if there is no whole line yet.
  std::optional<std::string> next(std::string_view& text);
  // The text has ended: the last line, unless it is empty.
  std::optional<std::string> finish();

 private:
  void append(std::string_view part);

  std::size_t max_line_bytes_;
  std::string line_;
  bool after_cr_ = false;  // an LF that comes now belongs to the line before
};

}  // namespace eddy::inline v1::http
