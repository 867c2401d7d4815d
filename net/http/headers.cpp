#include <eddy/net/http/headers.hpp>

#include <algorithm>
#include <utility>

#include <eddy/net/http/error.hpp>

#include "field_line.hpp"
#include "field_values.hpp"
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

// One bit of 64 by the length and the ends of a name, in which case does not count.
std::uint64_t headers::bit_of(std::string_view name) noexcept {
  if (name.empty()) return 0;  // no field has this name
  const auto lower = [](char byte) { return static_cast<unsigned char>(byte) | 0x20U; };
  const std::size_t mixed = name.size() + 7 * lower(name.front()) + 29 * lower(name.back());
  return std::uint64_t{1} << (mixed % 64);
}

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
  names_ |= bit_of(name);
  const entry stored = store(name, value);
  const std::string_view kept_name = at(stored).name;
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
  if (lacks(name)) return 0;
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
  names_ = 0;
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  const std::size_t found = find(name, 0);
  if (found == entries_.size()) return std::nullopt;
  return at(entries_[found]).value;
}

std::vector<std::string_view> headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const std::string_view value : values_of(*this, name)) values.push_back(value);
  return values;
}

std::optional<std::string> headers::get_combined(std::string_view name) const {
  std::optional<std::string> combined;
  for (const std::string_view value : values_of(*this, name)) {
    if (!combined) {
      combined.emplace(value);
    } else {
      combined->append(", ").append(value);
    }
  }
  return combined;
}

std::size_t headers::find(std::string_view name, std::size_t from) const noexcept {
  if (lacks(name)) return entries_.size();
  for (; from < entries_.size(); ++from) {
    const entry& place = entries_[from];
    if (place.name_size == name.size() && grammar::equal_ignoring_case(at(place).name, name)) break;
  }
  return from;
}

bool headers::contains(std::string_view name) const noexcept {
  return find(name, 0) < entries_.size();
}

headers::entry headers::store(std::string_view name, std::string_view value) {
  const std::size_t place = text_.size();
  const std::size_t needed = place + name.size() + value.size();
  // The arguments may point into text_.
  if (needed <= text_.capacity()) {
    text_.resize(needed);
    const auto to = text_.begin() + static_cast<std::ptrdiff_t>(place);
    std::copy(value.begin(), value.end(), std::copy(name.begin(), name.end(), to));
  } else {
    std::vector<char> grown;
    grown.reserve(std::max({needed, 2 * text_.capacity(), least_bytes}));
    grown.insert(grown.end(), text_.begin(), text_.end());
    grown.insert(grown.end(), name.begin(), name.end());
    grown.insert(grown.end(), value.begin(), value.end());
    text_.swap(grown);
  }
  return {place, name.size(), place + name.size(), value.size()};
}

void headers::append(std::string_view name, std::string_view value) {
  if (entries_.capacity() == 0) entries_.reserve(least_fields);
  names_ |= bit_of(name);  // before the text moves, in which the name may lie
  entries_.push_back(store(name, value));
}

void headers::append_lines(std::string_view lines, std::span<const field_cut> cuts) {
  const std::size_t place = text_.size();
  text_.insert(text_.end(), lines.begin(), lines.end());
  for (const field_cut& cut : cuts) {
    entries_.push_back({place + cut.name, cut.name_size, place + cut.value, cut.value_size});
    names_ |= bit_of(lines.substr(cut.name, cut.name_size));
  }
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
  headers packed;
  packed.reserve(entries_.size(), text_.size());
  for (const auto& [name, value] : *this) packed.append(name, value);
  swap(packed);
}

}  // namespace eddy::inline v1::http
