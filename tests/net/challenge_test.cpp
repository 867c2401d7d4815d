#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../net/http/challenge.hpp"

using eddy::http::challenge;
using eddy::http::challenge_list;
using eddy::http::parse_challenges;

namespace {

// "Basic realm=[a]; Negotiate <dG9r>", and what was wrong behind a '!'.
std::string all(const std::vector<std::string_view>& fields) {
  const challenge_list list = parse_challenges(fields);
  std::string out;
  for (const challenge& one : list.challenges) {
    if (!out.empty()) out += "; ";
    out += one.scheme;
    if (!one.token68.empty()) out += " <" + one.token68 + ">";
    for (const auto& [name, value] : one.params) out += " " + name + "=[" + value + "]";
  }
  if (!list.problem.empty()) out += " !" + list.problem;
  return out;
}

std::string parsed(std::string_view field) { return all({field}); }

std::string list_of(std::size_t count, const std::string& element) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += (i == 0 ? "" : ", ") + element + std::to_string(i);
  }
  return out;
}

}  // namespace

TEST_CASE("challenges: one") {
  CHECK(parsed("Basic realm=\"simple\"") == "Basic realm=[simple]");
  CHECK(parsed("Digest realm=a, nonce=\"b c\" ,qop=\"auth, auth-int\"") ==
        "Digest realm=[a] nonce=[b c] qop=[auth, auth-int]");
  CHECK(parsed("Negotiate") == "Negotiate");
  CHECK(parsed("NTLM TlRMTVNT+/==") == "NTLM <TlRMTVNT+/==>");
  CHECK(parsed("Basic realm = \"a\"\t, charset\t=\tUTF-8") == "Basic realm=[a] charset=[UTF-8]");
  CHECK(parsed(" ,, Basic  realm=a ,, ") == "Basic realm=[a]");
  CHECK(parsed("") == "");
  CHECK(parsed(" , ,") == "");
}

TEST_CASE("challenges: several in one field or more") {
  // RFC 9110 §11.6.1.
  CHECK(parsed("Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to "
               "\\\"apps\\\"\"") ==
        "Basic realm=[simple]; Newauth realm=[apps] type=[1] title=[Login to \"apps\"]");
  CHECK(all({"Digest realm=a, nonce=b", "Basic realm=c"}) ==
        "Digest realm=[a] nonce=[b]; Basic realm=[c]");
  CHECK(parsed("Negotiate, Basic realm=a") == "Negotiate; Basic realm=[a]");
  CHECK(parsed("Negotiate YQ==, Basic realm=a, NTLM") ==
        "Negotiate <YQ==>; Basic realm=[a]; NTLM");
  CHECK(parsed("A, B, C") == "A; B; C");
  CHECK(parsed("Scheme, realm=a") == "Scheme realm=[a]");
}

TEST_CASE("challenges: quoted strings") {
  CHECK(parsed(R"(A b="\"\\\c", d="")") == R"(A b=["\c] d=[])");
  CHECK(parsed("A b=\"x, B c=\\\"y\\\"\", d=e") == "A b=[x, B c=\"y\"] d=[e]");
  CHECK(parsed("A b=\"\xC3\xA4\"") == "A b=[\xC3\xA4]");
  CHECK(parsed("A b=\"c") == " !the quoted string of \"b\" does not end");
  CHECK(parsed("A b=\"c\\\"") == " !the quoted string of \"b\" does not end");
  CHECK(parsed("A b=\"c\\") == " !the quoted string of \"b\" does not end");
  CHECK(parsed(std::string_view("A b=\"c\0\"", 8)) ==
        " !the quoted string of \"b\" does not end");
}

TEST_CASE("challenges: what breaks the grammar is left out with what follows it") {
  CHECK(parsed("A b=c, D e=\"f, G h=i") == "A b=[c] !the quoted string of \"e\" does not end");
  CHECK(all({"A b=\"", "C d=e"}) == "C d=[e] !the quoted string of \"b\" does not end");
  CHECK(parsed("realm=a") == " !no scheme before \"realm\"");
  CHECK(parsed("A b=c d=e") == " !no comma before \"d\"");
  CHECK(parsed("A b=c D") == " !no comma before \"D\"");
  CHECK(parsed("Negotiate Basic realm=a") == " !no comma before \"Basic\"");
  CHECK(parsed("A YQ==, b=c") == " !\"b\" follows a token68");
  CHECK(parsed("A b=c, B=d, d=e") == " !\"B\" is there twice");
  CHECK(parsed("A b=\"c\"\"d\"") == " !no token at \"\\\"d\\\"\"");
  CHECK(parsed("A \x01") == " !no token at \"\\x01\"");
  CHECK(parsed("A b=@") == " !no token at \"@\"");
  CHECK(parsed("\"A\"") == " !no token at \"\\\"A\\\"\"");
}

TEST_CASE("challenges: bounds") {
  const std::size_t params = eddy::http::max_challenge_params;
  std::string field = "A ";
  for (std::size_t i = 0; i < params; ++i) field += "p" + std::to_string(i) + "=1, ";
  CHECK(parse_challenges({field}).challenges.at(0).params.size() == params);
  CHECK(parsed(field + "one=more") == " !more than 32 parameters");

  const std::size_t most = eddy::http::max_challenges;
  CHECK(parse_challenges({list_of(most, "S")}).challenges.size() == most);
  CHECK(parse_challenges({list_of(most, "S")}).problem == "");
  CHECK(parse_challenges({list_of(most + 1, "S")}).challenges.size() == most);
  CHECK(parse_challenges({list_of(most + 1, "S")}).problem == "more than 16 challenges");
  CHECK(parse_challenges({list_of(most, "S"), "T"}).problem == "more than 16 challenges");

  const std::string big = "A b=" + std::string(eddy::http::max_challenge_bytes - 4, 'c');
  CHECK(parse_challenges({big}).challenges.size() == 1);
  CHECK(parsed(big + "c") == " !more than 8192 bytes");
  CHECK(parse_challenges({big, "B"}).challenges.size() == 1);
  CHECK(parse_challenges({big, "B"}).problem == "more than 8192 bytes");
}

TEST_CASE("challenges: names compare without regard to case") {
  const challenge_list list = parse_challenges({"Basic ReALM=a"});
  REQUIRE(list.challenges.size() == 1);
  CHECK(list.challenges[0].get("realm") == "a");
  CHECK(list.challenges[0].get("real") == std::nullopt);
}
