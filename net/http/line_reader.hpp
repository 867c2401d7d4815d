#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::inline v1::http {

// How long a line may be, and what an error says when it is longer.
struct line_bound {
  std::size_t bytes;         // left for this line, its line end included
  std::string_view section;  // "response head"
  std::string_view name;     // "max_head_bytes"
  std::size_t configured;    // the bound's value
  int answer_status;         // what a server answers
};

// Cuts lines out of pieces. A line that lies whole in one piece is a view into that piece; one that
// is split is gathered here. Lines end in CRLF: a bare LF is refused, because peers disagree on
// whether it ends a line (RFC 9112 §2.2 would allow it), and smuggling lives on that. The outcome
// for a byte sequence does not depend on how it is cut: the bound is judged before the line end,
// and the content of a line only when it is complete.
class line_reader {
 public:
  // The next line without its CRLF, valid until the next call and as long as `input`'s bytes.
  // Removes what it has read from the front of `input`; nullopt means that all of it was read and
  // the line goes on.
  std::optional<std::string_view> next(std::string_view& input, const line_bound& bound);

  // The same for what nearly every line is: whole in `input`, of at most `most` bytes, ended by
  // CRLF. nullopt says that this one is not, or that one is unfinished; nothing was read then, and
  // next() is to be asked.
  std::optional<std::string_view> next_whole(std::string_view& input, std::size_t most) noexcept {
    if (is_amid_line()) return std::nullopt;
    const std::size_t feed = input.find('\n');
    if (feed == std::string_view::npos || feed == 0 || feed >= most) return std::nullopt;
    if (input[feed - 1] != '\r') return std::nullopt;
    const std::string_view line = input.substr(0, feed - 1);
    input.remove_prefix(feed + 1);
    return line;
  }

  // Whether partial_ has the beginning of the next line, or the line last returned.
  bool is_amid_line() const noexcept { return handed_out_ || !partial_.empty(); }

  // Bytes of an unfinished line held back.
  std::size_t pending() const noexcept { return handed_out_ ? 0 : partial_.size(); }

  void clear() noexcept;

 private:
  std::string partial_;
  bool handed_out_ = false;  // the line last returned is a view of partial_
};

}  // namespace eddy::inline v1::http
