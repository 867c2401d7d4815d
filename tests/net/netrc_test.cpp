#include <doctest/doctest.h>

#include <eddy/net/http/error.hpp>
#include <string>
#include <string_view>

#include "../../net/http/netrc.hpp"
#include "../runtime/drive.hpp"

using eddy::http::netrc;
using eddy::http::netrc_entry;

namespace {

// "machine|login|password" of each entry.
std::string shown(std::string_view text) {
  std::string out;
  for (const netrc_entry& e : netrc::parse(text).entries()) {
    out += e.machine + "|" + e.login + "|" + e.password + "\n";
  }
  return out;
}

std::string failure(std::string_view text) {
  return message_of<eddy::http::error>([&] { static_cast<void>(netrc::parse(text)); });
}

std::string login_of(const netrc_entry* entry) { return entry ? entry->login : "none"; }

}  // namespace

TEST_CASE("netrc: machines, in one line or in several") {
  CHECK(shown("") == "");
  CHECK(shown("\n \t\r\n") == "");
  CHECK(shown("machine a.example login me password s3cret account x\n") ==
        "a.example|me|s3cret\n");
  CHECK(shown("machine\n\ta.example\r\nlogin\r\n me\npassword s3cret") == "a.example|me|s3cret\n");
  CHECK(shown("machine a login b machine c password d default login e") ==
        "a|b|\nc||d\n|e|\n");
  CHECK(shown("MACHINE a Login b") == "a|b|\n");
  CHECK(shown("\xEF\xBB\xBFmachine a") == "a||\n");
  // A value is a value, whatever it looks like.
  CHECK(shown("machine machine login login password default") == "machine|login|default\n");
  CHECK(shown("machine a login b login c") == "a|c|\n");
}

TEST_CASE("netrc: what is in quotes is one word") {
  CHECK(shown(R"(machine "a" login "us er" password "p\"w\\ \n\t\x#")") ==
        "a|us er|p\"w\\ \n\tx#\n");
  CHECK(shown(R"(machine a login "" password b"c)") == "a||b\"c\n");
  CHECK(netrc::parse(R"(machine a login "")").entries().at(0).has_login);
  CHECK(shown(R"(machine "a"login "b"password c)") == "a|b|c\n");
}

TEST_CASE("netrc: comments and macros are skipped, and a password may begin as one") {
  CHECK(shown("# machine x\nmachine a # login y\n#\n  # z\nlogin b") == "a|b|\n");
  CHECK(shown("machine a password #1 login #2") == "a|#2|#1\n");
  CHECK(shown("macdef init\ncd /x\nmachine x \"\n\nmachine a\n") == "a||\n");
  CHECK(shown("machine a login b\nmacdef m machine x\nmachine y\n \t\r\npassword c") == "a|b|c\n");
  CHECK(shown("macdef m\nput x") == "");
}

TEST_CASE("netrc: which entry a host gets") {
  const netrc logins = netrc::parse(
      "machine a login first\nmachine A login second password x\ndefault login anyone\n"
      "machine b login last\nmachine c password only");
  CHECK(login_of(logins.find("a")) == "first");
  CHECK(login_of(logins.find("A")) == "first");
  CHECK(login_of(logins.find("b")) == "last");  // the default one is for who has none
  CHECK(login_of(logins.find("a.b")) == "anyone");
  CHECK(login_of(logins.find("")) == "anyone");
  CHECK(logins.find("c")->password == "only");

  CHECK(logins.find("a", "second")->password == "x");
  CHECK(login_of(logins.find("a", "anyone")) == "anyone");
  CHECK(login_of(logins.find("a", "Second")) == "none");
  CHECK(login_of(logins.find("c", "")) == "none");
  CHECK(login_of(netrc::parse("machine a login b").find("c")) == "none");
  CHECK(login_of(netrc().find("a")) == "none");
  CHECK(login_of(netrc::parse("default login a default login b").find("c")) == "a");
}

TEST_CASE("netrc: an error names the line, and shows no word") {
  struct row {
    std::string_view text;
    std::string_view said;
  };
  using namespace std::string_view_literals;
  constexpr row rows[] = {
      {"machine a\nlogin b password c d3f\n",
       "netrc, line 2: a word that is none of machine, default, login, password, account, macdef"},
      {"\n\npassword s3cret", "netrc, line 3: it says something before the first machine"},
      {"machine", "netrc, line 1: the last word wants another one after it"},
      {"machine a login b password\n\n\n",
       "netrc, line 3: the last word wants another one after it"},
      {"macdef", "netrc, line 1: the last word wants another one after it"},
      {"machine a password \"x y", "netrc, line 1: a quote that nothing closes"},
      {"machine a password \"x\\", "netrc, line 1: a quote that nothing closes"},
      {"machine a password \"x\ny\"", "netrc, line 1: a quote that nothing closes"},
      {"machine \"\"", "netrc, line 1: a machine without a name"},
      {"machine a\0b"sv, "netrc, line 1: a control byte"},
      {"machine a\n\x7F", "netrc, line 2: a control byte"},
  };
  for (const row& r : rows) {
    CAPTURE(r.text);
    CHECK(failure(r.text) == r.said);
  }
}

TEST_CASE("netrc: the bounds are exact and named") {
  const std::string word(eddy::http::max_netrc_word_bytes, 'w');
  CHECK(netrc::parse("machine " + word).entries().at(0).machine == word);
  CHECK(netrc::parse("machine \"" + word + "\"").entries().at(0).machine == word);
  CHECK(failure("machine " + word + "w") ==
        "netrc, line 1: a word of 4097 bytes, the limit is 4096");
  CHECK(failure("machine a login \"" + word + "w\"") ==
        "netrc, line 1: a word of 4097 bytes, the limit is 4096");

  const std::string line(eddy::http::max_netrc_line_bytes - 1, ' ');
  CHECK(shown("#" + line + "\nmachine a") == "a||\n");
  CHECK(failure("machine a\n#" + line + " ") ==
        "netrc, line 2: 16385 bytes, the limit is 16384");

  const std::string text(eddy::http::max_netrc_bytes, '\n');
  CHECK(shown(text) == "");
  CHECK(failure(text + "\n") == "netrc of 131073 bytes, the limit is 131072");
}
