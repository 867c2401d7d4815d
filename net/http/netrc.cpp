#include "netrc.hpp"

#include <algorithm>
#include <eddy/net/http/error.hpp>

#include "../percent.hpp"
#include "grammar.hpp"

namespace eddy::inline v1::http {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

bool is_forbidden(char byte) { return url_syntax::is_control(byte) && !is_space(byte); }

void skip_space(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

bool is(std::string_view word, std::string_view keyword) {
  return grammar::equal_ignoring_case(word, keyword);
}

std::string bytes_over(std::size_t bytes, std::size_t limit) {
  return std::to_string(bytes) + " bytes, the limit is " + std::to_string(limit);
}

}  // namespace

// What is known after some of the words.
class netrc::reader {
 public:
  explicit reader(netrc& into) : into_(into) {}

  void take_line(std::string_view line) {
    ++number_;
    if (line.size() > max_netrc_line_bytes) fail(bytes_over(line.size(), max_netrc_line_bytes));
    skip_space(line);
    if (line.empty()) {
      if (awaited_ == awaited::end_of_macro) awaited_ = awaited::keyword;
      return;
    }
    if (std::any_of(line.begin(), line.end(), is_forbidden)) fail("a control byte");
    while (!line.empty() && awaited_ != awaited::end_of_macro) {
      if (awaited_ == awaited::keyword && line.front() == '#') return;
      take(next_word(line));
      skip_space(line);
    }
  }

  void finish() const {
    if (awaited_ != awaited::keyword && awaited_ != awaited::end_of_macro) {
      fail("the last word wants another one after it");
    }
  }

 private:
  enum class awaited : std::uint8_t {
    keyword, machine, login, password, account, macro, end_of_macro,
  };

  [[noreturn]] void fail(const std::string& why) const {
    throw error("netrc, line " + std::to_string(number_) + ": " + why);
  }

  std::string next_word(std::string_view& line) {
    std::string word;
    if (line.front() == '"') {
      line.remove_prefix(1);
      take_quoted(line, word);
    } else {
      const auto end = std::find_if(line.begin(), line.end(), is_space);
      word.assign(line.begin(), end);
      line.remove_prefix(word.size());
    }
    if (word.size() > max_netrc_word_bytes) {
      fail("a word of " + bytes_over(word.size(), max_netrc_word_bytes));
    }
    return word;
  }

  void take_quoted(std::string_view& line, std::string& word) {
    while (!line.empty() && line.front() != '"') {
      char byte = line.front();
      line.remove_prefix(1);
      if (byte == '\\') {
        if (line.empty()) break;
        byte = unescaped(line.front());
        line.remove_prefix(1);
      }
      word += byte;
    }
    if (line.empty()) fail("a quote that nothing closes");
    line.remove_prefix(1);
  }

  static char unescaped(char byte) {
    switch (byte) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      default: return byte;
    }
  }

  void take(std::string&& word) {
    switch (awaited_) {
      case awaited::keyword: take_keyword(word); return;
      case awaited::machine:
        if (word.empty()) fail("a machine without a name");
        into_.entries_.back().machine = std::move(word);
        break;
      case awaited::login:
        into_.entries_.back().login = std::move(word);
        into_.entries_.back().has_login = true;
        break;
      case awaited::password:
        into_.entries_.back().password = std::move(word);
        into_.entries_.back().has_password = true;
        break;
      case awaited::account: break;
      case awaited::macro: awaited_ = awaited::end_of_macro; return;
      case awaited::end_of_macro: return;
    }
    awaited_ = awaited::keyword;
  }

  void take_keyword(std::string_view word) {
    if (is(word, "machine")) {
      into_.entries_.emplace_back();
      awaited_ = awaited::machine;
    } else if (is(word, "default")) {
      into_.entries_.emplace_back();
    } else if (is(word, "macdef")) {
      awaited_ = awaited::macro;
    } else if (is(word, "login")) {
      await_of_entry(awaited::login);
    } else if (is(word, "password")) {
      await_of_entry(awaited::password);
    } else if (is(word, "account")) {
      await_of_entry(awaited::account);
    } else {
      fail("a word that is none of machine, default, login, password, account, macdef");
    }
  }

  void await_of_entry(awaited what) {
    if (into_.entries_.empty()) fail("it says something before the first machine");
    awaited_ = what;
  }

  netrc& into_;
  std::size_t number_ = 0;
  awaited awaited_ = awaited::keyword;
};

netrc netrc::parse(std::string_view text) {
  if (text.size() > max_netrc_bytes) {
    throw error("netrc of " + bytes_over(text.size(), max_netrc_bytes));
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  netrc result;
  reader from(result);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    from.take_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  from.finish();
  return result;
}

template <class Predicate>
const netrc_entry* netrc::find_if(std::string_view host, Predicate fits) const noexcept {
  const netrc_entry* otherwise = nullptr;
  for (const netrc_entry& entry : entries_) {
    if (!fits(entry)) continue;
    if (is(entry.machine, host)) return &entry;
    if (entry.machine.empty() && !otherwise) otherwise = &entry;
  }
  return otherwise;
}

const netrc_entry* netrc::find(std::string_view host) const noexcept {
  return find_if(host, [](const netrc_entry&) { return true; });
}

const netrc_entry* netrc::find(std::string_view host, std::string_view login) const noexcept {
  return find_if(host, [login](const netrc_entry& entry) {
    return entry.has_login && entry.login == login;
  });
}

}  // namespace eddy::inline v1::http
