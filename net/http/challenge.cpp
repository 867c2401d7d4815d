#include "challenge.hpp"

#include <utility>

#include "grammar.hpp"
#include "quoted.hpp"

namespace eddy::inline v1::http {

namespace {

// What is left of a field. Each take moves on if it succeeds and stays if not.
class field_reader {
 public:
  explicit field_reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool at_element_end() const { return rest_.empty() || rest_.front() == ','; }
  std::string_view rest() const { return rest_; }

  // Whether there was any.
  bool skip_whitespace() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && grammar::is_whitespace(rest_.front())) rest_.remove_prefix(1);
    return rest_.size() != before;
  }

  bool skip_commas() {
    bool found = false;
    for (;;) {
      skip_whitespace();
      if (rest_.empty() || rest_.front() != ',') return found;
      rest_.remove_prefix(1);
      found = true;
    }
  }

  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view take_token() {
    const std::size_t stop = grammar::find_other(rest_, grammar::token);
    return take_bytes(stop == std::string_view::npos ? rest_.size() : stop);
  }

  // Only if it is all of the element: "Basic realm=x" holds none.
  std::string_view take_token68() {
    field_reader ahead = *this;
    std::size_t size = 0;
    while (size < rest_.size() && is_token68(rest_[size])) ++size;
    if (size == 0) return {};
    while (size < rest_.size() && rest_[size] == '=') ++size;
    ahead.take_bytes(size);
    ahead.skip_whitespace();
    if (!ahead.at_element_end()) return {};
    return take_bytes(size);
  }

  // RFC 9110 §5.6.4, without quotes and backslashes.
  std::optional<std::string> take_quoted_string() {
    field_reader ahead = *this;
    if (!ahead.take('"')) return std::nullopt;
    std::string out;
    while (!ahead.at_end()) {
      if (ahead.take('"')) {
        rest_ = ahead.rest_;
        return out;
      }
      ahead.take('\\');
      const std::string_view byte = ahead.take_bytes(1);
      if (byte.empty() || !grammar::is(byte[0], grammar::field_text)) return std::nullopt;
      out.append(byte);
    }
    return std::nullopt;
  }

 private:
  std::string_view take_bytes(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

// Reads one field into the list; a challenge gets there when the next one begins.
class challenge_reader {
 public:
  challenge_reader(challenge_list& out, std::string_view field) : out_(out), field_(field) {}

  void run() {
    while (problem_.empty()) {
      const bool is_separated = field_.skip_commas() || !current_;
      if (field_.at_end()) break;
      const std::string_view name = field_.take_token();
      if (name.empty()) {
        problem_ = "no token at " + quoted(field_.rest());
        break;
      }
      read_element(name, is_separated);
    }
    if (problem_.empty()) finish();
    if (out_.problem.empty()) out_.problem = std::move(problem_);
  }

 private:
  void read_element(std::string_view name, bool is_separated) {
    field_reader ahead = field_;
    ahead.skip_whitespace();
    const bool is_param = ahead.take('=');
    if (!is_separated && !(is_param && follows_scheme_)) {
      problem_ = "no comma before " + quoted(name);
    } else if (is_param) {
      field_ = ahead;
      read_param(name);
    } else {
      begin(name);
    }
  }

  void begin(std::string_view scheme) {
    if (finish(); !problem_.empty()) return;
    current_.emplace();
    current_->scheme = scheme;
    follows_scheme_ = field_.skip_whitespace();
    if (follows_scheme_) current_->token68 = field_.take_token68();
  }

  void read_param(std::string_view name) {
    follows_scheme_ = false;
    field_.skip_whitespace();
    const bool is_quoted = field_.rest().starts_with('"');
    std::optional<std::string> value =
        is_quoted ? field_.take_quoted_string() : std::string(field_.take_token());
    if (!current_) {
      problem_ = "no scheme before " + quoted(name);
    } else if (!current_->token68.empty()) {
      problem_ = quoted(name) + " follows a token68";
    } else if (!value) {
      problem_ = "the quoted string of " + quoted(name) + " does not end";
    } else if (current_->get(name)) {
      problem_ = quoted(name) + " is there twice";
    } else if (current_->params.size() == max_challenge_params) {
      problem_ = "more than " + std::to_string(max_challenge_params) + " parameters";
    } else {
      current_->params.push_back({std::string(name), std::move(*value)});
    }
  }

  void finish() {
    if (!current_) return;
    if (out_.challenges.size() == max_challenges) {
      problem_ = "more than " + std::to_string(max_challenges) + " challenges";
      return;
    }
    out_.challenges.push_back(std::move(*current_));
    current_.reset();
  }

  challenge_list& out_;
  field_reader field_;
  std::optional<challenge> current_;
  bool follows_scheme_ = false;  // a first parameter may come without a comma
  std::string problem_;
};

}  // namespace

bool is_token68(char byte) {
  constexpr std::string_view marks = "-._~+/";
  return grammar::is_letter(byte) || grammar::is_digit(byte) ||
         marks.find(byte) != std::string_view::npos;
}

std::optional<std::string_view> challenge::get(std::string_view name) const noexcept {
  for (const param& p : params) {
    if (grammar::equal_ignoring_case(p.name, name)) return p.value;
  }
  return std::nullopt;
}

challenge_list parse_challenges(const std::vector<std::string_view>& fields) {
  challenge_list out;
  std::size_t size = 0;
  for (const std::string_view field : fields) {
    size += field.size();
    if (size > max_challenge_bytes) {
      if (out.problem.empty()) {
        out.problem = "more than " + std::to_string(max_challenge_bytes) + " bytes";
      }
      break;
    }
    challenge_reader(out, field).run();
  }
  return out;
}

void append_quoted_string(std::string& out, std::string_view value) {
  out.push_back('"');
  for (const char byte : value) {
    if (byte == '"' || byte == '\\') out.push_back('\\');
    out.push_back(byte);
  }
  out.push_back('"');
}

}  // namespace eddy::inline v1::http
