#include <eddy/net/http/json.hpp>

#if EDDY_HAVE_JSON

#include <atomic>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "json_text.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

using tree = nlohmann::json;

// What values share. It is changed only while one value alone knows it, as its root.
struct json::document {
  explicit document(tree t) : root(std::move(t)) {}

  std::atomic<std::uint32_t> references = 0;
  tree root;
};

// What a value stands for.
struct json::access {
  // Null for a null of its own.
  static const tree* node(const json& value) noexcept {
    return value.document_ ? static_cast<const tree*>(value.node_) : nullptr;
  }

  static tree copy(const json& value) {
    const tree* const from = node(value);
    return from ? *from : tree();
  }

  static json make(tree t) {
    auto* const fresh = new document(std::move(t));
    return json(fresh, &fresh->root);
  }

  static json child(const json& parent, const tree& node) { return json(parent.document_, &node); }

  // For a change: what nobody else sees.
  static tree& own(json& value) {
    if (!is_alone(value)) value = make(copy(value));
    return value.document_->root;
  }

  static tree take(json value) {
    if (is_alone(value)) return std::move(value.document_->root);
    return copy(value);
  }

  [[noreturn]] static void fail(const json& value, const std::string& what) {
    std::string place = "$";
    if (value.document_) append_path(place, value.document_->root, *node(value));
    throw json_error("JSON: " + place + " " + what);
  }

  [[noreturn]] static void fail_kind(const json& value, const char* wanted) {
    fail(value, std::string("is ") + described(node(value)) + ", not " + wanted);
  }

 private:
  static bool is_alone(const json& value) noexcept {
    return value.document_ != nullptr &&
           value.document_->references.load(std::memory_order_acquire) == 1 &&
           value.node_ == &value.document_->root;
  }

  static std::string described(const tree* node) {
    if (!node || node->is_null()) return "null";
    if (node->is_object()) return "an object";
    if (node->is_array()) return "an array";
    if (node->is_string()) return "the string " + http::quoted(node->get_ref<const std::string&>());
    return (node->is_number() ? "the number " : "") + node->dump();
  }

  // Asked for only when something is wrong, so it is searched for, not carried along.
  static bool append_path(std::string& path, const tree& from, const tree& node) {
    if (&from == &node) return true;
    if (!from.is_structured()) return false;
    const std::size_t before = path.size();
    std::size_t index = 0;
    for (auto it = from.begin(); it != from.end(); ++it, ++index) {
      if (from.is_object()) {
        path.append(".").append(escaped(it.key()));
      } else {
        path.append("[").append(std::to_string(index)).append("]");
      }
      if (append_path(path, *it, node)) return true;
      path.resize(before);
    }
    return false;
  }
};

json::json(document* shared, const void* node) noexcept : document_(shared), node_(node) {
  if (document_) document_->references.fetch_add(1, std::memory_order_relaxed);
}

json::json(const json& other) noexcept : json(other.document_, other.node_) {}

json::~json() {
  if (!document_) return;
  if (document_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete document_;
}

json json::parse(std::string_view text, std::size_t max_depth) {
  check_json_depth(text, max_depth);
  try {
    return access::make(tree::parse(text));
  } catch (const tree::parse_error& e) {
    throw json_error(json_failure(text, e.byte, e.what()));
  } catch (const tree::exception& e) {
    throw json_error(json_failure(text, 0, e.what()));
  }
}

json::json(std::string_view text) : json(access::make(tree(std::string(text)))) {}

json::json(double value) : json() {
  if (!std::isfinite(value)) throw json_error("JSON: there is no number " + std::to_string(value));
  *this = access::make(tree(value));
}

json json::of_bool(bool value) { return access::make(tree(value)); }
json json::of_signed(std::int64_t value) { return access::make(tree(value)); }
json json::of_unsigned(std::uint64_t value) { return access::make(tree(value)); }
json json::empty_array() { return access::make(tree::array()); }
json json::object() { return access::make(tree::object()); }

json::kind json::type() const {
  const tree* const node = access::node(*this);
  if (!node || node->is_null()) return kind::null;
  if (node->is_boolean()) return kind::boolean;
  if (node->is_number()) return kind::number;
  if (node->is_string()) return kind::string;
  return node->is_array() ? kind::array : kind::object;
}

bool json::as_bool() const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_boolean()) access::fail_kind(*this, "a boolean");
  return node->get<bool>();
}

std::int64_t json::as_int64() const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_number()) access::fail_kind(*this, "a number");
  if (!node->is_number_integer()) access::fail_kind(*this, "an integer");
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (node->is_number_unsigned() && node->get<std::uint64_t>() > most) {
    access::fail_kind(*this, "one of 64 bits with a sign");
  }
  return node->get<std::int64_t>();
}

double json::as_double() const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_number()) access::fail_kind(*this, "a number");
  return node->get<double>();
}

std::string json::as_string() const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_string()) access::fail_kind(*this, "a string");
  return node->get_ref<const std::string&>();
}

std::size_t json::size() const {
  const tree* const node = access::node(*this);
  return node && node->is_structured() ? node->size() : 0;
}

json json::at(std::size_t index) const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_array()) access::fail_kind(*this, "an array");
  if (index >= node->size()) {
    access::fail(*this, "has " + std::to_string(node->size()) + " elements, and none at " +
                            std::to_string(index));
  }
  return access::child(*this, (*node)[index]);
}

json json::at(std::string_view name) const {
  std::optional<json> found = find(name);
  if (!found) access::fail(*this, "has no member " + http::quoted(name));
  return *std::move(found);
}

std::optional<json> json::find(std::string_view name) const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_object()) access::fail_kind(*this, "an object");
  const auto it = node->find(name);
  if (it == node->end()) return std::nullopt;
  return access::child(*this, *it);
}

json::iterator json::begin() const {
  if (!is_array()) access::fail_kind(*this, "an array");
  return iterator(*this, 0);
}

json::iterator json::end() const { return iterator(*this, size()); }

std::vector<json::member> json::members() const {
  const tree* const node = access::node(*this);
  if (!node || !node->is_object()) access::fail_kind(*this, "an object");
  std::vector<member> all;
  all.reserve(node->size());
  for (auto it = node->begin(); it != node->end(); ++it) {
    all.emplace_back(it.key(), access::child(*this, *it));
  }
  return all;
}

json& json::set(std::string_view name, json value) & {
  if (!is_null() && !is_object()) access::fail_kind(*this, "an object");
  access::own(*this)[std::string(name)] = access::take(std::move(value));
  return *this;
}

bool json::erase(std::string_view name) {
  if (!contains(name)) return false;
  access::own(*this).erase(std::string(name));
  return true;
}

json& json::push_back(json value) & {
  if (!is_null() && !is_array()) access::fail_kind(*this, "an array");
  access::own(*this).push_back(access::take(std::move(value)));
  return *this;
}

namespace {

std::string dumped(const tree* node, int indent) {
  try {
    return node ? node->dump(indent) : "null";
  } catch (const tree::exception& e) {
    throw json_error(json_failure("", 0, e.what()));
  }
}

}  // namespace

std::string json::dump() const { return dumped(access::node(*this), -1); }

std::string json::dump(std::size_t indent) const {
  constexpr std::size_t most_indent = 100;
  return dumped(access::node(*this), static_cast<int>(std::min(indent, most_indent)));
}

bool json::equals(const json& other) const {
  const tree* const left = access::node(*this);
  const tree* const right = access::node(other);
  if (!left || !right) return is_null() && other.is_null();
  return *left == *right;
}

}  // namespace eddy::inline v1::http

#endif
