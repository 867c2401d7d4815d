// http::json in a build without a JSON library: there is only null.
#include <eddy/net/http/json.hpp>

#if !EDDY_HAVE_JSON

namespace eddy::inline v1::http {

namespace {

[[noreturn]] void fail() { throw error("this build of Eddy is without JSON (-Djson=enabled)"); }

}  // namespace

struct json::document {};

json::json(document* shared, const void* node) noexcept : document_(shared), node_(node) {}
json::json(const json& other) noexcept : json(other.document_, other.node_) {}
json::~json() = default;

json json::parse(std::string_view, std::size_t) { fail(); }
json::json(std::string_view) { fail(); }
json::json(double) { fail(); }
json json::of_bool(bool) { fail(); }
json json::of_signed(std::int64_t) { fail(); }
json json::of_unsigned(std::uint64_t) { fail(); }
json json::empty_array() { fail(); }
json json::object() { fail(); }
json::kind json::type() const { fail(); }
bool json::as_bool() const { fail(); }
std::int64_t json::as_int64() const { fail(); }
double json::as_double() const { fail(); }
std::string json::as_string() const { fail(); }
std::size_t json::size() const { fail(); }
json json::at(std::size_t) const { fail(); }
json json::at(std::string_view) const { fail(); }
std::optional<json> json::find(std::string_view) const { fail(); }
json::iterator json::begin() const { fail(); }
json::iterator json::end() const { fail(); }
std::vector<json::member> json::members() const { fail(); }
json& json::set(std::string_view, json) & { fail(); }
bool json::erase(std::string_view) { fail(); }
json& json::push_back(json) & { fail(); }
std::string json::dump() const { fail(); }
std::string json::dump(std::size_t) const { fail(); }
bool json::equals(const json&) const { fail(); }

}  // namespace eddy::inline v1::http

#endif
