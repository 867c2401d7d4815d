// JSON values: what a response brings, and what a request takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <eddy/net/http/error.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy::inline v1::http {

// Text that is no JSON, a value that is not there or of another kind. The message names the place:
// "JSON: line 3, column 7: …", "JSON: $.items[0] has no member \"name\"".
class json_error : public error {
 public:
  using error::error;
  ~json_error() override;
};

// A JSON value (RFC 8259): null, a boolean, a number, a string, an array or an object. Copies are
// cheap: values share what they were parsed from, and keep it alive. Changing one changes no
// other. A value may be moved to another thread, and read by several.
//
//   const json doc = json::parse(R"({"items": [{"name": "eddy"}]})");
//   doc["items"][0]["name"].as_string();   // "eddy"
//   const json order = json::object().set("id", 7).set("tags", json::array("a", "b"));
//   order.dump();                          // {"id":7,"tags":["a","b"]}
//
// All that looks into a value throws json_error, which names the place, if there is nothing of that
// name or kind. Members of an object are kept sorted by name; of two with one name the last counts.
// In a build without JSON everything but copying throws http::error that says so.
class json {
 public:
  enum class kind : std::uint8_t { null, boolean, number, string, array, object };
  class iterator;
  class member;

  // Arrays and objects within each other; Python takes 1,000, Go 10,000, .NET 64.
  static constexpr std::size_t default_max_depth = 512;

  // Throws json_error with line, column and reason. `text` is UTF-8.
  static json parse(std::string_view text, std::size_t max_depth = default_max_depth);

  json() noexcept {}  // null
  json(std::nullptr_t) noexcept {}
  json(std::string_view text);
  json(const std::string& text) : json(std::string_view(text)) {}
  json(const char* text) : json(std::string_view(text)) {}
  // Throws json_error for what is not finite: JSON has no such number.
  json(double value);
  template <class Integer>
    requires std::is_integral_v<Integer>
  json(Integer value) : json(of_integer(value)) {}
  template <class... Values>
  static json array(Values&&... values) {
    json all = empty_array();
    (all.push_back(json(std::forward<Values>(values))), ...);
    return all;
  }
  static json object();

  json(const json& other) noexcept;
  json(json&& other) noexcept
      : document_(std::exchange(other.document_, nullptr)), node_(other.node_) {}
  json& operator=(json other) noexcept {
    std::swap(document_, other.document_);
    std::swap(node_, other.node_);
    return *this;
  }
  ~json();

  kind type() const;
  bool is_null() const { return type() == kind::null; }
  bool is_bool() const { return type() == kind::boolean; }
  bool is_number() const { return type() == kind::number; }
  bool is_string() const { return type() == kind::string; }
  bool is_array() const { return type() == kind::array; }
  bool is_object() const { return type() == kind::object; }

  bool as_bool() const;
  // A number without fraction and exponent that fits.
  std::int64_t as_int64() const;
  // Any number, rounded to what a double can hold.
  double as_double() const;
  std::string as_string() const;

  // Elements or members; 0 for what has none.
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  // An element, a member.
  json operator[](std::size_t index) const { return at(index); }
  json operator[](std::string_view name) const { return at(name); }
  json at(std::size_t index) const;
  json at(std::string_view name) const;
  // A member, or nothing if there is none of that name.
  std::optional<json> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

  // Of an array: its elements, each a json.
  iterator begin() const;
  iterator end() const;
  // Of an object: its members.
  std::vector<member> members() const;

  // Changes an object: adds a member, or replaces the one of that name. null becomes an object.
  json& set(std::string_view name, json value) &;
  [[nodiscard]] json&& set(std::string_view name, json value) && {
    return std::move(set(name, std::move(value)));
  }
  // Removes a member; false if there was none.
  bool erase(std::string_view name);
  // Changes an array: adds an element at its end. null becomes an array.
  json& push_back(json value) &;
  [[nodiscard]] json&& push_back(json value) && { return std::move(push_back(std::move(value))); }

  // The text, without spaces. Throws json_error if a string is not UTF-8.
  std::string dump() const;
  // The same over several lines, each level indented by so many spaces.
  std::string dump(std::size_t indent) const;

  // Numbers are equal if their values are.
  friend bool operator==(const json& left, const json& right) { return left.equals(right); }

 private:
  struct document;
  struct access;

  json(document* shared, const void* node) noexcept;  // takes a share
  template <class Integer>
  static json of_integer(Integer value) {
    if constexpr (std::is_same_v<Integer, bool>) {
      return of_bool(value);
    } else if constexpr (std::is_signed_v<Integer>) {
      return of_signed(value);
    } else {
      return of_unsigned(value);
    }
  }
  static json of_bool(bool value);
  static json of_signed(std::int64_t value);
  static json of_unsigned(std::uint64_t value);
  static json empty_array();
  bool equals(const json& other) const;

  document* document_ = nullptr;  // counted; null for a null of its own
  const void* node_ = nullptr;    // in it
};

// Over the elements of an array; good as long as the array that it came from is not changed.
class json::iterator {
 public:
  iterator(const json& array, std::size_t index) noexcept : array_(&array), index_(index) {}
  json operator*() const { return array_->at(index_); }
  iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  friend bool operator==(const iterator& left, const iterator& right) noexcept {
    return left.index_ == right.index_;
  }

 private:
  const json* array_;
  std::size_t index_;
};

class json::member {
 public:
  member(std::string its_name, json its_value)
      : name(std::move(its_name)), value(std::move(its_value)) {}

  std::string name;
  json value;
};

}  // namespace eddy::inline v1::http
