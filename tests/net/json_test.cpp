// http::json: reading, building, and errors that name the place.
#include <doctest/doctest.h>

#include <cmath>
#include <eddy/net/http/json.hpp>

using eddy::http::json;
using eddy::http::json_error;

#if EDDY_HAVE_JSON

TEST_CASE("json: values are found and read") {
  const json doc = json::parse(
      R"({"items": [{"name": "eddy", "size": 3}, {"name": "ü\n"}], "ok": true, "ratio": 1.5,
          "big": 18446744073709551615, "low": -9223372036854775808, "none": null, "empty": {}})");
  CHECK(doc["items"][0]["name"].as_string() == "eddy");
  CHECK(doc["items"][1]["name"].as_string() == "ü\n");
  CHECK(doc["items"][0]["size"].as_int64() == 3);
  CHECK(doc["items"][0]["size"].as_double() == 3.0);
  CHECK(doc["low"].as_int64() == INT64_MIN);
  CHECK(doc["big"].as_double() == 18446744073709551615.0);
  CHECK(doc["ratio"].as_double() == 1.5);
  CHECK(doc["ok"].as_bool());
  CHECK(doc["none"].is_null());
  CHECK(doc.contains("none"));
  CHECK_FALSE(doc.contains("nothing"));
  CHECK(doc.find("ok")->as_bool());
  CHECK_FALSE(doc.find("nothing"));
  CHECK(doc.size() == 7);
  CHECK(doc["empty"].empty());
  CHECK(doc["ok"].size() == 0);
  CHECK(doc.type() == json::kind::object);
  CHECK(doc["items"].is_array());
  CHECK(doc["ratio"].is_number());
  CHECK(doc["ok"].is_bool());
  CHECK(doc["items"][0]["name"].is_string());
  CHECK(doc["items"][0]["name"] == "eddy");
  CHECK(doc["items"][0]["size"] == 3);
  CHECK_FALSE(doc["ok"] == doc["none"]);
}

TEST_CASE("json: elements and members in turn") {
  const json doc = json::parse(R"({"b": [1, 2, 3], "a": "x"})");
  std::int64_t sum = 0;
  for (const json& element : doc["b"]) sum += element.as_int64();
  CHECK(sum == 6);
  std::string names;
  for (const auto& [name, value] : doc.members()) names += name + (value.is_string() ? "!" : "?");
  CHECK(names == "a!b?");
  for (const json& element : json::array()) CHECK(element.is_null());
}

TEST_CASE("json: a part outlives the whole") {
  json part;
  {
    const json doc = json::parse(R"({"a": {"b": "text"}})");
    part = doc["a"];
  }
  CHECK(part.dump() == R"({"b":"text"})");
  const json copy = part;
  part.set("b", 1);
  CHECK(copy["b"] == "text");
  CHECK(part["b"] == 1);
}

TEST_CASE("json: built and written") {
  const json order = json::object()
                         .set("id", 7)
                         .set("tags", json::array("a", std::string("b"), nullptr, true, 2.5))
                         .set("max", UINT64_MAX)
                         .set("text", "ü \"\\\x01");
  CHECK(order.dump() == R"({"id":7,"max":18446744073709551615,)"
                        R"("tags":["a","b",null,true,2.5],"text":"ü \"\\\u0001"})");
  CHECK(json::parse(order.dump()) == order);
  CHECK(json::array(1, json::object()).dump(2) == "[\n  1,\n  {}\n]");
  CHECK(json().dump() == "null");
  CHECK(json::array().dump() == "[]");

  json grows;
  grows.set("list", json());
  json list;
  for (int i = 0; i < 3; ++i) list.push_back(i);
  const json before = list;
  list.push_back(list);
  grows.set("list", list).set("x", 1);
  CHECK(grows.dump() == R"({"list":[0,1,2,[0,1,2]],"x":1})");
  CHECK(before.size() == 3);
  CHECK(grows.erase("x"));
  CHECK_FALSE(grows.erase("x"));
  grows = grows["list"];
  CHECK(grows.dump() == "[0,1,2,[0,1,2]]");
  json moved = std::move(grows);
  CHECK(moved.size() == 4);
}

namespace {

template <class F>
std::string failure_of(F f) {
  try {
    f();
  } catch (const json_error& e) {
    return e.what();
  }
  return "none";
}

std::string parse_failure(std::string_view text, std::size_t depth = json::default_max_depth) {
  return failure_of([&] { (void)json::parse(text, depth); });
}

}  // namespace

TEST_CASE("json: errors name the place") {
  const json doc = json::parse(R"({"items": [{"name": "eddy", "n": [1.5]}], "s": "x", "u":
                                  18446744073709551615})");
  CHECK(failure_of([&] { (void)doc["items"][0]["nme"]; }) ==
        "JSON: $.items[0] has no member \"nme\"");
  CHECK(failure_of([&] { (void)doc["items"][1]; }) ==
        "JSON: $.items has 1 elements, and none at 1");
  CHECK(failure_of([&] { (void)doc["items"]["a"]; }) ==
        "JSON: $.items is an array, not an object");
  CHECK(failure_of([&] { (void)doc[0]; }) == "JSON: $ is an object, not an array");
  CHECK(failure_of([&] { (void)doc["items"][0]["n"][0].as_int64(); }) ==
        "JSON: $.items[0].n[0] is the number 1.5, not an integer");
  CHECK(failure_of([&] { (void)doc["u"].as_int64(); }) ==
        "JSON: $.u is the number 18446744073709551615, not one of 64 bits with a sign");
  CHECK(failure_of([&] { (void)doc["s"].as_double(); }) ==
        "JSON: $.s is the string \"x\", not a number");
  CHECK(failure_of([&] { (void)doc["s"].as_bool(); }) ==
        "JSON: $.s is the string \"x\", not a boolean");
  CHECK(failure_of([&] { (void)doc.as_string(); }) == "JSON: $ is an object, not a string");
  CHECK(failure_of([&] { (void)json().members(); }) == "JSON: $ is null, not an object");
  CHECK(failure_of([&] { (void)doc["s"].begin(); }) ==
        "JSON: $.s is the string \"x\", not an array");
  CHECK(failure_of([&] { json("x").push_back(1).dump(); }) ==
        "JSON: $ is the string \"x\", not an array");
  CHECK(failure_of([&] { json(1).set("x", 1).dump(); }) ==
        "JSON: $ is the number 1, not an object");
  CHECK(failure_of([&] { json(std::nan("")); }).starts_with("JSON: there is no number "));
  CHECK(failure_of([&] { (void)json("\xFF").dump(); }) ==
        "JSON: invalid UTF-8 byte at index 0: 0xFF");
}

TEST_CASE("json: what is none, and where") {
  CHECK(parse_failure("{\"a\": 1,\n \"b\": nul}").starts_with("JSON: line 2, column 10: syntax "));
  CHECK(parse_failure("").starts_with("JSON: line 1, column 1: "));
  CHECK(parse_failure("[1,]").starts_with("JSON: line 1, column 4: "));
  CHECK(parse_failure("{} x").starts_with("JSON: line 1, column 4: "));
  CHECK(parse_failure("\"\xFF\"").find("ill-formed UTF-8") != std::string::npos);
  CHECK(parse_failure("1e999").starts_with("JSON: "));
  for (const char* text :
       {"[1", "{\"a\"", "'a'", "{a:1}", "01", "+1", "NaN", "\"\t\"", "// c\n1"}) {
    CHECK(parse_failure(text).starts_with("JSON: line "));
  }
  for (const char byte : parse_failure("[\"\x01\xFF\n")) CHECK((byte >= ' ' && byte <= '~'));
  CHECK(json::parse("\xEF\xBB\xBF[1]").size() == 1);
  CHECK(json::parse(R"({"a": 1, "a": 2})")["a"] == 2);
}

TEST_CASE("json: depth is bounded") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(parse_failure(nested(512)) == "none");
  CHECK(parse_failure(nested(513)) ==
        "JSON: line 1, column 513: nested deeper than max_depth (512)");
  CHECK(parse_failure(std::string(10'000'000, '[')).ends_with("max_depth (512)"));
  CHECK(parse_failure("[\"[[[\\\"[[\", [[]], {}]", 3) == "none");
  CHECK(parse_failure("{\"a\": {\"b\": 1}}", 1) ==
        "JSON: line 1, column 7: nested deeper than max_depth (1)");
}

#else

TEST_CASE("json: a build without it says so") {
  CHECK_THROWS_WITH_AS(json::parse("1"), "this build of Eddy is without JSON (-Djson=enabled)",
                       eddy::http::error);
  const json null;
  CHECK_THROWS_AS((void)null.dump(), eddy::http::error);
}

#endif
