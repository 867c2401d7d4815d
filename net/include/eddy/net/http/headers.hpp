#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::inline v1::http {

class head_parser;
class request_memories;
class spare_headers;
class values_of;
struct field_cut;

// The fields of a message in the order they were added, duplicates kept. Names compare without
// regard to ASCII case (RFC 9110 §5.1). Nothing in it can split a message: names are tokens and
// values hold no CR, LF, NUL or other control byte but HTAB (§5.5), because add and set throw
// http::invalid_request otherwise and the parser refuses such messages.
//
// A plain value for one thread at a time. Views and iterators that it hands out live until it is
// next modified.
//
//   eddy::http::headers fields;
//   fields.add("Accept", "text/html").set("Host", "example.com");
//   for (const auto& [name, value] : fields) …
class headers {
 public:
  struct field {
    std::string_view name;
    std::string_view value;
  };
  class iterator;
  using const_iterator = iterator;
  using value_type = field;

  headers();
  headers(const headers&);
  headers(headers&&) noexcept;
  headers& operator=(const headers&);
  headers& operator=(headers&&) noexcept;
  ~headers();

  // Appends a field; whitespace around the value is dropped. Arguments may be views into this
  // object.
  headers& add(std::string_view name, std::string_view value) &;
  headers&& add(std::string_view name, std::string_view value) &&;

  // Makes this the only field of that name, at the place of the first one if there were any.
  headers& set(std::string_view name, std::string_view value) &;
  headers&& set(std::string_view name, std::string_view value) &&;

  // Removes every field of that name and says how many there were.
  std::size_t remove(std::string_view name);
  void clear() noexcept;

  // The first value of that name.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  // Every value of that name, in order: what Set-Cookie needs.
  std::vector<std::string_view> get_all(std::string_view name) const;
  // Every value of that name, joined with ", " (RFC 9110 §5.3).
  std::optional<std::string> get_combined(std::string_view name) const;
  bool contains(std::string_view name) const noexcept;

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  iterator begin() const noexcept;
  iterator end() const noexcept;

 private:
  friend class head_parser;
  friend class request_memories;
  friend class spare_headers;
  friend class values_of;

  // Where both lie in text_.
  struct entry {
    std::size_t name;
    std::size_t name_size;
    std::size_t value;
    std::size_t value_size;
  };

  field at(const entry& place) const noexcept;
  entry store(std::string_view name, std::string_view value);
  void append(std::string_view name, std::string_view value);  // already checked
  void append_lines(std::string_view lines, std::span<const field_cut> cuts);  // the same
  // The place of the next field of that name, or size().
  std::size_t find(std::string_view name, std::size_t from) const noexcept;
  void reserve(std::size_t fields, std::size_t bytes);
  std::size_t capacity_bytes() const noexcept;
  void compact();
  void swap(headers& other) noexcept {
    text_.swap(other.text_);
    entries_.swap(other.entries_);
    std::swap(names_, other.names_);
  }
  static std::uint64_t bit_of(std::string_view name) noexcept;
  // Says at once that most names are not there that are asked for. False: one has to look.
  bool lacks(std::string_view name) const noexcept {
    return entries_.empty() || (names_ & bit_of(name)) == 0;
  }

  std::vector<char> text_;  // of the fields, and of some that were removed
  std::vector<entry> entries_;
  std::uint64_t names_ = 0;  // the bits of all names there, and perhaps of some that were removed
};

class headers::iterator {
 public:
  using value_type = field;
  using difference_type = std::ptrdiff_t;
  using reference = field;
  using pointer = void;
  using iterator_category = std::input_iterator_tag;

  iterator() noexcept = default;
  field operator*() const noexcept { return owner_->at(owner_->entries_[index_]); }
  iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  iterator operator++(int) noexcept {
    iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const iterator& left, const iterator& right) noexcept {
    return left.index_ == right.index_;
  }

 private:
  friend class headers;
  iterator(const headers* owner, std::size_t index) noexcept : owner_(owner), index_(index) {}

  const headers* owner_ = nullptr;
  std::size_t index_ = 0;
};

inline headers::field headers::at(const entry& place) const noexcept {
  return {std::string_view(text_.data() + place.name, place.name_size),
          std::string_view(text_.data() + place.value, place.value_size)};
}

inline headers::iterator headers::begin() const noexcept { return {this, 0}; }
inline headers::iterator headers::end() const noexcept { return {this, entries_.size()}; }

}  // namespace eddy::inline v1::http
