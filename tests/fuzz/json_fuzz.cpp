#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <eddy/net/http/json.hpp>

namespace {

constexpr std::size_t max_depth = 20;

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t visit(const eddy::http::json& value) {
  using kind = eddy::http::json::kind;
  std::size_t count = 1;
  if (value.type() == kind::array) {
    for (const auto& element : value) count += visit(element);
  }
  if (value.type() == kind::object) {
    for (const auto& [name, inner] : value.members()) {
      require(value.contains(name));
      count += visit(inner);
    }
  }
  return count;
}

}  // namespace

// What is JSON is written as JSON that means the same; what is not gets a message without a byte of
// it that could do harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto value = eddy::http::json::parse(text, max_depth);
    require(visit(value) > 0);
    require(eddy::http::json::parse(value.dump(), max_depth) == value);
    require(eddy::http::json::parse(value.dump(3), max_depth) == value);
  } catch (const eddy::http::json_error& failure) {
    for (const char byte : std::string_view(failure.what())) require(byte >= ' ' && byte <= '~');
  } catch (const eddy::http::error&) {
    require(EDDY_HAVE_JSON == 0);
  }
  return 0;
}
