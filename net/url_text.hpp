#pragma once

#include <string>
#include <string_view>

// The text of a URL before it is understood: cleaning, splitting, and naming it in errors.
namespace eddy::inline v1::url_syntax {

// The text being parsed. Borrows it; every view handed to `fail_at` must lie inside it.
class source {
 public:
  explicit source(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[noreturn]] void fail(std::string_view problem) const;
  // Appends " at offset N", where `where` begins in the text that is shown; nothing if that is not.
  [[noreturn]] void fail_at(std::string_view where, std::string_view problem) const;
  // A piece of the text for a message, quoted; "***" if it is not to be shown.
  [[nodiscard]] std::string quoted_piece(std::string_view piece) const;
  void check_length(std::size_t length) const;

 private:
  std::string_view text_;
};

// In quotes, with what is not printable ASCII as \xNN, shortened: safe in a log line.
[[nodiscard]] std::string quoted(std::string_view text);
// The same of a URL, good or bad, with *** for its user info and for whatever may be a piece of it.
[[nodiscard]] std::string quoted_url(std::string_view text);
// A byte as a message names it: "a space", "a control byte 0x0a", "'<'".
[[nodiscard]] std::string described(char byte);

[[nodiscard]] std::string_view without_surrounding_space(std::string_view text) noexcept;
// An href as browsers read it (WHATWG URL, "basic URL parser", steps 1 to 3): a view of `text`, or
// of `room`.
[[nodiscard]] std::string_view cleaned_href(std::string_view text, std::string& room);

// RFC 3986 §3 and appendix B; the pieces are as written.
struct reference {
  std::string_view scheme;  // empty if the reference is relative
  std::string_view authority;
  std::string_view path;
  std::string_view query;
  std::string_view fragment;
  bool has_authority = false;
  bool has_query = false;
  bool has_fragment = false;
};
[[nodiscard]] reference split(std::string_view text) noexcept;

// RFC 3986 §5.2.4, in place, on the absolute path that `text` ends with from `begin` on.
void remove_dot_segments(std::string& text, std::size_t begin);

}  // namespace eddy::inline v1::url_syntax
