#include <eddy/net/http/headers.hpp>

#include <algorithm>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// What a few fields need: the first one makes room for them, so that each does not make some.
constexpr std::size_t least_fields = 8;
constexpr std::size_t least_bytes = 192;

// The value without the whitespace around it, once the pair is fit to be sent.
std::string_view checked_value(std::string_view name, std::string_view value) {
  if (name.empty()) throw invalid_request("header name is empty");
  if (const auto bad = grammar::find_other(name, grammar::token); bad != std::string_view::npos) {
    throw invalid_request("header name " + quoted(name) + " holds " + hex_byte(name[bad]) +
                          ", which no token may");
  }
  value = grammar::trim_whitespace(value);
  if (const auto bad = grammar::find_not_field_text(value);
      bad != std::string_view::npos) {
    throw invalid_request("value of header " + quoted(name) + " holds the control byte " +
                          hex_byte(value[bad]));
  }
  return value;
}

}  // namespace

headers::headers() = default;
headers::headers(const headers&) = default;
headers::headers(headers&&) noexcept = default;
headers& headers::operator=(const headers&) = default;
headers& headers::operator=(headers&&) noexcept = default;
headers::~headers() = default;

headers& headers::add(std::string_view name, std::string_view value) & {
  append(name, checked_value(name, value));
  return *this;
}

headers&& headers::add(std::string_view name, std::string_view value) && {
  return std::move(add(name, value));
}

headers& headers::set(std::string_view name, std::string_view value) & {
  value = checked_value(name, value);
  const entry stored = store(name, value);
  const std::string_view kept_name(text_.data() + stored.offset, stored.name_size);
  const auto same_name = [&](const entry& place) {
    return grammar::equal_ignoring_case(at(place).name, kept_name);
  };
  const auto first = std::find_if(entries_.begin(), entries_.end(), same_name);
  if (first == entries_.end()) {
    entries_.push_back(stored);
    return *this;
  }
  *first = stored;
  entries_.erase(std::remove_if(first + 1, entries_.end(), same_name), entries_.end());
  compact();
  return *this;
}

headers&& headers::set(std::string_view name, std::string_view value) && {
  return std::move(set(name, value));
}

std::size_t headers::remove(std::string_view name) {
  if (entries_.empty()) return 0;  // as in most requests, which say nothing of their own
  const auto kept = std::remove_if(entries_.begin(), entries_.end(), [&](const entry& place) {
    return grammar::equal_ignoring_case(at(place).name, name);
  });
  const auto removed = static_cast<std::size_t>(entries_.end() - kept);
  entries_.erase(kept, entries_.end());
  if (removed > 0) compact();
  return removed;
}

void headers::clear() noexcept {
  text_.clear();
  entries_.clear();
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  for (const auto& [key, value] : *this) {
    if (grammar::equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : *this) {
    if (grammar::equal_ignoring_case(key, name)) values.push_back(value);
  }
  return values;
}

std::optional<std::string> headers::get_combined(std::string_view name) const {
  std::optional<std::string> combined;
  for (const auto& [key, value] : *this) {
    if (!grammar::equal_ignoring_case(key, name)) continue;
    if (!combined) {
      combined.emplace(value);
    } else {
      combined->append(", ").append(value);
    }
  }
  return combined;
}

bool headers::contains(std::string_view name) const noexcept {
  return !entries_.empty() && get(name).has_value();
}

headers::entry headers::store(std::string_view name, std::string_view value) {
  const entry stored{text_.size(), name.size(), value.size()};
  const std::size_t needed = text_.size() + name.size() + value.size();
  if (needed <= text_.capacity()) {
    text_.append(name).append(value);
    return stored;
  }
  // The arguments may point into text_, so they are copied out before it moves.
  std::string grown;
  grown.reserve(std::max({needed, 2 * text_.capacity(), least_bytes}));
  grown.append(text_).append(name).append(value);
  text_ = std::move(grown);
  return stored;
}

void headers::append(std::string_view name, std::string_view value) {
  if (entries_.capacity() == 0) entries_.reserve(least_fields);
  entries_.push_back(store(name, value));
}

std::size_t headers::capacity_bytes() const noexcept {
  return text_.capacity() + entries_.capacity() * sizeof(entry);
}

void headers::reserve(std::size_t fields, std::size_t bytes) {
  entries_.reserve(fields);
  text_.reserve(bytes);
}

// Drops the text of removed fields, so that a header set again and again does not grow the object.
void headers::compact() {
  std::string packed;
  packed.reserve(text_.size());
  for (entry& place : entries_) {
    const field kept = at(place);
    place.offset = packed.size();
    packed.append(kept.name).append(kept.value);
  }
  text_ = std::move(packed);
}

}  // namespace eddy::inline v1::http
